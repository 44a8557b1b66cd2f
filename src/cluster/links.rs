//! The links of a running cluster: policies put in force, and evidence that they are.

use std::{collections::BTreeSet, io, sync::Arc};

use temblor_faults::{FaultKind, LinkPolicy, Links as _, Port, isolate, link, partition};
use temblor_history::{Evidence, Measured};
use tokio::sync::Mutex;

use super::{
    Applied, ClusterError,
    evidence::{self, Seen},
    message::PortAddress,
    node::Node,
    switch::{LinkTable, Policies, Switch},
    volley::{Shots, Volleys},
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
}

/// A change of policies that was observed.
struct Change {
    earliest: i64,
    end: i64,
    policies: Policies,
    shots: Shots,
}

impl Links {
    /// `addresses` are those of the nodes in order, then the clients'.
    pub(super) fn new(
        nodes: Vec<Arc<Node>>,
        switch: Arc<Switch>,
        addresses: Vec<PortAddress>,
    ) -> io::Result<Self> {
        let names = nodes.iter().map(|node| node.name.clone()).collect();
        Ok(Self {
            table: Mutex::new(LinkTable::new(names)),
            switch,
            volleys: Volleys::new(nodes, addresses)?,
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
        let before = table.composed();
        let shots = self.observe(&before, &touched, &BTreeSet::new()).await?;
        let first = evidence::of_others("these links before", &named(&table, &before, &shots));
        let change = self.change(&mut table, wanted, &touched).await?;
        let mut applied = report(&table, change, &touched);
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
        Some(change.map(|change| report(&table, change, &touched)))
    }

    /// Removes every link fault, and sees that every link passes.
    pub(super) async fn heal_all(&self) -> Result<Vec<Evidence>, ClusterError> {
        let mut table = self.table.lock().await;
        let wanted = table.cleared();
        let change = self.change(&mut table, wanted, &BTreeSet::new()).await?;
        Ok(report(&table, change, &BTreeSet::new()).evidence)
    }

    async fn change(
        &self,
        table: &mut LinkTable,
        wanted: LinkTable,
        touched: &BTreeSet<Link>,
    ) -> Result<Change, ClusterError> {
        let policies = wanted.composed();
        let earliest = monotonic_ns();
        self.switch.put(policies.clone()).await.map_err(failed("set the links' policies"))?;
        *table = wanted;
        let shots = self.observe(&policies, &all_links(table.ports()), touched).await?;
        Ok(Change { earliest, end: monotonic_ns(), policies, shots })
    }

    /// Fires until what is seen is what is expected, at most [`TRIES`] times; what comes over a
    /// cut link is final.
    async fn observe(
        &self,
        policies: &Policies,
        links: &BTreeSet<Link>,
        closely: &BTreeSet<Link>,
    ) -> Result<Shots, ClusterError> {
        let mut tries = 1;
        loop {
            let shots = self.volleys.fire(policies, links, closely).await?;
            let mut bad = shots
                .iter()
                .filter(|((from, to), seen)| !evidence::holds(&policies[*from][*to], seen));
            let leaks = bad.clone().any(|((from, to), _)| policies[*from][*to].drop);
            if bad.next().is_none() || leaks || tries == TRIES {
                return Ok(shots);
            }
            tries += 1;
        }
    }
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

fn named(table: &LinkTable, policies: &Policies, shots: &Shots) -> Vec<(String, LinkPolicy, Seen)> {
    let name = |(from, to): Link| format!("{} → {}", table.name(from), table.name(to));
    shots.iter().map(|(link, seen)| (name(*link), policies[link.0][link.1], seen.clone())).collect()
}

/// The links that the fault touches one by one, the others in one line.
fn report(table: &LinkTable, change: Change, touched: &BTreeSet<Link>) -> Applied {
    let Change { earliest, end, policies, shots } = change;
    let latest = touched
        .iter()
        .filter_map(|link| Some(confirmed_ns(&policies[link.0][link.1], shots.get(link)?, end)))
        .max();
    let (shots, others): (Shots, Shots) =
        shots.into_iter().partition(|(link, _)| touched.contains(link));
    let mut evidence: Vec<Evidence> = named(table, &policies, &shots)
        .iter()
        .map(|(name, policy, seen)| evidence::of_link(name, policy, seen))
        .collect();
    let what = if touched.is_empty() { "every link" } else { "the other links" };
    evidence.extend(evidence::of_others(what, &named(table, &policies, &others)));
    Applied { begun: Measured { earliest, latest: latest.unwrap_or(end) }, evidence }
}

/// When a link was seen to do what it should: at its first datagram, or, where that is to lose
/// some, at the end.
fn confirmed_ns(policy: &LinkPolicy, seen: &Seen, end: i64) -> i64 {
    let by_loss = policy.drop || policy.loss > 0.0;
    seen.first_ns.filter(|_| !by_loss).unwrap_or(end)
}

fn failed(act: &'static str) -> impl Fn(io::Error) -> ClusterError {
    move |why| ClusterError::new("the switch", act, why)
}
