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
    insta::assert_snapshot!(explained("0: w x1 w y1\n1: r x1 w x2 w y2\n2: r x2 r y1", "causal"), @"");
    insta::assert_snapshot!(explained("0: w x1\n1: r x1 w y1\n2: r y1 r x_", "causal"), @"");
    insta::assert_snapshot!(explained("0: r x1 | w y1\n1: r y1 | w x1", "read-atomic"), @"");
    insta::assert_snapshot!(explained("0: w x1 w x2\n1: r x1", "read-committed-be"), @"");
    let long_fork = "0: w x1\n1: w x2\n2: r x1 | r x2\n3: r x2 | r x1";
    insta::assert_snapshot!(explained(long_fork, "causal"), @"");
}
