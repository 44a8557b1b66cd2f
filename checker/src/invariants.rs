//! Invariants: promises that can be checked by looking at each answer once, without an order of
//! all operations. Each costs about as much as reading the history, and none guesses: what an
//! operation of unknown outcome may have done is allowed.
//!
//! A checker here judges one object; this module splits a history into objects, checks the shapes of
//! its values, and puts the report together.

mod bank;
mod contiguous_log;
mod counter;
mod entries;
mod long_fork;
mod monotonic;
mod mutual_exclusion;
mod object;
mod queue;
mod set;
mod shapes;
mod story;
mod unique_ids;

#[cfg(test)]
mod tests;

use rayon::prelude::*;
use temblor_history::{CheckReport, History, Outcome};

use crate::{
    Budget, Exhausted, Request,
    check::Span,
    findings::{Finding, anomalies},
    meter::{Meter, Share},
    words::counted,
};
pub(crate) use entries::entries;
use object::Object;

/// What was found of one object.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// At most one of a kind.
    findings: Vec<Finding>,
    /// What the history does not tell, if that leaves the object undecided.
    undecided: Option<String>,
    /// What was counted along the way, in words.
    facts: Vec<String>,
    /// What is wrong with the file.
    mistakes: Vec<String>,
}

/// Judges one object.
type Examine = fn(&Object<'_>, &mut Share<'_>) -> Result<Examined, Exhausted>;

/// An invariant of a model.
struct Invariant {
    model: &'static str,
    consistency: &'static str,
    /// Whether each key is an object of its own.
    by_key: bool,
    examine: Examine,
    /// The consistency models that cannot hold without it.
    needed_by: &'static [&'static str],
}

const fn of_keys(model: &'static str, consistency: &'static str, examine: Examine) -> Invariant {
    Invariant { model, consistency, by_key: true, examine, needed_by: &["linearizable"] }
}

const fn of_all(model: &'static str, consistency: &'static str, examine: Examine) -> Invariant {
    Invariant { model, consistency, by_key: false, examine, needed_by: &[] }
}

const INVARIANTS: &[Invariant] = &[
    of_keys("set", "no-lost-writes", set::no_lost_writes),
    of_keys("set", "no-duplicates", set::no_duplicates),
    of_keys("queue", "no-lost-writes", queue::no_lost_writes),
    of_keys("queue", "no-duplicates", queue::no_duplicates),
    of_keys("counter", "counter-bounds", counter::examine),
    of_keys("lock", "mutual-exclusion", mutual_exclusion::lock),
    of_keys("semaphore", "mutual-exclusion", mutual_exclusion::semaphore),
    of_all("bank", "total-conserved", bank::examine),
    of_all("unique-ids", "unique", unique_ids::examine),
    Invariant { needed_by: &[], ..of_keys("log", "contiguous-log", contiguous_log::examine) },
    Invariant { needed_by: &[], ..of_keys("register", "monotonic", monotonic::in_real_time) },
    Invariant { needed_by: &[], ..of_keys("counter", "monotonic", monotonic::in_real_time) },
    of_all("unique-ids", "monotonic", monotonic::in_real_time),
    Invariant {
        needed_by: &[],
        ..of_keys("register", "monotonic-per-session", monotonic::in_sessions)
    },
    Invariant {
        needed_by: &[],
        ..of_keys("counter", "monotonic-per-session", monotonic::in_sessions)
    },
    of_all("unique-ids", "monotonic-per-session", monotonic::in_sessions),
    Invariant {
        needed_by: &["snapshot-isolation", "serializable", "strict-serializable"],
        ..of_all("rw-register", "no-long-fork", long_fork::examine)
    },
];

/// The kinds of anomalies, the plainest first.
const KINDS: [&str; 23] = [
    "lost-write",
    "duplicate",
    "two-holders",
    "too-many-permits",
    "token-not-increasing",
    "wrong-total",
    "negative-value",
    "nil-balance",
    "missing-account",
    "unexpected-account",
    "out-of-bounds",
    "duplicate-id",
    "nonmonotonic",
    "long-fork",
    "inconsistent-offsets",
    "int-poll-skip",
    "int-nonmonotonic-poll",
    "poll-skip",
    "nonmonotonic-poll",
    "nonmonotonic-send",
    "stale-read",
    "G1a",
    "thin-air",
];

/// Whether the question is about an invariant of this module.
pub(crate) fn knows(request: &Request) -> bool {
    find(request).is_some()
}

fn find(request: &Request) -> Option<&'static Invariant> {
    INVARIANTS.iter().find(|invariant| {
        invariant.model == request.model && invariant.consistency == request.consistency
    })
}

/// Checks a history for an invariant and fills the report in.
pub(crate) fn check(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    let Some(invariant) = find(request) else { return };
    report.errors = shapes::mistakes(history, invariant.model).lines();
    if !report.errors.is_empty() {
        return;
    }
    let objects = if invariant.by_key { object::by_key(history) } else { object::whole(history) };
    let meter = Meter::new(budget);
    let examined: Vec<Examined> = objects
        .par_iter()
        .with_max_len(1)
        .map(|object| {
            let examined = (invariant.examine)(object, &mut meter.share());
            examined.unwrap_or_else(|exhausted| Examined {
                undecided: Some(ran_out(exhausted).to_owned()),
                ..Examined::default()
            })
        })
        .collect();
    conclude(report, invariant, &objects, examined, prefer);
}

fn ran_out(exhausted: Exhausted) -> &'static str {
    match exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    }
}

/// How many objects are named one by one.
const NAMED: usize = 5;

fn conclude(
    report: &mut CheckReport,
    invariant: &Invariant,
    objects: &[Object<'_>],
    examined: Vec<Examined>,
    prefer: &[Span],
) {
    let (mut findings, mut undecided) = (Vec::new(), Vec::new());
    for (object, examined) in objects.iter().zip(examined) {
        let name = object.name();
        let named = |words: &String| format!("{name}{words}");
        report.errors.extend(examined.mistakes);
        findings.extend(examined.findings);
        undecided.extend(examined.undecided.iter().map(named));
        if report.facts.len() < NAMED {
            report.facts.extend(examined.facts.iter().map(named));
        }
    }
    if !report.errors.is_empty() {
        report.errors.dedup();
        return;
    }
    report.anomalies = anomalies(&findings, &KINDS, prefer);
    report.complete = undecided.is_empty();
    report.verdict = match () {
        () if !report.anomalies.is_empty() => Outcome::Violation,
        () if !undecided.is_empty() => Outcome::Inconclusive,
        () => Outcome::Pass,
    };
    if !report.anomalies.is_empty() {
        report.not = vec![invariant.consistency.to_owned()];
        report.also_not = invariant.needed_by.iter().map(ToString::to_string).collect();
    }
    if !undecided.is_empty() {
        let open = undecided.len();
        undecided.truncate(NAMED);
        if open > NAMED {
            undecided.push(format!("and {} more", open - NAMED));
        }
        let objects = counted(objects.len(), "object");
        report.reason = Some(format!("{open} of {objects} undecided: {}", undecided.join("; ")));
    }
}
