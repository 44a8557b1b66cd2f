//! The lattice against Elle's answers, and against itself.

use super::*;

fn told(anomalies: &[&'static str]) -> String {
    let Boundary { not, also_not, consistent_with } = boundary(anomalies);
    format!(
        "not {}\nalso not {}\nconsistent with {}",
        not.join(", "),
        also_not.join(", "),
        consistent_with.join(", ")
    )
}

#[test]
fn every_name_in_the_tables_is_known() {
    let anomalies: Vec<&str> = ANOMALIES.iter().map(|row| row.name).collect();
    let inert = [
        "G1-realtime",
        "G2-realtime",
        "G-SI",
        "G-monotonic",
        "G-MSR",
        "G-cursor",
        "G-update",
        "G-nonadjacent-realtime",
        "internal",
        "duplicate-elements",
        "cyclic-versions",
        "no-serial-order-realtime",
    ];
    for level in LEVELS {
        level.implies.iter().for_each(|name| assert!(super::level(name).is_some(), "{name}"));
        for name in level.forbids {
            assert!(anomalies.contains(name) || inert.contains(name), "{name}");
        }
        assert!(!level.doc.is_empty() && !level.source.is_empty());
    }
    for name in ANOMALIES.iter().flat_map(|row| row.implies) {
        assert!(anomalies.contains(name) || inert.contains(name), "{name}");
    }
}

#[test]
fn anomalies_rule_out_what_elle_says() {
    insta::assert_snapshot!(told(&[]), @r#"
    not 
    also not 
    consistent with strict-serializable
    "#);
    insta::assert_snapshot!(told(&["G2-item"]), @r#"
    not repeatable-read
    also not serializable, strong-session-serializable, strict-serializable
    consistent with strong-snapshot-isolation
    "#);
    insta::assert_snapshot!(told(&["G-single-item"]), @r#"
    not consistent-view, repeatable-read
    also not forward-consistent-view, snapshot-isolation, update-serializable, serializable, strong-session-snapshot-isolation, strong-snapshot-isolation, strong-session-serializable, strict-serializable
    consistent with strong-read-committed
    "#);
    insta::assert_snapshot!(told(&["G-single-item-realtime"]), @r#"
    not strong-snapshot-isolation
    also not strict-serializable
    consistent with strong-read-committed, strong-session-serializable
    "#);
    insta::assert_snapshot!(told(&["lost-update"]), @r#"
    not cursor-stability, update-atomic
    also not consistent-view, forward-consistent-view, parallel-snapshot-isolation, snapshot-isolation, repeatable-read, update-serializable, serializable, strong-session-snapshot-isolation, strong-snapshot-isolation, strong-session-serializable, strict-serializable
    consistent with monotonic-snapshot-read, strong-read-committed
    "#);
    insta::assert_snapshot!(told(&["internal"]), @r#"
    not read-atomic
    also not causal-cerone, prefix, update-atomic, parallel-snapshot-isolation, snapshot-isolation, serializable, strong-session-snapshot-isolation, strong-snapshot-isolation, strong-session-serializable, strict-serializable
    consistent with consistent-view, repeatable-read, strong-read-committed
    "#);
    insta::assert_snapshot!(told(&["G1c-process"]), @r#"
    not strong-session-read-committed
    also not strong-read-committed, strong-session-snapshot-isolation, strong-snapshot-isolation, strong-session-serializable, strict-serializable
    consistent with serializable, strong-read-uncommitted
    "#);
}

#[test]
fn levels_forbid_what_weaker_ones_forbid() {
    for stronger in LEVELS {
        for weaker in LEVELS.iter().filter(|weaker| follows(weaker.name, stronger.name)) {
            for row in ANOMALIES {
                let inherited = !forbids(weaker.name, row.name) || forbids(stronger.name, row.name);
                assert!(inherited, "{} {} {}", stronger.name, weaker.name, row.name);
            }
        }
    }
}
