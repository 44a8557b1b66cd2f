//! The notation in which tests write histories: one line a client, time runs to the right.
//!
//! ```text
//! 0@n1: |w1--|          |r2--|
//! 1:         |w2-----?
//! 2:    |c1>2---!   |R_--|
//! ```
//!
//! `|` begins an operation, and its last character ends it: `|` ok, `?` unknown, `x` failed, `!` refused;
//! one that reaches the end of its line never completes. `r` reads (what it found follows), `w`
//! writes, `c` compares and sets, `R` is a final read; `_` is null. `w1@k` is about the key `k`.
//! A column is a tenth of a second; in one column completions come before invocations.

use serde_json::{Value, json};
use temblor_history::{Event, EventType, History, Key};

/// The history that these lines draw.
pub(crate) fn history(drawing: &str) -> History {
    History::from_events(&events(drawing)).expect("a drawing is a good history")
}

/// The events that these lines draw, in order.
pub(crate) fn events(drawing: &str) -> Vec<Event> {
    let lines = drawing.lines().filter(|line| !line.trim().is_empty());
    let mut events: Vec<(usize, bool, Event)> = lines.flat_map(lane).collect();
    events.sort_by_key(|&(column, begins, _)| (column, begins));
    events.into_iter().map(|(_, _, event)| event).collect()
}

/// The events of one line: (column, whether it is an invocation, event).
fn lane(line: &str) -> Vec<(usize, bool, Event)> {
    let (head, _) = line.split_once(':').expect("a line begins with its client");
    let (process, node) = head.split_once('@').unwrap_or((head, ""));
    let process: u64 = process.trim().parse().expect("a client is a number");
    let node = (!node.is_empty()).then(|| node.to_owned());
    let mut events = Vec::new();
    let mut at = head.len() + 1;
    while let Some(skipped) = line[at..].find('|') {
        let begins = at + skipped;
        let rest = &line[begins + 1..];
        let written = rest.find(['-', '|', '?', '!']).unwrap_or(rest.len());
        let ends = rest[written..].find(['|', '?', 'x', '!']).map(|ends| written + ends);
        let operation = Operation::parse(rest[..written].trim_end());
        let event = |kind, column: usize| Event {
            process,
            node: node.clone(),
            time: Some(column as i64 * 100_000_000),
            ..operation.event(kind)
        };
        events.push((begins, true, event(EventType::Invoke, begins)));
        let Some(ends) = ends.map(|ends| begins + 1 + ends) else { break };
        let mut end = event(kind(line.as_bytes()[ends]), ends);
        end.refused = line.as_bytes()[ends] == b'!';
        events.push((ends, false, end));
        at = ends + 1;
    }
    events
}

fn kind(end: u8) -> EventType {
    match end {
        b'|' => EventType::Ok,
        b'?' => EventType::Info,
        _ => EventType::Fail,
    }
}

struct Operation {
    f: &'static str,
    key: Option<Key>,
    argument: Value,
    result: Value,
    final_read: bool,
}

impl Operation {
    fn parse(text: &str) -> Self {
        let (text, key) = text.split_once('@').unwrap_or((text, ""));
        let (letter, value) = text.split_at(1);
        let (f, argument, result) = match letter {
            "r" | "R" => ("read", Value::Null, scalar(value)),
            "w" => ("write", scalar(value), scalar(value)),
            "c" => {
                let (old, new) = value.split_once('>').expect("a cas is written c1>2");
                let pair = json!([scalar(old), scalar(new)]);
                ("cas", pair.clone(), pair)
            }
            other => panic!("no such operation: {other}"),
        };
        let key = (!key.is_empty()).then(|| Key::Text(key.to_owned()));
        Self { f, key, argument, result, final_read: letter == "R" }
    }

    fn event(&self, kind: EventType) -> Event {
        let value = if kind == EventType::Ok { &self.result } else { &self.argument };
        Event {
            index: None,
            time: None,
            process: 0,
            kind,
            f: self.f.to_owned(),
            key: self.key.clone(),
            value: value.clone(),
            refused: false,
            error: None,
            final_read: self.final_read,
            node: None,
            intended: None,
        }
    }
}

fn scalar(text: &str) -> Value {
    match text {
        "_" | "" => Value::Null,
        number => json!(number.parse::<i64>().expect("a value is a number or _")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_become_events() {
        let told: Vec<String> = events(
            "
            0@n1: |w1--|   |r2--
            1:      |c1>2--!
            2:         |R_@k|    |w3?
            ",
        )
        .iter()
        .map(|event| {
            let (key, node) = (event.key.as_ref(), event.node.as_deref());
            format!(
                "{} {} {:?} {} {}{}{}{}",
                event.time.unwrap() / 100_000_000,
                event.process,
                event.kind,
                event.f,
                event.value,
                key.map(|key| format!(" of {key}")).unwrap_or_default(),
                node.map(|node| format!(" on {node}")).unwrap_or_default(),
                if event.refused { " refused" } else { "" },
            )
        })
        .collect();
        assert_eq!(
            told,
            [
                "18 0 Invoke write 1 on n1",
                "20 1 Invoke cas [1,2]",
                "23 0 Ok write 1 on n1",
                "23 2 Invoke read null of k",
                "27 1 Fail cas [1,2] refused",
                "27 0 Invoke read null on n1",
                "28 2 Ok read null of k",
                "33 2 Invoke write 3",
                "36 2 Info write 3",
            ]
        );
    }
}
