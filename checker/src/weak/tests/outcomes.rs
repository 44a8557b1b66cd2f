//! Outcomes other than ok, values written twice, mistakes of the file, and budgets that run out.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use temblor_history::{CheckReport, History, Outcome};

use super::random::{Shape, history as random_history};
use crate::{
    Budget, Exhausted, Request, Unlimited, check, notation,
    register::random::{Random, cases},
};

fn told(report: &CheckReport) -> String {
    let kinds: Vec<&str> = report.anomalies.iter().map(|anomaly| &*anomaly.kind).collect();
    let reason = report.reason.clone().unwrap_or_default();
    format!("{} {}{reason}{}", report.verdict, kinds.join(" "), report.errors.join("\n"))
}

fn drawn(drawing: &str, level: &str) -> String {
    let history = notation::history(drawing);
    told(&check(&history, &Request::new("register", level), &Unlimited))
}

fn lines(text: &str, level: &str) -> String {
    let history = History::read(text.as_bytes()).unwrap();
    told(&check(&history, &Request::new("rw-register", level), &Unlimited))
}

#[test]
fn unknown_writes_count_where_somebody_saw_them() {
    let unseen = "
        0: |w1| |r1|
        1: |w2?";
    let seen = "
        0: |w1|
        1:      |r1| |w2?
        2:               |r2| |r1|";
    assert_eq!(drawn(unseen, "causal-memory"), "pass ");
    assert_eq!(drawn(seen, "causal"), "violation WriteCORead");
    assert_eq!(drawn("0: |w1-x\n1:       |r1|", "pram"), "violation G1a");
    assert_eq!(drawn("0: |r7|", "monotonic-reads"), "violation thin-air");
}

#[test]
fn unknown_transactions_count_whole() {
    let history = r#"
{"process": 0, "type": "invoke", "f": "txn", "value": [["w", "x", 1], ["w", "y", 1]]}
{"process": 0, "type": "info", "f": "txn", "value": [["w", "x", 1], ["w", "y", 1]]}
{"process": 1, "type": "invoke", "f": "txn", "value": [["r", "x", null], ["r", "y", null]]}
{"process": 1, "type": "ok", "f": "txn", "value": [["r", "x", 1], ["r", "y", null]]}
"#;
    assert_eq!(lines(history, "read-atomic"), "violation FracturedReadCO");
    assert_eq!(
        lines(&history.replace("[\"r\", \"x\", 1]", "[\"r\", \"x\", null]"), "causal"),
        "pass "
    );
}

#[test]
fn what_cannot_be_told_apart_is_not_decided() {
    let twice = "
        0: |w1| |r1|
        1: |w1|";
    assert_eq!(
        drawn(twice, "causal"),
        "inconclusive line 2: 1 is written to its key a second time, so that nobody can say whose \
         write a read found"
    );
}

#[test]
fn mistakes_of_the_file_are_errors() {
    let history = r#"
{"process": 0, "type": "invoke", "f": "write", "value": [1]}
{"process": 1, "type": "invoke", "f": "incr", "value": 1}
"#;
    let history = History::read(history.as_bytes()).unwrap();
    let report = check(&history, &Request::new("register", "pram"), &Unlimited);
    assert_eq!(
        report.errors,
        [
            "line 2: a `write` takes a number, a string, a boolean or null, not an array",
            "line 3: `incr` is no function of the model `register` (`read`, `write`)",
        ]
    );
}

struct Nothing;

impl Budget for Nothing {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        Some(Exhausted::Deadline)
    }
}

#[test]
fn a_budget_that_runs_out_is_said() {
    let history = notation::history("0: |w1| |r1|\n1: |w2| |r2|");
    for level in ["causal", "causal-memory", "pram", "sequential"] {
        let report = check(&history, &Request::new("register", level), &Nothing);
        assert_eq!(report.verdict, Outcome::Inconclusive, "{level}");
        assert!(report.reason.unwrap().starts_with("the deadline passed while"), "{level}");
    }
}

/// Says stop after so many questions.
struct Patience(AtomicUsize);

impl Budget for Patience {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        let left = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.is_err().then_some(Exhausted::Deadline)
    }
}

/// The file says one session after the other; the order in which things happened is to be found.
#[test]
fn sequential_orders_are_found_though_the_file_misleads() {
    let mut random = Random::new(1_300);
    let mut found = 0;
    for sessions in [2, 3, 5, 8] {
        for _ in 0..cases(10) {
            let shape = Shape { sessions, transactions: 200, ops: 1, keys: 4, wrong: 0 };
            let (tiny, _) = random_history(&mut random, shape);
            let history = tiny.single(&tiny.in_turn());
            let request = Request::new("register", "sequential");
            let report = check(&history, &request, &Patience(AtomicUsize::new(3_000)));
            assert_ne!(report.verdict, Outcome::Violation, "{tiny:?} {report:#?}");
            found += usize::from(report.verdict == Outcome::Pass);
        }
    }
    assert!(found >= cases(36) as usize, "{found}");
}
