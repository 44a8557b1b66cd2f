//! Registers and compare-and-set registers: one object at a time.
//!
//! A history is split by key (linearizability is local: Herlihy and Wing 1990, theorem 1), each
//! key's operations are reduced to what they say of one register ([`operations`]), and judged:
//! in n·log n where written values are unique ([`zones`]), else by the general engine ([`sweep`]).
//! A violation is made small ([`minimize`]) and told in words ([`explain`]).

mod alternatives;
mod cut;
mod explain;
mod extract;
mod involved;
mod judge;
mod linearizable;
mod lost_writes;
mod minimize;
mod operations;
mod refusals;
mod replay;
mod story;
mod sweep;
mod unwritten;
mod zones;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use temblor_history::{CheckReport, History, Outcome};

use crate::{
    Budget, Exhausted, Request,
    check::{Span, crash},
    findings::{Finding, anomalies},
    meter::Meter,
    words::{counted, was},
};
use extract::{Model, Register};
pub(crate) use operations::{Effect, NEVER, RegisterOp, ValueNumber};
use sweep::Stopped;

/// The kinds of anomalies, the plainest first.
const KINDS: [&str; 5] = [
    lost_writes::LOST_WRITE,
    explain::STALE_READ,
    linearizable::ABORTED_READ,
    linearizable::THIN_AIR,
    explain::NON_LINEARIZABLE,
];

/// What became of one key.
struct KeyResult {
    findings: Vec<Finding>,
    /// Why it is not decided, if it is not.
    undecided: Option<String>,
    crashed: Option<String>,
}

/// Checks a history of registers and fills the report in.
pub(crate) fn check(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    let model = match request.model.as_str() {
        "cas-register" => Model::CasRegister,
        _ => Model::Register,
    };
    let mut registers = match extract::registers(history, model) {
        Ok(registers) => registers,
        Err(errors) => {
            report.errors = errors.lines();
            return;
        }
    };
    // The largest first, so that no core waits for it at the end.
    registers.sort_by_key(|register| std::cmp::Reverse(register.ops.len()));
    let linearizable = request.consistency == "linearizable";
    let meter = Meter::new(budget);
    let results: Vec<KeyResult> = registers
        .par_iter()
        .with_max_len(1)
        .map(|register| guarded(history, register, &meter, linearizable))
        .collect();
    conclude(report, results, prefer);
}

/// A crash over one key must not hide what is found in the others.
fn guarded(
    history: &History,
    register: &Register,
    meter: &Meter<'_>,
    linearizable: bool,
) -> KeyResult {
    let examined = catch_unwind(AssertUnwindSafe(|| {
        if linearizable {
            by_order(history, register, meter)
        } else {
            by_final_reads(history, register)
        }
    }));
    examined.unwrap_or_else(|panic| KeyResult {
        findings: Vec::new(),
        undecided: None,
        crashed: Some(format!("{}{}", name(history, register), crash(&*panic))),
    })
}

fn by_order(history: &History, register: &Register, meter: &Meter<'_>) -> KeyResult {
    let examined = linearizable::examine(history, register, meter);
    let undecided = examined.stopped.map(|stopped| where_stopped(history, register, &stopped));
    let mut findings = examined.findings;
    if undecided.is_some() || !findings.is_empty() {
        let (_, ops) = unwritten::split(register);
        findings.extend(lost_writes::lost_write(history, register, &ops).0);
    }
    KeyResult { findings, undecided, crashed: None }
}

fn by_final_reads(history: &History, register: &Register) -> KeyResult {
    let survival = lost_writes::survival(history, register);
    let undecided = (survival.unread > 0).then(|| {
        format!(
            "{}no final read after {}",
            name(history, register),
            counted(survival.unread, "acknowledged write")
        )
    });
    KeyResult { findings: survival.findings, undecided, crashed: None }
}

/// `key k3: `, or nothing where operations have no key.
fn name(history: &History, register: &Register) -> String {
    let key = register.key.map(|key| history.key(key));
    key.map_or(String::new(), |key| format!("key {key}: "))
}

fn where_stopped(history: &History, register: &Register, stopped: &Stopped) -> String {
    let what = match stopped.exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    };
    let before = |op: &&RegisterOp| op.returned < stopped.event;
    format!(
        "{}{what}; linearizable up to event {} ({} of {}), where {} {} open in {}",
        name(history, register),
        stopped.event,
        counted(register.ops.iter().filter(before).count(), "operation"),
        register.ops.len(),
        counted(stopped.open, "operation"),
        was(stopped.open),
        counted(stopped.configurations, "possible state")
    )
}

/// How many undecided keys are named.
const NAMED: usize = 5;

/// A violation outranks a crash, a crash what is undecided.
fn conclude(report: &mut CheckReport, results: Vec<KeyResult>, prefer: &[Span]) {
    let keys = results.len();
    let (mut findings, mut undecided, mut crashed) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        findings.extend(result.findings);
        undecided.extend(result.undecided);
        crashed.extend(result.crashed);
    }
    report.anomalies = anomalies(&findings, &KINDS, prefer);
    report.complete = undecided.is_empty() && crashed.is_empty();
    report.verdict = match () {
        () if !report.anomalies.is_empty() => Outcome::Violation,
        () if !crashed.is_empty() => Outcome::Error,
        () if !undecided.is_empty() => Outcome::Inconclusive,
        () => Outcome::Pass,
    };
    let open = crashed.len() + undecided.len();
    let mut named: Vec<String> = crashed.into_iter().chain(undecided).take(NAMED).collect();
    if open > named.len() {
        named.push(format!("and {} more", open - named.len()));
    }
    if open > 0 {
        report.reason =
            Some(format!("{} of {keys} undecided: {}", counted(open, "key"), named.join("; ")));
    }
    broken(report);
}

/// The weakest promise broken, and what follows from it.
fn broken(report: &mut CheckReport) {
    if report.anomalies.is_empty() {
        return;
    }
    let lost = report.anomalies.iter().any(|anomaly| anomaly.kind == lost_writes::LOST_WRITE);
    if lost {
        report.not = vec!["no-lost-writes".to_owned()];
        report.also_not = vec!["linearizable".to_owned()];
    } else {
        report.not = vec![report.consistency.clone()];
        if report.consistency != "linearizable" {
            report.also_not = vec!["linearizable".to_owned()];
        }
    }
}

#[cfg(test)]
mod tests;
