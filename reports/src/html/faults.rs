//! What each fault did, as measured, and how long the cluster took to serve again.

use temblor_history::{Evidence, Fault, Measured};

use crate::digest::Digest;
use crate::measure::{Recovery, recovery};
use crate::words;

use super::table::{Cell, Table};

/// The faults' part of the page.
#[derive(Debug)]
pub(crate) struct FaultTables {
    pub(crate) faults: Table,
    pub(crate) recovery: Table,
    /// Evidence of each fault, under its label.
    pub(crate) evidence: Vec<(String, Table)>,
}

pub(crate) fn fault_tables(digest: &Digest<'_>) -> FaultTables {
    let faults = &digest.run.faults;
    let mut table = Table::new(&[
        ("fault", false),
        ("target", false),
        ("began", true),
        ("ended", true),
        ("because", false),
        ("injected", false),
        ("healed", false),
    ]);
    let mut recoveries = Table::new(&[
        ("fault", false),
        ("first ok anywhere, from its begin", true),
        ("first ok of each node, from its heal", false),
        ("all nodes", true),
    ]);
    for fault in faults {
        table.push(fault_row(fault));
        if fault.began.is_some() {
            recoveries.push(recovery_row(fault, &recovery(&digest.timings, fault)));
        }
    }
    let seen = |fault: &&Fault| fault.began.is_some() || fault.failed.is_some();
    let evidence = faults.iter().filter(seen).map(|fault| (fault.label(), evidence(fault)));
    FaultTables { faults: table, recovery: recoveries, evidence: evidence.collect() }
}

fn fault_row(fault: &Fault) -> Vec<Cell> {
    let nothing = "–".to_owned();
    let why = fault.skipped.as_ref().or(fault.failed.as_ref());
    vec![
        fault.label().into(),
        fault.chosen.clone().into(),
        fault.began.map_or(nothing.clone(), measured).into(),
        fault.healed.map_or(nothing, measured).into(),
        why.unwrap_or(&fault.because).clone().into(),
        injected(fault),
        healed(fault),
    ]
}

/// A moment, or the bounds within which it is known to lie, where they show.
fn measured(at: Measured) -> String {
    let (earliest, latest) = (words::exact_moment(at.earliest), words::exact_moment(at.latest));
    if earliest == latest {
        latest
    } else {
        format!("{} – {latest}", earliest.trim_end_matches(" s"))
    }
}

fn injected(fault: &Fault) -> Cell {
    match (&fault.skipped, fault.began) {
        (Some(_), _) if fault.optional => "skipped, as the plan allows".into(),
        (Some(_), _) => Cell::holds(false, "skipped"),
        (None, None) => Cell::holds(false, "never began"),
        (None, Some(_)) => proven(fault.verified(), &fault.begin_evidence),
    }
}

fn healed(fault: &Fault) -> Cell {
    match (fault.began, fault.healed) {
        (None, _) => "–".into(),
        (Some(_), None) => Cell::holds(false, "no measured end"),
        (Some(_), Some(_)) => proven(fault.clean(), &fault.heal_evidence),
    }
}

fn proven(proven: bool, evidence: &[Evidence]) -> Cell {
    let held = evidence.iter().filter(|seen| seen.holds).count();
    let text = match evidence.len() {
        0 => "no evidence".to_owned(),
        all if all == held => format!("verified, {}", words::counted(all as u64, "observation")),
        all => format!("{held} of {all} observations agree"),
    };
    Cell::holds(proven, text)
}

fn recovery_row(fault: &Fault, seen: &Recovery) -> Vec<Cell> {
    let time = |time: Option<i64>| time.map_or("never".to_owned(), words::duration);
    let node = |(name, after): &(String, Option<i64>)| format!("{name} {}", time(*after));
    let nodes: Vec<String> = seen.nodes.iter().map(node).collect();
    let whole = if seen.nodes.is_empty() { "–".to_owned() } else { time(seen.whole()) };
    let missed = seen.whole().is_none() && !seen.nodes.is_empty();
    let whole = if missed { Cell::holds(false, whole) } else { whole.into() };
    vec![fault.label().into(), time(seen.first_ok_during).into(), nodes.join(", ").into(), whole]
}

fn evidence(fault: &Fault) -> Table {
    let mut table =
        Table::new(&[("when", false), ("what", false), ("expected", false), ("observed", false)]);
    let stages = [("injected", &fault.begin_evidence), ("healed", &fault.heal_evidence)];
    for (stage, seen) in stages {
        for Evidence { what, expected, observed, holds } in seen {
            table.push(vec![
                stage.into(),
                what.clone().into(),
                expected.clone().into(),
                Cell::holds(*holds, observed.clone()),
            ]);
        }
    }
    table
}
