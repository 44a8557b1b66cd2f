//! Micro-operations as the file has them, by transaction. Only shapes are looked at.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::json;
use temblor_history::{
    Completion, FunctionId, History, HistoryError, HistoryErrors, Operation, ValueId, ValueView,
};

use super::{Kind, Model, NEVER, Transaction, Unread};
use crate::{Exhausted, meter::Meter};

/// A micro-operation with the file's key and value. A read's value is what it returned.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawOp {
    pub(super) kind: Kind,
    pub(super) key: ValueId,
    pub(super) value: ValueId,
}

/// A history, or a part of it.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) all: Vec<Transaction>,
    /// One for each transaction, and the end.
    pub(super) starts: Vec<u32>,
    pub(super) ops: Vec<RawOp>,
    /// Writes of failed transactions, with the place of their operation.
    pub(super) failed: Vec<(u32, RawOp)>,
    pub(super) sessions: u32,
    errors: Vec<HistoryError>,
}

/// What the names in micro-operations are here; none: the history has no such text.
#[derive(Debug, Clone, Copy)]
struct Names {
    txn: Option<FunctionId>,
    read: Option<ValueId>,
    write: Option<ValueId>,
}

/// How many operations one thread takes at a time.
const CHUNK: usize = 1 << 15;

/// Reads all transactions; O(micro-operations).
pub(super) fn parse(history: &History, model: Model, meter: &Meter<'_>) -> Result<Raw, Unread> {
    let names = Names {
        txn: history.function_id("txn"),
        read: history.value_id(&json!("r")),
        write: history.value_id(&json!(model.write())),
    };
    let operations = history.operations();
    let parts: Result<Vec<Raw>, Exhausted> = operations
        .par_chunks(CHUNK)
        .enumerate()
        .map(|(number, chunk)| {
            let mut share = meter.share();
            let mut part = Part { history, model, names, raw: Raw::default() };
            for (place, operation) in (number * CHUNK..).zip(chunk) {
                share.step()?;
                part.take(place as u32, operation);
            }
            Ok(part.raw)
        })
        .collect();
    let mut raw = join(parts?)?;
    number_sessions(history, &mut raw);
    Ok(raw)
}

fn join(parts: Vec<Raw>) -> Result<Raw, HistoryErrors> {
    let mut errors = HistoryErrors::default();
    let mut raw = Raw::default();
    raw.all.reserve_exact(parts.iter().map(|part| part.all.len()).sum());
    raw.starts.reserve_exact(raw.all.capacity() + 1);
    raw.ops.reserve_exact(parts.iter().map(|part| part.ops.len()).sum());
    for part in parts {
        let before = raw.ops.len() as u32;
        raw.starts.extend(part.starts.iter().map(|start| start + before));
        raw.all.extend(part.all);
        raw.ops.extend(part.ops);
        raw.failed.extend(part.failed);
        part.errors.into_iter().for_each(|error| errors.push(error));
    }
    raw.starts.push(raw.ops.len() as u32);
    if errors.is_empty() { Ok(raw) } else { Err(errors) }
}

fn number_sessions(history: &History, raw: &mut Raw) {
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    for transaction in &mut raw.all {
        let process = history.operations()[transaction.source as usize].process;
        let next = numbers.len() as u32;
        transaction.session = *numbers.entry(process).or_insert(next);
    }
    raw.sessions = numbers.len() as u32;
}

impl Model {
    /// The name of its writing micro-operation.
    pub(in crate::transactions) fn write(self) -> &'static str {
        match self {
            Self::ListAppend => "append",
            Self::RwRegister => "w",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ListAppend => "list-append",
            Self::RwRegister => "rw-register",
        }
    }
}

/// A part of the history under construction.
struct Part<'h> {
    history: &'h History,
    model: Model,
    names: Names,
    raw: Raw,
}

impl Part<'_> {
    fn take(&mut self, place: u32, operation: &Operation) {
        let certain = operation.outcome == Completion::Ok;
        let invoked = operation.invoke_index;
        if Some(operation.f) != self.names.txn {
            let name = self.history.function_name(operation.f);
            let model = self.model.name();
            return self.fault(
                invoked,
                format!("`{name}` is no function of the model `{model}`, which has `txn` alone"),
            );
        }
        if operation.key.is_some() {
            let what = "a transaction names its keys in its micro-operations, not in `key`";
            return self.fault(invoked, what.to_owned());
        }
        let (value, event) = match operation.complete_index {
            Some(completed) if certain => (operation.result, completed),
            _ => (operation.argument, invoked),
        };
        let ValueView::Array(micro_ops) = self.history.view(value) else {
            let what = "the value of a transaction is a list of micro-operations";
            return self.fault(event, what.to_owned());
        };
        let start = self.raw.ops.len();
        for &micro_op in micro_ops {
            match self.micro_op(micro_op, certain) {
                Ok(Some(op)) => self.raw.ops.push(op),
                Ok(None) => {}
                Err(what) => self.fault(event, what),
            }
        }
        if matches!(operation.outcome, Completion::Fail | Completion::Refused) {
            let failed = self.raw.ops.drain(start..);
            self.raw.failed.extend(failed.map(|op| (place, op)));
            return;
        }
        self.raw.starts.push(start as u32);
        self.raw.all.push(Transaction {
            session: 0,
            invoked,
            completed: operation.complete_index.filter(|_| certain).unwrap_or(NEVER),
            source: place,
        });
    }

    fn fault(&mut self, event: u32, what: String) {
        self.raw.errors.push(HistoryError { line: Some(self.history.line_of(event)), what });
    }

    /// A micro-operation; none for a read without an answer.
    fn micro_op(&self, id: ValueId, certain: bool) -> Result<Option<RawOp>, String> {
        let quoted = || self.history.value(id);
        let (name, key, value) = match self.history.view(id) {
            ValueView::Array(&[name, key, value]) => (name, key, value),
            ValueView::Array(&[name, key]) if Some(name) == self.names.read => {
                (name, key, ValueId::NULL)
            }
            _ => {
                return Err(format!("a micro-operation is [f, key, value], not {}", quoted()));
            }
        };
        let kind = match Some(name) {
            name if name == self.names.read => Kind::Read,
            name if name == self.names.write => Kind::Write,
            _ => {
                let (write, model) = (self.model.write(), self.model.name());
                return Err(format!(
                    "{}: the micro-operations of `{model}` are `r` and `{write}`",
                    quoted()
                ));
            }
        };
        if key == ValueId::NULL || !self.is_simple(key) {
            return Err(format!("{}: a key is a number, a string or a boolean", quoted()));
        }
        match kind {
            Kind::Read if !certain => return Ok(None),
            Kind::Read => self.check_read(value),
            Kind::Write => self.check_written(value),
        }
        .map_err(|what| format!("{}: {what}", quoted()))?;
        Ok(Some(RawOp { kind, key, value }))
    }

    fn check_read(&self, value: ValueId) -> Result<(), &'static str> {
        match (self.model, self.history.view(value)) {
            (Model::ListAppend, ValueView::Null) => Ok(()),
            (Model::ListAppend, ValueView::Array(elements)) => {
                let simple = elements.iter().all(|&element| self.is_simple(element));
                simple.then_some(()).ok_or("elements are numbers, strings, booleans or null")
            }
            (Model::ListAppend, _) => Err("a read returns a list, or null for the empty one"),
            (Model::RwRegister, _) if self.is_simple(value) => Ok(()),
            (Model::RwRegister, _) => Err("a read returns a number, a string, a boolean or null"),
        }
    }

    fn check_written(&self, value: ValueId) -> Result<(), &'static str> {
        match self.model {
            Model::RwRegister if value == ValueId::NULL => {
                Err("null is the value before all writes, and cannot be written")
            }
            _ if self.is_simple(value) => Ok(()),
            Model::RwRegister => Err("a written value is a number, a string or a boolean"),
            Model::ListAppend => {
                Err("an appended element is a number, a string, a boolean or null")
            }
        }
    }

    fn is_simple(&self, id: ValueId) -> bool {
        match self.history.view(id) {
            ValueView::Array(_) => false,
            ValueView::Other(value) => !value.is_object(),
            _ => true,
        }
    }
}
