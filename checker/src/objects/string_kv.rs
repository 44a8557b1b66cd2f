//! A string that is put, appended to and got.

mod pieces;
mod texts;
mod without;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use temblor_history::{Completion, History, ValueId, ValueView};

use self::texts::Texts;
use super::{
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::Unit,
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
    /// What strings are made of, where that can be told.
    known: Option<Arc<Known>>,
}

/// The texts of one object, those of failed operations too. As a unit each has its number here.
#[derive(Debug, Clone)]
struct Known {
    texts: Texts,
    /// The values that they are in the history. Of what is there at first it may be none.
    values: Vec<ValueNumber>,
    /// What was found and is not made of them, with its unit and its value.
    invented: BTreeMap<Arc<str>, (u32, ValueNumber)>,
}

impl Known {
    /// None if strings could be made of these texts in several ways.
    fn of(history: &History, calls: &[Call], initial: &str, numbers: &mut Numbers) -> Option<Self> {
        let given = || calls.iter().filter(|call| call.function != GET);
        let mut all: Vec<Arc<str>> =
            given().filter_map(|call| text(history, call.argument)).collect();
        all.extend((!initial.is_empty()).then(|| initial.into()));
        let texts = Texts::new(all, given().all(|call| call.function == PUT))?;
        let mut values = vec![0; texts.count()];
        for call in given() {
            let id = text(history, call.argument).and_then(|text| texts.find(&text));
            if let Some(id) = id {
                values[id as usize] = numbers.number(call.argument);
            }
        }
        let mut known = Self { texts, values, invented: BTreeMap::new() };
        for call in calls.iter().filter(|call| is_answered_get(call)) {
            let Some(found) = text(history, call.result) else { continue };
            if known.texts.whole(&found).is_none() {
                let unit = (known.values.len() + known.invented.len()) as u32;
                let value = numbers.number(call.result);
                known.invented.entry(found).or_insert((unit, value));
            }
        }
        Some(known)
    }

    /// The value of a unit.
    fn value(&self, unit: u32) -> ValueNumber {
        let invented = || self.invented.values().find(|(other, _)| *other == unit);
        let text = self.values.get(unit as usize).copied();
        text.or_else(|| invented().map(|&(_, value)| value)).unwrap_or(0)
    }
}

fn is_answered_get(call: &Call) -> bool {
    call.function == GET && call.outcome == Completion::Ok
}

const GET: usize = 0;
const PUT: usize = 1;

impl StringKv {
    /// A string that nothing is known of but this.
    pub(crate) fn with_initial(initial: String) -> Self {
        Self { initial, known: None }
    }

    /// The same with these texts, which are their own values.
    #[cfg(test)]
    pub(crate) fn knowing(self, texts: Vec<Arc<str>>) -> Self {
        let texts = Texts::new(texts, false).expect("texts that begin differently");
        let values = vec![0; texts.count()];
        let known = Known { texts, values, invented: BTreeMap::new() };
        Self { known: Some(Arc::new(known)), ..self }
    }

    /// The value of a unit, for words.
    pub(crate) fn value(&self, unit: Unit) -> ValueNumber {
        match (unit, &self.known) {
            (Unit::Value(unit), Some(known)) => known.value(unit),
            _ => 0,
        }
    }
}

impl Model for StringKv {
    type Effect = Effect;
    type State = String;

    const NAME: &'static str = "string-kv";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "get", argument: Shape::Anything, result: Shape::Text },
        Function { name: "put", argument: Shape::Text, result: Shape::Anything },
        Function { name: "append", argument: Shape::Text, result: Shape::Anything },
    ];

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        let initial = history.header().and_then(|header| header.params.get("initial"));
        let initial = match initial.map(serde_json::Value::as_str) {
            None => "",
            Some(Some(initial)) => initial,
            Some(None) => return Err("the header's `initial` of a `string-kv` is a string".into()),
        };
        let known = Known::of(history, calls, initial, numbers).map(Arc::new);
        Ok(Self { known, ..Self::with_initial(initial.to_owned()) })
    }

    fn effect(&self, history: &History, call: &Call, _: &mut Numbers) -> Option<Effect> {
        match call.function {
            GET if is_answered_get(call) => Some(Effect::Get(text(history, call.result)?)),
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
                Some(Self { initial: value.as_ref().to_owned(), known: self.known.clone() })
            }
            Effect::Append(_) => None,
        }
    }

    /// The texts that a get found, but for what was there at first.
    fn demands(&self, effect: &Effect, visit: impl FnMut(Unit)) {
        let (Effect::Get(found), Some(known)) = (effect, &self.known) else { return };
        if let Some(&(unit, _)) = known.invented.get(found) {
            return std::iter::once(Unit::Value(unit)).for_each(visit);
        }
        let initial = known.texts.find(&self.initial);
        let texts = known.texts.split(found).filter(|&text| Some(text) != initial);
        texts.map(Unit::Value).for_each(visit);
    }

    fn provides(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        let (Effect::Put(text) | Effect::Append(text)) = effect else { return };
        let text = self.known.as_ref().and_then(|known| known.texts.find(text));
        if let Some(text) = text {
            visit(Unit::Value(text));
        }
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        self.known.as_ref().map_or(Vec::new(), |known| without::units(self, known, ops))
    }

    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        match &self.known {
            Some(known) => without::leave_out(self, known, ops, gone),
            None => Some(ops),
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
