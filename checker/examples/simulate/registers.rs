//! A simulated register store: histories that are legal by construction, as large as wanted.

use std::io::Write;

use serde_json::{Value, json};
use temblor_history::{EventParts, EventType, Key, encode_body, stamp};

use super::agenda::{Agenda, LATENCY, Simulated, Step, THINKING, run};

/// What a history should look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// The same seed makes the same history.
    pub(crate) seed: u64,
    /// How many registers.
    pub(crate) keys: u64,
    /// How many clients are busy at once.
    pub(crate) clients: u64,
    /// How many operations are invoked.
    pub(crate) operations: u64,
    /// Different values, repeated; none: every written value is new.
    pub(crate) values: Option<u64>,
    /// Percent of operations that read.
    pub(crate) reads: u64,
    /// Percent of operations that are cas.
    pub(crate) cas: u64,
    /// Of a thousand operations, how many end with an unknown outcome.
    pub(crate) unknown_of_1000: u64,
    /// The first read from this operation on returns the first value of its register.
    pub(crate) stale_read: Option<u64>,
}

/// Writes a history as JSON Lines.
pub(crate) fn write(settings: &Settings, out: impl Write) -> std::io::Result<()> {
    let mut store = Store::new(settings, out);
    run(&mut store, settings.clients)?;
    store.out.flush()
}

#[derive(Debug, Clone)]
enum Function {
    Read,
    Write(u64),
    Cas(Option<u64>, u64),
}

struct Operation {
    process: u64,
    key: usize,
    function: Function,
    kind: EventType,
    result: Option<u64>,
    refused: bool,
    unknown: bool,
}

struct Store<'a, W> {
    settings: &'a Settings,
    out: W,
    agenda: Agenda,
    operations: Vec<Operation>,
    /// Current and first value of each register.
    registers: Vec<(Option<u64>, Option<u64>)>,
    keys: Vec<Key>,
    nodes: [&'static str; 3],
    next_value: u64,
    next_process: u64,
    stale_read: Option<u64>,
    events: u64,
    body: Vec<u8>,
    line: Vec<u8>,
}

impl<W: Write> Simulated for Store<'_, W> {
    fn agenda(&mut self) -> &mut Agenda {
        &mut self.agenda
    }

    fn invoke(&mut self, process: u64) -> std::io::Result<()> {
        let number = self.operations.len();
        if number as u64 == self.settings.operations {
            return Ok(());
        }
        let key = (self.agenda.random() % self.settings.keys) as usize;
        let function = self.function(key);
        let unknown = self.agenda.random() % 1_000 < self.settings.unknown_of_1000;
        let kind = EventType::Invoke;
        let operation =
            Operation { process, key, function, kind, result: None, refused: false, unknown };
        self.operations.push(operation);
        if unknown {
            self.agenda.plan(LATENCY, Step::Complete { number });
        }
        let lost = unknown && self.agenda.random().is_multiple_of(2);
        if !lost {
            let late = if unknown { 10 } else { 1 };
            self.agenda.plan(LATENCY * late, Step::TakeEffect { number });
        }
        self.record(number)
    }

    fn take_effect(&mut self, number: usize) {
        self.apply(number);
        if !self.operations[number].unknown {
            self.agenda.plan(LATENCY, Step::Complete { number });
        }
    }

    /// A client whose operation has an unknown outcome goes on as a new process.
    fn complete(&mut self, number: usize) -> std::io::Result<()> {
        let operation = &mut self.operations[number];
        let mut process = operation.process;
        operation.kind = match (operation.unknown, operation.refused) {
            (true, _) => EventType::Info,
            (_, true) => EventType::Fail,
            (_, false) => EventType::Ok,
        };
        if operation.unknown {
            operation.refused = false;
            process = self.next_process;
            self.next_process += 1;
        }
        self.record(number)?;
        self.agenda.plan(THINKING, Step::Invoke { process });
        Ok(())
    }
}

impl<'a, W: Write> Store<'a, W> {
    fn new(settings: &'a Settings, out: W) -> Self {
        let key = |number| Key::Text(format!("k{number}"));
        Self {
            settings,
            out,
            agenda: Agenda::new(settings.seed),
            operations: Vec::new(),
            registers: vec![(None, None); settings.keys as usize],
            keys: (0..settings.keys).map(key).collect(),
            nodes: ["n1", "n2", "n3"],
            next_value: 0,
            next_process: settings.clients,
            stale_read: settings.stale_read,
            events: 0,
            body: Vec::new(),
            line: Vec::new(),
        }
    }

    fn new_value(&mut self) -> u64 {
        self.next_value += 1;
        match self.settings.values {
            Some(values) => self.agenda.random() % values + 1,
            None => self.next_value,
        }
    }

    fn function(&mut self, key: usize) -> Function {
        let draw = self.agenda.random() % 100;
        if draw < self.settings.reads {
            Function::Read
        } else if draw < self.settings.reads + self.settings.cas {
            let known = self.registers[key].0;
            Function::Cas(known, self.new_value())
        } else {
            Function::Write(self.new_value())
        }
    }

    fn apply(&mut self, number: usize) {
        let operation = &mut self.operations[number];
        let (value, first) = &mut self.registers[operation.key];
        let written = match operation.function {
            Function::Read => {
                let stale = self.stale_read.take_if(|from| *from <= number as u64);
                operation.result = stale.map_or(*value, |_| *first);
                return;
            }
            Function::Cas(old, _) if old != *value => {
                operation.refused = true;
                return;
            }
            Function::Write(new) | Function::Cas(_, new) => new,
        };
        *value = Some(written);
        first.get_or_insert(written);
    }

    /// Writes the operation's event as it stands.
    fn record(&mut self, number: usize) -> std::io::Result<()> {
        let operation = &self.operations[number];
        let (f, argument) = match operation.function {
            Function::Read => ("read", Value::Null),
            Function::Write(value) => ("write", json!(value)),
            Function::Cas(old, new) => ("cas", json!([old, new])),
        };
        let answered = operation.kind == EventType::Ok && f == "read";
        let value = if answered { json!(operation.result) } else { argument };
        self.body.clear();
        self.line.clear();
        let event = EventParts {
            process: operation.process,
            kind: operation.kind,
            f,
            key: Some(&self.keys[operation.key]),
            value: &value,
            refused: operation.refused,
            error: (operation.kind == EventType::Info).then_some("timeout"),
            final_read: false,
            node: Some(self.nodes[operation.process as usize % self.nodes.len()]),
            intended: None,
        };
        encode_body(&mut self.body, &event);
        stamp(&mut self.line, self.events, self.agenda.now as i64, &self.body);
        self.events += 1;
        self.out.write_all(&self.line)
    }
}
