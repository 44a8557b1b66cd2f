//! Single registers: causal levels, PRAM, the session guarantees, sequential consistency.

use temblor_history::Outcome;

use super::{
    notation::{Tiny, judged},
    random::{Shape, history},
    single_oracle::{self, Ops},
};
use crate::register::random::{Random, cases};

type Oracle = fn(&Ops) -> bool;

/// Levels, with the oracle of each.
const LEVELS: [(&str, Oracle); 9] = [
    ("read-your-writes", single_oracle::read_your_writes),
    ("monotonic-reads", single_oracle::monotonic_reads),
    ("monotonic-writes", single_oracle::monotonic_writes),
    ("writes-follow-reads", single_oracle::writes_follow_reads),
    ("pram", single_oracle::pram),
    ("causal", single_oracle::causal),
    ("causal-convergence", single_oracle::causal_convergence),
    ("causal-memory", single_oracle::causal_memory),
    ("sequential", single_oracle::sequential),
];

/// What follows from what.
const IMPLIED: [(&str, &str); 13] = [
    ("sequential", "causal-memory"),
    ("sequential", "causal-convergence"),
    ("causal-memory", "causal"),
    ("causal-memory", "pram"),
    ("causal-memory", "writes-follow-reads"),
    ("causal-convergence", "causal"),
    ("causal-convergence", "monotonic-writes"),
    ("causal-convergence", "writes-follow-reads"),
    ("causal", "read-your-writes"),
    ("pram", "read-your-writes"),
    ("pram", "monotonic-writes"),
    ("monotonic-writes", "monotonic-reads"),
    ("writes-follow-reads", "monotonic-reads"),
];

fn shapes(transactions: u32) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for sessions in [1, 2, 3] {
        for (keys, wrong) in [(1, 50), (2, 40), (2, 80), (3, 60)] {
            shapes.push(Shape { sessions, transactions, ops: 1, keys, wrong });
        }
    }
    shapes
}

fn verdict(tiny: &Tiny, order: &[usize], level: &str) -> bool {
    let report = judged(&tiny.single(order), "register", level);
    assert!(report.complete && report.errors.is_empty(), "{report:#?}");
    for anomaly in &report.anomalies {
        let witness = anomaly.witness.as_ref().expect("every anomaly is explained");
        assert!(!witness.proof.is_empty() && !witness.ops.is_empty(), "{witness:#?}");
    }
    report.verdict == Outcome::Pass
}

#[test]
fn verdicts_are_those_of_the_definitions() {
    let mut tally = [[0_u32; 2]; LEVELS.len()];
    for (seed, shape) in (500..).zip(shapes(5)) {
        let mut random = Random::new(seed);
        for _ in 0..cases(150) {
            let (tiny, order) = history(&mut random, shape);
            let ops = Ops::of(&tiny);
            for (place, (level, oracle)) in LEVELS.into_iter().enumerate() {
                let expected = ops.as_ref().is_some_and(oracle);
                assert_eq!(verdict(&tiny, &order, level), expected, "{level} {tiny:?}");
                tally[place][usize::from(expected)] += 1;
            }
        }
    }
    assert!(tally.iter().flatten().all(|&count| count > 100), "{tally:?}");
}

/// Larger ones, by the levels whose oracles are cheap.
#[test]
fn larger_verdicts_are_those_of_the_definitions() {
    for (seed, shape) in (600..).zip(shapes(7)) {
        let mut random = Random::new(seed);
        for _ in 0..cases(60) {
            let (tiny, order) = history(&mut random, shape);
            let ops = Ops::of(&tiny);
            for (level, oracle) in LEVELS {
                if matches!(level, "pram" | "sequential" | "read-your-writes" | "monotonic-reads") {
                    let expected = ops.as_ref().is_some_and(oracle);
                    assert_eq!(verdict(&tiny, &order, level), expected, "{level} {tiny:?}");
                }
            }
        }
    }
}

#[test]
fn stronger_levels_imply_weaker_ones() {
    let mut random = Random::new(700);
    let mut told_apart = [0_u32; IMPLIED.len()];
    for transactions in [4, 6, 9, 14] {
        for shape in shapes(transactions) {
            let shape = Shape { wrong: shape.wrong / 2, sessions: shape.sessions + 1, ..shape };
            for _ in 0..cases(60) {
                let (tiny, order) = history(&mut random, shape);
                for (place, (stronger, weaker)) in IMPLIED.into_iter().enumerate() {
                    let (strong, weak) =
                        (verdict(&tiny, &order, stronger), verdict(&tiny, &order, weaker));
                    assert!(!strong || weak, "{stronger} but not {weaker}: {tiny:?}");
                    told_apart[place] += u32::from(weak && !strong);
                }
            }
        }
    }
    assert!(told_apart.iter().all(|&count| count > 0), "{told_apart:?}");
}

/// Bouajjani, Enea, Guerraoui and Hamza, POPL 2017, figure 3 (a) to (e).
#[test]
fn figures_of_on_verifying_causal_consistency() {
    let figures = [
        ("causal-memory but not causal-convergence", "0: w x1 | r x2\n1: w x2 | r x1", "1100"),
        (
            "causal-convergence but not causal-memory",
            "0: w z1 | w x1 | w y1\n1: w x2 | r z_ | r y1 | r x2",
            "1010",
        ),
        (
            "causal-memory and causal-convergence, but not sequential",
            "0: w x1 | r y_ | w y1 | r x1\n1: w x2 | r y_ | w y2 | r x2",
            "1110",
        ),
        ("causal, but neither of the others", "0: w x1\n1: w x2 | r x1 | r x2", "1000"),
        ("not causal", "0: w x1 | w y1\n1: r y1 | w x2\n2: r x2 | r x1", "0000"),
    ];
    for (name, text, expected) in figures {
        let tiny = Tiny::parse(text);
        let levels = ["causal", "causal-memory", "causal-convergence", "sequential"];
        let verdicts =
            levels.map(|level| u8::from(verdict(&tiny, &tiny.in_turn(), level)).to_string());
        assert_eq!(verdicts.concat(), expected, "{name}");
    }
}

/// The session guarantees as nurturenature/jepsen-causal-consistency maps them, with registers.
#[test]
fn figures_of_the_session_guarantees() {
    let levels =
        ["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads", "pram"];
    let figures = [
        ("read your writes", "0: w x1 | r x_", "01110"),
        ("an own older value", "0: w x1 | w x2 | r x1", "01110"),
        ("monotonic reads", "0: w x1\n1: w x2\n2: r x1 | r x2 | r x1", "10000"),
        ("one writer's versions backwards", "0: w x1 | w x2\n1: r x2 | r x1", "10000"),
        ("monotonic writes", "0: w x1 | w y1\n1: r y1 | r x_", "11010"),
        ("writes follow reads", "0: w x1\n1: r x1 | w y1\n2: r y1 | r x_", "11101"),
        ("a write before what it follows", "0: r x1 | w x1", "00000"),
        (
            "all of them, but not in one sequence",
            "0: w z1 | w x1 | w y1\n1: w x2 | r z_ | r y1 | r x2",
            "11110",
        ),
    ];
    for (name, text, expected) in figures {
        let tiny = Tiny::parse(text);
        let verdicts =
            levels.map(|level| u8::from(verdict(&tiny, &tiny.in_turn(), level)).to_string());
        assert_eq!(verdicts.concat(), expected, "{name}");
    }
}

#[test]
fn contradictions_are_explained() {
    let explained = |text: &str, level: &str| {
        let tiny = Tiny::parse(text);
        let report = judged(&tiny.single(&tiny.in_turn()), "register", level);
        let edges = report.anomalies[0].witness.as_ref().unwrap().edges.iter();
        let edges: Vec<String> =
            edges.map(|edge| format!("{} {} {}", edge.from, edge.kind, edge.to)).collect();
        let (not, also) = (report.not.join(", "), report.also_not.join(", "));
        let told = &report.anomalies[0].explanation;
        format!("{told}edges: {}\nnot: {not}; also not: {also}\n", edges.join(", "))
    };
    let e = "0: w x1 | w y1\n1: r y1 | w x2\n2: r x2 | r x1";
    insta::assert_snapshot!(explained(e, "causal"), @"");
    insta::assert_snapshot!(explained("0: w x1 | r x2\n1: w x2 | r x1", "causal-convergence"), @"");
    let b = "0: w z1 | w x1 | w y1\n1: w x2 | r z_ | r y1 | r x2";
    insta::assert_snapshot!(explained(b, "causal-memory"), @"");
    insta::assert_snapshot!(explained("0: w x1 | w x2 | r x1", "read-your-writes"), @"");
    insta::assert_snapshot!(explained("0: w x1 | w y1\n1: r y1 | r x_", "monotonic-writes"), @"");
    let c = "0: w x1 | r y_ | w y1 | r x1\n1: w x2 | r y_ | w y2 | r x2";
    insta::assert_snapshot!(explained(c, "sequential"), @"");
}
