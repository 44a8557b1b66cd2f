//! A simulated register store: histories that are legal by construction, as large as wanted.
//!
//! Clients are always busy: each invokes, waits for its operation to take effect at a random moment
//! of its interval, completes, and thinks shortly. An operation with an unknown outcome takes
//! effect later, or never; its client goes on as a new process, as in a real run.

use std::{cmp::Reverse, collections::BinaryHeap, io::Write};

use serde_json::{Value, json};
use temblor_history::{EventParts, EventType, Key, encode_body, stamp};

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
    for process in 0..settings.clients {
        store.plan(THINKING, Step::Invoke { process });
    }
    while let Some(Reverse((at, _, step))) = store.agenda.pop() {
        store.now = at;
        match step {
            Step::Invoke { process } => store.invoke(process)?,
            Step::TakeEffect { number } => store.take_effect(number),
            Step::Complete { number } => store.complete(number)?,
        }
    }
    store.out.flush()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Invoke { process: u64 },
    TakeEffect { number: usize },
    Complete { number: usize },
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
    random: u64,
    now: u64,
    /// What happens when; the second number keeps the order of planning.
    agenda: BinaryHeap<Reverse<(u64, u64, Step)>>,
    planned: u64,
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

/// Nanoseconds: latency before and after the effect, and thinking.
const LATENCY: u64 = 1_000_000;
const THINKING: u64 = 100_000;

impl<'a, W: Write> Store<'a, W> {
    fn new(settings: &'a Settings, out: W) -> Self {
        let key = |number| Key::Text(format!("k{number}"));
        Self {
            settings,
            out,
            random: settings.seed,
            now: 0,
            agenda: BinaryHeap::new(),
            planned: 0,
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

    /// SplitMix64 (Steele et al. 2014).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A span of this mean, exponentially distributed.
    fn span(&mut self, mean: u64) -> u64 {
        let uniform = (self.random() >> 11) as f64 / (1_u64 << 53) as f64;
        (-(1.0 - uniform).ln() * mean as f64) as u64 + 1
    }

    fn new_value(&mut self) -> u64 {
        self.next_value += 1;
        match self.settings.values {
            Some(values) => self.random() % values + 1,
            None => self.next_value,
        }
    }

    fn function(&mut self, key: usize) -> Function {
        let draw = self.random() % 100;
        if draw < self.settings.reads {
            Function::Read
        } else if draw < self.settings.reads + self.settings.cas {
            let known = self.registers[key].0;
            Function::Cas(known, self.new_value())
        } else {
            Function::Write(self.new_value())
        }
    }

    /// Plans a step after a random span of this mean.
    fn plan(&mut self, mean: u64, step: Step) {
        let at = self.now + self.span(mean);
        self.planned += 1;
        self.agenda.push(Reverse((at, self.planned, step)));
    }

    fn invoke(&mut self, process: u64) -> std::io::Result<()> {
        let number = self.operations.len();
        if number as u64 == self.settings.operations {
            return Ok(());
        }
        let key = (self.random() % self.settings.keys) as usize;
        let function = self.function(key);
        let unknown = self.random() % 1_000 < self.settings.unknown_of_1000;
        let kind = EventType::Invoke;
        let operation =
            Operation { process, key, function, kind, result: None, refused: false, unknown };
        self.operations.push(operation);
        if unknown {
            self.plan(LATENCY, Step::Complete { number });
        }
        let lost = unknown && self.random().is_multiple_of(2);
        if !lost {
            let late = if unknown { 10 } else { 1 };
            self.plan(LATENCY * late, Step::TakeEffect { number });
        }
        self.record(number)
    }

    fn take_effect(&mut self, number: usize) {
        self.apply(number);
        if !self.operations[number].unknown {
            self.plan(LATENCY, Step::Complete { number });
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
        self.plan(THINKING, Step::Invoke { process });
        Ok(())
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
        stamp(&mut self.line, self.events, self.now as i64, &self.body);
        self.events += 1;
        self.out.write_all(&self.line)
    }
}
