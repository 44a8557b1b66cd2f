//! Final reads, and how stale reads were.

use temblor_history::History;

use crate::{
    Request, Unlimited, check, notation,
    register::random::{Random, cases},
    staleness,
};

fn judged(history: &History) -> String {
    let report = check(history, &Request::new("register", "eventual"), &Unlimited);
    let kinds: Vec<&str> = report.anomalies.iter().map(|anomaly| &*anomaly.kind).collect();
    format!("{} {}{}", report.verdict, kinds.join(" "), report.reason.unwrap_or_default())
}

#[test]
fn final_reads_agree_and_hold_what_was_acknowledged() {
    let cases = [
        (
            "pass ",
            "
             0@n1: |w1-| |w2-|      |R2-|
             1@n2:   |r1--| |r1-|      |R2-|",
        ),
        (
            "violation divergence",
            "
             0@n1: |w1-| |w2-|      |R2-|
             1@n2:                     |R1-|",
        ),
        (
            "violation lost-write",
            "
             0@n1: |w1-| |w2-|      |R1-|
             1@n2:                    |R1-|",
        ),
        (
            // Concurrent writes: either may win, but the nodes have to agree.
            "violation divergence",
            "
             0@n1: |w1--|     |R1-|
             1@n2: |w2--|     |R2-|",
        ),
        (
            // A write that may take effect in between.
            "pass ",
            "
             0@n1: |w1--|     |R1-|
             1@n2:                    |R2-|
             2@n2: |w2--?",
        ),
        (
            "violation divergence",
            "
             0@n1: |w1--|     |R1-|        |R1-|
             1@n2:                  |R2-|
             2@n2: |w2--?",
        ),
        (
            "inconclusive 1 key of 1 undecided: no final read on n2",
            "
             0@n1: |w1--|     |R1-|
             1@n2: |r_-|",
        ),
        (
            "violation divergence",
            "
             0@n1:            |R1-|
             1@n2:            |R_-|
             2@n2: |w1--|  ",
        ),
    ];
    for (expected, drawing) in cases {
        assert_eq!(judged(&notation::history(drawing)), expected, "{drawing}");
    }
}

#[test]
fn staleness_is_the_time_since_the_value_was_replaced() {
    let history = notation::history(
        "
         0@n1: |w1-| |w2-| |w3-|
         1@n2:   |r1--|     |r1-| |r2-| |r3-|
         2@n3:                           |r_-|",
    );
    let measured = staleness(&history, "register").unwrap();
    let told: Vec<(u64, i64)> =
        measured.stale.iter().map(|read| (read.process, read.behind / 1_000_000)).collect();
    assert_eq!(measured.reads, 5);
    assert_eq!(told, [(2, 2200), (1, 300), (1, 300)]);
    let quantiles = [0.0, 0.5, 0.8, 1.0].map(|share| measured.quantile(share) / 1_000_000);
    assert_eq!(quantiles, [0, 300, 300, 2200]);
}

/// Final reads diverge if from no settled value on they are linearizable, with the writes that may
/// still take effect.
#[test]
fn divergence_is_what_no_settled_value_explains() {
    let mut random = Random::new(77);
    let mut tally = [0_u32; 2];
    for _ in 0..cases(1_500) {
        let lanes: Vec<String> = (0..3).map(|client| reads(&mut random, client)).collect();
        let open = "6: |w3?\n7: |w4?\n";
        let linearizable = |settled: &str| {
            let drawing = format!("{settled}{open}{}", lanes.concat());
            let history = notation::history(&drawing);
            let report = check(&history, &Request::new("register", "linearizable"), &Unlimited);
            report.verdict == temblor_history::Outcome::Pass
        };
        let explained = ["", "8: |w1-|\n", "8: |w2-|\n"].into_iter().any(linearizable);
        let finals = lanes.concat().replace('r', "R");
        let history = notation::history(&format!("8: |w1-|\n9: |w2-|\n{open}{finals}"));
        let report = check(&history, &Request::new("register", "eventual"), &Unlimited);
        let found = report.anomalies.iter().any(|anomaly| anomaly.kind == "divergence");
        assert_eq!(found, !explained, "{finals} {report:#?}");
        tally[usize::from(found)] += 1;
    }
    assert!(tally.iter().all(|&count| count > 100), "{tally:?}");
}

/// A line of reads after all writes began.
fn reads(random: &mut Random, client: u32) -> String {
    let mut line = format!("{client}: {}", " ".repeat(20));
    for _ in 0..random.below(3) {
        let value = ["_", "1", "2", "3", "4", "3", "4", "1"][random.below(8) as usize];
        let length = random.below(8) as usize;
        line += &" ".repeat(random.below(6) as usize);
        line += &format!("|r{value}{}|", "-".repeat(length));
    }
    line + "\n"
}
