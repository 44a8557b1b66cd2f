//! From a history of transactions to dense arrays: the form that the algorithms work on.
//!
//! Keys and versions (a version is one value that one key takes) are numbered; transactions stand
//! in the order of their invocations. Nothing is judged here, only mistakes of the file are found:
//! wrong shapes, and one value written twice to one key.

mod parse;
mod versions;

#[cfg(test)]
mod tests;

use temblor_history::{History, HistoryErrors, Key, Operation, ValueId, ValueView};

use crate::{Exhausted, meter::Meter};

/// The completion of a transaction whose outcome is unknown.
pub(crate) const NEVER: u32 = u32::MAX;

/// The version that precedes all writes of a key, in `rw-register`.
pub(crate) const INITIAL: u32 = u32::MAX;

/// No transaction, no micro-operation.
pub(crate) const NOBODY: u32 = u32::MAX;

/// What the micro-operations are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// `append` and `r` of lists.
    ListAppend,
    /// `w` and `r` of single values.
    RwRegister,
}

/// Whether a micro-operation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A read that returned.
    Read,
    /// A write, or an append.
    Write,
}

/// One micro-operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MicroOp {
    pub(crate) kind: Kind,
    pub(crate) key: u32,
    /// For writes a version. For reads of registers a version or [`INITIAL`]; for reads of lists
    /// the number of the list ([`Transactions::list`]).
    pub(crate) value: u32,
}

/// One transaction that took effect, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transaction {
    /// Dense number of its process.
    pub(crate) session: u32,
    /// Number of the invocation among the events.
    pub(crate) invoked: u32,
    /// Number of the completion; [`NEVER`] if the outcome is unknown.
    pub(crate) completed: u32,
    /// Its place among the history's operations.
    pub(crate) source: u32,
}

impl Transaction {
    /// Whether it certainly took effect. Of the others only the writes are kept.
    pub(crate) fn is_certain(self) -> bool {
        self.completed != NEVER
    }
}

/// A write that certainly did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedWrite {
    pub(crate) version: u32,
    /// Its place among the history's operations.
    pub(crate) source: u32,
}

/// Who wrote a version: a transaction, and which of its micro-operations; [`NOBODY`] twice if none
/// did, or only one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) transaction: u32,
    /// A place among [`Transactions::ops`].
    pub(crate) op: u32,
}

/// A whole history. Versions of one key are numbered consecutively, those of the longest list
/// first and in its order. About 20 bytes a transaction, 12 a micro-operation, 20 a version.
#[derive(Debug)]
pub(crate) struct Transactions {
    pub(crate) model: Model,
    /// In the order of invocations.
    pub(crate) all: Vec<Transaction>,
    /// The micro-operations of transaction t are `ops[starts[t]..starts[t + 1]]`.
    pub(crate) starts: Vec<u32>,
    pub(crate) ops: Vec<MicroOp>,
    /// How many sessions there are.
    pub(crate) sessions: u32,
    /// The versions of key k are `key_versions[k]..key_versions[k + 1]`.
    pub(crate) key_versions: Vec<u32>,
    /// By version.
    pub(crate) writers: Vec<Writer>,
    /// Writes of transactions that failed, in the order of versions.
    pub(crate) failed: Vec<FailedWrite>,
    /// By key: the longest list that was read; empty if there is none.
    orders: Vec<Bounds>,
    /// By number of list.
    lists: Vec<Bounds>,
    /// The elements of lists, as versions; lists overlap.
    elements: Vec<u32>,
    keys: Vec<ValueId>,
    values: Vec<ValueId>,
}

/// Part of the shared array of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bounds {
    start: u32,
    length: u32,
}

/// Why a history was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The file is wrong.
    Mistakes(HistoryErrors),
    /// The budget ran out before.
    Exhausted(Exhausted),
}

impl From<HistoryErrors> for Unread {
    fn from(errors: HistoryErrors) -> Self {
        Self::Mistakes(errors)
    }
}

impl From<Exhausted> for Unread {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

impl Transactions {
    /// Reads a history; all mistakes come at once.
    pub(crate) fn of(history: &History, model: Model, meter: &Meter<'_>) -> Result<Self, Unread> {
        let raw = parse::parse(history, model, meter)?;
        versions::number(history, model, raw, meter)
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.all[..])
            + size_of_val(&self.ops[..])
            + size_of_val(&self.writers[..])
            + size_of_val(&self.failed[..])
            + 8 * (self.orders.len() + self.lists.len())
            + 4 * (self.starts.len() + self.elements.len() + self.key_versions.len())
            + 4 * (self.keys.len() + self.values.len())
    }

    /// The micro-operations of a transaction.
    pub(crate) fn ops_of(&self, transaction: u32) -> &[MicroOp] {
        &self.ops[self.places_of(transaction)]
    }

    /// Their places among all micro-operations.
    pub(crate) fn places_of(&self, transaction: u32) -> std::ops::Range<usize> {
        let transaction = transaction as usize;
        self.starts[transaction] as usize..self.starts[transaction + 1] as usize
    }

    pub(crate) fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// The versions of a key.
    pub(crate) fn versions_of(&self, key: u32) -> std::ops::Range<u32> {
        self.key_versions[key as usize]..self.key_versions[key as usize + 1]
    }

    /// The key that a version belongs to. Takes log(keys).
    pub(crate) fn key_of(&self, version: u32) -> u32 {
        self.key_versions.partition_point(|&first| first <= version) as u32 - 1
    }

    /// The elements of a list that was read, as versions.
    pub(crate) fn list(&self, number: u32) -> &[u32] {
        self.elements_in(self.lists[number as usize])
    }

    /// The longest list that was read of a key: the order of its versions, as far as anybody saw
    /// it; empty for registers. A version stands in it twice only if the history is wrong.
    pub(crate) fn order(&self, key: u32) -> &[u32] {
        self.elements_in(self.orders.get(key as usize).copied().unwrap_or_default())
    }

    /// Whether a list is a beginning of the longest one of its key.
    pub(crate) fn is_prefix(&self, number: u32, key: u32) -> bool {
        let (list, order) = (self.lists[number as usize], self.orders[key as usize]);
        list.length == 0 || list.start == order.start
    }

    fn elements_in(&self, bounds: Bounds) -> &[u32] {
        &self.elements[bounds.start as usize..(bounds.start + bounds.length) as usize]
    }

    /// The failed transaction that would have written a version.
    pub(crate) fn failed_writer(&self, version: u32) -> Option<FailedWrite> {
        let found = self.failed.binary_search_by_key(&version, |failed| failed.version);
        found.ok().map(|place| self.failed[place])
    }

    /// The operation that a transaction was.
    pub(crate) fn operation<'h>(&self, history: &'h History, transaction: u32) -> &'h Operation {
        &history.operations()[self.all[transaction as usize].source as usize]
    }

    /// A key, to quote it.
    pub(crate) fn key(&self, history: &History, key: u32) -> Key {
        match history.view(self.keys[key as usize]) {
            ValueView::Integer(number) => Key::Number(number),
            ValueView::Text(text) => Key::Text(text.to_owned()),
            _ => Key::Text(history.value(self.keys[key as usize]).to_string()),
        }
    }

    /// A key as JSON.
    pub(crate) fn key_value(&self, history: &History, key: u32) -> serde_json::Value {
        history.value(self.keys[key as usize])
    }

    /// The value of a version, to quote it.
    pub(crate) fn value(&self, history: &History, version: u32) -> serde_json::Value {
        match version {
            INITIAL => serde_json::Value::Null,
            version => history.value(self.values[version as usize]),
        }
    }
}
