//! Registers and compare-and-set registers: one object at a time.
//!
//! A history is split by key (linearizability is local: Herlihy and Wing 1990, theorem 1), each
//! key's operations are reduced to what they say of one register ([`operations`]), and judged:
//! in n·log n where written values are unique ([`zones`]), else by the general engine ([`sweep`]).
//! A violation is made small ([`minimize`]) and told in words ([`explain`]).

mod alternatives;
mod cut;
mod explain;
pub(crate) mod extract;
pub(crate) mod involved;
mod judge;
mod linearizable;
pub(crate) mod lost_writes;
mod minimize;
mod operations;
mod refusals;
mod replay;
pub(crate) mod story;
mod sweep;
mod unwritten;
pub(crate) mod zones;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod random;

use rayon::prelude::*;
use temblor_history::{CheckReport, History};

use crate::{
    Budget, Request,
    check::Span,
    conclusion::{ObjectResult, conclude, guarded, unread, where_stopped},
    meter::Meter,
    words::counted,
};
use extract::{Model, Register};
pub(crate) use linearizable::{ABORTED_READ, THIN_AIR};
pub(crate) use operations::{Effect, NEVER, RegisterOp, ValueNumber};

/// The kinds of anomalies, the plainest first.
const KINDS: [&str; 5] = [
    lost_writes::LOST_WRITE,
    explain::STALE_READ,
    linearizable::ABORTED_READ,
    linearizable::THIN_AIR,
    explain::NON_LINEARIZABLE,
];

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
    let meter = Meter::new(budget);
    let mut registers = match extract::registers(history, model, &meter) {
        Ok(registers) => registers,
        Err(errors) => {
            report.errors = errors.lines();
            return;
        }
    };
    if let Err(exhausted) = meter.in_time() {
        return conclude(report, vec![unread(history, exhausted)], &KINDS, prefer);
    }
    // The largest first, so that no core waits for it at the end.
    registers.sort_by_key(|register| std::cmp::Reverse(register.ops.len()));
    let linearizable = request.consistency == "linearizable";
    let results: Vec<ObjectResult> = registers
        .par_iter()
        .with_max_len(1)
        .map(|register| examined(history, register, &meter, linearizable))
        .collect();
    conclude(report, results, &KINDS, prefer);
    broken(report);
}

fn examined(
    history: &History,
    register: &Register,
    meter: &Meter<'_>,
    linearizable: bool,
) -> ObjectResult {
    guarded(&name(history, register), || {
        if linearizable {
            by_order(history, register, meter)
        } else {
            by_final_reads(history, register)
        }
    })
}

fn by_order(history: &History, register: &Register, meter: &Meter<'_>) -> ObjectResult {
    let examined = linearizable::examine(history, register, meter);
    let undecided = examined.stopped.map(|stopped| {
        let before = |op: &&RegisterOp| op.returned < stopped.event;
        let decided = register.ops.iter().filter(before).count();
        where_stopped(&name(history, register), &stopped, decided, register.ops.len())
    });
    let mut findings = examined.findings;
    if undecided.is_some() || !findings.is_empty() {
        let (_, ops) = unwritten::split(register);
        findings.extend(lost_writes::lost_write(history, register, &ops).0);
    }
    ObjectResult { findings, undecided, crashed: None }
}

fn by_final_reads(history: &History, register: &Register) -> ObjectResult {
    let survival = lost_writes::survival(history, register);
    let undecided = (survival.unread > 0).then(|| {
        format!(
            "{}no final read after {}",
            name(history, register),
            counted(survival.unread, "acknowledged write")
        )
    });
    ObjectResult { findings: survival.findings, undecided, crashed: None }
}

/// `key k3: `, or nothing where operations have no key.
fn name(history: &History, register: &Register) -> String {
    let key = register.key.map(|key| history.key(key));
    key.map_or(String::new(), |key| format!("key {key}: "))
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
