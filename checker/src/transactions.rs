//! Transactions over lists and registers, by the levels of Adya's and Elle's lattice.
//!
//! A history becomes dense arrays ([`extract`]). What single reads show is found in one pass
//! ([`reads`], [`updates`]). The order of each key's versions ([`lists`]) gives the graph of what
//! must come before what ([`graph`]); its cycles are classified completely ([`classify`]). Where the
//! order of versions stays open, an order of all transactions is searched ([`ordering`]). What was
//! found rules levels out ([`lattice`]).

mod classify;
mod components;
mod explain;
pub(crate) mod extract;
mod fan;
mod graph;
mod lattice;
mod lists;
mod names;
mod ordering;
mod part;
mod reads;
mod registers;
mod search;
mod settle;
mod shortest;
mod story;
mod tally;
mod updates;

use temblor_history::{CheckReport, History, Outcome};

use crate::{
    Budget, ConsistencyEntry, Exhausted, Request,
    check::Span,
    findings::{Finding, anomalies},
    meter::Meter,
};
use explain::{Context, Orders};
use extract::{Model, Transactions, Unread};
use graph::Graph;
use part::Part;
use settle::Settling;
use tally::Tally;

/// The levels as the catalogue has them.
pub(crate) fn entries() -> impl Iterator<Item = ConsistencyEntry> {
    // Judged completely elsewhere, by the definition itself.
    let elsewhere = |level: &&lattice::Level| level.name == "read-atomic";
    lattice::LEVELS.iter().filter(move |level| !elsewhere(level)).map(|level| {
        let forbidden =
            names::MEANINGS.iter().filter(|(name, _)| lattice::forbids(level.name, name));
        ConsistencyEntry {
            name: level.name,
            models: MODELS,
            doc: with_aliases(level),
            anomalies: Vec::leak(forbidden.copied().collect()),
            source: level.source,
        }
    })
}

fn with_aliases(level: &lattice::Level) -> &'static str {
    match level.aliases {
        [] => level.doc,
        aliases => String::leak(format!("{} Also known as {}.", level.doc, aliases.join(", "))),
    }
}

const MODELS: &[&str] = &["list-append", "rw-register"];

/// Checks a history of transactions and fills the report in.
pub(crate) fn check(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    let model = match request.model.as_str() {
        "list-append" => Model::ListAppend,
        _ => Model::RwRegister,
    };
    let meter = Meter::new(budget);
    let all = match Transactions::of(history, model, &meter) {
        Ok(all) => all,
        Err(Unread::Mistakes(errors)) => {
            report.errors = errors.lines();
            return;
        }
        Err(Unread::Exhausted(exhausted)) => return stopped(exhausted, Stage::Reading, report),
    };
    let checking = Checking { history, request, prefer, all: &all, meter: &meter };
    let checked = match model {
        Model::ListAppend => checking.lists(report),
        Model::RwRegister => checking.registers(report),
    };
    if let Err(exhausted) = checked {
        stopped(exhausted, Stage::Ordering, report);
    }
}

/// A history and the question.
struct Checking<'a> {
    history: &'a History,
    request: &'a Request,
    prefer: &'a [Span],
    all: &'a Transactions,
    meter: &'a Meter<'a>,
}

impl Checking<'_> {
    fn is_preferred(&self, transaction: u32) -> bool {
        let operation = self.all.operation(self.history, transaction);
        let end = operation.completed.unwrap_or(operation.invoked);
        self.prefer.iter().any(|(from, to)| *from <= operation.invoked && end <= *to)
    }

    /// What single reads and updates show.
    fn look_at_reads(&self) -> Result<Tally, Exhausted> {
        let is_preferred = |transaction| self.is_preferred(transaction);
        let mut share = self.meter.share();
        let mut tally = reads::examine(self.all, &is_preferred, self.meter)?;
        updates::lost_updates(self.all, &is_preferred, &mut tally, &mut share)?;
        updates::dirty_updates(self.all, &is_preferred, &mut tally, &mut share)?;
        updates::reordered_appends(self.all, &is_preferred, &mut tally, &mut share)?;
        Ok(tally)
    }

    fn lists(&self, report: &mut CheckReport) -> Result<(), Exhausted> {
        let (all, meter) = (self.all, self.meter);
        let mut holding = meter.share();
        holding.hold(all.bytes())?;
        let (tally, ordered) = rayon::join(
            || self.look_at_reads(),
            || {
                let mut share = meter.share();
                let orders = lists::Orders::of(all, &mut share)?;
                let graph = Graph::new(all, orders.edges(&mut share)?);
                share.hold(orders.bytes() + graph.bytes())?;
                Ok((orders, graph))
            },
        );
        let (mut tally, (orders, graph)) = (tally?, ordered?);
        holding.hold(all.bytes() + orders.bytes() + graph.bytes())?;
        let parts = search::parts(&graph, meter);
        drop(graph);
        holding.hold(all.bytes() + orders.bytes())?;
        let is_preferred = |transaction| self.is_preferred(transaction);
        let searched = search_cycles(parts, &is_preferred, meter, &mut tally, |parts| {
            leaves_snapshots_open(all, &orders, parts)
        });
        let context = Context { history: self.history, all, orders: Orders::Lists(&orders) };
        self.conclude(&context, Searched::without_order(searched), &tally, report);
        Ok(())
    }

    fn registers(&self, report: &mut CheckReport) -> Result<(), Exhausted> {
        let (all, meter) = (self.all, self.meter);
        let mut holding = meter.share();
        holding.hold(all.bytes())?;
        let is_preferred = |transaction| self.is_preferred(transaction);
        let assumed = &self.request.version_orders;
        let mut tally = self.look_at_reads()?;
        let orders = registers::Orders::infer(all, assumed, &is_preferred, &mut tally, meter)?;
        holding.hold(all.bytes() + orders.bytes())?;
        let graph = Graph::new(all, orders.edges(&mut meter.share())?);
        holding.hold(all.bytes() + orders.bytes() + graph.bytes())?;
        let open = if orders.are_total() { Open::Nothing } else { Open::Orders };
        let parts = search::parts(&graph, meter);
        let cycles = search_cycles(parts, &is_preferred, meter, &mut tally, |_| open);
        let mut searched = Searched::without_order(cycles);
        if searched.cycles == Ok(Open::Orders) {
            let settling = Settling { all, orders: &orders, graph: &graph, meter };
            searched.proved = settling.settle(&self.request.consistency, &mut tally);
        }
        let context = Context { history: self.history, all, orders: Orders::Registers(&orders) };
        self.conclude(&context, searched, &tally, report);
        Ok(())
    }
}

/// What was searched, and what came of it.
#[derive(Debug, Clone, Copy)]
struct Searched {
    /// What stays open of the order of versions; or what ran out.
    cycles: Result<Open, Exhausted>,
    /// A level that holds, since an order was found that shows it.
    proved: Option<&'static str>,
}

impl Searched {
    fn without_order(cycles: Result<Open, Exhausted>) -> Self {
        Self { cycles, proved: None }
    }

    fn proves(&self, level: &str) -> bool {
        self.proved.is_some_and(|proved| lattice::follows(level, proved))
    }
}

/// What the history does not say of the order of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    /// Of appends that nobody read: it may matter for snapshots where there is write skew.
    Unread,
    /// Of registers' versions.
    Orders,
}

/// Whether some appends that nobody read stand in no order, among transactions that are in circles
/// anyway. If no circle is near, any order of them that agrees with the graph makes none; the same
/// holds at every level that forbids all circles of the kinds of edges it knows. Snapshot isolation
/// and consistent view permit some circles, and one more edge could turn them into others.
fn leaves_snapshots_open(all: &Transactions, orders: &lists::Orders<'_>, parts: &[Part]) -> Open {
    let mut circle = vec![u32::MAX; if parts.is_empty() { 0 } else { all.all.len() }];
    for (number, part) in (0..).zip(parts) {
        for node in (0..part.len() as u32).map(|place| part.node(place) as usize) {
            if let Some(circle) = circle.get_mut(node) {
                *circle = number;
            }
        }
    }
    let in_circle = |writer: u32| circle.get(writer as usize).copied().unwrap_or(u32::MAX);
    let is_open = (0..all.key_count() as u32).any(|key| {
        let mut circles: Vec<u32> =
            orders.unread(key).iter().map(|&writer| in_circle(writer)).collect();
        circles.retain(|&circle| circle != u32::MAX);
        circles.sort_unstable();
        circles.windows(2).any(|pair| pair[0] == pair[1])
    });
    if is_open { Open::Unread } else { Open::Nothing }
}

/// Finds cycles; answers with what stays open.
fn search_cycles(
    parts: Result<Vec<Part>, Exhausted>,
    is_preferred: &(impl Fn(u32) -> bool + Sync),
    meter: &Meter<'_>,
    tally: &mut Tally,
    open: impl FnOnce(&[Part]) -> Open,
) -> Result<Open, Exhausted> {
    let parts = parts?;
    search::cycles(&parts, is_preferred, meter, tally)?;
    Ok(open(&parts))
}

impl Checking<'_> {
    fn conclude(
        &self,
        context: &Context<'_>,
        searched: Searched,
        tally: &Tally,
        report: &mut CheckReport,
    ) {
        let level = self.request.consistency.as_str();
        let found = tally.names();
        let mut boundary = lattice::boundary(&found);
        boundary.consistent_with = lattice::decided(&found, |level| {
            is_decided(level, searched.cycles, &found) || searched.proves(level.name)
        });
        let kinds = names::MEANINGS.iter().map(|(name, _)| *name);
        let forbidden: Vec<&'static str> =
            kinds.filter(|kind| found.contains(kind) && lattice::forbids(level, kind)).collect();
        let mut findings: Vec<Finding> = Vec::new();
        for kind in &forbidden {
            findings.extend(tally.examples(kind).map(|found| context.explain(kind, found)));
        }
        report.anomalies = anomalies(&findings, &forbidden, self.prefer);
        for anomaly in &mut report.anomalies {
            anomaly.count = tally.count_of(&anomaly.kind);
        }
        let names = |names: &[&'static str]| names.iter().map(|&name| name.to_owned()).collect();
        report.not = names(&boundary.not);
        report.also_not = names(&boundary.also_not);
        report.consistent_with = names(&boundary.consistent_with);
        match (forbidden.is_empty(), searched.cycles) {
            (false, _) => report.verdict = Outcome::Violation,
            (true, Ok(_)) => report.verdict = Outcome::Pass,
            (true, Err(exhausted)) => stopped(exhausted, Stage::Circles, report),
        }
        // A violation needs nothing that is open.
        report.complete =
            report.verdict == Outcome::Violation || lattice::is_decided(level, &boundary);
    }
}

/// Whether no anomaly means that a level holds, given what is open. Where a level forbids all
/// circles without `rw` edges and nothing more, any order of versions that agrees with the rest of
/// the graph makes none, so open orders don't matter.
fn is_decided(
    level: &lattice::Level,
    searched: Result<Open, Exhausted>,
    found: &[&'static str],
) -> bool {
    let forbids_without_rw = level.name.ends_with("committed");
    let stays_open = match searched {
        Err(_) => return false,
        Ok(Open::Nothing) => false,
        Ok(Open::Orders) => !forbids_without_rw,
        // These permit some circles.
        Ok(Open::Unread) => {
            level.name.ends_with("snapshot-isolation")
                || ["consistent-view", "monotonic-snapshot-read"].contains(&level.name)
        }
    };
    !stays_open && lattice::is_defined(level, found)
}

/// How far a check came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Keys and versions got their numbers.
    Reading,
    /// Single reads were judged, and versions put in order.
    Ordering,
    /// Cycles were searched.
    Circles,
}

fn stopped(exhausted: Exhausted, stage: Stage, report: &mut CheckReport) {
    let what = match exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    };
    let how_far = match stage {
        Stage::Reading => "while the transactions were read: nothing is decided",
        Stage::Ordering => "while versions were put in order: nothing is decided",
        Stage::Circles => {
            "during the search for cycles; what single reads show is decided: nothing wrong"
        }
    };
    report.verdict = Outcome::Inconclusive;
    report.reason = Some(format!("{what} {how_far}"));
}

#[cfg(test)]
mod budgets;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
