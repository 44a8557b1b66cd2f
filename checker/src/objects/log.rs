//! A log: values are sent to its end, and polls show runs of it.
//!
//! Offsets only grow; there may be gaps between them, in which nothing ever is. A poll shows
//! records that stand next to each other in the log at that moment, in their order. An empty poll
//! says nothing: a consumer may have waited for too short a time, or stand at the end.

mod offsets;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use temblor_history::{Completion, History, ValueId};

use crate::{Exhausted, meter::Meter};

use super::{
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::Unit,
    shape::{self, Shape},
    timed::Timed,
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
    /// The same by value: who looks for a value of which there may be many need not look at all.
    ranks: Vec<(ValueNumber, Rank)>,
}

impl Log {
    pub(crate) fn new(offsets: Vec<i64>, content: Vec<ValueNumber>) -> Self {
        let mut ranks: Vec<(ValueNumber, Rank)> =
            content.iter().zip(0..).map(|(&value, rank)| (value, rank)).collect();
        ranks.sort_unstable();
        Self { offsets, content, ranks }
    }

    /// Where this value is.
    fn ranks(&self, value: ValueNumber) -> impl Iterator<Item = Rank> {
        let from = self.ranks.partition_point(|&(other, _)| other < value);
        let found = self.ranks[from..].iter().take_while(move |&&(other, _)| other == value);
        found.map(|&(_, rank)| rank)
    }

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
        Ok(Self::new(offsets, content))
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

    fn demands(&self, effect: &Effect, visit: impl FnMut(Unit)) {
        if let Effect::Poll(found) = effect {
            found.iter().map(|&(rank, _)| Unit::Value(rank)).for_each(visit);
        }
    }

    fn provides(&self, effect: &Effect, mut visit: impl FnMut(Unit)) {
        match *effect {
            Effect::Send(_, Some(rank)) => visit(Unit::Value(rank)),
            Effect::Send(value, None) => {
                self.ranks(value).map(Unit::Value).for_each(visit);
            }
            Effect::Poll(_) => {}
        }
    }

    /// What nobody may ever see need not have been sent.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let content: HashSet<ValueNumber> = self.content.iter().copied().collect();
        let serves = |op: &Timed<Effect>| match &op.effect {
            Effect::Send(value, None) => content.contains(value),
            _ => true,
        };
        ops.iter().map(serves).collect()
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        let mut last = vec![0; self.content.len()];
        for op in ops {
            let ranks: &[(Rank, ValueNumber)] = match &op.effect {
                Effect::Send(value, Some(rank)) => &[(*rank, *value)],
                Effect::Send(_, None) => &[],
                Effect::Poll(found) => found,
            };
            for &(rank, _) in ranks {
                last[rank as usize] = op.returned.max(last[rank as usize]);
            }
        }
        (0..).zip(last).map(|(rank, last)| (last, Unit::Value(rank))).collect()
    }

    /// Without one offset, whatever was sent to it and what polls found there, the log is the
    /// same at all others, and what stood next to each other still does.
    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        let is_kept = |rank: Rank| !gone.contains(&Unit::Value(rank));
        let kept = |op: Timed<Effect>| match op.effect {
            Effect::Send(_, rank) => rank.is_none_or(is_kept).then_some(op),
            Effect::Poll(ref found) => {
                let found = found.iter().copied().filter(|&(rank, _)| is_kept(rank));
                let found: Arc<[(Rank, ValueNumber)]> = found.collect();
                let effect = Effect::Poll(found.clone());
                (!found.is_empty()).then_some(Timed { effect, ..op })
            }
        };
        Some(ops.into_iter().filter_map(kept).collect())
    }

    /// Only offsets that these operations name count.
    fn fitted(self, mut ops: Vec<Timed<Effect>>) -> (Self, Vec<Timed<Effect>>) {
        let mut content: BTreeMap<Rank, ValueNumber> = BTreeMap::new();
        for op in &ops {
            match &op.effect {
                Effect::Send(value, Some(rank)) => drop(content.entry(*rank).or_insert(*value)),
                Effect::Send(_, None) => {}
                Effect::Poll(found) => {
                    for &(rank, value) in found.iter() {
                        content.entry(rank).or_insert(value);
                    }
                }
            }
        }
        let ranks: Vec<Rank> = content.keys().copied().collect();
        let renumbered = |rank: Rank| ranks.partition_point(|&other| other < rank) as Rank;
        for op in &mut ops {
            match &mut op.effect {
                Effect::Send(_, rank) => *rank = rank.map(renumbered),
                Effect::Poll(found) => {
                    *found = found.iter().map(|&(rank, value)| (renumbered(rank), value)).collect();
                }
            }
        }
        let offsets = ranks.iter().map(|&rank| self.offsets[rank as usize]).collect();
        (Self::new(offsets, content.into_values().collect()), ops)
    }

    fn unanswered(effect: &Effect) -> Option<Effect> {
        match *effect {
            Effect::Send(value, _) => Some(Effect::Send(value, None)),
            Effect::Poll(_) => None,
        }
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Poll(_))
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        meter.ask(ops.len())?;
        Ok(offsets::decide(self, ops, meter))
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
