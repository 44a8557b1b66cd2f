//! What the entry says where there is no verdict to say.

use std::sync::atomic::{AtomicUsize, Ordering};

use temblor_history::Outcome;

use super::*;
use crate::{Exhausted, Unlimited, notation};

fn request(model: &str, consistency: &str) -> Request {
    Request::new(model, consistency)
}

fn errors(lines: &str, request: &Request) -> Vec<String> {
    let report = check(&History::read(lines.as_bytes()).unwrap(), request, &Unlimited);
    assert_eq!((report.verdict, report.complete), (Outcome::Error, false));
    report.errors
}

#[test]
fn names_what_is_known_when_asked_for_what_is_not() {
    let errors = errors("", &request("regster", "linearisable"));
    let beginnings = [
        "unknown model `regster`; known are register, cas-register",
        "unknown consistency model `linearisable`; known are linearizable, no-lost-writes",
    ];
    assert_eq!(errors.len(), beginnings.len());
    for (error, beginning) in errors.iter().zip(beginnings) {
        assert!(error.starts_with(beginning), "{error}");
    }
}

#[test]
fn names_every_operation_that_the_model_does_not_know() {
    let lines = r#"{"history": 1}
{"process": 0, "type": "invoke", "f": "write", "value": [1, 2]}
{"process": 1, "type": "invoke", "f": "cas", "value": [1, 2]}
{"process": 2, "type": "invoke", "f": "read", "value": null}
{"process": 2, "type": "ok", "f": "read", "value": {"a": 1}}
{"process": 3, "type": "invoke", "f": "incr", "value": 1}
"#;
    assert_eq!(
        errors(lines, &request("register", "linearizable")),
        [
            "line 2: a `write` takes a number, a string, a boolean or null, not an array",
            "line 3: `cas` is no function of the model `register` (`read`, `write`)",
            "line 5: a `read` returns a number, a string, a boolean or null, not an object",
            "line 6: `incr` is no function of the model `register` (`read`, `write`)",
        ]
    );
    let cas = r#"{"process": 1, "type": "invoke", "f": "cas", "value": 7}"#;
    assert_eq!(
        errors(cas, &request("cas-register", "linearizable")),
        ["line 1: a `cas` takes [old, new]"]
    );
}

#[test]
fn the_initial_value_is_the_headers() {
    let lines = r#"{"history": 1, "params": {"initial": 0}}
{"process": 2, "type": "invoke", "f": "read", "value": null}
{"process": 2, "type": "ok", "f": "read", "value": 0}
"#;
    let history = History::read(lines.as_bytes()).unwrap();
    let report = check(&history, &request("register", "linearizable"), &Unlimited);
    assert_eq!((report.verdict, report.complete, report.ops), (Outcome::Pass, true, 1));
}

/// Two values, written again and again: not for the fast path.
const REPEATED: &str = "
    0: |w1@k-| |w2@k-| |w1@k-| |r1@k-|
    1: |w1@l-| |w2@l-| |r1@l-|
";

struct Passed;

impl Budget for Passed {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        Some(Exhausted::Deadline)
    }
}

#[test]
fn an_exhausted_budget_is_inconclusive_and_says_how_far_it_came() {
    let drawing = " |w1@k-| |w2@k-|".repeat(300);
    let history = notation::history(&format!("0:{drawing}"));
    let report = check(&history, &request("register", "linearizable"), &Passed);
    assert_eq!((report.verdict, report.complete), (Outcome::Inconclusive, false));
    assert_eq!(
        report.reason.unwrap(),
        "1 key of 1 undecided: key k: the deadline passed; linearizable up to event 127 (63 \
         operations of 600), where 0 operations were open in 1 possible state"
    );
}

/// Crashes when it is asked.
struct Crashing(AtomicUsize);

impl Budget for Crashing {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("the budget is broken")
    }
}

#[test]
fn a_crash_is_an_error_and_hides_no_violation() {
    let drawing = " |w1@k-| |w2@k-|".repeat(300);
    let crashing = Crashing(AtomicUsize::new(0));
    let crashed = |drawing: &str| {
        check(&notation::history(drawing), &request("register", "linearizable"), &crashing)
    };
    let report = crashed(&format!("0:{drawing}"));
    assert_eq!((report.verdict, report.errors.len()), (Outcome::Error, 0));
    assert_eq!(
        report.reason.unwrap(),
        "1 key of 1 undecided: key k: the checker itself crashed, which says nothing about the \
         history: the budget is broken"
    );
    let report = crashed(&format!("0:{drawing}\n1: |w1@l-| |w2@l-| |r1@l-|"));
    assert_eq!(report.verdict, Outcome::Violation);
    assert!(crashing.0.load(Ordering::Relaxed) > 0);
}

#[test]
fn keys_are_judged_by_themselves() {
    let history = notation::history(REPEATED);
    let report = check(&history, &request("register", "linearizable"), &Unlimited);
    assert_eq!(report.anomalies.len(), 1);
    assert_eq!((report.not, report.also_not), (vec!["linearizable".to_owned()], vec![]));
}
