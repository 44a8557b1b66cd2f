//! From what became of each object to the verdict of a report.

use std::panic::{AssertUnwindSafe, catch_unwind};

use temblor_history::{CheckReport, History, Outcome};

use crate::{
    Exhausted,
    check::{Span, crash},
    decision::Stopped,
    findings::{Finding, anomalies},
    words::{counted, was},
};

/// What became of one object.
#[derive(Default)]
pub(crate) struct ObjectResult {
    pub(crate) findings: Vec<Finding>,
    /// Why it is not decided, if it is not.
    pub(crate) undecided: Option<String>,
    pub(crate) crashed: Option<String>,
}

/// A crash over one object must not hide what is found in the others. `name` is `key k3: `, or
/// nothing where operations have no key.
pub(crate) fn guarded(name: &str, examine: impl FnOnce() -> ObjectResult) -> ObjectResult {
    catch_unwind(AssertUnwindSafe(examine)).unwrap_or_else(|panic| ObjectResult {
        crashed: Some(format!("{name}{}", crash(&*panic))),
        ..ObjectResult::default()
    })
}

/// Which object, up to where, how wide: `decided` of its `operations` had returned by then.
pub(crate) fn where_stopped(
    name: &str,
    stopped: &Stopped,
    decided: usize,
    operations: usize,
) -> String {
    let what = match stopped.exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    };
    format!(
        "{name}{what}; linearizable up to event {} ({} of {operations}), where {} {} open in {}",
        stopped.event,
        counted(decided, "operation"),
        counted(stopped.open, "operation"),
        was(stopped.open),
        counted(stopped.configurations, "possible state")
    )
}

/// The budget ran out before a history was split into objects.
pub(crate) fn unread(history: &History, exhausted: Exhausted) -> ObjectResult {
    let stopped = Stopped::at_once(exhausted);
    let undecided = where_stopped("", &stopped, 0, history.operations().len());
    ObjectResult { undecided: Some(undecided), ..ObjectResult::default() }
}

/// How many undecided objects are named.
const NAMED: usize = 5;

/// A violation outranks a crash, a crash what is undecided.
pub(crate) fn conclude(
    report: &mut CheckReport,
    results: Vec<ObjectResult>,
    kinds: &[&'static str],
    prefer: &[Span],
) {
    let objects = results.len();
    let (mut findings, mut undecided, mut crashed) = (Vec::new(), Vec::new(), Vec::new());
    for result in results {
        findings.extend(result.findings);
        undecided.extend(result.undecided);
        crashed.extend(result.crashed);
    }
    report.anomalies = anomalies(&findings, kinds, prefer);
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
            Some(format!("{} of {objects} undecided: {}", counted(open, "key"), named.join("; ")));
    }
}
