//! A number that is added to.

mod bounds;

use temblor_history::{Completion, History};

use super::{
    model::{Call, Fast, Function, Model},
    numbers::Numbers,
    shape::{self, Shape},
    timed::Timed,
};
use crate::{Exhausted, meter::Meter};

/// What an operation does to a counter, or learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Adds this, which may be negative.
    Add(i64),
    /// Finds this.
    Read(i64),
}

/// A counter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counter {
    /// What it holds at first: `params.initial`, 0 by itself.
    pub(crate) initial: i64,
}

const ADD: usize = 0;

impl Model for Counter {
    type Effect = Effect;
    /// Wide enough for every sum of a history.
    type State = i128;

    const NAME: &'static str = "counter";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "add", argument: Shape::Integer, result: Shape::Anything },
        Function { name: "read", argument: Shape::Anything, result: Shape::Integer },
    ];

    fn prepare(history: &History, _: &[Call], _: &mut Numbers) -> Result<Self, String> {
        let initial = history.header().and_then(|header| header.params.get("initial"));
        match initial.map(serde_json::Value::as_i64) {
            None => Ok(Self { initial: 0 }),
            Some(Some(initial)) => Ok(Self { initial }),
            Some(None) => Err("the header's `initial` of a `counter` is a whole number".to_owned()),
        }
    }

    fn effect(&self, history: &History, call: &Call, _: &mut Numbers) -> Option<Effect> {
        if call.function == ADD {
            return shape::integer(history, call.argument).map(Effect::Add);
        }
        let ok = call.outcome == Completion::Ok;
        ok.then(|| shape::integer(history, call.result).map(Effect::Read)).flatten()
    }

    fn initial(&self) -> Self::State {
        self.initial.into()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match *effect {
            Effect::Add(amount) => {
                *state += i128::from(amount);
                true
            }
            Effect::Read(found) => *state == i128::from(found),
        }
    }

    fn resumed(&self, effect: &Effect) -> Option<Self> {
        match *effect {
            Effect::Read(initial) => Some(Self { initial }),
            Effect::Add(_) => None,
        }
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        meter.ask(ops.len())?;
        Ok(bounds::decide(self.initial, ops, meter))
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Read(_) | Effect::Add(0))
    }
}
