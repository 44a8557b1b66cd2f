//! Small histories: sessions of transactions, `0: w x1 r y_ | r x2`: a line a session, `|` between
//! transactions, `_` the initial value.

use serde_json::{Value, json};
use temblor_history::{CheckReport, Event, EventType, History, Key};

use crate::{Request, Unlimited, check};

/// One read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) writes: bool,
    pub(super) key: u8,
    /// 0 is the initial value.
    pub(super) value: u32,
}

/// Sessions of transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tiny(pub(super) Vec<Vec<Vec<Op>>>);

impl Tiny {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let session = |line: &str| line.split('|').map(transaction).collect();
        Self(lines.map(session).collect())
    }

    /// All transactions with their sessions.
    pub(super) fn transactions(&self) -> Vec<(usize, &[Op])> {
        let sessions = self.0.iter().enumerate();
        sessions.flat_map(|(session, all)| all.iter().map(move |ops| (session, &ops[..]))).collect()
    }

    /// The events; in `order` the session that acts next is named.
    fn events(
        &self,
        order: &[usize],
        event: impl Fn(u64, EventType, &[Op]) -> Event,
    ) -> Vec<Event> {
        let mut next = vec![0; self.0.len()];
        let mut events = Vec::new();
        for &session in order {
            let ops = &self.0[session][next[session]];
            next[session] += 1;
            events.push(event(session as u64, EventType::Invoke, ops));
            events.push(event(session as u64, EventType::Ok, ops));
        }
        events
    }

    /// One session after the other.
    pub(super) fn in_turn(&self) -> Vec<usize> {
        let sessions = self.0.iter().enumerate();
        sessions.flat_map(|(session, all)| vec![session; all.len()]).collect()
    }

    /// As `rw-register`.
    pub(super) fn transactional(&self, order: &[usize]) -> History {
        History::from_events(&self.events(order, transaction_event)).unwrap()
    }

    /// As `register`: each transaction has one operation.
    pub(super) fn single(&self, order: &[usize]) -> History {
        History::from_events(&self.events(order, single_event)).unwrap()
    }
}

fn transaction(text: &str) -> Vec<Op> {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.ends_with(':')).collect();
    let op = |pair: &[&str]| {
        let (key, value) = pair[1].split_at(1);
        Op {
            writes: pair[0] == "w",
            key: key.as_bytes()[0] - b'x',
            value: if value == "_" { 0 } else { value.parse().expect("a value is a number") },
        }
    };
    words.chunks(2).map(op).collect()
}

fn json_of(value: u32) -> Value {
    if value == 0 { Value::Null } else { json!(value) }
}

fn key(key: u8) -> String {
    char::from(b'x' + key).to_string()
}

fn event(process: u64, kind: EventType, f: &str, value: Value) -> Event {
    Event {
        index: None,
        time: None,
        process,
        kind,
        f: f.to_owned(),
        key: None,
        value,
        refused: false,
        error: None,
        final_read: false,
        node: None,
        intended: None,
    }
}

fn transaction_event(process: u64, kind: EventType, ops: &[Op]) -> Event {
    let micro = |op: &Op| match (op.writes, kind) {
        (true, _) => json!(["w", key(op.key), op.value]),
        (false, EventType::Invoke) => json!(["r", key(op.key), null]),
        (false, _) => json!(["r", key(op.key), json_of(op.value)]),
    };
    event(process, kind, "txn", ops.iter().map(micro).collect())
}

fn single_event(process: u64, kind: EventType, ops: &[Op]) -> Event {
    let op = ops[0];
    let value = match (op.writes, kind) {
        (false, EventType::Invoke) => Value::Null,
        _ => json_of(op.value),
    };
    let f = if op.writes { "write" } else { "read" };
    Event { key: Some(Key::Text(key(op.key))), ..event(process, kind, f, value) }
}

/// What the checker says.
pub(super) fn judged(history: &History, model: &str, consistency: &str) -> CheckReport {
    check(history, &Request::new(model, consistency), &Unlimited)
}

/// These micro-operations of processes, one after the other, as a history of this model.
pub(super) fn retell(ops: &[(u64, Value)], model: &str) -> History {
    let mut events = Vec::new();
    for (process, micro) in ops {
        if model == "rw-register" {
            for kind in [EventType::Invoke, EventType::Ok] {
                events.push(event(*process, kind, "txn", micro.clone()));
            }
            continue;
        }
        for op in micro.as_array().into_iter().flatten() {
            let f = if op[0] == "w" { "write" } else { "read" };
            for kind in [EventType::Invoke, EventType::Ok] {
                let key = op[1].as_str().map(|key| Key::Text(key.to_owned()));
                events.push(Event { key, ..event(*process, kind, f, op[2].clone()) });
            }
        }
    }
    History::from_events(&events).unwrap()
}
