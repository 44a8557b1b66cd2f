//! The whole way from a history to the words, on random histories: verdicts are the oracle's, and
//! witnesses are violations by themselves.

use serde_json::{Value, json};
use temblor_history::{CheckReport, Event, EventType, History, Outcome, Witness, WitnessOp};

use super::{
    Effect, NEVER, RegisterOp,
    minimize::{Unit, units, without},
    oracle,
    random::{Random, Shape, cases, history, shapes},
};
use crate::{Request, Unlimited, check};

fn event(process: u64, kind: EventType, f: &str, value: Value, final_read: bool) -> Event {
    Event {
        index: None,
        time: None,
        process,
        kind,
        f: f.to_owned(),
        key: None,
        value,
        refused: false,
        error: None,
        final_read,
        node: None,
        intended: None,
    }
}

fn json_of(value: u32) -> Value {
    if value == 0 { Value::Null } else { json!(value) }
}

/// The events of operations; every second read is a final one.
fn recorded(ops: &[RegisterOp]) -> History {
    let mut events: Vec<(u32, Event)> = Vec::new();
    for (process, op) in (0..).zip(ops) {
        let last = op.source % 2 == 0;
        let (f, argument, result, end) = match op.effect {
            Effect::Read(value) => ("read", Value::Null, json_of(value), EventType::Ok),
            Effect::Write(value) => ("write", json_of(value), json_of(value), EventType::Ok),
            Effect::Cas { old, new } => {
                let pair = json!([json_of(old), json_of(new)]);
                ("cas", pair.clone(), pair, EventType::Ok)
            }
            Effect::Differs(value) => {
                let pair = json!([json_of(value), 1_000 + process]);
                ("cas", pair.clone(), pair, EventType::Fail)
            }
        };
        events.push((op.invoked, event(process, EventType::Invoke, f, argument, last)));
        if op.returned != NEVER {
            let mut end = event(process, end, f, result, last);
            end.refused = end.kind == EventType::Fail;
            events.push((op.returned, end));
        }
    }
    events.sort_by_key(|&(at, _)| at);
    let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
    History::from_events(&events).unwrap()
}

/// A witness as a history of its own.
fn retold(witness: &Witness) -> History {
    let mut events: Vec<(u64, Event)> = Vec::new();
    for op in &witness.ops {
        events.push((op.invoke_index, told(op, EventType::Invoke, &op.argument)));
        if let Some(at) = op.complete_index {
            let value = if op.outcome == EventType::Ok { &op.result } else { &op.argument };
            events.push((at, told(op, op.outcome, value)));
        }
    }
    events.sort_by_key(|&(at, _)| at);
    let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
    History::from_events(&events).unwrap()
}

fn told(op: &WitnessOp, kind: EventType, value: &Value) -> Event {
    let mut event = event(op.process, kind, &op.f, value.clone(), false);
    event.refused = op.refused && kind == EventType::Fail;
    event
}

fn linearizable(history: &History) -> CheckReport {
    let request = Request::new("cas-register", "linearizable");
    check(history, &request, &Unlimited)
}

#[test]
fn verdicts_are_right_and_witnesses_are_violations_by_themselves() {
    let mut sizes = [0_u32; 13];
    for (number, shape) in (3_000..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(60) {
            let ops = history(&mut random, shape);
            let report = linearizable(&recorded(&ops));
            let expected = oracle::linearizable(&ops);
            assert_eq!(report.verdict == Outcome::Pass, expected, "{ops:#?}\n{report:#?}");
            assert!(report.complete && report.errors.is_empty());
            for anomaly in report.anomalies {
                let witness = anomaly.witness.unwrap();
                let alone = linearizable(&retold(&witness));
                assert_eq!(alone.verdict, Outcome::Violation, "{ops:#?}\n{witness:#?}");
                assert_eq!(witness.ops.iter().filter(|op| op.culprit).count(), 1, "{witness:#?}");
                assert!(witness.minimal);
                sizes[witness.ops.len()] += 1;
            }
        }
    }
    let few: u32 = sizes[..=6].iter().sum();
    let all: u32 = sizes.iter().sum();
    assert!(all > 5_000 && few * 20 > all * 19, "{sizes:?}");
}

/// What is left out of a witness can be left out of any legal history.
#[test]
fn legal_histories_stay_legal_without_what_may_be_left_out() {
    let mut tried = 0;
    for (number, shape) in (4_000..).zip(shapes()) {
        let mut random = Random::new(number);
        let shape = Shape { wrong: shape.wrong / 10, ..shape };
        for _ in 0..cases(60) {
            let ops = history(&mut random, shape);
            if !oracle::linearizable(&ops) {
                continue;
            }
            let units = units(&ops);
            let some: Vec<Unit> = units.iter().copied().filter(|_| random.chance(40)).collect();
            let choices = units.iter().map(std::slice::from_ref).chain([&some[..]]);
            for choice in choices {
                if let Some(rest) = without(&ops, choice) {
                    assert!(oracle::linearizable(&rest), "{choice:?} of {ops:#?}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 50_000, "{tried}");
}

#[test]
fn lost_writes_are_never_false_alarms() {
    let request = Request::new("cas-register", "no-lost-writes");
    let mut lost = 0;
    for (number, shape) in (5_000..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(200) {
            let ops = history(&mut random, shape);
            let report = check(&recorded(&ops), &request, &Unlimited);
            if report.verdict == Outcome::Violation {
                assert!(!oracle::linearizable(&ops), "{ops:#?}\n{report:#?}");
            }
            for anomaly in report.anomalies.iter().filter(|found| found.kind == "lost-write") {
                let alone = linearizable(&retold(anomaly.witness.as_ref().unwrap()));
                assert_eq!(alone.verdict, Outcome::Violation, "{ops:#?}\n{anomaly:#?}");
                lost += 1;
            }
        }
    }
    assert!(lost > 500, "{lost}");
}
