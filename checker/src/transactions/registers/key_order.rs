//! The order of one key's versions, as far as it can be inferred.

use super::{
    moments::Moments,
    touches::{VersionEdge, VersionEdges},
};
use crate::{
    Exhausted, VersionOrder,
    meter::Meter,
    transactions::{
        components::{Adjacency, components, finishing_order},
        extract::{INITIAL, Transactions},
    },
};

/// What is known of all keys.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) all: &'a Transactions,
    pub(super) edges: &'a VersionEdges,
    pub(super) moments: &'a Moments,
    pub(super) seen: &'a [bool],
}

/// What is known of one key.
#[derive(Debug, Default)]
pub(super) struct KeyOrder {
    /// Versions whose writers count, by when they were last met first.
    pub(super) row: Vec<u32>,
    /// (version, later version), sorted; neither is the initial one.
    edges: Vec<(u32, u32)>,
    /// The later versions of `edges` alone.
    later: Vec<u32>,
    /// Whether real time orders versions too.
    pub(super) by_moments: bool,
    /// Whether all pairs of versions in the row are ordered.
    pub(super) is_total: bool,
}

/// The versions of a key as a graph: places from 0, the initial version last; then one helper for
/// each place of the row, from which all versions that were met later can be reached.
struct Versions<'a> {
    order: &'a KeyOrder,
    moments: &'a Moments,
    first: u32,
    count: u32,
    key: u32,
    /// All states by [`Moments::last_begun`], for `by_moments`.
    sweep: Vec<u32>,
    /// To the initial version, and from it where real time says so.
    to_initial: Vec<u32>,
}

impl Versions<'_> {
    fn version(&self, place: u32) -> u32 {
        if place == self.count { INITIAL } else { self.first + place }
    }

    fn place(&self, version: u32) -> u32 {
        if version == INITIAL { self.count } else { version - self.first }
    }

    fn state(&self, version: u32) -> u32 {
        self.moments.state(self.key, version)
    }
}

impl Adjacency for Versions<'_> {
    fn node_count(&self) -> u32 {
        self.count + 1 + self.sweep.len() as u32
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let at = *cursor;
        *cursor += 1;
        if node > self.count {
            let place = node - self.count - 1;
            return match at {
                0 => Some(self.place(self.sweep[place as usize])),
                1 if (place as usize) + 1 < self.sweep.len() => Some(node + 1),
                _ => None,
            };
        }
        let version = self.version(node);
        if version == INITIAL {
            // Each version follows it.
            return (at < self.count)
                .then_some(at)
                .or_else(|| self.by_time(version, at - self.count));
        }
        let later = self.order.after(version);
        if let Some(&later) = later.get(at as usize) {
            return Some(self.place(later));
        }
        let at = at - later.len() as u32;
        match at {
            0 if self.to_initial.binary_search(&version).is_ok() => Some(self.count),
            0 => {
                *cursor += 1;
                self.by_time(version, 0)
            }
            _ => self.by_time(version, at - 1),
        }
    }
}

impl Versions<'_> {
    /// The one edge to the sweep's helpers.
    fn by_time(&self, version: u32, at: u32) -> Option<u32> {
        let ended = self.moments.first_ended(self.state(version));
        let begun = |later: &u32| self.moments.last_begun(self.state(*later)) <= ended;
        let first = self.sweep.partition_point(begun);
        (at == 0 && first < self.sweep.len()).then(|| self.count + 1 + first as u32)
    }
}

impl KeyOrder {
    /// The versions that follow a version for other reasons than real time.
    pub(super) fn after(&self, version: u32) -> &[u32] {
        let first = self.edges.partition_point(|edge| edge.0 < version);
        let end = first + self.edges[first..].partition_point(|edge| edge.0 == version);
        &self.later[first..end]
    }

    pub(super) fn bytes(&self) -> usize {
        4 * (self.row.len() + self.later.len()) + 8 * self.edges.len()
    }

    fn set_edges(&mut self, mut edges: Vec<(u32, u32)>) {
        edges.sort_unstable();
        edges.dedup();
        self.later = edges.iter().map(|edge| edge.1).collect();
        self.edges = edges;
    }

    /// The order, and versions that precede each other in circles.
    pub(super) fn infer(
        known: &Known<'_>,
        key: u32,
        assumed: &[VersionOrder],
        meter: &Meter<'_>,
    ) -> Result<(Self, Vec<Vec<u32>>), Exhausted> {
        let Known { all, edges, moments, seen } = *known;
        let mut row: Vec<u32> =
            all.versions_of(key).filter(|&version| seen[version as usize]).collect();
        row.sort_by_key(|&version| (moments.last_begun(version), version));
        let mut order = Self { row, ..Self::default() };
        let mut cyclic = Vec::new();
        for source in [&edges.writes_follow_reads, &edges.sequential] {
            let more = of_key(source, key);
            if more.is_empty() {
                continue;
            }
            let before = order.edges.clone();
            let to_initial: Vec<u32> =
                more.iter().filter(|edge| edge.2 == INITIAL).map(|edge| edge.1).collect();
            let more = more.iter().filter(|edge| edge.1 != INITIAL && edge.2 != INITIAL);
            let more = more.map(|edge| (edge.1, edge.2));
            order.set_edges(before.iter().copied().chain(more).collect());
            let circles = order.circles(all, key, moments, to_initial, meter)?;
            if !circles.is_empty() {
                cyclic.extend(circles);
                order.set_edges(before);
            }
        }
        if assumed.contains(&VersionOrder::Linearizable) {
            order.by_moments = true;
            let circles = order.circles(all, key, moments, Vec::new(), meter)?;
            order.by_moments = circles.is_empty();
            cyclic.extend(circles);
        }
        order.is_total = order.orders_all(all, key, moments, meter)?;
        Ok((order, cyclic))
    }

    fn graph<'a>(
        &'a self,
        all: &Transactions,
        key: u32,
        moments: &'a Moments,
        to_initial: Vec<u32>,
    ) -> Versions<'a> {
        let versions = all.versions_of(key);
        let mut sweep: Vec<u32> = Vec::new();
        if self.by_moments {
            sweep.extend(versions.clone().chain([INITIAL]));
            sweep.sort_by_key(|&version| moments.last_begun(moments.state(key, version)));
        }
        Versions {
            order: self,
            moments,
            first: versions.start,
            count: versions.len() as u32,
            key,
            sweep,
            to_initial,
        }
    }

    /// Sets of versions that precede each other in circles. A version may reach itself through the
    /// helpers of the sweep; two that share helpers both ways do precede each other.
    fn circles(
        &self,
        all: &Transactions,
        key: u32,
        moments: &Moments,
        to_initial: Vec<u32>,
        meter: &Meter<'_>,
    ) -> Result<Vec<Vec<u32>>, Exhausted> {
        let graph = self.graph(all, key, moments, to_initial);
        let found = components(&graph, &mut meter.share())?;
        let versions = |nodes: Vec<u32>| {
            let mut versions: Vec<u32> = nodes
                .into_iter()
                .filter(|&node| node <= graph.count)
                .map(|node| graph.version(node))
                .collect();
            versions.sort_unstable();
            versions
        };
        Ok(found.into_iter().map(versions).filter(|versions| versions.len() > 1).collect())
    }

    /// An order is total when each version directly precedes the next in a topological order.
    fn orders_all(
        &self,
        all: &Transactions,
        key: u32,
        moments: &Moments,
        meter: &Meter<'_>,
    ) -> Result<bool, Exhausted> {
        if self.row.len() < 2 {
            return Ok(true);
        }
        let graph = self.graph(all, key, moments, Vec::new());
        let mut nodes = finishing_order(&graph, &mut meter.share())?;
        nodes.reverse();
        let mut counts = vec![false; graph.count as usize];
        for &version in &self.row {
            counts[graph.place(version) as usize] = true;
        }
        let versions: Vec<u32> = nodes
            .into_iter()
            .filter(|&node| node < graph.count && counts[node as usize])
            .map(|node| graph.version(node))
            .collect();
        Ok(versions.windows(2).all(|pair| {
            self.after(pair[0]).contains(&pair[1])
                || self.by_moments && moments.precedes(pair[0], pair[1])
        }))
    }
}

fn of_key(edges: &[VersionEdge], key: u32) -> &[VersionEdge] {
    let first = edges.partition_point(|edge| edge.0 < key);
    let end = first + edges[first..].partition_point(|edge| edge.0 == key);
    &edges[first..end]
}
