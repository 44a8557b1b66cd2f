//! What a model of objects has to say: its functions, what they do, and the sequential
//! specification that everything else is held to.

use std::{collections::HashSet, fmt::Debug, hash::Hash};

use temblor_history::History;

use super::{
    numbers::Numbers,
    reduce::Unit,
    shape::Shape,
    split::{self, Part},
    timed::Timed,
};
use temblor_history::{Completion, ValueId};

use crate::{Exhausted, meter::Meter};

/// A function of a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Function {
    /// Its name in a history.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) argument: Shape,
    /// What an `ok` returns.
    pub(crate) result: Shape,
}

/// One operation as the history has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// Its place in [`Model::FUNCTIONS`].
    pub(crate) function: usize,
    /// The invocation's value.
    pub(crate) argument: ValueId,
    /// The completion's value for an `ok`; null otherwise.
    pub(crate) result: ValueId,
    /// How it ended.
    pub(crate) outcome: Completion,
    /// The logical client.
    pub(crate) process: u64,
}

/// What a fast path says, if it can say anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fast<E> {
    /// Linearizable: an order of places in the list of operations, which [`super::replay`] accepts.
    /// Every certain operation stands in it, uncertain ones where they are of use.
    Pass(Vec<u32>),
    /// Not linearizable: at least one conflict, each of them the places of operations that are
    /// a violation by themselves, honestly so: every legal history stays legal without the others.
    Violation(Vec<Vec<u32>>),
    /// Not linearizable: operations reduced to what they say of a part of the object, in the order
    /// of invocations. They are a violation by themselves, and just as honestly.
    Reduced(Vec<Timed<E>>),
}

/// A model of objects: a deterministic sequential specification, and how to read it in histories.
///
/// A value of it is the specification of one object, with what is fixed for that object.
pub(crate) trait Model: Clone + Debug + Send + Sync {
    /// What an operation does to the object, or learns of it, at one moment of its interval.
    type Effect: Clone + Debug + Eq + Ord + Hash + Send + Sync;
    /// What the object holds.
    type State: Clone + Debug + Eq + Hash + Send + Sync;

    /// The model's name.
    const NAME: &'static str;
    /// Its functions.
    const FUNCTIONS: &'static [Function];

    /// The objects of a history: their names, and the places of their operations.
    fn split(history: &History) -> Vec<Part> {
        split::by_key(history)
    }

    /// What is wrong with an operation whose values have the right shapes, if anything.
    fn mistake(_history: &History, _call: &Call) -> Option<String> {
        None
    }

    /// Prepares for one object: looks through all its operations before the first is read. An
    /// error is one of the file as a whole.
    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String>;

    /// What an operation does, or would have done if it failed; none if it says nothing.
    fn effect(&self, history: &History, call: &Call, numbers: &mut Numbers)
    -> Option<Self::Effect>;

    /// What the object holds at first.
    fn initial(&self) -> Self::State;

    /// Lets an effect happen. False, and the state unchanged, where it cannot.
    fn apply(&self, state: &mut Self::State, effect: &Self::Effect) -> bool;

    /// The state after an effect, where it can happen.
    fn step(&self, state: &Self::State, effect: &Self::Effect) -> Option<Self::State> {
        let mut next = state.clone();
        self.apply(&mut next, effect).then_some(next)
    }

    /// Whether an effect never changes the state.
    fn observes(effect: &Self::Effect) -> bool;

    /// Whether [`Model::may_come_to`] ever says no.
    const FORESEES: bool = false;

    /// Whether this state may still become one in which the observation holds, by changes that do
    /// not [reset](Model::resets) it. A yes may be wrong, which costs time; a no is certain.
    fn may_come_to(&self, _state: &Self::State, _observation: &Self::Effect) -> bool {
        true
    }

    /// Whether the state after this effect has nothing to do with the one before.
    fn resets(_effect: &Self::Effect) -> bool {
        true
    }

    /// Bytes on the heap, about.
    fn bytes(_state: &Self::State) -> usize {
        0
    }

    /// Of each operation with unknown outcome: whether it can be of use to any other. False only
    /// if every legal order stays legal without it. What is said of the others doesn't matter.
    fn serves(&self, ops: &[Timed<Self::Effect>]) -> Vec<bool> {
        vec![true; ops.len()]
    }

    /// Visits what must have been put in for this effect to be legal.
    fn demands(&self, _effect: &Self::Effect, _visit: impl FnMut(Unit)) {}

    /// Visits what this effect puts in.
    fn provides(&self, _effect: &Self::Effect, _visit: impl FnMut(Unit)) {}

    /// Whether this effect puts that in.
    fn gives(&self, effect: &Self::Effect, unit: Unit) -> bool {
        let mut gives = false;
        self.provides(effect, |given| gives |= given == unit);
        gives
    }

    /// What could be left out of these operations beside observations, each with the event at which
    /// it was done with.
    fn units(&self, _ops: &[Timed<Self::Effect>]) -> Vec<(u32, Unit)> {
        Vec::new()
    }

    /// The operations without these units; none if that would not be honest, that is, if a
    /// legal order might not stay legal.
    fn leave_out(
        &self,
        ops: Vec<Timed<Self::Effect>>,
        _gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Self::Effect>>> {
        Some(ops)
    }

    /// The specification for a part of the operations, where it knows of them.
    fn fitted(self, ops: Vec<Timed<Self::Effect>>) -> (Self, Vec<Timed<Self::Effect>>) {
        (self, ops)
    }

    /// The effect as it is without its answer, if it says anything then.
    fn unanswered(effect: &Self::Effect) -> Option<Self::Effect> {
        (!Self::observes(effect)).then(|| effect.clone())
    }

    /// The specification of an object that begins in the state which this effect leaves, if that
    /// is known from the effect alone.
    fn resumed(&self, _effect: &Self::Effect) -> Option<Self> {
        None
    }

    /// A fast path for the operations of one object, in the order of invocations. It asks the meter
    /// at least after every pass over them.
    fn fast(
        &self,
        _ops: &[Timed<Self::Effect>],
        _meter: &Meter<'_>,
    ) -> Result<Option<Fast<Self::Effect>>, Exhausted> {
        Ok(None)
    }
}
