//! A set of values.

mod by_element;
mod elements;
mod grown;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use temblor_history::{Completion, History};

use crate::{Exhausted, meter::Meter};

use super::{
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::{self, Unit},
    shape::{self, Shape},
    timed::Timed,
};

/// What an operation does to a set, or learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Puts a value in, if it is not there.
    Add(ValueNumber),
    /// Takes a value out, if it is there.
    Remove(ValueNumber),
    /// Finds whether a value is there.
    Contains(ValueNumber, bool),
    /// Finds exactly these values, ascending. One that stands twice is in no set.
    Read(Arc<[ValueNumber]>),
}

/// A set, empty at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Set;

/// The values that are in it, a bit each; no zero word at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Members(Vec<u64>);

impl Members {
    fn has(&self, value: ValueNumber) -> bool {
        let word = self.0.get(value as usize / 64);
        word.is_some_and(|word| word & bit(value) != 0)
    }

    fn add(&mut self, value: ValueNumber) {
        let word = value as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit(value);
    }

    fn remove(&mut self, value: ValueNumber) {
        if let Some(word) = self.0.get_mut(value as usize / 64) {
            *word &= !bit(value);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ValueNumber> {
        let values = 0..self.0.len() as ValueNumber * 64;
        values.filter(|&value| self.has(value))
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

fn bit(value: ValueNumber) -> u64 {
    1 << (value % 64)
}

const ADD: usize = 0;
const REMOVE: usize = 1;
const CONTAINS: usize = 2;

impl Model for Set {
    type Effect = Effect;
    type State = Members;

    const NAME: &'static str = "set";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "add", argument: Shape::Simple, result: Shape::Anything },
        Function { name: "remove", argument: Shape::Simple, result: Shape::Anything },
        Function { name: "contains", argument: Shape::Simple, result: Shape::Membership },
        Function { name: "read", argument: Shape::Anything, result: Shape::Elements },
    ];

    fn mistake(history: &History, call: &Call) -> Option<String> {
        let asked = call.function == CONTAINS && call.outcome == Completion::Ok;
        let (found, _) = asked.then(|| shape::membership(history, call.result)).flatten()?;
        (found != call.argument).then(|| {
            format!(
                "`contains` of {} returns [{0}, true] or [{0}, false]",
                history.value(call.argument)
            )
        })
    }

    fn prepare(_: &History, _: &[Call], _: &mut Numbers) -> Result<Self, String> {
        Ok(Self)
    }

    fn effect(&self, history: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        let ok = call.outcome == Completion::Ok;
        match call.function {
            ADD => Some(Effect::Add(numbers.number(call.argument))),
            REMOVE => Some(Effect::Remove(numbers.number(call.argument))),
            CONTAINS if ok => {
                let (value, held) = shape::membership(history, call.result)?;
                Some(Effect::Contains(numbers.number(value), held))
            }
            _ if ok => {
                let found = shape::elements(history, call.result).iter();
                let mut found: Vec<ValueNumber> = found.map(|&id| numbers.number(id)).collect();
                found.sort_unstable();
                Some(Effect::Read(found.into()))
            }
            _ => None,
        }
    }

    fn initial(&self) -> Self::State {
        Members::default()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match effect {
            Effect::Add(value) => state.add(*value),
            Effect::Remove(value) => state.remove(*value),
            Effect::Contains(value, held) => return state.has(*value) == *held,
            Effect::Read(values) => {
                return values.len() == state.count()
                    && values.iter().all(|value| state.has(*value))
                    && values.windows(2).all(|pair| pair[0] < pair[1]);
            }
        }
        true
    }

    /// An add is of use only to somebody who finds its value, a remove to somebody who misses it.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let (mut found, mut missed) = (HashSet::new(), HashSet::new());
        let (mut reads, mut reads_with) = (0, HashMap::new());
        for op in ops {
            match &op.effect {
                Effect::Contains(value, true) => drop(found.insert(*value)),
                Effect::Contains(value, false) => drop(missed.insert(*value)),
                Effect::Read(values) => {
                    reads += 1;
                    found.extend(values.iter().copied());
                    for value in values.iter() {
                        *reads_with.entry(*value).or_insert(0) += 1;
                    }
                }
                Effect::Add(_) | Effect::Remove(_) => {}
            }
        }
        let serves = |op: &Timed<Effect>| match op.effect {
            Effect::Add(value) => found.contains(&value),
            Effect::Remove(value) => {
                missed.contains(&value) || reads_with.get(&value).copied().unwrap_or(0) < reads
            }
            Effect::Contains(..) | Effect::Read(_) => true,
        };
        ops.iter().map(serves).collect()
    }

    fn demands(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        match effect {
            Effect::Contains(value, true) => visit(Unit::Value(*value)),
            Effect::Read(values) => values.iter().copied().map(Unit::Value).for_each(visit),
            _ => {}
        }
    }

    fn provides(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        if let Effect::Add(value) = effect {
            visit(Unit::Value(*value));
        }
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        reduce::by_last_touch(ops, |effect| match effect {
            Effect::Add(value) | Effect::Remove(value) | Effect::Contains(value, _) => Some(*value),
            Effect::Read(_) => None,
        })
    }

    /// Values have nothing to do with each other: of a read remains what it says of the others.
    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        let is_kept = |value: &ValueNumber| !gone.contains(&Unit::Value(*value));
        let kept = |op: Timed<Effect>| match op.effect {
            Effect::Add(value) | Effect::Remove(value) | Effect::Contains(value, _) => {
                is_kept(&value).then_some(op)
            }
            Effect::Read(ref values) => {
                let values = values.iter().copied().filter(is_kept).collect();
                Some(Timed { effect: Effect::Read(values), ..op })
            }
        };
        Some(ops.into_iter().filter_map(kept).collect())
    }

    fn bytes(state: &Self::State) -> usize {
        state.0.capacity() * size_of::<u64>()
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Contains(..) | Effect::Read(_))
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        let elements = by_element::Elements::of(ops);
        meter.ask(ops.len())?;
        Ok(by_element::decide(&elements, meter))
    }
}
