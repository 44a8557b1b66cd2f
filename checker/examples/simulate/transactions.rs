//! A simulated store of transactions: each takes effect at one moment of its interval, so that its
//! histories are strictly serializable, as large as wanted.

use std::{fmt::Write as _, io::Write};

use super::agenda::{Agenda, LATENCY, Simulated, Step, THINKING, run};

/// What a history should look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// The same seed makes the same history.
    pub(crate) seed: u64,
    /// Whether keys hold lists (`list-append`) or values (`rw-register`).
    pub(crate) lists: bool,
    /// How many transactions are invoked.
    pub(crate) transactions: u64,
    /// How many clients are busy at once.
    pub(crate) clients: u64,
    /// The fewest and the most micro-operations of a transaction.
    pub(crate) length: (u64, u64),
    /// How many keys are in use at once.
    pub(crate) keys: u64,
    /// A key that was written so often is replaced by a new one; none: never.
    pub(crate) writes_per_key: Option<u64>,
    /// Percent of micro-operations that read.
    pub(crate) reads: u64,
    /// Of a thousand transactions, how many end with an unknown outcome.
    pub(crate) unknown_of_1000: u64,
}

/// Writes a history as JSON Lines.
pub(crate) fn write(settings: &Settings, out: impl Write) -> std::io::Result<()> {
    let mut store = Store::new(settings, out);
    let model = if settings.lists { "list-append" } else { "rw-register" };
    writeln!(store.out, r#"{{"history":1,"model":"{model}"}}"#)?;
    run(&mut store, settings.clients)?;
    store.out.flush()
}

/// A micro-operation: a read of a key, or a write of a value to it.
#[derive(Debug, Clone, Copy)]
struct Micro {
    key: usize,
    written: Option<u64>,
}

/// A transaction in flight.
#[derive(Debug, Default)]
struct Open {
    process: u64,
    micro: Vec<Micro>,
    /// Its micro-operations as JSON, once it took effect.
    done: String,
    unknown: bool,
}

struct Store<'a, W> {
    settings: &'a Settings,
    out: W,
    agenda: Agenda,
    invoked: u64,
    open: Vec<Open>,
    free: Vec<usize>,
    /// Which keys are in use, and what each key ever used holds.
    in_use: Vec<usize>,
    values: Vec<Vec<u64>>,
    writes: Vec<u64>,
    next_process: u64,
    events: u64,
}

impl<W: Write> Simulated for Store<'_, W> {
    fn agenda(&mut self) -> &mut Agenda {
        &mut self.agenda
    }

    fn invoke(&mut self, process: u64) -> std::io::Result<()> {
        if self.invoked == self.settings.transactions {
            return Ok(());
        }
        self.invoked += 1;
        let (least, most) = self.settings.length;
        let length = least + self.agenda.random() % (most - least + 1);
        let micro = (0..length).map(|_| self.micro()).collect();
        let unknown = self.agenda.random() % 1_000 < self.settings.unknown_of_1000;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.open.push(Open::default());
            self.open.len() - 1
        });
        self.open[slot] = Open { process, micro, done: String::new(), unknown };
        if unknown && self.agenda.random().is_multiple_of(2) {
            self.agenda.plan(LATENCY, Step::Complete { number: slot });
        } else {
            self.agenda.plan(LATENCY, Step::TakeEffect { number: slot });
        }
        let asked = self.asked(slot);
        self.record(process, "invoke", &asked)
    }

    fn take_effect(&mut self, slot: usize) {
        let micro = std::mem::take(&mut self.open[slot].micro);
        let mut done = String::from("[");
        for (number, micro) in micro.iter().enumerate() {
            done.push_str(if number > 0 { "," } else { "" });
            let values = &mut self.values[micro.key];
            match micro.written {
                Some(value) if self.settings.lists => values.push(value),
                Some(value) => *values = vec![value],
                None => {}
            }
            self.write_micro(&mut done, *micro, micro.written.is_none());
        }
        done.push(']');
        let open = &mut self.open[slot];
        (open.done, open.micro) = (done, micro);
        self.agenda.plan(LATENCY, Step::Complete { number: slot });
    }

    /// A client whose transaction has an unknown outcome goes on as a new process.
    fn complete(&mut self, slot: usize) -> std::io::Result<()> {
        let Open { process, unknown, .. } = self.open[slot];
        let value =
            if unknown { self.asked(slot) } else { std::mem::take(&mut self.open[slot].done) };
        self.record(process, if unknown { "info" } else { "ok" }, &value)?;
        self.free.push(slot);
        let next = if unknown { self.next_process } else { process };
        self.next_process += u64::from(unknown);
        self.agenda.plan(THINKING, Step::Invoke { process: next });
        Ok(())
    }
}

impl<'a, W: Write> Store<'a, W> {
    fn new(settings: &'a Settings, out: W) -> Self {
        let keys = settings.keys as usize;
        Self {
            settings,
            out,
            agenda: Agenda::new(settings.seed),
            invoked: 0,
            open: Vec::new(),
            free: Vec::new(),
            in_use: (0..keys).collect(),
            values: vec![Vec::new(); keys],
            writes: vec![0; keys],
            next_process: settings.clients,
            events: 0,
        }
    }

    fn micro(&mut self) -> Micro {
        let place = (self.agenda.random() % self.settings.keys) as usize;
        let key = self.in_use[place];
        if self.agenda.random() % 100 < self.settings.reads {
            return Micro { key, written: None };
        }
        self.writes[key] += 1;
        let written = Some(self.writes[key]);
        if self.settings.writes_per_key == written {
            self.in_use[place] = self.values.len();
            self.values.push(Vec::new());
            self.writes.push(0);
        }
        Micro { key, written }
    }

    fn write_micro(&self, out: &mut String, micro: Micro, answered: bool) {
        let (f, key) = (if self.settings.lists { "append" } else { "w" }, micro.key);
        let values = &self.values[key];
        // Writing to a string cannot fail.
        let _ = match (micro.written, values.last()) {
            (Some(value), _) => write!(out, r#"["{f}",{key},{value}]"#),
            (None, Some(last)) if answered && !self.settings.lists => {
                write!(out, r#"["r",{key},{last}]"#)
            }
            (None, _) if answered && self.settings.lists => {
                write!(out, r#"["r",{key},["#).and_then(|()| list(out, values))
            }
            (None, _) => write!(out, r#"["r",{key},null]"#),
        };
    }

    fn asked(&self, slot: usize) -> String {
        let mut asked = String::from("[");
        for (number, micro) in self.open[slot].micro.iter().enumerate() {
            asked.push_str(if number > 0 { "," } else { "" });
            self.write_micro(&mut asked, *micro, false);
        }
        asked.push(']');
        asked
    }

    fn record(&mut self, process: u64, kind: &str, value: &str) -> std::io::Result<()> {
        let (index, time) = (self.events, self.agenda.now);
        self.events += 1;
        writeln!(
            self.out,
            r#"{{"index":{index},"time":{time},"process":{process},"type":"{kind}","f":"txn","value":{value}}}"#
        )
    }
}

fn list(out: &mut String, values: &[u64]) -> std::fmt::Result {
    for (number, value) in values.iter().enumerate() {
        write!(out, "{}{value}", if number > 0 { "," } else { "" })?;
    }
    out.write_str("]]")
}
