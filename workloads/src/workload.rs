//! What a workload is.

use std::sync::Arc;

use serde_json::Value;
use temblor_history::Key;

use crate::slots::Place;

/// An operation as the seed intends it, before answers have had their say.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The function, as the model's table names it.
    pub f: &'static str,
    /// Which object.
    pub key: Option<Arc<Key>>,
    /// Its argument; for `cas` the new value alone.
    pub argument: Value,
}

/// An operation as it is sent and recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The function.
    pub f: &'static str,
    /// Which object.
    pub key: Option<Arc<Key>>,
    /// The argument, complete.
    pub value: Value,
    /// A final read.
    pub final_read: bool,
}

impl Invocation {
    /// Reads everything at a place, once all is over.
    pub(crate) fn final_read(place: Place) -> Self {
        Self { f: "read", key: Some(Arc::new(place.key())), value: Value::Null, final_read: true }
    }

    /// Whether it leaves the system as it was, whatever becomes of it: a read, or a transaction
    /// of reads alone.
    pub(crate) fn changes_nothing(&self) -> bool {
        let reads = |micro: &Value| micro[0] == "r";
        match self.f {
            "read" => true,
            "txn" => self.value.as_array().is_some_and(|micros| micros.iter().all(reads)),
            _ => false,
        }
    }
}

/// What a workload learns of an operation's end (only of `ok`s: the rest says nothing certain).
#[derive(Debug)]
pub struct Answer<'a> {
    /// What was sent.
    pub invocation: &'a Invocation,
    /// The result.
    pub result: &'a Value,
}

/// A stream of operations with a model.
///
/// `intend` is a pure function of seed and number, so that threads don't race for random numbers.
/// What depends on answers (a cas's old value) goes through `observe` and `complete`.
pub trait Workload: Send + Sync {
    /// Its name, such as `register`.
    fn name(&self) -> &'static str;
    /// The model that its history is checked against, such as `cas-register`.
    fn model(&self) -> &'static str;
    /// The functions that it uses; a system that lacks one is a plan error.
    fn functions(&self) -> &'static [&'static str];
    /// The `number`-th intended operation of the run.
    fn intend(&self, number: u64) -> Intent;
    /// Completes an intent with what has been learned so far.
    fn complete(&self, intent: Intent) -> Invocation;
    /// Learns from an `ok`.
    fn observe(&self, answer: &Answer<'_>);
    /// One final read for each object among the first `intended` operations.
    fn final_reads(&self, intended: u64) -> Vec<Invocation>;
}
