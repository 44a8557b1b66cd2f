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
    evidence::{self, Acting, Looked},
    message::{Aim, PortAddress},
    node::Node,
    switch::{LinkTable, Policies, Switch},
    trace::Trace,
    volley::{Aims, Shots, Volleys},
};
use crate::clock::monotonic_ns;

/// A busy machine may lose a datagram; a link that passes passes the next ones.
const TRIES: u32 = 3;

/// A directed link, by the numbers of its ports.
pub(super) type Link = (usize, usize);

/// All links.
#[derive(Debug)]
pub(super) struct Links {
    /// Held while a link fault is applied and observed, so that what is expected stays the same.
    table: Mutex<LinkTable>,
    switch: Arc<Switch>,
    volleys: Volleys,
    trace: Option<Trace>,
}

/// A change of policies that was observed.
struct Change {
    earliest: i64,
    end: i64,
    policies: Policies,
    /// What was taken away, by link.
    gone: BTreeMap<Link, Vec<Hop>>,
    shots: Shots,
}

impl Change {
    fn acting(&self, link: Link) -> Acting<'_> {
        let gone = self.gone.get(&link).map_or(&[][..], Vec::as_slice);
        Acting { hops: &self.policies[link.0][link.1], gone }
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
        Ok(Self {
            table: Mutex::new(LinkTable::new(names, seed)),
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
        let mut table = self.table.lock().await;
        check_links(&table, occurrence, cuts)?;
        let mut wanted = table.clone();
        put(&mut wanted, occurrence, kind, cuts)?;
        let touched = wanted.links_of(occurrence);
        self.trace.iter().for_each(|trace| trace.begin(occurrence, &touched));
        let before = table.composed();
        let few = || -> Aims { touched.iter().map(|link| (*link, Aim::few())).collect() };
        let shots = self.observe(&before, &BTreeMap::new(), few).await?;
        let first = evidence::of_others("these links before", &looked(&table, &before, &shots));
        // Its bad and good times begin now.
        wanted.clear(occurrence);
        put(wanted.at(monotonic_ns()), occurrence, kind, cuts)?;
        let change = self.change(&mut table, wanted, &touched).await?;
        let mut applied = report(&table, &change, &touched);
        applied.evidence.splice(0..0, first);
        Ok(applied)
    }

    /// Removes a link fault; none: there is no such one.
    pub(super) async fn heal(&self, occurrence: &str) -> Option<Result<Applied, ClusterError>> {
        let mut table = self.table.lock().await;
        let touched = table.links_of(occurrence);
        let mut wanted = table.clone();
        wanted.clear(occurrence);
        if touched.is_empty() {
            return None;
        }
        let change = self.change(&mut table, wanted, &touched).await;
        self.trace.iter().for_each(|trace| trace.end(occurrence));
        Some(change.map(|change| report(&table, &change, &touched)))
    }

    /// Removes every link fault, and sees that every link passes.
    pub(super) async fn heal_all(&self) -> Result<Vec<Evidence>, ClusterError> {
        let mut table = self.table.lock().await;
        let wanted = table.cleared();
        let change = self.change(&mut table, wanted, &BTreeSet::new()).await?;
        self.trace.iter().for_each(Trace::end_all);
        Ok(report(&table, &change, &BTreeSet::new()).evidence)
    }

    /// The trace of faults that act on no link, of the links of their nodes.
    pub(super) async fn trace_nodes(&self, occurrence: &str, nodes: &[String], begins: bool) {
        let Some(trace) = &self.trace else { return };
        let table = self.table.lock().await;
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

    async fn change(
        &self,
        table: &mut LinkTable,
        wanted: LinkTable,
        touched: &BTreeSet<Link>,
    ) -> Result<Change, ClusterError> {
        let (before, policies) = (table.composed(), wanted.composed());
        let gone = gone(&before, &policies, table.ports());
        let earliest = monotonic_ns();
        self.switch.put(policies.clone()).await.map_err(failed("set the links' policies"))?;
        *table = wanted;
        let links = all_links(table.ports());
        let aims = || -> Aims {
            let aim = |link: &Link| {
                let gone = gone.get(link);
                if gone.is_none() && !touched.contains(link) {
                    return Aim::few();
                }
                let now = &policies[link.0][link.1];
                let both: Vec<Hop> =
                    now.iter().chain(gone.into_iter().flatten()).copied().collect();
                Aim::at(&both, monotonic_ns())
            };
            links.iter().map(|link| (*link, aim(link))).collect()
        };
        let shots = self.observe(&policies, &gone, aims).await?;
        Ok(Change { earliest, end: monotonic_ns(), policies, gone, shots })
    }

    /// Fires until what is seen is what is expected, at most [`TRIES`] times; what comes over a
    /// cut link is final.
    async fn observe(
        &self,
        policies: &Policies,
        gone: &BTreeMap<Link, Vec<Hop>>,
        aims: impl Fn() -> Aims,
    ) -> Result<Shots, ClusterError> {
        let mut tries = 1;
        loop {
            // Anew each time: what is bad and good in turn has to be met in both.
            let aims = aims();
            let overflowed = |link: &Link| self.switch.counts(link.0, link.1).overflowed;
            let before: BTreeMap<Link, u64> =
                aims.keys().map(|link| (*link, overflowed(link))).collect();
            let mut shots = self.volleys.fire(policies, &aims).await?;
            for (link, seen) in &mut shots.links {
                seen.overflowed = overflowed(link) - before[link];
            }
            let mut bad = shots.links.iter().filter(|(link, seen)| {
                let gone = gone.get(link).map_or(&[][..], Vec::as_slice);
                !evidence::holds(Acting { hops: &policies[link.0][link.1], gone }, seen)
            });
            let cut = |link: &Link| policies[link.0][link.1].iter().any(|hop| hop.policy.drop);
            let leaks = bad.clone().any(|(link, _)| cut(link));
            if bad.next().is_none() || leaks || tries == TRIES {
                return Ok(shots);
            }
            tries += 1;
        }
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

fn looked(table: &LinkTable, policies: &Policies, shots: &Shots) -> Vec<Looked> {
    let links = shots.links.iter();
    links
        .map(|(link, seen)| (name(table, *link), policies[link.0][link.1].clone(), seen.clone()))
        .collect()
}

/// The links that the fault touches one by one, the others in one line.
fn report(table: &LinkTable, change: &Change, touched: &BTreeSet<Link>) -> Applied {
    let seen = touched.iter().filter_map(|link| Some((*link, change.shots.links.get(link)?)));
    let confirmed = seen.clone().map(|(link, seen)| {
        let by_many = change.acting(link).hops.iter().any(|hop| !only_delays(hop));
        seen.first_ns().filter(|_| !by_many).unwrap_or(change.end)
    });
    let latest = confirmed.max().unwrap_or(change.end);
    let mut evidence: Vec<Evidence> = seen
        .map(|(link, seen)| evidence::of_link(&name(table, link), change.acting(link), seen))
        .collect();
    evidence.extend(checksums(table, change, touched));
    let others = looked(table, &change.policies, &change.shots);
    let names: BTreeSet<String> = touched.iter().map(|link| name(table, *link)).collect();
    let others: Vec<Looked> =
        others.into_iter().filter(|(name, ..)| !names.contains(name)).collect();
    let what = if touched.is_empty() { "every link" } else { "the other links" };
    evidence.extend(evidence::of_others(what, &others));
    Applied { begun: Measured { earliest: change.earliest, latest }, evidence }
}

/// Where damage that checksums catch was put on links to a port, its kernel must find it.
fn checksums(table: &LinkTable, change: &Change, touched: &BTreeSet<Link>) -> Vec<Evidence> {
    let corrupt = |link: &&Link| {
        let hops = change.acting(**link).hops;
        hops.iter().any(|hop| hop.policy.corrupt > 0.0) && !hops.iter().any(|hop| hop.policy.drop)
    };
    let receivers: BTreeSet<usize> = touched.iter().filter(corrupt).map(|link| link.1).collect();
    let counted = |port: &usize| change.shots.wrong_checksums.get(*port).copied().unwrap_or(0);
    receivers.iter().map(|port| evidence::of_checksums(&table.name(*port), counted(port))).collect()
}

/// Whether the first datagram that comes shows all that a hop does.
fn only_delays(hop: &Hop) -> bool {
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
