//! A string that is put, appended to and got.

mod pieces;

use std::sync::Arc;

use temblor_history::{Completion, History, ValueId, ValueView};

use super::{
    model::{Call, Fast, Function, Model},
    numbers::Numbers,
    shape::Shape,
    timed::Timed,
};
use crate::{Exhausted, meter::Meter};

/// What an operation does to a string, or learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Finds this.
    Get(Arc<str>),
    /// Replaces everything by this.
    Put(Arc<str>),
    /// Adds this at the end.
    Append(Arc<str>),
}

/// A string.
#[derive(Debug, Clone)]
pub(crate) struct StringKv {
    /// What it is at first: `params.initial`, empty by itself.
    pub(crate) initial: String,
}

const GET: usize = 0;
const PUT: usize = 1;

impl Model for StringKv {
    type Effect = Effect;
    type State = String;

    const NAME: &'static str = "string-kv";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "get", argument: Shape::Anything, result: Shape::Text },
        Function { name: "put", argument: Shape::Text, result: Shape::Anything },
        Function { name: "append", argument: Shape::Text, result: Shape::Anything },
    ];

    fn prepare(history: &History, _: &[Call], _: &mut Numbers) -> Result<Self, String> {
        let initial = history.header().and_then(|header| header.params.get("initial"));
        match initial.map(serde_json::Value::as_str) {
            None => Ok(Self { initial: String::new() }),
            Some(Some(initial)) => Ok(Self { initial: initial.to_owned() }),
            Some(None) => Err("the header's `initial` of a `string-kv` is a string".to_owned()),
        }
    }

    fn effect(&self, history: &History, call: &Call, _: &mut Numbers) -> Option<Effect> {
        match call.function {
            GET if call.outcome == Completion::Ok => Some(Effect::Get(text(history, call.result)?)),
            GET => None,
            PUT => Some(Effect::Put(text(history, call.argument)?)),
            _ => Some(Effect::Append(text(history, call.argument)?)),
        }
    }

    fn initial(&self) -> Self::State {
        self.initial.clone()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match effect {
            Effect::Get(found) => return **found == **state,
            Effect::Put(value) => {
                state.clear();
                state.push_str(value);
            }
            Effect::Append(value) => state.push_str(value),
        }
        true
    }

    const FORESEES: bool = true;

    fn may_come_to(&self, state: &Self::State, observation: &Effect) -> bool {
        match observation {
            Effect::Get(found) => found.starts_with(state.as_str()),
            Effect::Put(_) | Effect::Append(_) => true,
        }
    }

    fn resets(effect: &Effect) -> bool {
        matches!(effect, Effect::Put(_))
    }

    fn bytes(state: &Self::State) -> usize {
        state.capacity()
    }

    fn resumed(&self, effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Get(value) | Effect::Put(value) => {
                Some(Self { initial: value.as_ref().to_owned() })
            }
            Effect::Append(_) => None,
        }
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        pieces::decide(self, ops, meter)
    }

    fn observes(effect: &Effect) -> bool {
        match effect {
            Effect::Get(_) => true,
            Effect::Put(_) => false,
            Effect::Append(value) => value.is_empty(),
        }
    }
}

fn text(history: &History, id: ValueId) -> Option<Arc<str>> {
    match history.view(id) {
        ValueView::Text(text) => Some(text.into()),
        _ => None,
    }
}
