//! Makes a violation small enough to read, and keeps it honest.
//!
//! An operation is left out only if every legal history stays legal without it:
//! - an observation (a read, a refused cas);
//! - a value: all its writes, all its reads, and of the cas that took it all but their writes.
//!   What follows the value in a legal order is a write in any case. Only a refused cas might have
//!   found another value where this one was: then the value stays, unless its time and that of the
//!   refused cas are certainly apart ([`apart`]);
//! - what comes after some event, or certainly before some write ([`super::cut`]).

use std::collections::{BTreeMap, HashSet};

use super::{
    Effect, RegisterOp, ValueNumber,
    cut::from_write,
    judge::{Judgement, judge},
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

/// How often the general engine may ask the budget over one attempt, and over all of them: some
/// tenths of a second, and some seconds.
const PATIENCE: usize = 256;
const ALL_PATIENCE: usize = 8_192;

/// After so many writes, leaps grow.
const LEAPS: usize = 16;

/// From this size on, what is old is cut off first, by bisection.
const BULK: usize = 48;

/// Leaves out what can be left out. The operations given must be a violation.
pub(crate) fn minimize(ops: &[RegisterOp], meter: &Meter<'_>) -> Core {
    let mut work = Work {
        ops: ops.to_vec(),
        meter,
        attempts: 0,
        passed: 0,
        interrupted: false,
        patience: ALL_PATIENCE,
        unsure: false,
    };
    if ops.len() > BULK {
        work.try_replace(without_refusals(&work.ops));
        work.cut_before();
        work.cut_old();
    }
    work.leave_out();
    Core { ops: work.ops, minimal: !work.interrupted && !work.unsure }
}

/// What could be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The observation of this operation, by its source.
    Observation(u32),
    /// This value.
    Value(ValueNumber),
    /// All that certainly came before the write of this operation, by its source.
    Before(u32),
}

struct Work<'a> {
    ops: Vec<RegisterOp>,
    meter: &'a Meter<'a>,
    attempts: usize,
    /// Operations looked at since the budget was asked.
    passed: usize,
    interrupted: bool,
    /// How many questions to the budget are left for all attempts together.
    patience: usize,
    /// Whether an attempt was given up.
    unsure: bool,
}

impl Work<'_> {
    fn violates(&mut self, ops: &[RegisterOp]) -> bool {
        self.attempts += 1;
        let stop = self.meter.ask_after(&mut self.passed, ops.len()).is_err();
        self.interrupted |= stop || self.attempts > ATTEMPTS;
        if self.interrupted {
            return false;
        }
        let patience = self.meter.patience(PATIENCE.min(self.patience));
        let before = patience.left();
        let judgement = judge(ops, &Meter::new(&patience));
        self.patience -= before - patience.left();
        match judgement {
            Judgement::Violation(_) => true,
            Judgement::Linearizable => false,
            // Too hard: it stays in.
            Judgement::Undecided(_) => {
                self.unsure = true;
                self.interrupted |= self.patience == 0 || self.meter.is_exhausted();
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

    /// Leaves out what came before a late write for which that works: the latest ones are tried one
    /// after the other, then in ever longer leaps, since a short rest is quick to judge; between
    /// the last two tried, by bisection.
    fn cut_before(&mut self) {
        let original = self.ops.clone();
        let writes = certain_writes(&original);
        let (mut legal, mut violating, mut leap) = (writes.len(), None, 1);
        while legal > 0 && violating.is_none() && !self.interrupted {
            let at = legal.saturating_sub(leap);
            if self.try_from(&original, writes[at]) {
                violating = Some(at);
            } else {
                legal = at;
                leap += (writes.len() - at) / LEAPS;
            }
        }
        let Some(mut violating) = violating else { return };
        while violating + 1 < legal {
            let middle = usize::midpoint(violating, legal);
            if self.try_from(&original, writes[middle]) {
                violating = middle;
            } else {
                legal = middle;
            }
        }
    }

    fn try_from(&mut self, original: &[RegisterOp], write: Unit) -> bool {
        without(original, &[write]).is_some_and(|candidate| self.try_replace(candidate))
    }

    /// Leaves out as many of the values that were done with first as possible.
    fn cut_old(&mut self) {
        let values = by_last_use(&self.ops);
        let (mut violating, mut legal) = (0, values.len() + 1);
        while violating + 1 < legal && !self.interrupted {
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
                    if self.interrupted {
                        return;
                    }
                }
                chunk /= 2;
            }
            if self.ops.len() == before {
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
    let values = values.into_iter().map(Unit::Value);
    certain_writes(ops).into_iter().rev().chain(observations).chain(values).collect()
}

/// The cuts that there are, the earliest first.
fn certain_writes(ops: &[RegisterOp]) -> Vec<Unit> {
    let certain = ops.iter().filter(|op| op.certain() && op.effect.written().is_some());
    certain.map(|op| Unit::Before(op.source)).collect()
}

/// The operations without these units; none if that would not be honest, or would take away all
/// writes of a value that somebody found: then the witness would show something else.
pub(crate) fn without(ops: &[RegisterOp], units: &[Unit]) -> Option<Vec<RegisterOp>> {
    let mut rest = ops.to_vec();
    let (mut values, mut observations) = (Vec::new(), HashSet::new());
    for unit in units {
        match *unit {
            Unit::Observation(source) => drop(observations.insert(source)),
            Unit::Value(value) => values.push(value),
            Unit::Before(source) => {
                if let Some(write) = rest.iter().find(|op| op.source == source).copied() {
                    rest = from_write(&rest, &write);
                }
            }
        }
    }
    rest.retain(|op| op.effect.written().is_some() || !observations.contains(&op.source));
    let rest = without_values(&rest, &values)?;
    let (before, after) = (written_values(ops), written_values(&rest));
    let explained = |value| !before.contains(&value) || after.contains(&value);
    let demanded = |op: &RegisterOp| op.effect.demanded();
    rest.iter().filter_map(demanded).all(explained).then_some(rest)
}

fn written_values(ops: &[RegisterOp]) -> HashSet<ValueNumber> {
    ops.iter().filter_map(|op| op.effect.written()).collect()
}

fn without_refusals(ops: &[RegisterOp]) -> Vec<RegisterOp> {
    let observed = |op: &&RegisterOp| !matches!(op.effect, Effect::Differs(_));
    ops.iter().filter(observed).copied().collect()
}

/// Values that were written, those first whose operations were over first.
fn by_last_use(ops: &[RegisterOp]) -> Vec<ValueNumber> {
    let mut last_use = BTreeMap::new();
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
    let gone: HashSet<ValueNumber> = values.iter().copied().collect();
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
