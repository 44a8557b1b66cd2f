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
    insta::assert_snapshot!(explained(e, "causal"), @"
    Client 2 found x = 1, although the write of x = 2 (client 1), which came after it, was visible to client 2.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 0: w y 1 (event 2 – event 3)
      (3) client 1: r y 1 (event 4 – event 5)
      (4) client 1: w x 2 (event 6 – event 7)
      (5) client 2: r x 2 (event 8 – event 9)
      (6) client 2: r x 1 (event 10 – event 11)

      1. (5) found x = 2, which (4) wrote and client 2 ran (5) before (6): so (4), which wrote x = 2, was visible to (6).
      2. (6) found x = 1 of (1) all the same: so (4) has to come before (1).
      3. Client 0 ran (1) before (2).
      4. (3) found y = 1, which (2) wrote.
      5. Client 1 ran (3) before (4).
      6. So (1), (2), (3), (4) and again (1) would have to follow one another: a circle.

    Legal would have been for (6) to find x = 2, or something newer.
    edges: 1 session 2, 2 wr 3, 3 session 4, 4 ww 1
    not: causal; also not: causal-convergence, causal-memory, sequential, linearizable
    ");
    insta::assert_snapshot!(explained("0: w x1 | r x2\n1: w x2 | r x1", "causal-convergence"), @"
    No order of the writes of x explains what client 1 and client 0 found.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 0: r x 2 (event 2 – event 3)
      (3) client 1: w x 2 (event 4 – event 5)
      (4) client 1: r x 1 (event 6 – event 7)

      1. Client 1 ran (3) before (4): so (3), which wrote x = 2, was visible to (4).
      2. (4) found x = 1 of (1) all the same: so (3) has to come before (1).
      3. Client 0 ran (1) before (2): so (1), which wrote x = 1, was visible to (2).
      4. (2) found x = 2 of (3) all the same: so (1) has to come before (3).
      5. So (3), (1) and again (3) would have to follow one another: a circle.
    edges: 3 ww 1, 1 ww 3
    not: causal-convergence; also not: sequential, linearizable
    ");
    let b = "0: w z1 | w x1 | w y1\n1: w x2 | r z_ | r y1 | r x2";
    insta::assert_snapshot!(explained(b, "causal-memory"), @"
    Client 1 found z = null, the initial value, although the write of z = 1 (client 0) was visible to it.

      (1) client 0: w z 1 (event 0 – event 1)
      (2) client 0: w x 1 (event 2 – event 3)
      (3) client 0: w y 1 (event 4 – event 5)
      (4) client 1: w x 2 (event 6 – event 7)
      (5) client 1: r z null (event 8 – event 9)
      (6) client 1: r y 1 (event 10 – event 11)
      (7) client 1: r x 2 (event 12 – event 13)

      1. Client 0 ran (2) before (3), (6) found y = 1, which (3) wrote and client 1 ran (6) before (7): so (2), which wrote x = 1, was visible to (7).
      2. (7) found x = 2 of (4) all the same: so (2) has to come before (4).
      3. Client 0 ran (1) before (2), (7) found x = 2 although it had seen x = 1 and client 1 ran (4) before (5): so (1), which wrote z = 1, was visible to (5).
      4. (5) found z = null, the initial value, which comes before every write; but z = 1 was visible to it.
    edges: 
    not: pram; also not: causal-memory, sequential, linearizable
    ");
    insta::assert_snapshot!(explained("0: w x1 | w x2 | r x1", "read-your-writes"), @"
    Client 0 found x = 1, although the write of x = 2 (client 0), which came after it, was visible to client 0.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 0: w x 2 (event 2 – event 3)
      (3) client 0: r x 1 (event 4 – event 5)

      1. Client 0 ran (2) before (3): so (2), which wrote x = 2, was visible to (3).
      2. (3) found x = 1 of (1) all the same: so (2) has to come before (1).
      3. Client 0 ran (1) before (2).
      4. So (1), (2) and again (1) would have to follow one another: a circle.

    Legal would have been for (3) to find x = 2, or something newer.
    edges: 1 session 2, 2 ww 1
    not: read-your-writes; also not: pram, causal, causal-convergence, causal-memory, sequential, linearizable
    ");
    insta::assert_snapshot!(explained("0: w x1 | w y1\n1: r y1 | r x_", "monotonic-writes"), @"
    Client 1 found x = null, the initial value, although the write of x = 1 (client 0) was visible to it.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 0: w y 1 (event 2 – event 3)
      (3) client 1: r y 1 (event 4 – event 5)
      (4) client 1: r x null (event 6 – event 7)

      1. Client 0 ran (1) before (2), (3) found y = 1, which (2) wrote and client 1 ran (3) before (4): so (1), which wrote x = 1, was visible to (4).
      2. (4) found x = null, the initial value, which comes before every write; but x = 1 was visible to it.

    Legal would have been for (4) to find x = 1, or something newer.
    edges: 
    not: monotonic-writes; also not: pram, causal-convergence, causal-memory, sequential, linearizable
    ");
    let c = "0: w x1 | r y_ | w y1 | r x1\n1: w x2 | r y_ | w y2 | r x2";
    insta::assert_snapshot!(explained(c, "sequential"), @"
    No single order of all operations explains what was found, although each client by itself, and causality, could be satisfied.

      (1) client 0: w x 1 (event 0 – event 1)
      (2) client 0: r y null (event 2 – event 3)
      (3) client 0: w y 1 (event 4 – event 5)
      (4) client 0: r x 1 (event 6 – event 7)
      (5) client 1: w x 2 (event 8 – event 9)
      (6) client 1: r y null (event 10 – event 11)
      (7) client 1: w y 2 (event 12 – event 13)
      (8) client 1: r x 2 (event 14 – event 15)

      1. Client 0 did (1), (2), (3) and (4), in this order.
      2. Client 1 did (5), (6), (7) and (8), in this order.
      3. (2) found y = null, the initial value: nothing else was written to it in between.
      4. (4) found x = 1, from (1): nothing else was written to it in between.
      5. (6) found y = null, the initial value: nothing else was written to it in between.
      6. (8) found x = 2, from (5): nothing else was written to it in between.
      7. All orders that meet this were tried: there is none that holds them all.
    edges: 
    not: sequential; also not: linearizable
    ");
}
