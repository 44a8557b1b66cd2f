//! The greatest first.

use std::collections::{BTreeMap, HashSet};

use temblor_history::{Completion, History, ValueId};

use super::{
    containers::{self, Act, Kind},
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::{self, Unit},
    shape::Shape,
    timed::Timed,
};

/// What an operation does to a priority queue, or learns of it. A greater value has a greater
/// number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Puts a value in.
    Insert(ValueNumber),
    /// Takes this value, the greatest.
    Poll(ValueNumber),
    /// Finds the queue empty.
    Empty,
    /// Takes the greatest, whatever it is: a poll with unknown outcome. It never returns.
    PollUnknown,
}

/// A priority queue, empty at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PriorityQueue;

const INSERT: usize = 0;

impl Model for PriorityQueue {
    type Effect = Effect;
    /// How often each value is in it.
    type State = BTreeMap<ValueNumber, u32>;

    const NAME: &'static str = "priority-queue";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "insert", argument: Shape::Number, result: Shape::Anything },
        Function { name: "poll", argument: Shape::Anything, result: Shape::NumberOrNull },
    ];

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        let inserted = calls.iter().filter(|call| call.function == INSERT);
        let polled = calls.iter().filter(|call| polls_value(call));
        let values = inserted.map(|call| call.argument).chain(polled.map(|call| call.result));
        numbers.rank(history, values);
        Ok(Self)
    }

    fn effect(&self, _: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        match call.outcome {
            _ if call.function == INSERT => Some(Effect::Insert(numbers.number(call.argument))),
            Completion::Ok if !polls_value(call) => Some(Effect::Empty),
            Completion::Ok => Some(Effect::Poll(numbers.number(call.result))),
            Completion::Info => Some(Effect::PollUnknown),
            Completion::Refused | Completion::Fail => None,
        }
    }

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match *effect {
            Effect::Insert(value) => {
                *state.entry(value).or_default() += 1;
                true
            }
            Effect::Poll(value) => {
                state.last_key_value().is_some_and(|(greatest, _)| *greatest == value)
                    && take_greatest(state)
            }
            Effect::Empty => state.is_empty(),
            Effect::PollUnknown => take_greatest(state),
        }
    }

    /// A value that nobody takes may as well not be there: what stays in for ever is in nobody's
    /// way, and what takes it may not have happened either.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let taken: HashSet<ValueNumber> = ops.iter().filter_map(|op| taken(&op.effect)).collect();
        let serves = |op: &Timed<Effect>| match op.effect {
            Effect::Insert(value) => taken.contains(&value),
            _ => true,
        };
        ops.iter().map(serves).collect()
    }

    fn demands(&self, effect: &Effect) -> Vec<Unit> {
        taken(effect).map(Unit::Value).into_iter().collect()
    }

    fn provides(&self, effect: &Effect) -> Vec<Unit> {
        put(effect).map(Unit::Value).into_iter().collect()
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        reduce::by_last_touch(ops, |effect| put(effect).or(taken(effect)))
    }

    /// Without a value, and whatever took it, everything else finds what it found before.
    fn leave_out(
        &self,
        mut ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        ops.retain(|op| {
            let value = put(&op.effect).or(taken(&op.effect));
            value.is_none_or(|value| !gone.contains(&Unit::Value(value)))
        });
        Some(ops)
    }

    fn unanswered(effect: &Effect) -> Option<Effect> {
        Some(put(effect).map_or(Effect::PollUnknown, Effect::Insert))
    }

    fn bytes(state: &Self::State) -> usize {
        // A tree's nodes are mostly two thirds full.
        state.len() * 2 * size_of::<(ValueNumber, u32)>()
    }

    fn observes(effect: &Effect) -> bool {
        *effect == Effect::Empty
    }

    fn fast(&self, ops: &[Timed<Effect>]) -> Option<Fast> {
        containers::fast(Kind::Priority, ops, |effect| match *effect {
            Effect::Insert(value) => Act::Insert(value),
            Effect::Poll(value) => Act::Remove(value),
            Effect::Empty => Act::Empty,
            Effect::PollUnknown => Act::RemoveAny,
        })
    }
}

fn polls_value(call: &Call) -> bool {
    call.function != INSERT && call.outcome == Completion::Ok && call.result != ValueId::NULL
}

fn take_greatest(state: &mut BTreeMap<ValueNumber, u32>) -> bool {
    let Some(mut greatest) = state.last_entry() else { return false };
    *greatest.get_mut() -= 1;
    if *greatest.get() == 0 {
        greatest.remove();
    }
    true
}

/// The value that an operation takes out, where it is known.
fn taken(effect: &Effect) -> Option<ValueNumber> {
    match *effect {
        Effect::Poll(value) => Some(value),
        _ => None,
    }
}

/// The value that an operation puts in.
fn put(effect: &Effect) -> Option<ValueNumber> {
    match *effect {
        Effect::Insert(value) => Some(value),
        _ => None,
    }
}
