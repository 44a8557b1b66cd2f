//! Fast paths for what goes in and comes out again: queues, stacks and priority queues whose
//! inserted values are all different.
//!
//! An operation says something of a container ([`Act`]; [`model`] reads it in histories), inserts and
//! removals of one value make its life ([`lives`]), and each kind has a rule that decides from the lives alone:
//! [`queue`] in O(n), [`stack`] and [`priority`] in O(n log n), after sorting events.
//!
//! What is exact, and what is not:
//! - A value that was seen was inserted by the time it was seen, whatever its insert's client
//!   learned. An insert with an unknown outcome whose value nobody saw is left out: a legal order
//!   stays legal without a value that nobody removes.
//! - A removal with an unknown outcome ([`Act::RemoveAny`]) may have taken any value. If a legal
//!   order exists without them, that is a pass. A conflict among values that known removals took
//!   is a violation: what is legal stays legal when a value is left out with its insert and its
//!   removal. Else unknown removals are matched to missing values ([`missing`]); what that leaves
//!   open is left to the general engine.
//!
//! Every order found is only a proposal: replaying it is for others. No words are made here.

mod cover;
mod deadlines;
mod lives;
mod missing;
mod model;
mod positions;
mod priority;
mod queue;
mod stack;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use super::{model::Fast, timed::Timed};
use crate::{Exhausted, meter::Meter};
use lives::{Life, Look};
pub(crate) use model::Discipline;
pub(crate) use model::{Container, First, Greatest, Last, PriorityQueue, Queue, Stack};

/// A value; in a priority queue, the greater number is the greater value.
pub(crate) type Value = u32;

/// The end of an operation that never returned, and the removal of a value that nobody removed.
const NEVER: u32 = super::NEVER;

/// What an operation says of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Act {
    /// The value goes in.
    Insert(Value),
    /// The value comes out.
    Remove(Value),
    /// Some value comes out, or none: a removal with an unknown outcome.
    RemoveAny,
    /// Nothing is inside.
    Empty,
}

impl Act {
    /// The value that goes in.
    pub(crate) fn put(self) -> Option<Value> {
        match self {
            Self::Insert(value) => Some(value),
            Self::Remove(_) | Self::RemoveAny | Self::Empty => None,
        }
    }

    /// The value that comes out, where it is known.
    pub(crate) fn taken(self) -> Option<Value> {
        match self {
            Self::Remove(value) => Some(value),
            Self::Insert(_) | Self::RemoveAny | Self::Empty => None,
        }
    }

    /// The value that goes in or comes out.
    pub(crate) fn value(self) -> Option<Value> {
        self.put().or(self.taken())
    }
}

/// An operation on a container.
pub(crate) type Contained = Timed<Act>;

/// Which container it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// First in, first out.
    Queue,
    /// Last in, first out.
    Stack,
    /// The greatest comes out.
    Priority,
}

/// What the fast path finds. Operations are named by their places in the list given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// An order that should be legal.
    Order(Vec<u32>),
    /// Why there is none.
    Conflict(Conflict),
}

/// A value that was certainly inside for a while: from the return of its insert to the invocation
/// of its removal, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// The insert.
    pub(crate) insert: u32,
    /// The removal.
    pub(crate) removal: Option<u32>,
}

impl Held {
    fn of(life: &Life) -> Self {
        Self { insert: life.insert, removal: (life.removal != NEVER).then_some(life.removal) }
    }
}

/// Why no legal order exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Nobody inserted what came out.
    NeverInserted {
        /// What took it.
        removal: u32,
    },
    /// One insert, two removals.
    RemovedTwice {
        /// The insert.
        insert: u32,
        /// The removal that was invoked first.
        first: u32,
        /// The other.
        second: u32,
    },
    /// The removal had returned before the insert was invoked.
    RemovedTooSoon {
        /// The insert.
        insert: u32,
        /// The removal.
        removal: u32,
    },
    /// A queue: `overtaken` was inside before `insert` began, and `removal` had returned before
    /// anybody began to remove `overtaken`.
    Overtaken {
        /// The value that went in first.
        overtaken: Held,
        /// The insert of the value that came out first.
        insert: u32,
        /// Its removal.
        removal: u32,
    },
    /// At every moment of `empty`, one of these values was certainly inside.
    NotEmpty {
        /// What found the container empty.
        empty: u32,
        /// In the order of time, each one until the next one is certainly inside.
        held: Vec<Held>,
    },
    /// A priority queue: at every moment at which `removal` can have happened, one of these
    /// greater values was certainly inside.
    NotGreatest {
        /// The insert of the value that came out.
        insert: u32,
        /// Its removal.
        removal: u32,
        /// In the order of time.
        held: Vec<Held>,
    },
    /// A stack: from the first of these until the last, something was certainly inside; so one of
    /// them lay below all others, and none can have: each one went in after the first of them, or
    /// came out before the last of them.
    Crossed {
        /// In the order of time; the first returned from its insert first, the last one's removal
        /// was invoked last.
        chain: Vec<Held>,
    },
    /// These values have to be gone, and there are fewer removals that may have taken them.
    TooFewRemovals {
        /// The values, with what shows that each one is gone.
        missing: Vec<Missing>,
        /// Removals with unknown outcomes that were invoked in time.
        removals: Vec<u32>,
    },
}

/// A value that nobody is known to have removed, and that must have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The insert.
    pub(crate) insert: u32,
    /// The operation that shows that it was gone by its return: it found nothing, or what comes
    /// out only after this value.
    pub(crate) shown: u32,
    /// The insert of the value that `shown` took, if it took one.
    pub(crate) shown_insert: Option<u32>,
}

impl Conflict {
    /// The operations that it speaks of, each one once, in the order of their places.
    pub(crate) fn places(&self) -> Vec<u32> {
        let mut places = Vec::new();
        let mut held = |held: &Held| places.extend([Some(held.insert), held.removal]);
        match self {
            Self::NeverInserted { removal } => places.push(Some(*removal)),
            Self::RemovedTwice { insert, first, second } => {
                places.extend([insert, first, second].map(|&place| Some(place)));
            }
            Self::RemovedTooSoon { insert, removal } => {
                places.extend([Some(*insert), Some(*removal)]);
            }
            Self::Overtaken { overtaken, insert, removal } => {
                held(overtaken);
                places.extend([Some(*insert), Some(*removal)]);
            }
            Self::NotEmpty { empty, held: all } => {
                all.iter().for_each(held);
                places.push(Some(*empty));
            }
            Self::NotGreatest { insert, removal, held: all } => {
                all.iter().for_each(held);
                places.extend([Some(*insert), Some(*removal)]);
            }
            Self::Crossed { chain } => chain.iter().for_each(held),
            Self::TooFewRemovals { missing, removals } => {
                for missing in missing {
                    places.extend([Some(missing.insert), Some(missing.shown)]);
                    places.push(missing.shown_insert);
                }
                places.extend(removals.iter().map(|&place| Some(place)));
            }
        }
        let mut places: Vec<u32> = places.into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

/// The fast path of the models.
fn fast(kind: Kind, ops: &[Contained], meter: &Meter<'_>) -> Result<Option<Fast<Act>>, Exhausted> {
    Ok(decide(kind, ops, meter)?.map(|found| match found {
        Found::Order(order) => Fast::Pass(order),
        Found::Conflict(conflict) => Fast::Violation(vec![conflict.places()]),
    }))
}

/// Decides a container if it can. The operations come in the order of their invocations; none:
/// a value is inserted twice, or unknown removals leave it open.
fn decide(kind: Kind, ops: &[Contained], meter: &Meter<'_>) -> Result<Option<Found>, Exhausted> {
    let mut lived = match lives::of(ops, meter) {
        None => return Ok(None),
        Some(Ok(lived)) => lived,
        Some(Err(conflict)) => return Ok(Some(Found::Conflict(conflict))),
    };
    meter.ask(ops.len())?;
    let found = arrange(kind, &lived.lives, &lived.looks, lived.events, meter);
    meter.in_time()?;
    if lived.unknown.is_empty() || matches!(found, Found::Order(_)) {
        return Ok(Some(found));
    }
    meter.ask(ops.len())?;
    Ok(missing::decide(kind, &mut lived, meter))
}

/// An order of these lives and these looks at an empty container, or why there is none.
fn arrange(kind: Kind, lives: &[Life], looks: &[Look], events: u32, meter: &Meter<'_>) -> Found {
    let arranged = match kind {
        Kind::Queue => queue::arrange(lives, looks, events, meter),
        Kind::Stack => stack::arrange(lives, looks, events, meter),
        Kind::Priority => priority::arrange(lives, looks, events, meter),
    };
    arranged.map_or_else(Found::Conflict, Found::Order)
}
