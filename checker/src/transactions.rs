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
use extract::{Model, Transactions};
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
    let all = match Transactions::of(history, model) {
        Ok(all) => all,
        Err(errors) => {
            report.errors = errors.lines();
            return;
        }
    };
    let is_preferred = |transaction: u32| {
        let operation = all.operation(history, transaction);
        let end = operation.completed.unwrap_or(operation.invoked);
        prefer.iter().any(|(from, to)| *from <= operation.invoked && end <= *to)
    };
    let look_at_reads = || {
        let mut tally = reads::examine(&all, &is_preferred);
        updates::lost_updates(&all, &is_preferred, &mut tally);
        updates::dirty_updates(&all, &is_preferred, &mut tally);
        updates::reordered_appends(&all, &is_preferred, &mut tally);
        tally
    };
    let meter = Meter::new(budget);
    let mut asked = Asked { request, prefer, report };
    match model {
        Model::ListAppend => {
            let (mut tally, (orders, graph)) = rayon::join(look_at_reads, || {
                let orders = lists::Orders::of(&all);
                let graph = Graph::new(&all, orders.edges());
                (orders, graph)
            });
            let parts = search::parts(&graph, &meter);
            drop(graph);
            let searched = search_cycles(parts, &is_preferred, &meter, &mut tally, |parts| {
                leaves_snapshots_open(&all, &orders, parts)
            });
            let context = Context { history, all: &all, orders: Orders::Lists(&orders) };
            conclude(&context, &mut asked, Searched::without_order(searched), &tally);
        }
        Model::RwRegister => {
            let assumed = &request.version_orders;
            let mut tally = look_at_reads();
            let orders = registers::Orders::infer(&all, assumed, &is_preferred, &mut tally);
            let graph = Graph::new(&all, orders.edges());
            let open = if orders.are_total() { Open::Nothing } else { Open::Orders };
            let parts = search::parts(&graph, &meter);
            let cycles = search_cycles(parts, &is_preferred, &meter, &mut tally, |_| open);
            let mut searched = Searched::without_order(cycles);
            if searched.cycles == Ok(Open::Orders) {
                let settling =
                    Settling { all: &all, orders: &orders, graph: &graph, meter: &meter };
                searched.proved = settling.settle(&request.consistency, &mut tally);
            }
            let context = Context { history, all: &all, orders: Orders::Registers(&orders) };
            conclude(&context, &mut asked, searched, &tally);
        }
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

/// The question, and where the answer goes.
struct Asked<'a> {
    request: &'a Request,
    prefer: &'a [Span],
    report: &'a mut CheckReport,
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

fn conclude(context: &Context<'_>, asked: &mut Asked<'_>, searched: Searched, tally: &Tally) {
    let Asked { request, prefer, report } = asked;
    let level = request.consistency.as_str();
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
    report.anomalies = anomalies(&findings, &forbidden, prefer);
    for anomaly in &mut report.anomalies {
        anomaly.count = tally.count_of(&anomaly.kind);
    }
    report.complete = lattice::is_decided(level, &boundary);
    let names = |names: &[&'static str]| names.iter().map(|&name| name.to_owned()).collect();
    report.not = names(&boundary.not);
    report.also_not = names(&boundary.also_not);
    report.verdict = match (forbidden.is_empty(), searched.cycles) {
        (false, _) => Outcome::Violation,
        (true, Ok(_)) => Outcome::Pass,
        (true, Err(exhausted)) => {
            report.reason = Some(stopped(exhausted));
            Outcome::Inconclusive
        }
    };
    report.consistent_with = names(&boundary.consistent_with);
    // A violation needs nothing that is open.
    report.complete |= report.verdict == Outcome::Violation;
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

fn stopped(exhausted: Exhausted) -> String {
    let what = match exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    };
    format!("{what} during the search for cycles; what single reads show is decided: nothing wrong")
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
