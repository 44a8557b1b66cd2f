//! Decides one object: the model's fast path first, the general engine for what it leaves open.

use super::{
    Timed, engine,
    model::{Fast, Model},
    replay,
};
use crate::{
    Exhausted,
    decision::{Stopped, Verdict},
    meter::Meter,
};

/// What is known of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement<E> {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Violation(Evidence<E>),
    /// The budget ran out.
    Undecided(Stopped),
}

/// How a violation is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence<E> {
    /// The fast path found conflicts.
    Conflicts(Vec<Vec<u32>>),
    /// The fast path found it in a part of the object.
    Reduced(Vec<Timed<E>>),
    /// The general engine found the event with which it becomes one.
    Event(u32),
}

/// What the fast path makes of it, if it can decide. Its passes are replayed.
pub(crate) fn fast<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    meter: &Meter<'_>,
) -> Result<Option<Judgement<M::Effect>>, Exhausted> {
    let found = model.fast(ops, meter)?;
    meter.ask(ops.len())?;
    let judged = match found {
        Some(Fast::Pass(order)) => {
            let order = meter.paced(order.iter().copied());
            replay::accepts(model, ops, order).then_some(Judgement::Linearizable)
        }
        Some(Fast::Violation(conflicts)) => {
            Some(Judgement::Violation(Evidence::Conflicts(conflicts)))
        }
        Some(Fast::Reduced(part)) => Some(Judgement::Violation(Evidence::Reduced(part))),
        None => None,
    };
    meter.in_time()?;
    Ok(judged)
}

/// Decides.
pub(crate) fn judge<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    meter: &Meter<'_>,
) -> Judgement<M::Effect> {
    match fast(model, ops, meter) {
        Ok(Some(judgement)) => judgement,
        Ok(None) => slow(model, ops, meter),
        Err(exhausted) => Judgement::Undecided(Stopped::at_once(exhausted)),
    }
}

/// Decides what the fast path left open.
pub(crate) fn slow<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    meter: &Meter<'_>,
) -> Judgement<M::Effect> {
    match engine::decide(model, ops, meter) {
        Verdict::Linearizable => Judgement::Linearizable,
        Verdict::Violation { event } => Judgement::Violation(Evidence::Event(event)),
        Verdict::Undecided(stopped) => Judgement::Undecided(stopped),
    }
}
