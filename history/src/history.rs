//! A whole history in memory: operations paired from events, everything they quote interned.
//!
//! A million operations take about a hundred megabytes. The model is none of this module's
//! business: whether a function exists and a value has the right shape is the checker's to say.

mod blocks;
mod build;
mod errors;
mod ids;
mod import;
mod line;
mod names;
mod scan;
mod sheet;
mod table;
mod values;

use std::{io::BufRead, path::Path};

pub use errors::{HistoryError, HistoryErrors};
pub use ids::{FunctionId, KeyId, NodeId, TextId, ValueId};
pub use import::{Format, ImportOptions};
pub use values::ValueView;

use crate::{Event, Header, Key};
use build::Builder;
use names::Names;
use values::Values;

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Completion {
    /// It took effect.
    Ok,
    /// The system itself answered no: an observation.
    Refused,
    /// It did not take effect and never will.
    Fail,
    /// Unknown: it may take effect at any time from its invocation on, or never. Also what an
    /// invocation without a completion counts as.
    Info,
}

/// One operation: an invocation with its completion, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The logical client.
    pub process: u64,
    /// The function.
    pub f: FunctionId,
    /// Which object.
    pub key: Option<KeyId>,
    /// The invocation's value.
    pub argument: ValueId,
    /// The completion's value for an `ok`; null otherwise.
    pub result: ValueId,
    /// How it ended.
    pub outcome: Completion,
    /// A final read, made after the last heal.
    pub final_read: bool,
    /// The node talked to.
    pub node: Option<NodeId>,
    /// Why a `fail` or an `info`.
    pub error: Option<TextId>,
    /// Number of the invocation among clients' events, in the order of lines.
    pub invoke_index: u32,
    /// Number of the completion; none if the operation never completed.
    pub complete_index: Option<u32>,
    /// When it was invoked, nanoseconds since the run began; the event's number where the
    /// history lacks times ([`History::has_times`]).
    pub invoked: i64,
    /// When it completed, likewise.
    pub completed: Option<i64>,
    /// When the open-loop schedule wanted it, nanoseconds since the run began.
    pub intended: Option<i64>,
}

/// A history, read and paired.
#[derive(Debug, Clone, Default)]
pub struct History {
    header: Option<Header>,
    operations: Vec<Operation>,
    names: Names,
    values: Values,
    warnings: Vec<String>,
    events: u32,
    has_times: bool,
    /// Where the distance between an event's number and its line changes: (event, line).
    lines: Vec<(u32, u64)>,
}

impl History {
    /// Reads JSON Lines. All mistakes of the file come at once, with their line numbers; a torn
    /// last line is dropped with a warning; lines of processes that are no clients are passed over.
    pub fn read(reader: impl BufRead) -> Result<Self, HistoryErrors> {
        let mut builder = Builder::default();
        builder.lines(reader);
        builder.finish()
    }

    /// Reads a file; one that cannot be opened is an error like the others.
    pub fn read_file(path: &Path) -> Result<Self, HistoryErrors> {
        Self::read(import::open(path)?)
    }

    /// Pairs events that are already in memory; the n-th counts as line n.
    pub fn from_events(events: &[Event]) -> Result<Self, HistoryErrors> {
        let mut builder = Builder::default();
        for (number, event) in (1..).zip(events) {
            builder.event(number, event);
        }
        builder.finish()
    }

    /// The first line, if it is a header.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The operations in the order of their invocations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What a reader should know of the file: a torn last line, times that run backwards.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// How many events of clients there are.
    pub fn event_count(&self) -> u32 {
        self.events
    }

    /// Whether every event has a time. If not, times are the events' numbers.
    pub fn has_times(&self) -> bool {
        self.has_times
    }

    /// The line (from 1) on which an event stands.
    pub fn line_of(&self, event: u32) -> u64 {
        let after = self.lines.partition_point(|&(first, _)| first <= event);
        let (first, line) = self.lines[after - 1];
        line + u64::from(event - first)
    }

    /// A function's name.
    pub fn function_name(&self, id: FunctionId) -> &str {
        self.names.function(id)
    }

    /// A function's id, if an operation uses it.
    pub fn function_id(&self, name: &str) -> Option<FunctionId> {
        self.names.find_function(name)
    }

    /// A key.
    pub fn key(&self, id: KeyId) -> &Key {
        self.names.key(id)
    }

    /// How many keys there are; ids run from 0 to this in [`KeyId::index`].
    pub fn key_count(&self) -> usize {
        self.names.key_count()
    }

    /// A node's name.
    pub fn node_name(&self, id: NodeId) -> &str {
        self.names.node(id)
    }

    /// An error's words.
    pub fn error_text(&self, id: TextId) -> &str {
        self.names.error(id)
    }

    /// A value as JSON.
    pub fn value(&self, id: ValueId) -> serde_json::Value {
        self.values.value(id)
    }

    /// A value without copying it.
    pub fn view(&self, id: ValueId) -> ValueView<'_> {
        self.values.view(id)
    }

    /// Whether two values are equal as JSON. For values that are no arrays, ids say so already.
    pub fn same(&self, one: ValueId, other: ValueId) -> bool {
        self.values.same(one, other)
    }

    /// The id of a value, if the history holds it; none for arrays, which may have several.
    pub fn value_id(&self, value: &serde_json::Value) -> Option<ValueId> {
        self.values.find(value)
    }
}

#[cfg(test)]
mod tests;
