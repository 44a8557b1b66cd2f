//! Which cycles a component holds: complete, and polynomial.
//!
//! Cycles are told apart by their `rw` edges (none, one, several but never two in a row, two in a
//! row) and by whether they need the order of processes or real time (Adya, Weak Consistency, 1999;
//! Cerone and Gotsman, Analysing Snapshot Isolation, PODC 2016, for those without adjacent `rw`
//! edges). Each level that forbids cycles forbids all kinds up to one of these, so the worst kind
//! of cycle for each of the three orders says all that is to be known.

use crate::{Exhausted, meter::Share};

use super::{
    components::{components, finishing_order},
    graph::{Edge, Edges},
    part::{Filtered, Nonadjacent, Part},
};

/// Kinds of cycles, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    /// `ww` edges alone.
    G0,
    /// `ww` and `wr` edges.
    G1c,
    /// Exactly one `rw` edge.
    Single,
    /// Several `rw` edges, never two in a row.
    Nonadjacent,
    /// Two `rw` edges in a row.
    G2,
}

/// What else may order transactions, beyond the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Order {
    /// Nothing.
    Data,
    /// The order of each process.
    Process,
    /// Real time, of which the order of processes is a part.
    Realtime,
}

impl Order {
    pub(crate) const ALL: [Self; 3] = [Self::Data, Self::Process, Self::Realtime];

    fn edges(self) -> Edges {
        match self {
            Self::Data => Edges::default(),
            Self::Process => Edges::of(&[Edge::Process]),
            Self::Realtime => Edges::of(&[Edge::Realtime]),
        }
    }

    /// The edges of cycles of this family, `rw` excepted.
    pub(crate) fn edges_of(self, family: Family) -> Edges {
        let edges = self.edges().and(Edge::Onward).and(Edge::Ww);
        if family == Family::G0 { edges } else { edges.and(Edge::Wr) }
    }
}

/// Cycles of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cycles {
    pub(crate) family: Family,
    pub(crate) order: Order,
    /// The nodes that are on closed walks of this kind, by component of the graph of such walks;
    /// for [`Family::Nonadjacent`] and [`Family::Single`] nodes of [`Nonadjacent`].
    pub(crate) regions: Vec<Vec<u32>>,
}

/// The worst kind of cycle for each order, where it is worse than for the order before. O(nodes +
/// edges), save that telling [`Family::Single`] from [`Family::Nonadjacent`] takes, where there
/// are only the latter, a 64th of the number of `rw` edges times that.
pub(crate) fn classify(part: &Part, share: &mut Share<'_>) -> Result<Vec<Cycles>, Exhausted> {
    let mut found: Vec<Cycles> = Vec::new();
    for order in Order::ALL {
        let worst = found.last().map(|cycles| cycles.family);
        if worst == Some(Family::G0) {
            break;
        }
        if let Some(cycles) = worst_cycles(part, order, share)?
            && worst.is_none_or(|worst| cycles.family < worst)
        {
            found.push(cycles);
        }
    }
    Ok(found)
}

fn worst_cycles(
    part: &Part,
    order: Order,
    share: &mut Share<'_>,
) -> Result<Option<Cycles>, Exhausted> {
    let cycles = |family, regions| Ok(Some(Cycles { family, order, regions }));
    let walks = |edges, share: &mut Share<'_>| components(&Filtered { part, edges }, share);
    let edges = order.edges_of(Family::G1c);
    let all = walks(edges.and(Edge::Rw), share)?;
    if all.is_empty() {
        return Ok(None);
    }
    let nonadjacent = components(&Nonadjacent { part, edges }, share)?;
    if nonadjacent.is_empty() {
        return cycles(Family::G2, all);
    }
    let flow = walks(edges, share)?;
    if flow.is_empty() {
        let single = has_single(part, edges, &nonadjacent, share)?;
        let family = if single { Family::Single } else { Family::Nonadjacent };
        return cycles(family, nonadjacent);
    }
    let writes = walks(order.edges_of(Family::G0), share)?;
    if writes.is_empty() { cycles(Family::G1c, flow) } else { cycles(Family::G0, writes) }
}

/// An `rw` edge, by places in the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RwEdge {
    from: u32,
    to: u32,
}

/// Whether one `rw` edge and `edges`, which have no cycle of their own, make a cycle: 64 `rw`
/// edges at a time, each a bit that runs along the edges in topological order.
fn has_single(
    part: &Part,
    edges: Edges,
    regions: &[Vec<u32>],
    share: &mut Share<'_>,
) -> Result<bool, Exhausted> {
    let graph = Filtered { part, edges };
    let mut order = finishing_order(&graph, share)?;
    order.reverse();
    let mut places = vec![0_u32; part.len()];
    for (place, &node) in (0..).zip(&order) {
        places[node as usize] = place;
    }
    let mut candidates = rw_edges(part, regions);
    // A path leads forward.
    candidates.retain(|edge| places[edge.to as usize] < places[edge.from as usize]);
    candidates.sort_by_key(|edge| places[edge.to as usize]);
    let mut bits = vec![0_u64; part.len()];
    for batch in candidates.chunks(64) {
        share.hold(part.bytes() + 16 * part.len())?;
        if reaches(part, edges, &order, &places, batch, &mut bits) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether one of at most 64 edges can be closed; `bits` is all zeros before and after.
fn reaches(
    part: &Part,
    edges: Edges,
    order: &[u32],
    places: &[u32],
    batch: &[RwEdge],
    bits: &mut [u64],
) -> bool {
    let first = batch.iter().map(|edge| places[edge.to as usize]).min().unwrap_or_default();
    let last = batch.iter().map(|edge| places[edge.from as usize]).max().unwrap_or_default();
    for (bit, edge) in batch.iter().enumerate() {
        bits[edge.to as usize] |= 1 << bit;
    }
    for &node in &order[first as usize..=last as usize] {
        let carried = bits[node as usize];
        if carried == 0 {
            continue;
        }
        for &(target, edge) in part.edges_of(node) {
            if edges.contains(edge) && places[target as usize] <= last {
                bits[target as usize] |= carried;
            }
        }
    }
    let closed = |(bit, edge): (usize, &RwEdge)| bits[edge.from as usize] >> bit & 1 == 1;
    let found = batch.iter().enumerate().any(closed);
    order[first as usize..=last as usize].iter().for_each(|&node| bits[node as usize] = 0);
    found
}

/// The `rw` edges that are on closed walks without adjacent ones.
fn rw_edges(part: &Part, regions: &[Vec<u32>]) -> Vec<RwEdge> {
    let mut region_of = vec![u32::MAX; 2 * part.len()];
    for (number, region) in (0..).zip(regions) {
        for &state in region {
            region_of[state as usize] = number;
        }
    }
    let inside = |from: u32, to: u32| {
        let region = region_of[2 * from as usize];
        region != u32::MAX && region_of[2 * to as usize + 1] == region
    };
    let mut found = Vec::new();
    for from in 0..part.len() as u32 {
        let leaving = part.edges_of(from).iter().filter(|(_, edge)| *edge == Edge::Rw);
        found.extend(leaving.map(|&(to, _)| RwEdge { from, to }).filter(|e| inside(e.from, e.to)));
    }
    found
}
