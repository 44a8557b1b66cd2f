//! The model of containers: what goes in comes out again, in the order of a [`Discipline`].
//! How that is decided fast is not its business.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
};

use temblor_history::{Completion, History, ValueId};

use super::{Act, Kind, fast};
use crate::{
    Exhausted,
    meter::Meter,
    objects::{
        model::{Call, Fast, Function, Model},
        numbers::{Numbers, ValueNumber},
        reduce::{self, Unit},
        shape::Shape,
        timed::Timed,
    },
};

/// Which value comes out next, and what the operations are called.
pub(crate) trait Discipline: Clone + Copy + Debug + Send + Sync {
    /// What is inside.
    type Inside: Clone + Debug + Default + Eq + Hash + Send + Sync;

    /// The model's name.
    const NAME: &'static str;
    /// The function that puts a value in, then the one that takes one out.
    const FUNCTIONS: &'static [Function];
    /// Which fast path decides it.
    const KIND: Kind;
    /// Whether a greater value has to have a greater number.
    const RANKED: bool = false;

    /// Puts a value in.
    fn put(inside: &mut Self::Inside, value: ValueNumber);

    /// The value that comes out next.
    fn next(inside: &Self::Inside) -> Option<ValueNumber>;

    /// Takes the next value out. False if nothing is inside.
    fn take(inside: &mut Self::Inside) -> bool;

    /// Bytes on the heap, about.
    fn bytes(inside: &Self::Inside) -> usize;
}

/// First in, first out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct First;

/// Last in, first out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Last;

/// The greatest comes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Greatest;

/// A container, empty at first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container<D>(PhantomData<D>);

impl<D> Container<D> {
    pub(crate) const EMPTY: Self = Self(PhantomData);
}

/// A container whose values come out in the order in which they went in.
pub(crate) type Queue = Container<First>;
/// A container of which the newest value comes out.
pub(crate) type Stack = Container<Last>;
/// A container of which the greatest value comes out.
pub(crate) type PriorityQueue = Container<Greatest>;

impl Discipline for First {
    type Inside = VecDeque<ValueNumber>;

    const NAME: &'static str = "queue";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "enqueue", argument: Shape::Element, result: Shape::Anything },
        Function { name: "dequeue", argument: Shape::Anything, result: Shape::Simple },
    ];
    const KIND: Kind = Kind::Queue;

    fn put(inside: &mut Self::Inside, value: ValueNumber) {
        inside.push_back(value);
    }

    fn next(inside: &Self::Inside) -> Option<ValueNumber> {
        inside.front().copied()
    }

    fn take(inside: &mut Self::Inside) -> bool {
        inside.pop_front().is_some()
    }

    fn bytes(inside: &Self::Inside) -> usize {
        inside.capacity() * size_of::<ValueNumber>()
    }
}

impl Discipline for Last {
    type Inside = Vec<ValueNumber>;

    const NAME: &'static str = "stack";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "push", argument: Shape::Element, result: Shape::Anything },
        Function { name: "pop", argument: Shape::Anything, result: Shape::Simple },
    ];
    const KIND: Kind = Kind::Stack;

    fn put(inside: &mut Self::Inside, value: ValueNumber) {
        inside.push(value);
    }

    fn next(inside: &Self::Inside) -> Option<ValueNumber> {
        inside.last().copied()
    }

    fn take(inside: &mut Self::Inside) -> bool {
        inside.pop().is_some()
    }

    fn bytes(inside: &Self::Inside) -> usize {
        inside.capacity() * size_of::<ValueNumber>()
    }
}

impl Discipline for Greatest {
    /// How often each value is in it.
    type Inside = BTreeMap<ValueNumber, u32>;

    const NAME: &'static str = "priority-queue";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "insert", argument: Shape::Number, result: Shape::Anything },
        Function { name: "poll", argument: Shape::Anything, result: Shape::NumberOrNull },
    ];
    const KIND: Kind = Kind::Priority;
    const RANKED: bool = true;

    fn put(inside: &mut Self::Inside, value: ValueNumber) {
        *inside.entry(value).or_default() += 1;
    }

    fn next(inside: &Self::Inside) -> Option<ValueNumber> {
        inside.last_key_value().map(|(&greatest, _)| greatest)
    }

    fn take(inside: &mut Self::Inside) -> bool {
        let Some(mut greatest) = inside.last_entry() else { return false };
        *greatest.get_mut() -= 1;
        if *greatest.get() == 0 {
            greatest.remove();
        }
        true
    }

    fn bytes(inside: &Self::Inside) -> usize {
        // A tree's nodes are mostly two thirds full.
        inside.len() * 2 * size_of::<(ValueNumber, u32)>()
    }
}

/// The place of the function that puts a value in.
const PUT: usize = 0;

impl<D: Discipline> Model for Container<D> {
    type Effect = Act;
    type State = D::Inside;

    const NAME: &'static str = D::NAME;
    const FUNCTIONS: &'static [Function] = D::FUNCTIONS;

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        if D::RANKED {
            let value = |call: &Call| match call.function {
                PUT => Some(call.argument),
                _ => Some(call.result).filter(|_| takes_value(call)),
            };
            let equal = numbers.rank(history, calls.iter().filter_map(value));
            if let Some((one, other)) = equal {
                return Err(format!(
                    "a `{}` orders its values by size, and {one} and {other} are different values \
                     of one size: write them alike",
                    D::NAME
                ));
            }
        }
        Ok(Self::EMPTY)
    }

    fn effect(&self, _: &History, call: &Call, numbers: &mut Numbers) -> Option<Act> {
        match call.outcome {
            _ if call.function == PUT => Some(Act::Insert(numbers.number(call.argument))),
            Completion::Ok if takes_value(call) => Some(Act::Remove(numbers.number(call.result))),
            Completion::Ok => Some(Act::Empty),
            Completion::Info => Some(Act::RemoveAny),
            Completion::Refused | Completion::Fail => None,
        }
    }

    fn initial(&self) -> Self::State {
        D::Inside::default()
    }

    fn apply(&self, inside: &mut Self::State, act: &Act) -> bool {
        match *act {
            Act::Insert(value) => {
                D::put(inside, value);
                true
            }
            Act::Remove(value) => D::next(inside) == Some(value) && D::take(inside),
            Act::RemoveAny => D::take(inside),
            Act::Empty => D::next(inside).is_none(),
        }
    }

    /// A value that nobody takes may as well not be there: what stays in for ever is in nobody's
    /// way, and what takes it may not have happened either.
    fn serves(&self, ops: &[Timed<Act>]) -> Vec<bool> {
        let taken: HashSet<ValueNumber> = ops.iter().filter_map(|op| op.effect.taken()).collect();
        let serves = |op: &Timed<Act>| op.effect.put().is_none_or(|value| taken.contains(&value));
        ops.iter().map(serves).collect()
    }

    fn demands(&self, act: &Act, visit: impl FnMut(Unit)) {
        act.taken().map(Unit::Value).into_iter().for_each(visit);
    }

    fn provides(&self, act: &Act, visit: impl FnMut(Unit)) {
        act.put().map(Unit::Value).into_iter().for_each(visit);
    }

    fn units(&self, ops: &[Timed<Act>]) -> Vec<(u32, Unit)> {
        reduce::by_last_touch(ops, |act| act.value())
    }

    /// Without a value, and whatever took it, everything else finds what it found before.
    fn leave_out(&self, mut ops: Vec<Timed<Act>>, gone: &HashSet<Unit>) -> Option<Vec<Timed<Act>>> {
        let stays = |value| !gone.contains(&Unit::Value(value));
        ops.retain(|op| op.effect.value().is_none_or(stays));
        Some(ops)
    }

    fn unanswered(act: &Act) -> Option<Act> {
        Some(act.put().map_or(Act::RemoveAny, Act::Insert))
    }

    fn bytes(inside: &Self::State) -> usize {
        D::bytes(inside)
    }

    fn observes(act: &Act) -> bool {
        *act == Act::Empty
    }

    fn fast(&self, ops: &[Timed<Act>], meter: &Meter<'_>) -> Result<Option<Fast<Act>>, Exhausted> {
        fast(D::KIND, ops, meter)
    }
}

fn takes_value(call: &Call) -> bool {
    call.function != PUT && call.outcome == Completion::Ok && call.result != ValueId::NULL
}
