//! The links of a running cluster: policies put in force, and evidence that they are.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use temblor_faults::{FaultKind, Hop, Links as _, Port, isolate, link, partition, regions};
use temblor_history::{Evidence, Measured};
use tokio::sync::Mutex;

use super::{
    Applied, ClusterError,
    evidence::{self, Acting, Looked, Seen},
    message::{Aim, PortAddress},
    node::Node,
    switch::{LinkTable, Policies, Switch},
    trace::Trace,
    volley::{Aims, Shots, Volleys},
};
use crate::clock::monotonic_ns;

/// A busy machine may lose a datagram; a link that passes passes the next ones.
const TRIES: u32 = 3;
/// How often a look may be disturbed by other faults that begin or end, and be begun anew.
const DISTURBED: u32 = 20;

/// A directed link, by the numbers of its ports.
pub(super) type Link = (usize, usize);

/// All links.
#[derive(Debug)]
pub(super) struct Links {
    /// Held only while policies are put: faults begin and end on time, also while others are
    /// being looked at.
    state: Mutex<State>,
    /// Held while a link is flooded, so that floods don't share a link.
    flooding: Mutex<()>,
    switch: Arc<Switch>,
    volleys: Volleys,
    trace: Option<Trace>,
}

/// What is in force.
#[derive(Debug, Clone)]
struct State {
    table: LinkTable,
    /// How often each link's policies have changed.
    changes: BTreeMap<Link, u64>,
}

/// A change of policies.
struct Change {
    earliest: i64,
    touched: BTreeSet<Link>,
    /// What was taken away, by link.
    gone: BTreeMap<Link, Vec<Hop>>,
}

/// What was seen of links: of each while nothing changed on it.
struct Look {
    /// For its names.
    table: LinkTable,
    /// What acted meanwhile, and what was seen.
    links: BTreeMap<Link, (Vec<Hop>, Seen)>,
    /// How many wrong checksums at each port.
    wrong_checksums: Vec<u64>,
    end: i64,
}

impl Look {
    fn take(&mut self, shots: &Shots) {
        self.wrong_checksums.resize(shots.wrong_checksums.len(), 0);
        for (sum, count) in self.wrong_checksums.iter_mut().zip(&shots.wrong_checksums) {
            *sum += count;
        }
    }
}

impl Change {
    /// Nothing was changed: only a look at these.
    fn none(touched: BTreeSet<Link>) -> Self {
        Self { earliest: monotonic_ns(), touched, gone: BTreeMap::new() }
    }

    fn acting<'a>(&'a self, hops: &'a [Hop], link: Link) -> Acting<'a> {
        Acting { hops, gone: self.gone.get(&link).map_or(&[][..], Vec::as_slice) }
    }

    /// Enough datagrams to see what it did to its links.
    fn aim(&self, policies: &Policies, link: Link) -> Aim {
        let gone = self.gone.get(&link);
        if gone.is_none() && !self.touched.contains(&link) {
            return Aim::few();
        }
        let now = &policies[link.0][link.1];
        let both: Vec<Hop> = now.iter().chain(gone.into_iter().flatten()).copied().collect();
        Aim::at(&both, monotonic_ns())
    }
}

impl Links {
    /// `addresses` are those of the nodes in order, then the clients'.
    pub(super) fn new(
        nodes: Vec<Arc<Node>>,
        switch: Arc<Switch>,
        addresses: Vec<PortAddress>,
        seed: u64,
        trace: Option<Trace>,
    ) -> io::Result<Self> {
        let names = nodes.iter().map(|node| node.name.clone()).collect();
        let table = LinkTable::new(names, seed);
        Ok(Self {
            state: Mutex::new(State { table, changes: BTreeMap::new() }),
            flooding: Mutex::new(()),
            switch,
            volleys: Volleys::new(nodes, addresses)?,
            trace,
        })
    }

    /// Applies a link fault.
    pub(super) async fn inject(
        &self,
        occurrence: &str,
        kind: &FaultKind,
        cuts: &[(Port, Port)],
    ) -> Result<Applied, ClusterError> {
        let touched = {
            let mut wanted = self.state.lock().await.table.clone();
            check_links(&wanted, occurrence, cuts)?;
            put(&mut wanted, occurrence, kind, cuts)?;
            wanted.links_of(occurrence)
        };
        self.trace.iter().for_each(|trace| trace.begin(occurrence, &touched));
        let applied = self.apply(occurrence, kind, cuts, touched).await;
        if applied.is_err() {
            self.trace.iter().for_each(|trace| trace.end(occurrence));
        }
        applied
    }

    async fn apply(
        &self,
        occurrence: &str,
        kind: &FaultKind,
        cuts: &[(Port, Port)],
        touched: BTreeSet<Link>,
    ) -> Result<Applied, ClusterError> {
        let before = Change::none(touched.clone());
        let look = self.look(&before, &touched, |_, _| Aim::few()).await?;
        let first = evidence::of_others("these links before", &looked(&look));
        let change = |table: &mut LinkTable| {
            // Its bad and good times begin now.
            put(table.at(monotonic_ns()), occurrence, kind, cuts)
        };
        let change = self.change(touched, change).await?;
        let look = self.look_at_all(&change).await?;
        let mut applied = report(&change, &look);
        applied.evidence.splice(0..0, first);
        Ok(applied)
    }

    /// Removes a link fault; none: there is no such one.
    pub(super) async fn heal(&self, occurrence: &str) -> Option<Result<Applied, ClusterError>> {
        let touched = self.state.lock().await.table.links_of(occurrence);
        if touched.is_empty() {
            return None;
        }
        let healed = async {
            let clear = |table: &mut LinkTable| {
                table.clear(occurrence);
                Ok(())
            };
            let change = self.change(touched, clear).await?;
            let look = self.look_at_all(&change).await?;
            Ok(report(&change, &look))
        };
        let healed = healed.await;
        self.trace.iter().for_each(|trace| trace.end(occurrence));
        Some(healed)
    }

    /// Removes every link fault, and sees that every link passes.
    pub(super) async fn heal_all(&self) -> Result<Vec<Evidence>, ClusterError> {
        let clear = |table: &mut LinkTable| {
            *table = table.cleared();
            Ok(())
        };
        let change = self.change(BTreeSet::new(), clear).await?;
        let look = self.look_at_all(&change).await?;
        self.trace.iter().for_each(Trace::end_all);
        Ok(report(&change, &look).evidence)
    }

    /// The trace of faults that act on no link, of the links of their nodes.
    pub(super) async fn trace_nodes(&self, occurrence: &str, nodes: &[String], begins: bool) {
        let Some(trace) = &self.trace else { return };
        let table = &self.state.lock().await.table;
        let is_one = |port: usize| nodes.contains(&table.name(port));
        let links = all_links(table.ports());
        let links = links.into_iter().filter(|(from, to)| is_one(*from) || is_one(*to)).collect();
        if begins {
            trace.begin(occurrence, &links);
        } else {
            trace.end(occurrence);
        }
    }

    /// How many frames no trace has, because the disk was too slow.
    pub(super) fn left_out(&self) -> u64 {
        self.trace.as_ref().map_or(0, Trace::left_out)
    }

    /// Puts other policies in force.
    async fn change(
        &self,
        touched: BTreeSet<Link>,
        change: impl FnOnce(&mut LinkTable) -> Result<(), ClusterError>,
    ) -> Result<Change, ClusterError> {
        let mut state = self.state.lock().await;
        let mut wanted = state.table.clone();
        change(&mut wanted)?;
        let (before, policies) = (state.table.composed(), wanted.composed());
        let earliest = monotonic_ns();
        self.switch.put(policies.clone()).await.map_err(failed("set the links' policies"))?;
        for (from, to) in all_links(wanted.ports()) {
            if before[from][to] != policies[from][to] {
                *state.changes.entry((from, to)).or_default() += 1;
            }
        }
        let gone = gone(&before, &policies, wanted.ports());
        state.table = wanted;
        Ok(Change { earliest, touched, gone })
    }

    async fn look_at_all(&self, change: &Change) -> Result<Look, ClusterError> {
        let all = all_links(self.state.lock().await.table.ports());
        self.look(change, &all, |policies, link| change.aim(policies, link)).await
    }

    /// Fires until what is seen is what is expected, at each link at most [`TRIES`] times; what
    /// comes over a cut link is final. While another fault changes a link nothing can be said of
    /// it: links of this change are looked at anew, others left out.
    async fn look(
        &self,
        change: &Change,
        links: &BTreeSet<Link>,
        aim: impl Fn(&Policies, Link) -> Aim,
    ) -> Result<Look, ClusterError> {
        let State { table, .. } = self.state.lock().await.clone();
        let mut look = Look { table, links: BTreeMap::new(), wrong_checksums: Vec::new(), end: 0 };
        // A change of no link of its own is one of them all: the last heal.
        let matter = if change.touched.is_empty() { links } else { &change.touched };
        let (mut left, mut tries, mut disturbed) = (links.clone(), 0, 0);
        while !left.is_empty() {
            let State { table, changes } = self.state.lock().await.clone();
            let policies = table.composed();
            // Anew each time: what is bad and good in turn has to be met in both.
            let aims: Aims = left.iter().map(|link| (*link, aim(&policies, *link))).collect();
            let shots = self.fire(&policies, &aims).await?;
            let changed = self.changed_since(&changes).await;
            disturbed += u32::from(!left.is_disjoint(&changed));
            // Enough is enough: from then on every try counts, and what was seen is judged as it is.
            tries += u32::from(left.is_disjoint(&changed) || disturbed >= DISTURBED);
            look.take(&shots);
            for (link, seen) in shots.links {
                let hops = policies[link.0][link.1].clone();
                if changed.contains(&link) && disturbed < DISTURBED {
                    if !matter.contains(&link) {
                        left.remove(&link);
                    }
                } else if tries >= TRIES || is_settled(change.acting(&hops, link), &seen) {
                    left.remove(&link);
                    look.links.insert(link, (hops, seen));
                }
            }
        }
        look.end = monotonic_ns();
        Ok(look)
    }

    /// The links whose policies have changed since then.
    async fn changed_since(&self, then: &BTreeMap<Link, u64>) -> BTreeSet<Link> {
        let now = &self.state.lock().await.changes;
        let changed = now.iter().filter(|(link, count)| then.get(link) != Some(count));
        changed.map(|(link, _)| *link).collect()
    }

    async fn fire(&self, policies: &Policies, aims: &Aims) -> Result<Shots, ClusterError> {
        let floods = aims.values().any(|aim| aim.flood > 0);
        let _alone = if floods { Some(self.flooding.lock().await) } else { None };
        let overflowed = |link: &Link| self.switch.counts(link.0, link.1).overflowed;
        let before: BTreeMap<Link, u64> =
            aims.keys().map(|link| (*link, overflowed(link))).collect();
        let mut shots = self.volleys.fire(policies, aims).await?;
        for (link, seen) in &mut shots.links {
            seen.overflowed = overflowed(link) - before[link];
        }
        Ok(shots)
    }
}

/// What acts no longer, by link.
fn gone(before: &Policies, after: &Policies, ports: usize) -> BTreeMap<Link, Vec<Hop>> {
    let links = all_links(ports).into_iter().map(|(from, to)| {
        let hops = before[from][to].iter().filter(|hop| !after[from][to].contains(hop));
        ((from, to), hops.copied().collect::<Vec<Hop>>())
    });
    links.filter(|(_, hops)| !hops.is_empty()).collect()
}

fn put(
    table: &mut LinkTable,
    occurrence: &str,
    kind: &FaultKind,
    cuts: &[(Port, Port)],
) -> Result<(), ClusterError> {
    match kind {
        FaultKind::Isolate { .. } => isolate::inject(table, occurrence, cuts),
        FaultKind::Partition { .. } => partition::inject(table, occurrence, cuts),
        FaultKind::Link(policy) => link::inject(table, occurrence, cuts, *policy),
        FaultKind::Regions(regions) => regions::inject(table, occurrence, regions, cuts),
        FaultKind::Node { .. } => {
            return Err(ClusterError::new(occurrence, "inject", "it is no link fault"));
        }
    }
    Ok(())
}

fn check_links(
    table: &LinkTable,
    occurrence: &str,
    cuts: &[(Port, Port)],
) -> Result<(), ClusterError> {
    if cuts.is_empty() {
        return Err(ClusterError::new(occurrence, "inject", "it acts on no link"));
    }
    let unknown =
        cuts.iter().flat_map(|(from, to)| [from, to]).find(|port| table.number(port).is_none());
    match unknown {
        Some(port) => {
            Err(ClusterError::new(occurrence, "inject", format!("there is no node {port}")))
        }
        None => Ok(()),
    }
}

/// Every directed link between different ports.
fn all_links(ports: usize) -> BTreeSet<Link> {
    (0..ports)
        .flat_map(|from| (0..ports).map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect()
}

fn name(table: &LinkTable, (from, to): Link) -> String {
    format!("{} → {}", table.name(from), table.name(to))
}

/// Whether a further try would change nothing: it is as expected, or something came over a cut.
fn is_settled(acting: Acting<'_>, seen: &Seen) -> bool {
    let leaks = acting.hops.iter().any(|hop| hop.policy.drop) && !seen.came.is_empty();
    leaks || evidence::holds(acting, seen)
}

fn looked(look: &Look) -> Vec<Looked> {
    let links = look.links.iter();
    links
        .map(|(link, (hops, seen))| (name(&look.table, *link), hops.clone(), seen.clone()))
        .collect()
}

/// The links that the fault touches one by one, the others in one line.
fn report(change: &Change, look: &Look) -> Applied {
    let name = |link: Link| name(&look.table, link);
    let mut latest = None;
    let mut evidence = Vec::new();
    for link in &change.touched {
        let Some((hops, seen)) = look.links.get(link) else { continue };
        let acting = change.acting(hops, *link);
        // What is gone is gone with its policy: the first datagram shows that the switch took it away.
        let by_many = acting.gone.is_empty() && hops.iter().any(|hop| !only_delays(hop));
        latest = latest.max(Some(seen.first_ns().filter(|_| !by_many).unwrap_or(look.end)));
        evidence.push(evidence::of_link(&name(*link), acting, seen));
    }
    let latest = latest.unwrap_or(look.end);
    evidence.extend(checksums(change, look));
    let names: BTreeSet<String> = change.touched.iter().map(|link| name(*link)).collect();
    let others = looked(look).into_iter().filter(|(name, ..)| !names.contains(name));
    let what = if change.touched.is_empty() { "every link" } else { "the other links" };
    evidence.extend(evidence::of_others(what, &others.collect::<Vec<Looked>>()));
    Applied { begun: Measured { earliest: change.earliest, latest }, evidence }
}

/// Where damage that checksums catch was put on links to a port, its kernel must find it.
fn checksums(change: &Change, look: &Look) -> Vec<Evidence> {
    let corrupt = |link: &&Link| {
        let hops = look.links.get(link).map_or(&[][..], |(hops, _)| hops);
        hops.iter().any(|hop| hop.policy.corrupt > 0.0) && !hops.iter().any(|hop| hop.policy.drop)
    };
    let receivers: BTreeSet<usize> =
        change.touched.iter().filter(corrupt).map(|link| link.1).collect();
    let counted = |port: &usize| look.wrong_checksums.get(*port).copied().unwrap_or(0);
    let name = |port: &usize| look.table.name(*port);
    receivers.iter().map(|port| evidence::of_checksums(&name(port), counted(port))).collect()
}

/// Whether the first datagram that comes shows all that a hop does.
pub(super) fn only_delays(hop: &Hop) -> bool {
    let policy = hop.policy;
    !policy.drop
        && policy.flap.is_none()
        && policy.rate.is_none()
        && policy.loss
            + policy.corrupt
            + policy.corrupt_silently
            + policy.duplicate
            + policy.reorder
            <= 0.0
}

fn failed(act: &'static str) -> impl Fn(io::Error) -> ClusterError {
    move |why| ClusterError::new("the switch", act, why)
}
