//! The checker against the definitions, on random small histories.

use temblor_history::{Anomaly, CheckReport, History, Outcome};

use super::{
    oracle::{Ended, Micro, Question, Respect, Txn, holds, holds_in_parallel},
    random::{Shape, Store, history, shapes},
};
use crate::{
    Request, Unlimited, VersionOrder, check,
    register::random::{Random, cases},
};

const NAMES: [&str; 3] = ["x", "y", "z"];

fn told(micro: &Micro, lists: bool, asked: bool) -> String {
    match micro {
        Micro::Write(key, value) => {
            let f = if lists { "append" } else { "w" };
            format!("[\"{f}\",\"{}\",{value}]", NAMES[*key])
        }
        Micro::Read(key, _) if asked => format!("[\"r\",\"{}\",null]", NAMES[*key]),
        Micro::Read(key, found) if lists => format!("[\"r\",\"{}\",{found:?}]", NAMES[*key]),
        Micro::Read(key, found) => match found.last() {
            None => format!("[\"r\",\"{}\",null]", NAMES[*key]),
            Some(value) => format!("[\"r\",\"{}\",{value}]", NAMES[*key]),
        },
    }
}

pub(in crate::transactions) fn file(txns: &[Txn], lists: bool) -> String {
    let mut events: Vec<(u32, String)> = Vec::new();
    for txn in txns {
        let kind = match txn.ended {
            Ended::Ok => "ok",
            Ended::Info => "info",
            Ended::Fail => "fail",
        };
        for (at, kind, asked) in
            [(txn.invoked, "invoke", true), (txn.completed, kind, kind != "ok")]
        {
            let micro: Vec<String> =
                txn.micro.iter().map(|micro| told(micro, lists, asked)).collect();
            events.push((
                at,
                format!(
                    "{{\"process\":{},\"type\":\"{kind}\",\"f\":\"txn\",\"value\":[{}]}}\n",
                    txn.process,
                    micro.join(",")
                ),
            ));
        }
    }
    events.sort();
    events.into_iter().map(|(_, line)| line).collect()
}

/// What is compared: a level, what it means, and what may be assumed of registers, since the level
/// itself implies it.
const LEVELS: [(&str, bool, Respect, &[VersionOrder]); 6] = {
    use VersionOrder::{Linearizable, Sequential, WritesFollowReads};
    let reads: &[VersionOrder] = &[WritesFollowReads];
    let sessions: &[VersionOrder] = &[WritesFollowReads, Sequential];
    let all: &[VersionOrder] = &[WritesFollowReads, Sequential, Linearizable];
    [
        ("serializable", false, Respect::Nothing, reads),
        ("strong-session-serializable", false, Respect::Sessions, sessions),
        ("strict-serializable", false, Respect::RealTime, all),
        ("snapshot-isolation", true, Respect::Nothing, reads),
        ("strong-session-snapshot-isolation", true, Respect::Sessions, reads),
        ("strong-snapshot-isolation", true, Respect::RealTime, reads),
    ]
};

#[derive(Debug, Default)]
struct Seen {
    passed: u64,
    violated: u64,
    incomplete: u64,
    without_order: u64,
}

fn compare(txns: &[Txn], shape: Shape, seen: &mut [Seen; 6]) {
    let text = file(txns, shape.lists);
    let history = History::read(text.as_bytes()).expect("a good history");
    let model = if shape.lists { "list-append" } else { "rw-register" };
    for ((level, snapshots, respect, orders), seen) in LEVELS.into_iter().zip(seen) {
        let question = Question { lists: shape.lists, snapshots, respect };
        let truth = holds(txns, question);
        for orders in [orders, &[]].iter().skip(usize::from(shape.lists)) {
            let mut request = Request::new(model, level);
            request.version_orders = orders.to_vec();
            let report: CheckReport = check(&history, &request, &Unlimited);
            match (report.verdict, report.complete) {
                (Outcome::Violation, _) => {
                    assert!(!truth, "a false alarm at {level}\n{text}{report:#?}");
                    seen.violated += 1;
                }
                (Outcome::Pass, true) => {
                    assert!(truth, "missed a violation of {level}\n{text}{report:#?}");
                    seen.passed += 1;
                }
                (Outcome::Pass, false) => seen.incomplete += 1,
                other => panic!("{other:?}\n{text}{report:#?}"),
            }
            for anomaly in report.anomalies.iter().filter(|one| one.kind.starts_with("no-")) {
                seen.without_order += 1;
                if request.version_orders.is_empty() {
                    is_core(txns, anomaly, shape.lists);
                }
            }
        }
    }
}

/// What is told of an anomaly that no order explains: these transactions alone have no order, and
/// without any of them the others have one.
fn is_core(txns: &[Txn], anomaly: &Anomaly, lists: bool) {
    let witness = anomaly.witness.as_ref().expect("everything is explained");
    let snapshots = anomaly.kind.starts_with("no-snapshots");
    let respect = match anomaly.kind.rsplit('-').next() {
        Some("realtime") => Respect::RealTime,
        Some("process") => Respect::Sessions,
        _ => Respect::Nothing,
    };
    let question = Question { lists, snapshots, respect };
    let began: Vec<u64> = witness.ops.iter().map(|op| op.invoke_index).collect();
    let part = |left_out: Option<u64>| {
        let counts = |at: u64| began.contains(&at) && Some(at) != left_out;
        let members = txns.iter().filter(|txn| counts(u64::from(txn.invoked)));
        part_of(members.cloned().collect())
    };
    assert!(!holds(&part(None), question), "these have an order: {txns:#?} {anomaly:#?}");
    assert!(witness.minimal && !witness.proof.is_empty(), "{anomaly:#?}");
    assert!(!witness.proof[0].contains("too many"), "{anomaly:#?}");
    for &one in &began {
        assert!(holds(&part(Some(one)), question), "not the fewest: {txns:#?} {anomaly:#?}");
    }
}

/// Transactions on their own: all of them took effect, and what others wrote says nothing.
fn part_of(mut txns: Vec<Txn>) -> Vec<Txn> {
    let micro = || txns.iter().flat_map(|txn| txn.micro.clone());
    let written: Vec<u32> = micro()
        .filter_map(|micro| match micro {
            Micro::Write(_, value) => Some(value),
            Micro::Read(..) => None,
        })
        .collect();
    for txn in &mut txns {
        let certain = txn.ended == Ended::Ok;
        txn.micro.retain(|micro| match micro {
            Micro::Write(..) => true,
            Micro::Read(_, found) => certain && found.iter().all(|value| written.contains(value)),
        });
        if !certain {
            (txn.ended, txn.completed) = (Ended::Ok, u32::MAX);
        }
    }
    txns
}

fn agrees(lists: bool, seed: u64, rounds: u64) -> [Seen; 6] {
    let mut seen = Default::default();
    let mut random = Random::new(seed);
    for _ in 0..cases(rounds) {
        for shape in shapes(lists) {
            let txns = history(&mut random, shape);
            compare(&txns, shape, &mut seen);
        }
    }
    seen
}

#[test]
fn lists_are_judged_as_the_definitions_say() {
    for (level, seen) in LEVELS.iter().zip(agrees(true, 11, 40)) {
        assert!(seen.passed > 100 && seen.violated > 100, "{}: {seen:?}", level.0);
        assert!(seen.incomplete * 4 < seen.passed, "{}: {seen:?}", level.0);
    }
}

#[test]
fn registers_are_judged_as_the_definitions_say() {
    for (level, seen) in LEVELS.iter().zip(agrees(false, 12, 40)) {
        assert!(seen.passed > 100 && seen.violated > 100, "{}: {seen:?}", level.0);
        assert!(seen.incomplete == 0 && seen.without_order > 5, "{}: {seen:?}", level.0);
    }
}

#[test]
fn parallel_snapshots_are_judged_as_the_definition_says() {
    let (mut passed, mut violated, mut open) = (0, 0, 0);
    let mut random = Random::new(13);
    for _ in 0..cases(30) {
        for shape in shapes(true).filter(|shape| shape.unclear == 0 && shape.transactions < 5) {
            let txns = history(&mut random, shape);
            let text = file(&txns, true);
            let history = History::read(text.as_bytes()).expect("a good history");
            let request = Request::new("list-append", "parallel-snapshot-isolation");
            let report = check(&history, &request, &Unlimited);
            let truth = holds_in_parallel(&txns);
            match (report.verdict, report.complete) {
                (Outcome::Violation, _) => {
                    assert!(!truth, "a false alarm\n{text}{report:#?}");
                    violated += 1;
                }
                (_, true) => {
                    assert!(truth, "missed a violation\n{text}{report:#?}");
                    passed += 1;
                }
                _ => open += 1,
            }
        }
    }
    assert!(passed > 100 && violated > 20 && open < passed, "{passed} {violated} {open}");
}

/// Too large for every order to be tried: a store that keeps its promise passes, with an order that
/// a replay accepted; and what is wrong elsewhere is shown by a few transactions.
#[test]
fn larger_histories_pass_or_show_a_few_transactions() {
    let mut random = Random::new(14);
    let (mut passed, mut shown) = (0, 0);
    for round in 0..cases(40) {
        let wrong = u32::from(round % 2 == 1);
        let (store, lists) = (Store::Serial, false);
        let shape =
            Shape { store, lists, transactions: 40, clients: 6, keys: 3, unclear: 9, wrong };
        let txns = history(&mut random, shape);
        let text = file(&txns, false);
        let history = History::read(text.as_bytes()).expect("a good history");
        for (level, ..) in LEVELS {
            let report = check(&history, &Request::new("rw-register", level), &Unlimited);
            assert!(report.complete, "{level}\n{text}{report:#?}");
            if report.verdict == Outcome::Pass {
                passed += 1;
            } else {
                assert!(wrong > 0, "a false alarm at {level}\n{text}{report:#?}");
            }
            for anomaly in report.anomalies.iter().filter(|one| one.kind.starts_with("no-")) {
                if anomaly.ops.len() <= 7 {
                    is_core(&txns, anomaly, false);
                    shown += 1;
                }
            }
        }
    }
    assert!(passed > 120 && shown > 5, "{passed} {shown}");
}
