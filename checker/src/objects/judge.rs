//! Decides one object: the model's fast path first, the general engine for what it leaves open.

use super::{
    Timed,
    model::{Fast, Model},
    replay,
    sweep::{self, Stopped, Verdict},
};
use crate::meter::Meter;

/// What is known of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Violation(Evidence),
    /// The budget ran out.
    Undecided(Stopped),
}

/// How a violation is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The fast path found conflicts.
    Conflicts(Vec<Vec<u32>>),
    /// The general engine found the event with which it becomes one.
    Event(u32),
}

/// What the fast path makes of it, if it can decide. Its passes are replayed.
pub(crate) fn fast<M: Model>(model: &M, ops: &[Timed<M::Effect>]) -> Option<Judgement> {
    match model.fast(ops)? {
        Fast::Pass(order) => replay::accepts(model, ops, &order).then_some(Judgement::Linearizable),
        Fast::Violation(conflicts) => Some(Judgement::Violation(Evidence::Conflicts(conflicts))),
    }
}

/// Decides.
pub(crate) fn judge<M: Model>(model: &M, ops: &[Timed<M::Effect>], meter: &Meter<'_>) -> Judgement {
    fast(model, ops).unwrap_or_else(|| match sweep::decide(model, ops, meter) {
        Verdict::Linearizable => Judgement::Linearizable,
        Verdict::Violation { event } => Judgement::Violation(Evidence::Event(event)),
        Verdict::Undecided(stopped) => Judgement::Undecided(stopped),
    })
}
