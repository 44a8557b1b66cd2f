//! Read committed, read atomic and transactional causal consistency.

use temblor_history::Outcome;

use super::{
    notation::{Tiny, judged},
    oracle::{Axiom, holds},
    random::{Shape, history},
};
use crate::register::random::{Random, cases};

const LEVELS: [(&str, Axiom); 3] = [
    ("read-committed-be", Axiom::ReadCommitted),
    ("read-atomic", Axiom::ReadAtomic),
    ("causal", Axiom::Causal),
];

fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for sessions in [2, 3, 4] {
        for ops in [1, 2, 3, 4] {
            for (keys, wrong) in [(1, 40), (2, 40), (2, 80), (3, 60)] {
                shapes.push(Shape { sessions, transactions: 5, ops, keys, wrong });
            }
        }
    }
    shapes
}

#[test]
fn verdicts_are_those_of_the_definitions() {
    let mut tally = [[0_u32; 2]; 3];
    for (seed, shape) in (100..).zip(shapes()) {
        let mut random = Random::new(seed);
        for _ in 0..cases(120) {
            let (tiny, order) = history(&mut random, shape);
            let recorded = tiny.transactional(&order);
            for (place, (name, axiom)) in LEVELS.into_iter().enumerate() {
                let report = judged(&recorded, "rw-register", name);
                let expected = holds(&tiny, axiom);
                assert!(report.complete && report.errors.is_empty(), "{report:#?}");
                assert_eq!(
                    report.verdict == Outcome::Pass,
                    expected,
                    "{name} {tiny:?} {report:#?}"
                );
                assert_eq!(report.verdict == Outcome::Violation, !expected, "{name} {tiny:?}");
                tally[place][usize::from(expected)] += 1;
                for anomaly in &report.anomalies {
                    let witness = anomaly.witness.as_ref().expect("every anomaly is explained");
                    assert!(!witness.proof.is_empty() && !witness.ops.is_empty());
                }
            }
        }
    }
    assert!(tally.iter().flatten().all(|&count| count > 500), "{tally:?}");
}

fn verdicts(text: &str) -> String {
    let tiny = Tiny::parse(text);
    let recorded = tiny.transactional(&tiny.in_turn());
    let verdicts = LEVELS.map(|(name, _)| {
        let report = judged(&recorded, "rw-register", name);
        let kinds: Vec<&str> = report.anomalies.iter().map(|found| &*found.kind).collect();
        if kinds.is_empty() { report.verdict.to_string() } else { kinds.join(" ") }
    });
    verdicts.join(", ")
}

#[test]
fn figures_of_the_papers() {
    // Plume's patterns a to n (OOPSLA 2024, figure 3), with Biswas and Enea's and AWDIT's examples.
    let figures = [
        ("thin-air, thin-air, thin-air", "0: r x7"),
        ("future-read, future-read, future-read", "0: r x1 w x1"),
        ("internal, internal, internal", "0: w x1\n1: w x2 r x1"),
        ("internal, internal, internal", "0: w x1 w x2 r x1"),
        ("G1b, G1b, G1b", "0: w x1 w x2\n1: r x1"),
        ("CyclicCO, CyclicCO, CyclicCO", "0: r x1 | w y1\n1: r y1 | w x1"),
        ("pass, pass, WriteCOInitRead", "0: w x1\n1: r x1 w y1\n2: r y1 r x_"),
        ("NonMonoReadCO, FracturedReadCO, WriteCORead", "0: w x1\n1: r x1 w x2 w y2\n2: r y2 r x1"),
        ("pass, FracturedReadCO, WriteCORead", "0: w x1\n1: r x1 w x2 w y2\n2: r x1 r y2"),
        (
            "NonMonoReadAO, FracturedReadAO, CyclicCF",
            "0: w x1 w y1\n1: w x2 w y2\n2: r x1 r y2\n3: r x2 r y1",
        ),
        ("pass, FracturedReadAO, CyclicCF", "0: w x1 w y1\n1: w x2 w y2\n2: r x1 r y2"),
        ("pass, NonRepeatableRead, CyclicCF", "0: w x1\n1: w x2\n2: r x1 r x2"),
        ("pass, FracturedReadCO, WriteCOInitRead", "0: w x1 | r x_"),
        ("pass, pass, CyclicCF", "0: w x1\n1: w x2\n2: r x1 | r x2\n3: r x2 | r x1"),
        // Biswas and Enea's and AWDIT's own: read atomic but not causal, a lost update, a long fork.
        ("pass, pass, WriteCORead", "0: w x1 | w x2\n1: r x2 w y1\n2: r x1 r y1"),
        ("pass, pass, pass", "0: r x_ w x1\n1: r x_ w x2"),
        ("pass, pass, pass", "0: w x1\n1: w y1\n2: r x1 r y_\n3: r y1 r x_"),
    ];
    for (expected, text) in figures {
        assert_eq!(verdicts(text), expected, "{text}");
    }
}

#[test]
fn contradictions_are_explained() {
    let explained = |text: &str, level: &str| {
        let tiny = Tiny::parse(text);
        let report = judged(&tiny.transactional(&tiny.in_turn()), "rw-register", level);
        let edges = report.anomalies[0].witness.as_ref().unwrap().edges.iter();
        let edges: Vec<String> =
            edges.map(|edge| format!("{} {} {}", edge.from, edge.kind, edge.to)).collect();
        let (not, also) = (report.not.join(", "), report.also_not.join(", "));
        let told = &report.anomalies[0].explanation;
        format!("{told}edges: {}\nnot: {not}; also not: {also}\n", edges.join(", "))
    };
    insta::assert_snapshot!(explained("0: w x1 w y1\n1: r x1 w x2 w y2\n2: r x2 r y1", "causal"), @"
    Client 2 found y = 1, although the write of y = 2 (client 1), which came after it, was visible to client 2.

      (1) client 0: w x 1, w y 1 (event 0 – event 1)
      (2) client 1: r x 1, w x 2, w y 2 (event 2 – event 3)
      (3) client 2: r x 2, r y 1 (event 4 – event 5)

      1. (3) found x = 2, which (2) wrote: so (2), which wrote y = 2, was visible to (3).
      2. (3) found y = 1 of (1) all the same: so (2) has to come before (1).
      3. (2) found x = 1, which (1) wrote.
      4. So (1), (2) and again (1) would have to follow one another: a circle.

    Legal would have been for (3) to find y = 2, or something newer.
    edges: 1 wr 2, 2 ww 1
    not: read-committed-be; also not: read-atomic, causal, strong-session-snapshot-isolation, strong-session-serializable, strict-serializable
    ");
    insta::assert_snapshot!(explained("0: w x1\n1: r x1 w y1\n2: r y1 r x_", "causal"), @"
    Client 2 found x = null, the initial value, although the write of x = 1 (client 0) was visible to it.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 1: r x 1, w y 1 (event 2 – event 3)
      (3) client 2: r y 1, r x null (event 4 – event 5)

      1. (2) found x = 1, which (1) wrote and (3) found y = 1, which (2) wrote: so (1), which wrote x = 1, was visible to (3).
      2. (3) found x = null, the initial value, which comes before every write; but x = 1 was visible to it.

    Legal would have been for (3) to find x = 1, or something newer.
    edges: 
    not: causal; also not: strong-session-snapshot-isolation, strong-session-serializable, strict-serializable
    ");
    insta::assert_snapshot!(explained("0: r x1 | w y1\n1: r y1 | w x1", "read-atomic"), @"
    Operations of client 0 and client 1 depend on one another in a circle.

      (1) client 0: r x 1 (event 0 – event 1)
      (2) client 0: w y 1 (event 2 – event 3)
      (3) client 1: r y 1 (event 4 – event 5)
      (4) client 1: w x 1 (event 6 – event 7)

      1. Client 0 ran (1) before (2).
      2. (3) found y = 1, which (2) wrote.
      3. Client 1 ran (3) before (4).
      4. (1) found x = 1, which (4) wrote.
      5. So (1), (2), (3), (4) and again (1) would have to follow one another: a circle.
    edges: 1 session 2, 2 wr 3, 3 session 4, 4 wr 1
    not: read-committed-be; also not: read-atomic, causal, strong-session-snapshot-isolation, strong-session-serializable, strict-serializable
    ");
    insta::assert_snapshot!(explained("0: w x1 w x2\n1: r x1", "read-committed-be"), @"
    Client 1 found x = 1, which client 0 overwrote with x = 2 in the same transaction.

      (1) client 0: w x 1, w x 2 (event 0 – event 1)
      (2) client 1: r x 1 (event 2 – event 3)

      1. (2) found x = 1.
      2. (1) wrote it, and then x = 2: nobody else may see what came in between.

    Legal would have been for (2) to find x = 2.
    edges: 
    not: read-committed-be; also not: read-atomic, causal, strong-session-snapshot-isolation, strong-session-serializable, strict-serializable
    ");
    let long_fork = "0: w x1\n1: w x2\n2: r x1 | r x2\n3: r x2 | r x1";
    insta::assert_snapshot!(explained(long_fork, "causal"), @"
    No order of the writes of x explains what client 3 and client 2 found.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 1: w x 2 (event 2 – event 3)
      (3) client 2: r x 1 (event 4 – event 5)
      (4) client 2: r x 2 (event 6 – event 7)
      (5) client 3: r x 2 (event 8 – event 9)
      (6) client 3: r x 1 (event 10 – event 11)

      1. (5) found x = 2, which (2) wrote and client 3 ran (5) before (6): so (2), which wrote x = 2, was visible to (6).
      2. (6) found x = 1 of (1) all the same: so (2) has to come before (1).
      3. (3) found x = 1, which (1) wrote and client 2 ran (3) before (4): so (1), which wrote x = 1, was visible to (4).
      4. (4) found x = 2 of (2) all the same: so (1) has to come before (2).
      5. So (2), (1) and again (2) would have to follow one another: a circle.
    edges: 2 ww 1, 1 ww 2
    not: causal; also not: strong-session-snapshot-isolation, strong-session-serializable, strict-serializable
    ");
}
