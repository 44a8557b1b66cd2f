//! Writes events fast: the recorder numbers and stamps them under a lock, and only that.
//!
//! A line is made in two steps. [`encode_body`] does the long one, outside the lock; [`stamp`]
//! puts number and time before it. Neither allocates, beyond the growth of the buffer.

use std::io::Write;

use serde_json::Value;

use crate::{EventType, Key};

/// What an event says, borrowed, without its number and time.
#[derive(Debug, Clone, Copy)]
pub struct EventParts<'a> {
    /// The logical client.
    pub process: u64,
    /// Invocation, or which completion.
    pub kind: EventType,
    /// The function.
    pub f: &'a str,
    /// Which object.
    pub key: Option<&'a Key>,
    /// Argument or result.
    pub value: &'a Value,
    /// On `fail` only: the system itself answered no.
    pub refused: bool,
    /// Why a `fail` or an `info`.
    pub error: Option<&'a str>,
    /// A final read.
    pub final_read: bool,
    /// The node talked to.
    pub node: Option<&'a str>,
    /// When the open-loop schedule wanted it, nanoseconds since the run began.
    pub intended: Option<i64>,
}

/// Appends everything of an event but its number and time, for [`stamp`].
pub fn encode_body(buffer: &mut Vec<u8>, event: &EventParts<'_>) {
    buffer.extend_from_slice(b",\"process\":");
    number(buffer, event.process);
    buffer.extend_from_slice(match event.kind {
        EventType::Invoke => b",\"type\":\"invoke\",\"f\":".as_slice(),
        EventType::Ok => b",\"type\":\"ok\",\"f\":",
        EventType::Fail => b",\"type\":\"fail\",\"f\":",
        EventType::Info => b",\"type\":\"info\",\"f\":",
    });
    text(buffer, event.f);
    if let Some(key) = event.key {
        buffer.extend_from_slice(b",\"key\":");
        match key {
            Key::Number(key) => number(buffer, *key),
            Key::Text(key) => text(buffer, key),
        }
    }
    buffer.extend_from_slice(b",\"value\":");
    value(buffer, event.value);
    options(buffer, event);
    buffer.extend_from_slice(b"}\n");
}

fn options(buffer: &mut Vec<u8>, event: &EventParts<'_>) {
    if event.refused {
        buffer.extend_from_slice(b",\"refused\":true");
    }
    if let Some(error) = event.error {
        buffer.extend_from_slice(b",\"error\":");
        text(buffer, error);
    }
    if event.final_read {
        buffer.extend_from_slice(b",\"final\":true");
    }
    if let Some(node) = event.node {
        buffer.extend_from_slice(b",\"node\":");
        text(buffer, node);
    }
    if let Some(intended) = event.intended {
        buffer.extend_from_slice(b",\"intended\":");
        number(buffer, intended);
    }
}

/// Appends the whole line, line break included: `index` counts clients' events from 0, `time` is
/// nanoseconds since the run began, `body` is what [`encode_body`] made.
pub fn stamp(buffer: &mut Vec<u8>, index: u64, time: i64, body: &[u8]) {
    buffer.extend_from_slice(b"{\"index\":");
    number(buffer, index);
    buffer.extend_from_slice(b",\"time\":");
    number(buffer, time);
    buffer.extend_from_slice(body);
}

fn number(buffer: &mut Vec<u8>, number: impl itoa::Integer) {
    buffer.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Names hardly ever need escaping; serde_json does the ones that do.
fn text(buffer: &mut Vec<u8>, text: &str) {
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    if text.as_bytes().iter().all(plain) {
        buffer.push(b'"');
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'"');
    } else {
        write_json(buffer, &text);
    }
}

fn value(buffer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => buffer.extend_from_slice(b"null"),
        Value::String(string) => text(buffer, string),
        other => write_json(buffer, other),
    }
}

fn write_json(buffer: &mut Vec<u8>, value: &impl serde::Serialize) {
    serde_json::to_writer(buffer.by_ref(), value)
        .expect("a buffer in memory takes what JSON can say");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Event;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            proptest::collection::vec(inner, 0..3).prop_map(Value::from)
        })
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let key =
            prop_oneof![any::<i64>().prop_map(Key::Number), any::<String>().prop_map(Key::Text)];
        let kind = prop_oneof![
            Just(EventType::Invoke),
            Just(EventType::Ok),
            Just(EventType::Fail),
            Just(EventType::Info)
        ];
        (
            (any::<u64>(), any::<i64>(), any::<u64>(), kind, any::<String>()),
            (proptest::option::of(key), any_value(), any::<bool>(), any::<bool>()),
            any::<Option<String>>(),
            any::<Option<String>>(),
            any::<Option<i64>>(),
        )
            .prop_map(|(head, body, error, node, intended)| Event {
                index: Some(head.0),
                time: Some(head.1),
                process: head.2,
                kind: head.3,
                f: head.4,
                key: body.0,
                value: body.1,
                refused: body.2,
                final_read: body.3,
                error,
                node,
                intended,
            })
    }

    fn written(event: &Event) -> Vec<u8> {
        let (mut body, mut line) = (Vec::new(), Vec::new());
        encode_body(
            &mut body,
            &EventParts {
                process: event.process,
                kind: event.kind,
                f: &event.f,
                key: event.key.as_ref(),
                value: &event.value,
                refused: event.refused,
                error: event.error.as_deref(),
                final_read: event.final_read,
                node: event.node.as_deref(),
                intended: event.intended,
            },
        );
        stamp(&mut line, event.index.unwrap(), event.time.unwrap(), &body);
        line
    }

    proptest! {
        #[test]
        fn a_written_event_reads_back_as_it_was(event in any_event()) {
            let line = written(&event);
            prop_assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
            prop_assert_eq!(serde_json::from_slice::<Event>(&line).unwrap(), event);
        }
    }

    #[test]
    fn a_history_written_is_the_history_read() {
        let event = |index, process, kind, value: Value| Event {
            index: Some(index),
            time: Some(index as i64 * 10),
            process,
            kind,
            f: "write".to_owned(),
            key: Some(Key::Text("k \"1\"\n".to_owned())),
            value,
            refused: false,
            error: None,
            final_read: false,
            node: Some("n1".to_owned()),
            intended: Some(1),
        };
        let events = [
            event(0, 0, EventType::Invoke, Value::from("ü\u{1}\\")),
            event(1, 1, EventType::Invoke, Value::from(2)),
            event(2, 0, EventType::Ok, Value::from("ü\u{1}\\")),
        ];
        let file: Vec<u8> = events.iter().flat_map(written).collect();
        let read = crate::History::read(file.as_slice()).unwrap();
        let told = crate::History::from_events(&events).unwrap();
        assert_eq!(read.operations(), told.operations());
        assert_eq!(read.value(read.operations()[0].argument), events[0].value);
        assert_eq!(Some(read.key(read.operations()[0].key.unwrap())), events[0].key.as_ref());
    }
}
