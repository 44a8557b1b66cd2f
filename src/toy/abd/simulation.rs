//! The protocol in thousands of small worlds: the correct one is linearizable in all of them, and
//! each seeded bug shows in some.

mod oracle;
mod world;

use super::bug::Bug;
use oracle::{Action, Interval, is_linearizable};
use world::{Misuse, live};

const WORLDS: u64 = 3000;

fn violates(seed: u64, bug: Bug, misuse: Misuse) -> bool {
    !live(seed, bug, misuse).values().all(|operations| is_linearizable(operations))
}

/// Of so many worlds, those with a violation.
fn caught(bug: Bug, misuse: Misuse) -> Vec<u64> {
    (0..WORLDS).filter(|seed| violates(*seed, bug, misuse)).collect()
}

#[test]
fn the_correct_protocol_is_linearizable_in_every_world() {
    assert_eq!(caught(Bug::None, Misuse::None), [0; 0]);
}

/// Worlds in which little happens would prove nothing.
#[test]
fn the_worlds_are_busy() {
    let all: Vec<Interval> = (0..300)
        .flat_map(|seed| live(seed, Bug::None, Misuse::None).into_values().flatten())
        .collect();
    let count = |wanted: fn(&Interval) -> bool| all.iter().filter(|op| wanted(op)).count();
    let reads = count(|op| matches!(op.action, Action::Read(1..)));
    let writes = count(|op| matches!(op.action, Action::Write(_)) && op.completed.is_some());
    let unknown = count(|op| op.completed.is_none());

    assert!(reads > 1000 && writes > 1000 && unknown > 300, "{reads} {writes} {unknown}");
}

#[test]
fn each_bug_shows() {
    for bug in [Bug::AckEarly, Bug::ReadOne, Bug::NoWriteBack, Bug::Forgetful] {
        let caught = caught(bug, Misuse::None).len();
        assert!(caught > 10, "{bug:?} shows in {caught} of {WORLDS} worlds");
    }
}

/// What the core asks of what is around it, it needs.
#[test]
fn each_misuse_shows() {
    for misuse in [Misuse::AnswersFirst, Misuse::SameLife] {
        let caught = caught(Bug::None, misuse).len();
        assert!(caught > 0, "{misuse:?} shows in {caught} of {WORLDS} worlds");
    }
}
