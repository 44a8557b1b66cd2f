//! Final reads, and how stale reads were.

use temblor_history::History;

use crate::{Request, Unlimited, check, notation, staleness};

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
