//! What a history says of who read from whom, in the form that all weak levels start from: dense
//! transactions, for registers one for each operation. Nothing is judged here.

use std::collections::HashMap;

use serde_json::Value;
use temblor_history::{
    Completion, History, HistoryError, HistoryErrors, Key, KeyId, Operation, ValueId, ValueView,
};

use crate::{
    meter::{Meter, Share},
    transactions::extract::{
        FailedWrite, INITIAL, Kind, MicroOp, Model, NEVER, NOBODY, Transaction, Transactions,
        Unread, Writer,
    },
};

/// Where the operations come from, and how their keys and values are quoted.
#[derive(Debug)]
pub(super) enum Observed {
    /// `rw-register`.
    Transactions(Transactions),
    /// `register`.
    Registers(Registers),
}

/// Registers as transactions of one micro-operation. Versions are numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Registers {
    all: Vec<Transaction>,
    starts: Vec<u32>,
    ops: Vec<MicroOp>,
    writers: Vec<Writer>,
    failed: Vec<FailedWrite>,
    keys: Vec<Option<KeyId>>,
    values: Vec<ValueId>,
    sessions: u32,
    initial: Value,
    /// Why nobody can say whose write a read found.
    ambiguous: Option<String>,
}

impl Observed {
    /// Reads a history of this model; all mistakes of the file come at once.
    pub(super) fn of(history: &History, model: &str, meter: &Meter<'_>) -> Result<Self, Unread> {
        if model == "register" {
            Registers::of(history, &mut meter.share()).map(Self::Registers)
        } else {
            Transactions::of(history, Model::RwRegister, meter).map(Self::Transactions)
        }
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Transactions(from) => from.bytes(),
            Self::Registers(from) => {
                size_of_val(&from.all[..])
                    + size_of_val(&from.ops[..])
                    + size_of_val(&from.writers[..])
                    + 4 * (from.starts.len() + from.values.len())
            }
        }
    }

    /// In the order of invocations; of those whose outcome is unknown only the writes are kept.
    pub(super) fn all(&self) -> &[Transaction] {
        match self {
            Self::Transactions(from) => &from.all,
            Self::Registers(from) => &from.all,
        }
    }

    /// The micro-operations of a transaction.
    pub(super) fn ops_of(&self, transaction: u32) -> &[MicroOp] {
        let places = self.places_of(transaction);
        match self {
            Self::Transactions(from) => &from.ops[places],
            Self::Registers(from) => &from.ops[places],
        }
    }

    /// Their places among all micro-operations.
    pub(super) fn places_of(&self, transaction: u32) -> std::ops::Range<usize> {
        let starts = match self {
            Self::Transactions(from) => &from.starts,
            Self::Registers(from) => &from.starts,
        };
        let transaction = transaction as usize;
        starts[transaction] as usize..starts[transaction + 1] as usize
    }

    /// By version: who wrote it.
    pub(super) fn writers(&self) -> &[Writer] {
        match self {
            Self::Transactions(from) => &from.writers,
            Self::Registers(from) => &from.writers,
        }
    }

    /// The failed operation that would have written a version.
    pub(super) fn failed_writer(&self, version: u32) -> Option<FailedWrite> {
        match self {
            Self::Transactions(from) => from.failed_writer(version),
            Self::Registers(from) => {
                from.failed.iter().find(|failed| failed.version == version).copied()
            }
        }
    }

    pub(super) fn session_count(&self) -> u32 {
        match self {
            Self::Transactions(from) => from.sessions,
            Self::Registers(from) => from.sessions,
        }
    }

    pub(super) fn key_count(&self) -> usize {
        match self {
            Self::Transactions(from) => from.key_count(),
            Self::Registers(from) => from.keys.len(),
        }
    }

    /// A key, to quote it; none where operations have no key.
    pub(super) fn key(&self, history: &History, key: u32) -> Option<Key> {
        match self {
            Self::Transactions(from) => Some(from.key(history, key)),
            Self::Registers(from) => from.keys[key as usize].map(|key| history.key(key).clone()),
        }
    }

    /// The value of a version, to quote it.
    pub(super) fn value(&self, history: &History, version: u32) -> Value {
        match self {
            Self::Transactions(from) => from.value(history, version),
            Self::Registers(from) if version == INITIAL => from.initial.clone(),
            Self::Registers(from) => history.value(from.values[version as usize]),
        }
    }

    /// Why the history cannot be decided, if two writes cannot be told apart.
    pub(super) fn ambiguous(&self) -> Option<&str> {
        match self {
            Self::Transactions(_) => None,
            Self::Registers(from) => from.ambiguous.as_deref(),
        }
    }
}

impl Registers {
    fn of(history: &History, share: &mut Share<'_>) -> Result<Self, Unread> {
        let mut errors = HistoryErrors::default();
        let initial = history.header().and_then(|header| header.params.get("initial"));
        let mut collecting = Collecting {
            history,
            initial: history.value_id(initial.unwrap_or(&Value::Null)),
            registers: Self {
                starts: vec![0],
                initial: initial.cloned().unwrap_or(Value::Null),
                ..Self::default()
            },
            keys: HashMap::new(),
            versions: HashMap::new(),
            sessions: HashMap::new(),
        };
        for (place, operation) in (0..).zip(history.operations()) {
            share.step()?;
            if let Err((event, what)) = collecting.take(place, operation) {
                errors.push(HistoryError { line: Some(history.line_of(event)), what });
            }
        }
        collecting.registers.failed.sort_by_key(|failed| (failed.version, failed.source));
        if errors.is_empty() { Ok(collecting.registers) } else { Err(errors.into()) }
    }
}

struct Collecting<'h> {
    history: &'h History,
    initial: Option<ValueId>,
    registers: Registers,
    keys: HashMap<Option<KeyId>, u32>,
    versions: HashMap<(u32, ValueId), u32>,
    sessions: HashMap<u64, u32>,
}

/// The event and what is wrong with it.
type Mistake = (u32, String);

impl Collecting<'_> {
    fn take(&mut self, place: u32, operation: &Operation) -> Result<(), Mistake> {
        let invoked = operation.invoke_index;
        let certain = operation.outcome == Completion::Ok;
        match self.history.function_name(operation.f) {
            "read" if certain => {
                let event = operation.complete_index.unwrap_or(invoked);
                self.simple(operation.result, "returns").map_err(|what| (event, what))?;
                let key = self.key(operation.key);
                let value = match Some(operation.result) {
                    value if value == self.initial => INITIAL,
                    _ => self.version(key, operation.result),
                };
                self.add(place, operation, MicroOp { kind: Kind::Read, key, value });
            }
            "read" => {}
            "write" => {
                self.simple(operation.argument, "takes").map_err(|what| (invoked, what))?;
                self.write(place, operation);
            }
            other => {
                let what = "is no function of the model `register` (`read`, `write`)";
                return Err((invoked, format!("`{other}` {what}")));
            }
        }
        Ok(())
    }

    fn simple(&self, id: ValueId, does: &str) -> Result<(), String> {
        let found = match self.history.view(id) {
            ValueView::Array(_) => "an array",
            ValueView::Other(Value::Object(_)) => "an object",
            _ => return Ok(()),
        };
        let f = if does == "takes" { "write" } else { "read" };
        Err(format!("a `{f}` {does} a number, a string, a boolean or null, not {found}"))
    }

    fn write(&mut self, place: u32, operation: &Operation) {
        let key = self.key(operation.key);
        let value = self.version(key, operation.argument);
        if matches!(operation.outcome, Completion::Fail | Completion::Refused) {
            self.registers.failed.push(FailedWrite { version: value, source: place });
            return;
        }
        if Some(operation.argument) == self.initial {
            self.cannot_tell(operation, "is the initial value");
        }
        let transaction = self.registers.all.len() as u32;
        let writer = &mut self.registers.writers[value as usize];
        if writer.transaction == NOBODY {
            *writer = Writer { transaction, op: self.registers.ops.len() as u32 };
        } else {
            self.cannot_tell(operation, "is written to its key a second time");
        }
        self.add(place, operation, MicroOp { kind: Kind::Write, key, value });
    }

    fn cannot_tell(&mut self, operation: &Operation, why: &str) {
        let (history, line) = (self.history, self.history.line_of(operation.invoke_index));
        let value = history.value(operation.argument);
        self.registers.ambiguous.get_or_insert_with(|| {
            format!("line {line}: {value} {why}, so that nobody can say whose write a read found")
        });
    }

    fn key(&mut self, key: Option<KeyId>) -> u32 {
        let keys = &mut self.registers.keys;
        *self.keys.entry(key).or_insert_with(|| {
            keys.push(key);
            keys.len() as u32 - 1
        })
    }

    fn version(&mut self, key: u32, value: ValueId) -> u32 {
        let registers = &mut self.registers;
        *self.versions.entry((key, value)).or_insert_with(|| {
            registers.values.push(value);
            registers.writers.push(Writer { transaction: NOBODY, op: NOBODY });
            registers.values.len() as u32 - 1
        })
    }

    fn add(&mut self, place: u32, operation: &Operation, op: MicroOp) {
        let next = self.sessions.len() as u32;
        let session = *self.sessions.entry(operation.process).or_insert(next);
        let certain = operation.outcome == Completion::Ok;
        let registers = &mut self.registers;
        registers.sessions = self.sessions.len() as u32;
        registers.all.push(Transaction {
            session,
            invoked: operation.invoke_index,
            completed: operation.complete_index.filter(|_| certain).unwrap_or(NEVER),
            source: place,
        });
        registers.ops.push(op);
        registers.starts.push(registers.ops.len() as u32);
    }
}
