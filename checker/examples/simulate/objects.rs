//! A simulated queue, stack, priority queue, set or log: histories that are legal by construction,
//! as large as wanted, with one seeded violation if that is wanted.
//!
//! Values that go in are all different.

use std::{
    collections::{BTreeSet, VecDeque},
    io::Write,
};

use serde_json::{Value, json};
use temblor_history::{EventParts, EventType, encode_body, stamp};

use super::agenda::{Agenda, LATENCY, Simulated, Step, THINKING, run};

/// What a history should look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// `queue`, `stack`, `priority-queue`, `set` or `log`.
    pub(crate) model: &'static str,
    /// The same seed makes the same history.
    pub(crate) seed: u64,
    /// How many clients are busy at once.
    pub(crate) clients: u64,
    /// How many operations are invoked.
    pub(crate) operations: u64,
    /// Percent of operations that put something in.
    pub(crate) inserts: u64,
    /// Of a thousand operations that put something in, how many end with an unknown outcome.
    pub(crate) unknown_of_1000: u64,
    /// Of a thousand operations that take something out, how many end with an unknown outcome.
    pub(crate) unknown_removals_of_1000: u64,
    /// The first answer from this operation on that can be wrong is.
    pub(crate) violation: Option<u64>,
}

/// Writes a history as JSON Lines.
pub(crate) fn write(settings: &Settings, out: impl Write) -> std::io::Result<()> {
    let mut store = Store::new(settings, out);
    run(&mut store, settings.clients)?;
    store.out.flush()
}

struct Operation {
    process: u64,
    f: &'static str,
    argument: Value,
    result: Value,
    unknown: bool,
}

/// What is inside.
enum Object {
    Queue(VecDeque<u64>),
    Stack(Vec<u64>),
    Priority(BTreeSet<u64>),
    Set(BTreeSet<u64>),
    Log(Vec<u64>),
}

impl Object {
    fn new(model: &str) -> Self {
        match model {
            "queue" => Self::Queue(VecDeque::new()),
            "stack" => Self::Stack(Vec::new()),
            "priority-queue" => Self::Priority(BTreeSet::new()),
            "set" => Self::Set(BTreeSet::new()),
            _ => Self::Log(Vec::new()),
        }
    }

    /// The functions that put in, take out and ask.
    fn functions(&self) -> [&'static str; 3] {
        match self {
            Self::Queue(_) => ["enqueue", "dequeue", "dequeue"],
            Self::Stack(_) => ["push", "pop", "pop"],
            Self::Priority(_) => ["insert", "poll", "poll"],
            Self::Set(_) => ["add", "remove", "contains"],
            Self::Log(_) => ["send", "poll", "poll"],
        }
    }

    fn insert(&mut self, value: u64) -> Value {
        match self {
            Self::Queue(inside) => inside.push_back(value),
            Self::Stack(inside) => inside.push(value),
            Self::Priority(inside) | Self::Set(inside) => drop(inside.insert(value)),
            Self::Log(records) => {
                records.push(value);
                return json!([records.len() - 1, value]);
            }
        }
        Value::Null
    }

    /// Takes out what is next, or if `wrong` what is last.
    fn remove(&mut self, wrong: bool) -> Value {
        match self {
            Self::Queue(inside) if wrong => json!(inside.pop_back()),
            Self::Queue(inside) => json!(inside.pop_front()),
            Self::Stack(inside) if wrong => json!(inside.remove(0)),
            Self::Stack(inside) => json!(inside.pop()),
            Self::Priority(inside) if wrong => json!(inside.pop_first()),
            Self::Priority(inside) => json!(inside.pop_last()),
            Self::Set(_) | Self::Log(_) => Value::Null,
        }
    }

    /// How much is inside, as far as an answer can be wrong about it.
    fn len(&self) -> usize {
        match self {
            Self::Queue(inside) => inside.len(),
            Self::Stack(inside) => inside.len(),
            Self::Priority(inside) | Self::Set(inside) => inside.len(),
            Self::Log(records) => records.len(),
        }
    }
}

struct Store<'a, W> {
    settings: &'a Settings,
    out: W,
    agenda: Agenda,
    operations: Vec<Operation>,
    object: Object,
    next_value: u64,
    next_process: u64,
    violation: Option<u64>,
    events: u64,
    body: Vec<u8>,
    line: Vec<u8>,
}

/// How many records a poll shows at most.
const POLLED: usize = 8;

impl<W: Write> Simulated for Store<'_, W> {
    fn agenda(&mut self) -> &mut Agenda {
        &mut self.agenda
    }

    fn invoke(&mut self, process: u64) -> std::io::Result<()> {
        let number = self.operations.len();
        if number as u64 == self.settings.operations {
            return Ok(());
        }
        let operation = self.operation(process);
        let unknown = operation.unknown;
        self.operations.push(operation);
        if unknown {
            self.agenda.plan(LATENCY, Step::Complete { number });
        }
        let lost = unknown && self.agenda.random().is_multiple_of(2);
        if !lost {
            let late = if unknown { 10 } else { 1 };
            self.agenda.plan(LATENCY * late, Step::TakeEffect { number });
        }
        self.record(number, EventType::Invoke)
    }

    fn take_effect(&mut self, number: usize) {
        let [inserts, ..] = self.object.functions();
        let operation = &self.operations[number];
        let (f, argument, unknown) =
            (operation.f, operation.argument.as_u64().unwrap_or(0), operation.unknown);
        let answer =
            if f == inserts { self.object.insert(argument) } else { self.ask(number, f, argument) };
        self.operations[number].result = answer;
        if !unknown {
            self.agenda.plan(LATENCY, Step::Complete { number });
        }
    }

    /// A client whose operation has an unknown outcome goes on as a new process.
    fn complete(&mut self, number: usize) -> std::io::Result<()> {
        let operation = &self.operations[number];
        let mut process = operation.process;
        let kind = if operation.unknown { EventType::Info } else { EventType::Ok };
        if operation.unknown {
            process = self.next_process;
            self.next_process += 1;
        }
        self.record(number, kind)?;
        self.agenda.plan(THINKING, Step::Invoke { process });
        Ok(())
    }
}

impl<'a, W: Write> Store<'a, W> {
    fn new(settings: &'a Settings, out: W) -> Self {
        Self {
            settings,
            out,
            agenda: Agenda::new(settings.seed),
            operations: Vec::new(),
            object: Object::new(settings.model),
            next_value: 0,
            next_process: settings.clients,
            violation: settings.violation,
            events: 0,
            body: Vec::new(),
            line: Vec::new(),
        }
    }

    /// A value that was never there; of a priority queue in no order (an odd factor permutes).
    fn new_value(&mut self) -> u64 {
        self.next_value += 1;
        match self.object {
            Object::Priority(_) => self.next_value.wrapping_mul(0x9E37_79B1) % (1 << 32),
            _ => self.next_value,
        }
    }

    fn operation(&mut self, process: u64) -> Operation {
        let [inserts, removes, asks] = self.object.functions();
        let draw = self.agenda.random() % 100;
        let (f, unknown_of_1000) = if draw < self.settings.inserts {
            (inserts, self.settings.unknown_of_1000)
        } else if draw.is_multiple_of(2) {
            (removes, self.settings.unknown_removals_of_1000)
        } else {
            (asks, if asks == removes { self.settings.unknown_removals_of_1000 } else { 0 })
        };
        let argument = match (f == inserts, &self.object) {
            (true, _) => json!(self.new_value()),
            (false, Object::Set(_)) => json!(self.agenda.random() % (self.next_value + 1)),
            (false, _) => Value::Null,
        };
        let unknown = self.agenda.random() % 1_000 < unknown_of_1000;
        Operation { process, f, argument, result: Value::Null, unknown }
    }

    /// Takes out, or finds.
    fn ask(&mut self, number: usize, f: &str, argument: u64) -> Value {
        let many = self.object.len() as u64 > 3 * self.settings.clients;
        let wrong = many && self.violation.take_if(|from| *from <= number as u64).is_some();
        let from = self.agenda.random() as usize;
        match &mut self.object {
            Object::Set(inside) if f == "remove" => {
                inside.remove(&argument);
                json!(argument)
            }
            Object::Set(inside) => json!([argument, inside.contains(&argument) != wrong]),
            Object::Log(records) => {
                let from = records.len().saturating_sub(from % (2 * POLLED));
                let mut shown = (from..records.len()).take(POLLED).collect::<Vec<_>>();
                if wrong {
                    shown = vec![0, 2];
                }
                shown.into_iter().map(|offset| json!([offset, records[offset]])).collect()
            }
            object => object.remove(wrong),
        }
    }

    /// Writes an event of an operation.
    fn record(&mut self, number: usize, kind: EventType) -> std::io::Result<()> {
        let [inserts, ..] = self.object.functions();
        let operation = &self.operations[number];
        let told = kind == EventType::Ok && (operation.f != inserts || operation.f == "send");
        let value = if told { &operation.result } else { &operation.argument };
        self.body.clear();
        self.line.clear();
        let event = EventParts {
            process: operation.process,
            kind,
            f: operation.f,
            key: None,
            value,
            refused: false,
            error: (kind == EventType::Info).then_some("timeout"),
            final_read: false,
            node: None,
            intended: None,
        };
        encode_body(&mut self.body, &event);
        stamp(&mut self.line, self.events, self.agenda.now as i64, &self.body);
        self.events += 1;
        self.out.write_all(&self.line)
    }
}
