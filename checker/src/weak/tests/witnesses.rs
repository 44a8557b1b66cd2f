//! What is shown of a contradiction is one by itself.

use std::collections::HashSet;

use serde_json::Value;
use temblor_history::{History, Outcome, Witness, WitnessOp};

use super::{
    notation::{judged, retell},
    random::{Settle, Shape, history, replicated},
};
use crate::register::random::{Random, cases};

/// The operations of a witness as a history of transactions, without reads of what is not in it.
fn retold(witness: &Witness, model: &str) -> History {
    let done = |op: &WitnessOp| match &op.result {
        Value::Null => op.argument.clone(),
        result => result.clone(),
    };
    let micro = |op: &WitnessOp| done(op).as_array().cloned().unwrap_or_default();
    let written: HashSet<(String, String)> = witness
        .ops
        .iter()
        .flat_map(micro)
        .filter(|op| op[0] == "w")
        .map(|op| (op[1].to_string(), op[2].to_string()))
        .collect();
    let known = |op: &Value| {
        op[0] == "w" || op[2].is_null() || written.contains(&(op[1].to_string(), op[2].to_string()))
    };
    let ops = witness.ops.iter().map(|op| {
        let kept: Vec<Value> = micro(op).into_iter().filter(known).collect();
        (op.process, Value::Array(kept))
    });
    retell(&ops.collect::<Vec<_>>(), model)
}

#[test]
fn witnesses_of_transactions_are_contradictions_by_themselves() {
    let mut sizes = [0_u32; 24];
    for (seed, sessions) in (1_100..).zip([2, 3, 5, 18]) {
        let mut random = Random::new(seed);
        for _ in 0..cases(60) {
            let (transactions, wrong) = (4 * sessions, 20);
            let shape = Shape { sessions, transactions, ops: 3, keys: 4, wrong };
            let (tiny, order) = history(&mut random, shape);
            for level in ["read-committed-be", "read-atomic", "causal"] {
                let report = judged(&tiny.transactional(&order), "rw-register", level);
                for anomaly in &report.anomalies {
                    let witness = anomaly.witness.as_ref().expect("every anomaly is explained");
                    sizes[witness.ops.len().min(23)] += 1;
                    if ["G1b", "internal", "future-read"].contains(&&*anomaly.kind) {
                        continue;
                    }
                    let alone = judged(&retold(witness, "rw-register"), "rw-register", level);
                    assert_eq!(alone.verdict, Outcome::Violation, "{level} {tiny:?} {anomaly:#?}");
                }
            }
        }
    }
    let few: u32 = sizes[..=10].iter().sum();
    assert!(few * 10 > sizes.iter().sum::<u32>() * 9, "{sizes:?}");
}

#[test]
fn witnesses_of_registers_are_contradictions_by_themselves() {
    let levels = [
        ("causal", 0),
        ("causal-convergence", 1),
        ("causal-memory", 2),
        ("pram", 3),
        ("monotonic-reads", 4),
        ("monotonic-writes", 5),
        ("writes-follow-reads", 6),
        ("read-your-writes", 7),
    ];
    let mut tally = [0_u32; 8];
    for (seed, sessions) in (1_200..).zip([2, 3, 4, 7]) {
        let mut random = Random::new(seed);
        for case in 0..cases(50) {
            let shape = Shape { sessions, transactions: 6 * sessions, ops: 1, keys: 2, wrong: 15 };
            let (tiny, order) = if case % 2 == 0 {
                history(&mut random, shape)
            } else {
                replicated(&mut random, shape, Settle::LastApplied)
            };
            for (level, place) in levels {
                let report = judged(&tiny.single(&order), "register", level);
                for anomaly in &report.anomalies {
                    let witness = anomaly.witness.as_ref().expect("every anomaly is explained");
                    let alone = judged(&retold(witness, "register"), "register", level);
                    assert_eq!(alone.verdict, Outcome::Violation, "{level} {tiny:?} {anomaly:#?}");
                    tally[place] += 1;
                }
            }
        }
    }
    assert!(tally.iter().all(|&count| count > 20), "{tally:?}");
}
