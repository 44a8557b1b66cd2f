//! Transactions over lists and registers, by the levels of Adya's and Elle's lattice.
//!
//! A history becomes dense arrays ([`extract`]). What single reads show is found in one pass
//! ([`reads`], [`updates`]). The order of each key's versions ([`lists`]) gives the graph of what
//! must come before what ([`graph`]); its cycles are classified completely ([`classify`]), and what
//! was found rules levels out ([`lattice`]).

mod classify;
mod components;
mod explain;
pub(crate) mod extract;
mod fan;
mod graph;
mod lattice;
mod lists;
mod names;
mod part;
mod reads;
mod search;
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
use explain::Context;
use extract::{Model, Transactions};
use graph::Graph;
use lists::Orders;
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

const MODELS: &[&str] = &["list-append"];

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
    let mut tally = reads::examine(&all, &is_preferred);
    updates::lost_updates(&all, &is_preferred, &mut tally);
    updates::dirty_updates(&all, &is_preferred, &mut tally);
    let meter = Meter::new(budget);
    let orders = Orders::of(&all);
    let searched = search_cycles(&all, &orders, &is_preferred, &meter, &mut tally);
    let context = Context { history, all: &all, orders: Some(&orders) };
    conclude(&context, request, prefer, searched, &tally, report);
}

/// Finds cycles; what is left open says whether an answer about snapshots may be incomplete.
fn search_cycles(
    all: &Transactions,
    orders: &Orders<'_>,
    is_preferred: &(impl Fn(u32) -> bool + Sync),
    meter: &Meter<'_>,
    tally: &mut Tally,
) -> Result<(), Exhausted> {
    let graph = Graph::new(all, orders.edges());
    let parts = search::parts(&graph, meter)?;
    drop(graph);
    search::cycles(&parts, is_preferred, meter, tally)
}

fn conclude(
    context: &Context<'_>,
    request: &Request,
    prefer: &[Span],
    searched: Result<(), Exhausted>,
    tally: &Tally,
    report: &mut CheckReport,
) {
    let level = request.consistency.as_str();
    let found = tally.names();
    let boundary = lattice::boundary(&found);
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
    report.complete = searched.is_ok() && lattice::is_decided(level, &boundary);
    let names = |names: &[&'static str]| names.iter().map(|&name| name.to_owned()).collect();
    report.not = names(&boundary.not);
    report.also_not = names(&boundary.also_not);
    report.verdict = match (forbidden.is_empty(), searched) {
        (false, _) => Outcome::Violation,
        (true, Ok(())) => Outcome::Pass,
        (true, Err(exhausted)) => {
            report.reason = Some(stopped(exhausted));
            Outcome::Inconclusive
        }
    };
    if searched.is_ok() {
        report.consistent_with = names(&boundary.consistent_with);
    }
}

fn stopped(exhausted: Exhausted) -> String {
    let what = match exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    };
    format!("{what} during the search for cycles; what single reads show is decided: nothing wrong")
}

#[cfg(test)]
mod tests;
