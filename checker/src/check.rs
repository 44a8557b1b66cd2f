//! The entry: a history and a question in, a report out. Nothing that happens in here is a pass
//! by accident: a crash of a checker is an error, an exhausted budget is inconclusive.

use std::panic::{AssertUnwindSafe, catch_unwind};

use temblor_history::{CheckReport, History};

use crate::{Budget, catalogue, invariants, objects, register, transactions, weak};

/// What to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The model of the operations, such as `cas-register`.
    pub model: String,
    /// What they should satisfy, such as `linearizable`.
    pub consistency: String,
    /// What may be assumed to order a key's versions in `rw-register`; empty elsewhere.
    pub version_orders: Vec<VersionOrder>,
}

impl Request {
    /// A question without assumptions.
    pub fn new(model: impl Into<String>, consistency: impl Into<String>) -> Self {
        let (model, consistency) = (model.into(), consistency.into());
        Self { model, consistency, version_orders: Vec::new() }
    }
}

/// What a workload guarantees about the order of a key's versions, beyond that the initial one
/// comes first. The names are those of Elle's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VersionOrder {
    /// Within a transaction, a write follows what the transaction read of that key.
    WritesFollowReads,
    /// Each process sees a key's versions in order.
    Sequential,
    /// Each key is linearizable.
    Linearizable,
}

/// Checks a history. [`CheckReport::seconds`] stays 0: the caller has the clock.
///
/// The verdict is `error` with [`CheckReport::errors`] where the question or the file is wrong
/// (exit code 254), and `error` with a [`CheckReport::reason`] and no `errors` where a checker
/// crashed (exit code 255).
///
/// ```
/// use temblor_checker::{Request, Unlimited, check};
/// use temblor_history::History;
///
/// let history = History::read(
///     br#"
/// {"process": 0, "type": "invoke", "f": "write", "value": 1}
/// {"process": 0, "type": "ok",     "f": "write", "value": 1}
/// {"process": 1, "type": "invoke", "f": "read",  "value": null}
/// {"process": 1, "type": "ok",     "f": "read",  "value": null}
/// "#
///     .as_slice(),
/// )
/// .unwrap();
/// let request = Request::new("register", "linearizable");
/// let report = check(&history, &request, &Unlimited);
/// assert_eq!(
///     report.anomalies[0].witness.as_ref().unwrap().sentence,
///     "read by client 1 returned null, although the write of 1 (client 0) had been acknowledged \
///      before it began"
/// );
/// ```
pub fn check(history: &History, request: &Request, budget: &dyn Budget) -> CheckReport {
    check_preferring(history, request, &[], budget)
}

/// A stretch of time, both ends included, nanoseconds since the run began.
pub type Span = (i64, i64);

/// The same; of several examples of one anomaly it shows one that ends within one of these spans,
/// if there is one: a reader wants to see what happened under a fault.
pub fn check_preferring(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
) -> CheckReport {
    let mut report = CheckReport::undecided(&request.model, &request.consistency);
    report.ops = history.operations().len() as u64;
    report.warnings = history.warnings().to_vec();
    let mistakes = mistakes(request);
    if !mistakes.is_empty() {
        report.errors = mistakes;
        return report;
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let mut report = report.clone();
        dispatch(history, request, prefer, budget, &mut report);
        report
    }));
    checked.unwrap_or_else(|panic| {
        report.reason = Some(crash(&*panic));
        report
    })
}

/// One line for each family of models.
fn dispatch(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    if invariants::knows(request) {
        return invariants::check(history, request, prefer, budget, report);
    }
    match request.model.as_str() {
        _ if weak::is_weak(&request.consistency) => {
            weak::check(history, request, prefer, budget, report);
        }
        "register" | "cas-register" => register::check(history, request, prefer, budget, report),
        "list-append" | "rw-register" => {
            transactions::check(history, request, prefer, budget, report);
        }
        "string-kv" | "multi-register" | "set" | "queue" | "stack" | "priority-queue"
        | "counter" | "lock" | "semaphore" | "log" => {
            objects::check(history, request, prefer, budget, report);
        }
        other => unreachable!("the model {other} is listed and has no checker"),
    }
}

/// What a panic says, as the reason of a report.
pub(crate) fn crash(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!(
        "the checker itself crashed, which says nothing about the history: {}",
        words.unwrap_or("no message")
    )
}

fn mistakes(request: &Request) -> Vec<String> {
    let models: Vec<&str> = catalogue::models().iter().map(|entry| entry.name).collect();
    let consistencies = catalogue::consistencies();
    let names: Vec<&str> = consistencies.iter().map(|entry| entry.name).collect();
    let mut mistakes = Vec::new();
    let known = models.contains(&request.model.as_str());
    if !known {
        mistakes.push(unknown("model", &request.model, &models));
    }
    match consistencies.iter().find(|entry| entry.name == request.consistency) {
        None => mistakes.push(unknown("consistency model", &request.consistency, &names)),
        Some(entry) if known && !entry.models.contains(&request.model.as_str()) => {
            mistakes.push(format!(
                "`{}` does not apply to the model `{}`; it applies to {}",
                entry.name,
                request.model,
                entry.models.join(", ")
            ));
        }
        Some(_) => {}
    }
    mistakes
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    format!("unknown {what} `{name}`; known are {}", known.join(", "))
}

#[cfg(test)]
mod tests;
