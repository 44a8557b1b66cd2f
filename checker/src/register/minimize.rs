//! Makes a violation small enough to read, and keeps it honest.
//!
//! An operation is left out only if every legal history stays legal without it:
//! - an observation (a read, a refused cas);
//! - a value: all its writes, all its reads, and of the cas that took it all but their writes.
//!   What follows the value in a legal order is a write in any case. Only a refused cas might have
//!   found another value where this one was: then the value stays, unless its time and that of the
//!   refused cas are certainly apart ([`apart`]);
//! - everything invoked after some event, and the returns after it ([`shortest_beginning`]): a
//!   history cut off at any event is legal if the whole is.

use super::{
    Effect, NEVER, RegisterOp, ValueNumber,
    judge::{Judgement, judge},
    operations::INITIAL,
};
use crate::meter::Meter;

/// A violation made small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Core {
    /// What is left, in the order of invocations; still a violation.
    pub(crate) ops: Vec<RegisterOp>,
    /// Whether nothing more can be left out.
    pub(crate) minimal: bool,
}

/// How many attempts are made before what is left is shown as it is.
const ATTEMPTS: usize = 4_000;

/// From this size on, what is old is cut off first, by bisection.
const BULK: usize = 48;

/// Leaves out what can be left out. The operations given must be a violation.
pub(crate) fn minimize(ops: &[RegisterOp], meter: &Meter<'_>) -> Core {
    let mut work = Work { ops: ops.to_vec(), meter, attempts: 0, interrupted: false };
    if ops.len() > BULK {
        work.try_replace(without_refusals(&work.ops));
        work.cut_old();
    }
    work.leave_out();
    Core { ops: work.ops, minimal: !work.interrupted }
}

/// The shortest beginning of a violation that is one. Its last event is the return of an
/// observation or a cas: to learn that a write took effect rules nothing out by itself.
pub(crate) fn shortest_beginning(ops: &[RegisterOp], meter: &Meter<'_>) -> Vec<RegisterOp> {
    let mut returns: Vec<u32> = ops.iter().map(|op| op.returned).collect();
    returns.retain(|&returned| returned != NEVER);
    returns.sort_unstable();
    let (mut legal, mut violating) = (0, returns.len());
    while legal + 1 < violating {
        let middle = usize::midpoint(legal, violating);
        let candidate = beginning(ops, returns[middle - 1]);
        match judge(&candidate, meter) {
            Judgement::Violation(_) => violating = middle,
            Judgement::Linearizable | Judgement::Undecided(_) => legal = middle,
        }
    }
    returns
        .get(violating.wrapping_sub(1))
        .map_or_else(|| ops.to_vec(), |&last| beginning(ops, last))
}

/// What could be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The observation of this operation, by its source.
    Observation(u32),
    Value(ValueNumber),
}

struct Work<'a> {
    ops: Vec<RegisterOp>,
    meter: &'a Meter<'a>,
    attempts: usize,
    interrupted: bool,
}

impl Work<'_> {
    fn violates(&mut self, ops: &[RegisterOp]) -> bool {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            self.interrupted = true;
            return false;
        }
        match judge(ops, self.meter) {
            Judgement::Violation(_) => true,
            Judgement::Linearizable => false,
            Judgement::Undecided(_) => {
                self.interrupted = true;
                false
            }
        }
    }

    fn try_replace(&mut self, candidate: Vec<RegisterOp>) -> bool {
        let smaller = candidate.len() < self.ops.len() && self.violates(&candidate);
        if smaller {
            self.ops = candidate;
        }
        smaller
    }

    /// Leaves out as many of the values that were done with first as possible.
    fn cut_old(&mut self) {
        let values = by_last_use(&self.ops);
        let (mut violating, mut legal) = (0, values.len() + 1);
        while violating + 1 < legal {
            let middle = usize::midpoint(violating, legal);
            let candidate = without_values(&self.ops, &values[..middle]);
            if candidate.is_some_and(|candidate| self.violates(&candidate)) {
                violating = middle;
            } else {
                legal = middle;
            }
        }
        if let Some(rest) = without_values(&self.ops, &values[..violating]) {
            self.ops = rest;
        }
    }

    /// Leaves out units, many at a time as long as that works (Zeller and Hildebrandt, "Simplifying
    /// and isolating failure-inducing input", 2002), until none can go.
    fn leave_out(&mut self) {
        loop {
            let before = self.ops.len();
            let mut chunk = units(&self.ops).len().div_ceil(2);
            while chunk > 0 {
                for chunk in units(&self.ops).chunks(chunk) {
                    if let Some(candidate) = without(&self.ops, chunk) {
                        self.try_replace(candidate);
                    }
                }
                chunk /= 2;
            }
            if self.ops.len() == before || self.interrupted {
                break;
            }
        }
    }
}

pub(crate) fn units(ops: &[RegisterOp]) -> Vec<Unit> {
    let observed = ops.iter().filter(|op| op.effect.written().is_none());
    let observations = observed.map(|op| Unit::Observation(op.source));
    let mut values: Vec<ValueNumber> = ops.iter().filter_map(|op| op.effect.written()).collect();
    values.sort_unstable();
    values.dedup();
    observations.chain(values.into_iter().map(Unit::Value)).collect()
}

pub(crate) fn without(ops: &[RegisterOp], units: &[Unit]) -> Option<Vec<RegisterOp>> {
    let mut rest = ops.to_vec();
    let mut values = Vec::new();
    for unit in units {
        match *unit {
            Unit::Observation(source) => {
                rest.retain(|op| op.source != source || op.effect.written().is_some());
            }
            Unit::Value(value) => values.push(value),
        }
    }
    without_values(&rest, &values)
}

fn without_refusals(ops: &[RegisterOp]) -> Vec<RegisterOp> {
    let observed = |op: &&RegisterOp| !matches!(op.effect, Effect::Differs(_));
    ops.iter().filter(observed).copied().collect()
}

/// The history up to and with this event.
pub(crate) fn beginning(ops: &[RegisterOp], last: u32) -> Vec<RegisterOp> {
    let begun = ops.iter().filter(|op| op.invoked <= last);
    let cut = |op: &RegisterOp| {
        if op.returned <= last {
            Some(*op)
        } else {
            let returned = NEVER;
            op.effect.written().map(|_| RegisterOp { returned, ..*op })
        }
    };
    begun.filter_map(cut).collect()
}

/// Values that were written, those first whose operations were over first.
fn by_last_use(ops: &[RegisterOp]) -> Vec<ValueNumber> {
    let mut last_use = std::collections::BTreeMap::new();
    for value in ops.iter().filter_map(|op| op.effect.written()) {
        last_use.entry(value).or_insert(0);
    }
    for op in ops {
        for value in [op.effect.tested(), op.effect.written()].into_iter().flatten() {
            last_use.entry(value).and_modify(|last| *last = op.returned.max(*last));
        }
    }
    let mut values: Vec<(u32, ValueNumber)> =
        last_use.into_iter().map(|(value, last)| (last, value)).collect();
    values.sort_unstable();
    values.into_iter().map(|(_, value)| value).collect()
}

/// The history without these values, unless a refused cas forbids it.
fn without_values(ops: &[RegisterOp], values: &[ValueNumber]) -> Option<Vec<RegisterOp>> {
    let gone: std::collections::HashSet<ValueNumber> = values.iter().copied().collect();
    let dropped = |value: Option<ValueNumber>| value.is_some_and(|value| gone.contains(&value));
    let mut rest = Vec::with_capacity(ops.len());
    for &op in ops {
        match op.effect {
            Effect::Cas { old, new } if gone.contains(&old) && !gone.contains(&new) => {
                let effect = Effect::Write(new);
                rest.push(RegisterOp { effect, ..op });
            }
            effect if dropped(effect.written()) || dropped(effect.tested()) => {}
            _ => rest.push(op),
        }
    }
    let refused = rest.iter().filter(|op| matches!(op.effect, Effect::Differs(_)));
    let honest = refused.clone().all(|refused| {
        let writers = ops.iter().filter(|op| dropped(op.effect.written()));
        writers.into_iter().all(|writer| apart(&rest, writer, refused))
    });
    honest.then_some(rest)
}

/// Whether a refused cas certainly did not find what this write left: it was over before the
/// write began, or another certain write, which stays, came entirely between the two.
fn apart(rest: &[RegisterOp], writer: &RegisterOp, refused: &RegisterOp) -> bool {
    let between = |op: &RegisterOp| {
        op.effect.written().is_some()
            && writer.returned < op.invoked
            && op.returned < refused.invoked
    };
    refused.returned < writer.invoked || rest.iter().any(between)
}

/// The values that an observation could have found instead, in a history that is a violation only
/// because of it: of the values offered, those that make it legal.
pub(crate) fn legal_instead(
    ops: &[RegisterOp],
    culprit: &RegisterOp,
    offered: &[ValueNumber],
    meter: &Meter<'_>,
) -> Vec<ValueNumber> {
    let legal = |value: &ValueNumber| {
        let replaced = |op: &RegisterOp| {
            if op.source == culprit.source {
                RegisterOp { effect: Effect::Read(*value), ..*op }
            } else {
                *op
            }
        };
        let ops: Vec<RegisterOp> = ops.iter().map(replaced).collect();
        judge(&ops, meter) == Judgement::Linearizable
    };
    offered.iter().copied().filter(legal).collect()
}

/// The values that were written most lately, each once, and the initial one.
pub(crate) fn recent_values(ops: &[RegisterOp], most: usize) -> Vec<ValueNumber> {
    let mut values = Vec::new();
    for value in ops.iter().rev().filter_map(|op| op.effect.written()).chain([INITIAL]) {
        if !values.contains(&value) && (values.len() < most || value == INITIAL) {
            values.push(value);
        }
    }
    values
}
