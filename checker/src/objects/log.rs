//! A log: values are sent to its end, and polls show runs of it.
//!
//! Offsets only grow; there may be gaps between them, in which nothing ever is. A poll shows
//! records that stand next to each other in the log at that moment, in their order. An empty poll
//! says nothing: a consumer may have waited for too short a time, or stand at the end.

use std::{collections::HashMap, sync::Arc};

use temblor_history::{Completion, History, ValueId};

use super::{
    model::{Call, Function, Model},
    numbers::{Numbers, ValueNumber},
    shape::{self, Shape},
};

/// The number of an offset among all offsets that the history names, ascending.
pub(crate) type Rank = u32;

/// What an operation does to a log, or learns of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Appends a value, at this offset where it is known.
    Send(ValueNumber, Option<Rank>),
    /// Finds these records.
    Poll(Arc<[(Rank, ValueNumber)]>),
}

/// A log, empty at first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// The offsets that the history names, ascending.
    pub(crate) offsets: Vec<i64>,
    /// What the history says to be at each of them. Where it says different things (which is
    /// found before any order is looked for) it is what was said first.
    pub(crate) content: Vec<ValueNumber>,
}

impl Log {
    /// The number of an offset.
    pub(crate) fn rank(&self, offset: i64) -> Option<Rank> {
        self.offsets.binary_search(&offset).ok().map(|place| place as Rank)
    }

    /// Whether a record is where the history says that it is.
    fn holds(&self, rank: Rank, value: ValueNumber) -> bool {
        self.content.get(rank as usize) == Some(&value)
    }
}

const SEND: usize = 0;

impl Model for Log {
    type Effect = Effect;
    /// How many of the offsets are filled.
    type State = Rank;

    const NAME: &'static str = "log";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "send", argument: Shape::Simple, result: Shape::Record },
        Function { name: "poll", argument: Shape::Anything, result: Shape::Records },
    ];

    fn mistake(history: &History, call: &Call) -> Option<String> {
        let sent = call.function == SEND && call.outcome == Completion::Ok;
        let (_, value) = sent.then(|| shape::record(history, call.result)).flatten()?;
        (value != call.argument)
            .then(|| format!("`send` of {0} returns [offset, {0}]", history.value(call.argument)))
    }

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        let mut content: HashMap<i64, ValueId> = HashMap::new();
        for (offset, value) in calls.iter().flat_map(|call| records(history, call)) {
            content.entry(offset).or_insert(value);
        }
        let mut offsets: Vec<i64> = content.keys().copied().collect();
        offsets.sort_unstable();
        let content = offsets.iter().map(|offset| numbers.number(content[offset])).collect();
        Ok(Self { offsets, content })
    }

    fn effect(&self, history: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        if call.function == SEND {
            let value = numbers.number(call.argument);
            let told = (call.outcome == Completion::Ok)
                .then(|| shape::record(history, call.result))
                .flatten();
            let rank = told.and_then(|(offset, _)| self.rank(offset));
            return Some(Effect::Send(value, rank));
        }
        let found = records(history, call).into_iter();
        let found =
            found.filter_map(|(offset, value)| Some((self.rank(offset)?, numbers.number(value))));
        let found: Vec<(Rank, ValueNumber)> = found.collect();
        (!found.is_empty()).then(|| Effect::Poll(found.into()))
    }

    fn initial(&self) -> Self::State {
        0
    }

    /// A send whose offset nobody knows takes the next one that the history names, if that holds
    /// its value. (Elsewhere nobody would ever see it: it may as well not have happened.)
    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match effect {
            Effect::Send(value, rank) => {
                let legal = rank.is_none_or(|rank| rank == *state) && self.holds(*state, *value);
                *state += Rank::from(legal);
                legal
            }
            Effect::Poll(found) => {
                let there =
                    |&(rank, value): &(Rank, ValueNumber)| rank < *state && self.holds(rank, value);
                let neighbours =
                    |pair: &[(Rank, ValueNumber)]| pair[0].0.checked_add(1) == Some(pair[1].0);
                found.iter().all(there) && found.windows(2).all(neighbours)
            }
        }
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Poll(_))
    }
}

/// The records that an answer shows.
fn records(history: &History, call: &Call) -> Vec<(i64, ValueId)> {
    let found: &[ValueId] = match call.outcome {
        Completion::Ok if call.function == SEND => std::slice::from_ref(&call.result),
        Completion::Ok => shape::elements(history, call.result),
        _ => &[],
    };
    found.iter().filter_map(|&id| shape::record(history, id)).collect()
}
