//! Queues, stacks and priority queues beside brute force.

use super::{
    Act, Contained, Found, Kind, NEVER,
    oracle::{accepts, linearizable},
    random::{Shape, history, shapes},
};
use crate::{
    Unlimited,
    meter::Meter,
    register::random::{Random, cases},
};

fn decide(kind: Kind, ops: &[Contained]) -> Option<Found> {
    super::decide(kind, ops, &Meter::new(&Unlimited)).expect("no budget was set")
}

/// What a check of one history counts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passes: u32,
    violations: u32,
    open: u32,
}

impl Count {
    fn check(&mut self, kind: Kind, ops: &[Contained]) {
        let legal = linearizable(kind, ops);
        match decide(kind, ops) {
            Some(Found::Order(order)) => {
                assert!(legal && accepts(kind, ops, &order), "{kind:?} {order:?} {ops:#?}");
                self.passes += 1;
            }
            Some(Found::Conflict(conflict)) => {
                let places = conflict.places();
                let core: Vec<Contained> = places.iter().map(|&at| ops[at as usize]).collect();
                assert!(!legal, "{kind:?} {conflict:?} {ops:#?}");
                assert!(!linearizable(kind, &core), "{kind:?} {conflict:?} {ops:#?}");
                self.violations += 1;
            }
            None => self.open += 1,
        }
    }
}

fn check_all(kind: Kind, seed: u64, each: u64, change: impl Fn(Shape) -> Shape) -> Count {
    let mut count = Count::default();
    for (number, shape) in (seed..).zip(shapes(kind)) {
        let mut random = Random::new(number);
        for _ in 0..cases(each) {
            count.check(kind, &history(&mut random, change(shape)));
        }
    }
    count
}

const KINDS: [Kind; 3] = [Kind::Queue, Kind::Stack, Kind::Priority];

/// Without unknown removals everything is decided, and every order and conflict holds.
#[test]
fn the_fast_paths_are_exact_without_unknown_removals() {
    for kind in KINDS {
        let count = check_all(kind, 10_000, 40, |shape| Shape { unknown_removals: 0, ..shape });
        assert!(count.open == 0 && count.passes > 2_000 && count.violations > 2_000, "{count:?}");
    }
}

/// With unknown removals little is left open, and what is decided holds.
#[test]
fn the_fast_paths_are_right_about_unknown_removals() {
    for kind in KINDS {
        let count = check_all(kind, 20_000, 40, |shape| shape);
        let decided = count.passes + count.violations;
        assert!(count.passes > 2_000 && count.violations > 1_000, "{count:?}");
        assert!(count.open * 100 < decided, "{kind:?} {count:?}");
    }
}

/// Operations from letters: `i3` inserts 3, `r3` removes it, `e` finds nothing, `u` is a removal
/// with an unknown outcome; each letter group is one operation, placed by two numbers.
fn ops(operations: &[(&str, u32, u32)]) -> Vec<Contained> {
    let op = |&(what, invoked, returned): &(&str, u32, u32)| {
        let value = what[1..].parse().unwrap_or(0);
        let act = match &what[..1] {
            "i" => Act::Insert(value),
            "r" => Act::Remove(value),
            "e" => Act::Empty,
            _ => Act::RemoveAny,
        };
        Contained { effect: act, invoked, returned, source: 0 }
    };
    operations.iter().map(op).collect()
}

/// The chain of values that no two of them show: three overlap in turn, and none can be at the
/// bottom (the shape of figure 5 of Grahn et al., 2025).
#[test]
fn a_stack_is_crossed_by_three_values() {
    let crossed = ops(&[
        ("i1", 0, 1),
        ("i2", 2, 3),
        ("i3", 4, 7),
        ("r1", 5, 6),
        ("r2", 8, 11),
        ("r3", 12, 13),
    ]);
    let mut count = Count::default();
    count.check(Kind::Stack, &crossed);
    assert_eq!(count.violations, 1);
}

#[test]
fn events_far_apart_are_ranked() {
    let near = ops(&[("i1", 0, 2), ("i2", 1, 3), ("r2", 4, 6), ("r1", 5, 7), ("e", 8, 9)]);
    let apart = |op: &Contained| Contained {
        invoked: op.invoked * 1_000 + 7,
        returned: op.returned * 1_000 + 7,
        ..*op
    };
    let far: Vec<Contained> = near.iter().map(apart).collect();
    for kind in KINDS {
        assert_eq!(decide(kind, &near), decide(kind, &far));
    }
}

#[test]
fn repeated_values_are_left_to_others() {
    let twice = ops(&[("i1", 0, 1), ("i1", 2, NEVER), ("r1", 3, 4)]);
    assert_eq!(decide(Kind::Queue, &twice), None);
}
