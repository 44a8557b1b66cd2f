//! Verdicts to go with made-up runs: one of each outcome.

use serde_json::{Value, json};
use temblor_history::{
    Anomaly, CheckReport, EventType, Expectation, Gate, Key, Outcome, RunCounts, Verdict, Witness,
    WitnessOp,
};

use crate::synthetic::{MILLISECOND, SECOND};

/// A pass: everything checked, every gate holds.
pub(crate) fn pass() -> Verdict {
    Verdict {
        verdict: Outcome::Pass,
        expected: false,
        exit_code: 0,
        title: "Pass".into(),
        sentence: "48,311 operations on 20 keys are linearizable, through 3 faults that were seen to bite.".into(),
        claimed: vec!["linearizable".into()],
        found: Vec::new(),
        counts: RunCounts { ok: 38_020, refused: 7_000, fail: 1_902, info: 1_389, shed: 400 },
        checks: vec![check("linearizable", Outcome::Pass, Vec::new()), check("no-lost-writes", Outcome::Pass, Vec::new())],
        gates: vec![
            gate("faults-verified", true, "3 of 3 faults began, were verified, and healed"),
            gate("ok-before", true, "read 1,631, write 1,660, cas 811; needed 10 each"),
            gate("final-reads", true, "60 of 60 keys and nodes read"),
        ],
        expectations: vec![
            Expectation { name: "availability.ok".into(), holds: true, asked: ">= 80%".into(), found: "91.2%".into() },
            Expectation { name: "latency.p99".into(), holds: true, asked: "<= 50ms during steady".into(), found: "11 ms".into() },
        ],
        errors: Vec::new(),
    }
}

/// A stale read with a witness of five operations.
pub(crate) fn violation(text: &str) -> Verdict {
    let found = Anomaly {
        kind: "stale-read".into(),
        count: 3,
        definite: true,
        ops: vec![41, 57, 99],
        explanation: "Client 4 read 7 although 9 had been written and acknowledged before.\nNothing between them wrote 7 again.".into(),
        witness: Some(witness(text)),
    };
    let mut verdict = pass();
    verdict.verdict = Outcome::Violation;
    verdict.exit_code = 1;
    verdict.title = "Violation: stale read".into();
    verdict.sentence = format!(
        "Reads of {text}3 through n3 returned 7 up to 1.4 s after 9 had been acknowledged through n1, which was cut off from n2 and n3 at that time."
    );
    verdict.found = vec!["stale reads on 3 of 20 keys".into()];
    verdict.checks[0] = check("linearizable", Outcome::Violation, vec![found]);
    verdict.expectations[0] = Expectation {
        name: "availability.ok".into(),
        holds: false,
        asked: ">= 95%".into(),
        found: "91.2%".into(),
    };
    verdict
}

/// Nothing found, but two faults did not bite and the checker ran out of time.
pub(crate) fn inconclusive() -> Verdict {
    let mut verdict = pass();
    verdict.verdict = Outcome::Inconclusive;
    verdict.exit_code = 2;
    verdict.title = "Inconclusive: a fault did not bite".into();
    verdict.sentence = "No violation was found, but one of three faults was not seen to act, so this run proves little.".into();
    verdict.gates[0] = gate(
        "faults-verified",
        false,
        "2 of 3 faults verified; pause n3: state of server 41 was sleeping, expected stopped",
    );
    verdict.checks[0].verdict = Outcome::Inconclusive;
    verdict.checks[0].complete = false;
    verdict.checks[0].reason =
        Some("the deadline of 60 s passed; 17 of 20 keys were decided".into());
    verdict
}

/// The harness failed before anything ran.
pub(crate) fn error() -> Verdict {
    let mut verdict = pass();
    verdict.verdict = Outcome::Error;
    verdict.exit_code = 255;
    verdict.title = "Harness error: node n2 never became ready".into();
    verdict.sentence =
        "The cluster did not form within 30 s, so nothing ran and nothing is known of the system."
            .into();
    verdict.counts = RunCounts::default();
    verdict.checks.clear();
    verdict.gates.clear();
    verdict.expectations.clear();
    verdict.errors = vec!["node n2: GET http://10.77.0.2:2379/health: connection refused for 30 s; its server ended with exit code 1. Its log: nodes/n2/logs/etcd.log".into()];
    verdict
}

fn check(consistency: &str, verdict: Outcome, anomalies: Vec<Anomaly>) -> CheckReport {
    CheckReport {
        verdict,
        ops: 48_311,
        anomalies,
        complete: true,
        seconds: 0.04,
        ..CheckReport::undecided("cas-register", consistency)
    }
}

fn gate(name: &str, holds: bool, detail: &str) -> Gate {
    Gate { name: name.into(), holds, detail: detail.into() }
}

fn witness(text: &str) -> Witness {
    let op = |number: u32, process: u64, node: &str, f: &str, argument: Value, result: Value| {
        WitnessOp {
            number,
            process,
            node: Some(node.into()),
            f: f.into(),
            argument,
            result,
            outcome: EventType::Ok,
            refused: false,
            invoked: 0,
            completed: None,
            invoke_index: 100 + u64::from(number) * 2,
            complete_index: Some(101 + u64::from(number) * 2),
            culprit: false,
        }
    };
    let at = |mut op: WitnessOp, from: i64, took: i64| {
        op.invoked = from;
        op.completed = Some(from + took);
        op
    };
    let start = 22 * SECOND + 503 * MILLISECOND;
    let mut open = op(3, 5, "n3", "write", json!(11), Value::Null);
    (open.outcome, open.invoked, open.complete_index) =
        (EventType::Info, start + 40 * MILLISECOND, None);
    let mut culprit = at(
        op(5, 4, "n3", "read", Value::Null, json!(7)),
        start + 1402 * MILLISECOND,
        3 * MILLISECOND,
    );
    culprit.culprit = true;
    Witness {
        sentence: format!(
            "Client 4 read 7 from {text}3 through n3, 1.4 s after 9 had been acknowledged in its place."
        ),
        key: Some(Key::Text(format!("{text}3"))),
        ops: vec![
            at(op(1, 0, "n1", "write", json!(7), json!(7)), start, 2 * MILLISECOND),
            at(
                op(2, 0, "n1", "write", json!(9), json!(9)),
                start + 30 * MILLISECOND,
                2 * MILLISECOND,
            ),
            open,
            at(
                op(4, 1, "n1", "read", Value::Null, json!(9)),
                start + 900 * MILLISECOND,
                MILLISECOND,
            ),
            culprit,
        ],
        proof: vec![
            "1 wrote 7 and was acknowledged before 2 began.".into(),
            "2 wrote 9 and was acknowledged at 22.535 s; 4 read 9 after that.".into(),
            "3 wrote 11 with an unknown outcome; it cannot bring back 7.".into(),
            "5 began after 2 was acknowledged and returned 7, which 2 had overwritten.".into(),
        ],
        legal: Some("9, or 11".into()),
        minimal: true,
        edges: Vec::new(),
    }
}
