//! What a model's operations are called when a reader is told of them.

use temblor_history::History;

use super::{
    Timed,
    extract::Object,
    model::Model,
    numbers::{Numbers, ValueNumber},
    reduce::Unit,
    story::Story,
};
use crate::cast::{Cast, shortened};

mod containers;
mod locks;
mod log;
mod multi_register;
mod numbers_and_strings;
mod set;

/// Something acknowledged is not found by one who looked later.
pub(crate) const STALE_READ: &str = "stale-read";
/// Something acknowledged is not found at the end.
pub(crate) const LOST_WRITE: &str = "lost-write";
/// Something is taken more often than it was put in.
pub(crate) const DUPLICATE: &str = "duplicate";

/// The values of one object, in words.
#[derive(Clone, Copy)]
pub(crate) struct Say<'a> {
    pub(crate) history: &'a History,
    pub(crate) numbers: &'a Numbers,
}

impl Say<'_> {
    /// A value as a reader wants to see it.
    pub(crate) fn value(&self, number: u32) -> String {
        shortened(&self.numbers.value(self.history, number))
    }

    /// `[5, 7]`, long ones elided.
    pub(crate) fn list(&self, values: impl IntoIterator<Item = u32>) -> String {
        const MOST: usize = 8;
        let values: Vec<u32> = values.into_iter().collect();
        let mut told: Vec<String> =
            values.iter().take(MOST).map(|&value| self.value(value)).collect();
        if values.len() > MOST {
            told.push(format!("… ({} in all)", values.len()));
        }
        format!("[{}]", told.join(", "))
    }
}

/// What an operation did, in the parts of a sentence.
pub(crate) struct Deed {
    /// `dequeue`, `enqueue of 5`.
    pub(crate) what: String,
    /// What stands before the object's name: `from`, `to`, `of`.
    pub(crate) object: &'static str,
    /// `returned 7`, `was acknowledged`.
    pub(crate) how: String,
    /// `took 7`, `put 5 in`: what it shows to have happened.
    pub(crate) shows: String,
}

/// Why an operation cannot be explained, where that has a plain reason.
pub(crate) struct Reason {
    /// The anomaly's name.
    pub(crate) kind: &'static str,
    /// What comes after `although`.
    pub(crate) although: String,
}

/// A model that can speak of its operations.
pub(crate) trait Words: Model {
    /// What a client does to put a value in: `enqueue`.
    const PUT: &'static str;

    /// Whether a sentence quotes the culprit with all that it found, also where the proof needs
    /// only a part of it.
    const WHOLE: bool = false;

    /// The number of a unit's value.
    fn number(&self, unit: Unit) -> ValueNumber {
        match unit {
            Unit::Value(value) | Unit::Cell(_, value) => value,
            Unit::Observation(_) | Unit::Reads(_) | Unit::Register(_) | Unit::Hold(_) => 0,
        }
    }

    /// What an operation did.
    fn deed(&self, say: Say<'_>, effect: &Self::Effect) -> Deed;

    /// What the object is like: `the queue holds [5, 7], the front first`.
    fn state(&self, say: Say<'_>, state: &Self::State) -> String;

    /// The answer that this state gives to an operation, if it ends with one.
    fn answer(&self, state: &Self::State, effect: &Self::Effect) -> Option<Self::Effect>;

    /// That answer as something to do: `return 5`.
    fn instead(&self, say: Say<'_>, answer: &Self::Effect) -> String;

    /// The plain reason why the culprit of a small violation is one.
    fn reason(&self, _story: &Story<'_, Self>) -> Option<Reason> {
        None
    }
}

impl<M: Words> Object<M> {
    /// `dequeue from q1 by client 3 on n1 returned 7`, as `model` has it: this object's, or the
    /// one of a part.
    pub(crate) fn deed(
        &self,
        model: &M,
        cast: &Cast<'_>,
        say: Say<'_>,
        op: &Timed<M::Effect>,
    ) -> String {
        let deed = model.deed(say, &op.effect);
        let name = self.called(say.history);
        let object = name.map_or(String::new(), |name| format!(" {} {name}", deed.object));
        let last = if cast.operation(op.source).final_read { "final " } else { "" };
        format!("{last}{}{object} by {} {}", deed.what, cast.who(op.source), deed.how)
    }
}
