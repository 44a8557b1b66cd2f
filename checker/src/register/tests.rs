//! The classic examples by name, and what the checker says of them.

use temblor_history::{CheckReport, Outcome};

use crate::{Request, Unlimited, check, notation::history};

fn checked(drawing: &str, consistency: &str) -> CheckReport {
    let request = Request::new("cas-register", consistency);
    check(&history(drawing), &request, &Unlimited)
}

/// The kinds found; empty for a pass.
fn found(drawing: &str, consistency: &str) -> Vec<String> {
    let report = checked(drawing, consistency);
    let pass = report.verdict == Outcome::Pass;
    assert_eq!(pass, report.anomalies.is_empty(), "{report:#?}");
    report.anomalies.into_iter().map(|anomaly| anomaly.kind).collect()
}

#[track_caller]
fn legal(drawing: &str) {
    assert_eq!(found(drawing, "linearizable"), [""; 0]);
}

#[track_caller]
fn illegal(drawing: &str, kinds: &[&str]) {
    assert_eq!(found(drawing, "linearizable"), kinds);
}

#[test]
fn herlihy_and_wing_1990_overlapping_reads_may_differ() {
    legal(
        "
        0: |w0-| |w1-----------------|
        1:            |r1-|   |r1-|
        2:         |r0-|
        ",
    );
}

#[test]
fn a_read_may_not_go_back_in_time() {
    illegal(
        "
        0: |w0-| |w1-----------------|
        1:           |r1-|
        2:                 |r0-|
        ",
        &["non-linearizable"],
    );
}

#[test]
fn an_acknowledged_write_has_to_be_seen() {
    illegal(
        "
        0: |w1-|
        1:       |w2-|
        2:             |r1-|
        ",
        &["stale-read"],
    );
    illegal(
        "
        0: |w1-|
        1:       |r_-|
        ",
        &["stale-read"],
    );
}

#[test]
fn an_unknown_write_may_happen_late_or_never() {
    legal(
        "
        0: |w1-| |w2-?
        1:              |r1-|    |r2-|  |r2-|
        ",
    );
    illegal(
        "
        0: |w1-| |w2-?
        1:              |r2-|    |r1-|
        ",
        &["non-linearizable"],
    );
}

#[test]
fn a_failed_write_never_happens() {
    legal("0: |w1-| |w2-x |r1-|");
    illegal("0: |w1-| |w2-x |r2-|", &["G1a"]);
    illegal("0: |w1-| |r2-|", &["thin-air"]);
    illegal("0: |w1-| |r2-| \n 1: |w5@k| \n 2: |r6@k|", &["thin-air"]);
}

#[test]
fn a_cas_succeeds_once() {
    legal(
        "
        0: |w1-| |c1>2--|
        1:       |c1>3--!
        2:                 |r2-|
        ",
    );
    illegal(
        "
        0: |w1-| |c1>2--|
        1:       |c1>3--|
        ",
        &["non-linearizable"],
    );
}

#[test]
fn a_refused_cas_saw_another_value() {
    illegal(
        "
        0: |w1-|
        1:       |c1>3--!
        ",
        &["non-linearizable"],
    );
    legal(
        "
        0: |w1-|     |w2-----?
        1:       |c1>3--!
        2:                       |r2-|
        ",
    );
}

#[test]
fn repeated_values_are_decided_too() {
    legal(
        "
        0: |w1-|     |w1-|
        1:     |w2-|       |r1-|
        ",
    );
    illegal(
        "
        0: |w1-|     |w1-|
        1:     |w2-|       |r2-|
        ",
        &["stale-read"],
    );
}

#[test]
fn a_lost_write_is_one_that_no_final_read_shows() {
    let lost = "
        0: |w1-| |w2-|
        1:              |R1-|
        2:                    |R1-|
    ";
    assert_eq!(found(lost, "no-lost-writes"), ["lost-write"]);
    assert_eq!(found(lost, "linearizable"), ["lost-write", "stale-read"]);
    for kept in [
        "0: |w1-| |w2-| |R1-| |R2-|",         // one final read shows it
        "0: |w1-| |w2-| |R3-| \n 1: |w3---?", // it may have been overwritten
        "0: |w1-| |w2-| |R1-| \n 1: |w1-------?",
        "0: |w1-| \n 1: |w2-| \n 2:     |R1-|",
    ] {
        assert_eq!(found(kept, "no-lost-writes"), [""; 0], "{kept}");
    }
    let seen = "
        0:         |w2-|
        1: |w1-?
        2:     |r1-|     |R1-|
    ";
    assert_eq!(found(seen, "no-lost-writes"), ["lost-write"]);
    let unread = checked("0: |w1-| |r1-|", "no-lost-writes");
    assert_eq!(unread.verdict, Outcome::Inconclusive);
    assert_eq!(
        unread.reason.unwrap(),
        "1 key of 1 undecided: no final read after 1 acknowledged write"
    );
}
