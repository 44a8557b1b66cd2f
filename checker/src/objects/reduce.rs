//! What can honestly be left out of a history: every legal order stays legal without it.

use std::collections::{BTreeMap, HashSet};

use super::{Timed, model::Model, timed::NEVER};

/// Something that could be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unit {
    /// The observation with this source.
    Observation(u32),
    /// What the operation with this source found, of one that also changes something.
    Reads(u32),
    /// A value, with all that touched it.
    Value(u32),
    /// A value of one register, with its writes and all that found it.
    Cell(u32, u32),
    /// A register, with all that touched it.
    Register(u32),
    /// The acquire with this source, and the release that ends it.
    Hold(u32),
}

/// A part of a history, with the specification that it is held to.
#[derive(Debug, Clone)]
pub(crate) struct Part<M: Model> {
    pub(crate) model: M,
    pub(crate) ops: Vec<Timed<M::Effect>>,
}

impl<M: Model> Part<M> {
    /// These operations, without those that serve nobody.
    pub(crate) fn new(model: &M, ops: Vec<Timed<M::Effect>>) -> Self {
        let (model, ops) = model.clone().fitted(ops);
        let mut serves = model.serves(&ops).into_iter();
        let mut part = Self { model, ops };
        part.ops.retain(|op| serves.next().unwrap_or(true) || op.certain());
        part
    }

    /// What could be left out, what was done with first at the beginning.
    pub(crate) fn units(&self) -> Vec<Unit> {
        let observes = |op: &&Timed<M::Effect>| M::observes(&op.effect);
        let observations = self.ops.iter().filter(observes);
        let observations = observations.map(|op| (op.returned, Unit::Observation(op.source)));
        let mut units: Vec<(u32, Unit)> = self.model.units(&self.ops);
        units.extend(observations);
        units.sort_unstable();
        units.into_iter().map(|(_, unit)| unit).collect()
    }

    /// The same without these; none if that would not be honest.
    pub(crate) fn without(&self, gone: &[Unit]) -> Option<Self> {
        let gone: HashSet<Unit> = gone.iter().copied().collect();
        let kept = self.ops.iter().filter(|op| {
            !(M::observes(&op.effect) && gone.contains(&Unit::Observation(op.source)))
        });
        let ops = self.model.leave_out(kept.cloned().collect(), &gone)?;
        Some(Self::new(&self.model, ops))
    }

    /// Up to and with this event. What had no answer by then may not have happened.
    pub(crate) fn beginning(&self, last: u32) -> Self {
        let begun = self.ops.iter().filter(|op| op.invoked <= last);
        let cut = |op: &Timed<M::Effect>| {
            if op.returned <= last { Some(op.clone()) } else { unanswered::<M>(op) }
        };
        Self::new(&self.model, begun.filter_map(cut).collect())
    }

    /// From an operation on that shows the whole state: all that returned before it was invoked is
    /// left out. What overlaps with it may have come before it or after.
    pub(crate) fn from(&self, base: &Timed<M::Effect>) -> Option<Self> {
        let model = self.model.resumed(&base.effect).filter(|_| base.certain())?;
        let kept = self.ops.iter();
        let kept = kept.filter(|op| op.returned > base.invoked && op.source != base.source);
        let cut = |op: &Timed<M::Effect>| {
            if op.invoked > base.returned { Some(op.clone()) } else { unanswered::<M>(op) }
        };
        Some(Self::new(&model, kept.filter_map(cut).collect()))
    }
}

/// The values of these operations as units, each with the last return of those that touch it.
pub(crate) fn by_last_touch<E>(
    ops: &[Timed<E>],
    touched: impl Fn(&E) -> Option<u32>,
) -> Vec<(u32, Unit)> {
    let mut last: BTreeMap<u32, u32> = BTreeMap::new();
    for op in ops {
        if let Some(value) = touched(&op.effect) {
            let last = last.entry(value).or_insert(0);
            *last = op.returned.max(*last);
        }
    }
    last.into_iter().map(|(value, last)| (last, Unit::Value(value))).collect()
}

/// An operation that may also not have happened, if it says anything then.
fn unanswered<M: Model>(op: &Timed<M::Effect>) -> Option<Timed<M::Effect>> {
    let effect = M::unanswered(&op.effect)?;
    Some(Timed { effect, returned: NEVER, ..*op })
}

#[cfg(test)]
mod tests;
