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
