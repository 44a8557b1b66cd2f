//! Last in, first out.

use std::collections::HashSet;

use temblor_history::{Completion, History, ValueId};

use super::{
    containers::{self, Act, Kind},
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::{self, Unit},
    shape::Shape,
    timed::Timed,
};

/// What an operation does to a stack, or learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Puts a value on top.
    Push(ValueNumber),
    /// Takes this value from the top.
    Pop(ValueNumber),
    /// Finds the stack empty.
    Empty,
    /// Takes the top, whatever it is: a pop with unknown outcome. It never returns.
    PopUnknown,
}

/// A stack, empty at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack;

const PUSH: usize = 0;

impl Model for Stack {
    type Effect = Effect;
    type State = Vec<ValueNumber>;

    const NAME: &'static str = "stack";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "push", argument: Shape::Element, result: Shape::Anything },
        Function { name: "pop", argument: Shape::Anything, result: Shape::Simple },
    ];

    fn prepare(_: &History, _: &[Call], _: &mut Numbers) -> Result<Self, String> {
        Ok(Self)
    }

    fn effect(&self, _: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        match call.outcome {
            _ if call.function == PUSH => Some(Effect::Push(numbers.number(call.argument))),
            Completion::Ok if call.result == ValueId::NULL => Some(Effect::Empty),
            Completion::Ok => Some(Effect::Pop(numbers.number(call.result))),
            Completion::Info => Some(Effect::PopUnknown),
            Completion::Refused | Completion::Fail => None,
        }
    }

    fn initial(&self) -> Self::State {
        Vec::new()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match *effect {
            Effect::Push(value) => {
                state.push(value);
                true
            }
            Effect::Pop(value) if state.last() == Some(&value) => state.pop().is_some(),
            Effect::Pop(_) => false,
            Effect::Empty => state.is_empty(),
            Effect::PopUnknown => state.pop().is_some(),
        }
    }

    /// A value that nobody takes may as well not be there: what stays in for ever is in nobody's
    /// way, and what takes it may not have happened either.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let taken: HashSet<ValueNumber> = ops.iter().filter_map(|op| taken(&op.effect)).collect();
        let serves = |op: &Timed<Effect>| match op.effect {
            Effect::Push(value) => taken.contains(&value),
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
        Some(put(effect).map_or(Effect::PopUnknown, Effect::Push))
    }

    fn bytes(state: &Self::State) -> usize {
        state.capacity() * size_of::<ValueNumber>()
    }

    fn observes(effect: &Effect) -> bool {
        *effect == Effect::Empty
    }

    fn fast(&self, ops: &[Timed<Effect>]) -> Option<Fast> {
        containers::fast(Kind::Stack, ops, |effect| match *effect {
            Effect::Push(value) => Act::Insert(value),
            Effect::Pop(value) => Act::Remove(value),
            Effect::Empty => Act::Empty,
            Effect::PopUnknown => Act::RemoveAny,
        })
    }
}

/// The value that an operation takes out, where it is known.
fn taken(effect: &Effect) -> Option<ValueNumber> {
    match *effect {
        Effect::Pop(value) => Some(value),
        _ => None,
    }
}

/// The value that an operation puts in.
fn put(effect: &Effect) -> Option<ValueNumber> {
    match *effect {
        Effect::Push(value) => Some(value),
        _ => None,
    }
}
