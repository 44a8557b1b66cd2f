//! The checker against the definitions, on random small histories.

use temblor_history::{CheckReport, History, Outcome};

use super::{
    oracle::{Ended, Micro, Question, Respect, Txn, holds},
    random::{Shape, history, shapes},
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

fn file(txns: &[Txn], lists: bool) -> String {
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
}

fn compare(txns: &[Txn], shape: Shape, seen: &mut [Seen; 6]) {
    let text = file(txns, shape.lists);
    let history = History::read(text.as_bytes()).expect("a good history");
    let model = if shape.lists { "list-append" } else { "rw-register" };
    for ((level, snapshots, respect, orders), seen) in LEVELS.into_iter().zip(seen) {
        let mut request = Request::new(model, level);
        request.version_orders = if shape.lists { Vec::new() } else { orders.to_vec() };
        let report: CheckReport = check(&history, &request, &Unlimited);
        let truth = holds(txns, Question { lists: shape.lists, snapshots, respect });
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
    }
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
        assert!(seen.passed > 20 && seen.violated > 20, "{}: {seen:?}", level.0);
    }
}
