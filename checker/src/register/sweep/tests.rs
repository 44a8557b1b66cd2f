//! The engine beside the oracle.

use super::*;
use crate::register::NEVER;
use crate::{
    Budget, Unlimited,
    register::{
        oracle,
        random::{Random, cases, history, shapes},
    },
};

fn linearizable(ops: &[RegisterOp]) -> bool {
    match decide(ops, &Meter::new(&Unlimited)) {
        Verdict::Linearizable => true,
        Verdict::Violation { .. } => false,
        Verdict::Undecided(stopped) => panic!("no budget was set: {stopped:?}"),
    }
}

#[test]
fn agrees_with_the_definition_on_random_histories() {
    let (mut legal, mut illegal) = (0, 0);
    for (number, shape) in (0..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(700) {
            let ops = history(&mut random, shape);
            let expected = oracle::linearizable(&ops);
            assert_eq!(linearizable(&ops), expected, "{ops:#?}");
            *(if expected { &mut legal } else { &mut illegal }) += 1;
        }
    }
    assert!(legal > 50_000 && illegal > 50_000, "{legal} legal, {illegal} not");
}

/// Every effect over these values; writes and cas also with an unknown outcome (second part).
fn effects(values: u32) -> Vec<(Effect, bool)> {
    let mut all = Vec::new();
    for value in 0..values {
        all.push((Effect::Read(value), true));
        all.push((Effect::Differs(value), true));
        all.push((Effect::Write(value), true));
        all.push((Effect::Write(value), false));
        for new in (0..values).filter(|&new| new != value) {
            all.push((Effect::Cas { old: value, new }, true));
            all.push((Effect::Cas { old: value, new }, false));
        }
    }
    all
}

/// Every way in which the intervals of so many operations can lie, invoked in their order.
fn intervals(ops: usize) -> Vec<Vec<(u32, u32)>> {
    fn extend(ops: usize, event: u32, so_far: &[(u32, u32)], all: &mut Vec<Vec<(u32, u32)>>) {
        if so_far.len() == ops && so_far.iter().all(|interval| interval.1 != NEVER) {
            all.push(so_far.to_vec());
        }
        if so_far.len() < ops {
            extend(ops, event + 1, &[so_far, &[(event, NEVER)]].concat(), all);
        }
        for open in (0..so_far.len()).filter(|&open| so_far[open].1 == NEVER) {
            let mut next = so_far.to_vec();
            next[open].1 = event;
            extend(ops, event + 1, &next, all);
        }
    }
    let mut all = Vec::new();
    extend(ops, 0, &[], &mut all);
    all
}

fn exhaust(ops: usize, values: u32) {
    let effects = effects(values);
    for intervals in intervals(ops) {
        for number in 0..effects.len().pow(ops as u32) {
            let mut rest = number;
            let history: Vec<RegisterOp> = intervals
                .iter()
                .zip(0..)
                .map(|(&(invoked, returned), source)| {
                    let (effect, certain) = effects[rest % effects.len()];
                    rest /= effects.len();
                    RegisterOp {
                        effect,
                        invoked,
                        returned: if certain { returned } else { NEVER },
                        source,
                    }
                })
                .collect();
            let expected = oracle::linearizable(&history);
            assert_eq!(linearizable(&history), expected, "{history:#?}");
        }
    }
}

#[test]
fn agrees_with_the_definition_on_every_tiny_history() {
    exhaust(2, 3);
    exhaust(3, 2);
    if cases(1) > 1 {
        exhaust(3, 3);
        exhaust(4, 2);
    }
}

fn op(effect: Effect, invoked: u32, returned: u32) -> RegisterOp {
    RegisterOp { effect, invoked, returned, source: 0 }
}

#[test]
fn takes_any_number_of_pending_operations() {
    let mut ops: Vec<RegisterOp> = (0..1_000).map(|n| op(Effect::Write(n + 1), n, NEVER)).collect();
    ops.push(op(Effect::Read(700), 1_000, 1_001));
    ops.push(op(Effect::Read(3), 1_002, 1_003));
    assert!(linearizable(&ops));
    ops.push(op(Effect::Read(700), 1_004, 1_005));
    assert!(!linearizable(&ops));
}

struct Never;

impl Budget for Never {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        Some(Exhausted::Deadline)
    }
}

#[test]
fn stops_where_the_budget_says() {
    let ops: Vec<RegisterOp> = (0..1_000).map(|n| op(Effect::Write(n), 2 * n, 2 * n + 1)).collect();
    let Verdict::Undecided(stopped) = decide(&ops, &Meter::new(&Never)) else {
        panic!("the budget was exhausted from the start");
    };
    assert_eq!((stopped.exhausted, stopped.open), (Exhausted::Deadline, 0));
    assert!(stopped.event < 1_000, "{}", stopped.event);
}

/// What survives a sweep that drops configurations is a proof; what dies in it is one only if
/// nothing was dropped.
#[test]
fn narrow_sweeps_claim_no_more_than_they_know() {
    let (mut dropped, mut passes) = (0, 0);
    for (number, shape) in (6_000..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(200) {
            let ops = history(&mut random, shape);
            let meter = Meter::new(&Unlimited);
            let mut sweep = Sweep::new(&ops, &meter, 1);
            let decision = sweep.run(&events(&ops));
            let legal = oracle::linearizable(&ops);
            assert!(legal || matches!(decision, Verdict::Violation { .. }), "{ops:#?}");
            assert!(!legal || sweep.dropped || decision == Verdict::Linearizable, "{ops:#?}");
            dropped += u32::from(sweep.dropped);
            passes += u32::from(sweep.dropped && decision == Verdict::Linearizable);
        }
    }
    assert!(dropped > 5_000 && passes > 1_000, "{dropped} {passes}");
}
