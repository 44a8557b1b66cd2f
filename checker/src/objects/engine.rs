//! The general engine: any history of any model. A [sweep](super::sweep) and a [depth-first
//! search](super::depth) race under one budget; what either decides holds.

use super::{Timed, depth::Depth, events, model::Model, reduce::Part, sweep::Sweep};
use crate::{
    Exhausted,
    decision::{Attempt, Verdict, widening},
    meter::Meter,
};

/// Decides whether the model explains these operations, which stand in the order of invocations.
/// A violation comes with the return that makes it one: everything before is linearizable.
pub(crate) fn decide<M: Model>(model: &M, ops: &[Timed<M::Effect>], meter: &Meter<'_>) -> Verdict {
    match race(model, ops, meter) {
        (Verdict::Violation { event }, foreseen) if foreseen => {
            Verdict::Violation { event: first_return(model, ops, meter).unwrap_or(event) }
        }
        (verdict, _) => verdict,
    }
}

/// The verdict, and whether a sweep may have foreseen the violation. The narrowest sweep runs alone:
/// most histories need no more.
fn race<M: Model>(model: &M, ops: &[Timed<M::Effect>], meter: &Meter<'_>) -> (Verdict, bool) {
    let events = events(ops);
    let (mut rival, mut attempts, mut overtaken) = (None, 0, false);
    let verdict = widening(|width| {
        if attempts == 1 {
            rival = Some(Depth::new(model, ops));
        }
        attempts += 1;
        let mut sweep = Sweep::new(model, ops, meter, width);
        sweep.rival = rival.take();
        let verdict = sweep.run(&events);
        overtaken = sweep.overtaken.is_some();
        rival = sweep.rival.take();
        let reached = sweep.stopped(Exhausted::Deadline);
        Attempt { verdict, dropped: sweep.dropped && !overtaken, reached }
    });
    (verdict, M::FORESEES && !overtaken)
}

/// Foresight condemns configurations before the return that does. This finds that return: the
/// first one up to which the operations are no longer legal.
fn first_return<M: Model>(model: &M, ops: &[Timed<M::Effect>], meter: &Meter<'_>) -> Option<u32> {
    let whole = Part { model: model.clone(), ops: ops.to_vec() };
    let mut returns: Vec<u32> =
        ops.iter().filter(|op| op.certain()).map(|op| op.returned).collect();
    returns.sort_unstable();
    let (mut low, mut high) = (0, returns.len().checked_sub(1)?);
    while low < high {
        let middle = usize::midpoint(low, high);
        let beginning = whole.beginning(returns[middle]);
        match race(&beginning.model, &beginning.ops, meter) {
            (Verdict::Violation { .. }, _) => high = middle,
            // Not decided in time: a later return is also one with which it is a violation.
            (Verdict::Linearizable | Verdict::Undecided(_), _) => low = middle + 1,
        }
    }
    Some(returns[high])
}

#[cfg(test)]
mod tests;
