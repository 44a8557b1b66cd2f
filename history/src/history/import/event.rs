//! What an imported event says. Jepsen's exports write keywords as strings, some with their colon.

use serde_json::{Map, Value};

use crate::{
    EventType, Key,
    history::{
        line::{Line, Who},
        names::Names,
        values::Values,
    },
};

/// Reads an event; none if it is of a process that is no client.
pub(in crate::history) fn line_of(
    event: Value,
    names: &mut Names,
    values: &mut Values,
) -> Result<Line, String> {
    let Value::Object(mut event) = event else {
        return Err(format!("an event is a map, not {}", described(&event)));
    };
    let process = process(take(&mut event, "process"))?;
    let mut line = Line::of(process);
    if process == Some(Who::Other) {
        return Ok(line);
    }
    line.kind = kind(take(&mut event, "type"))?;
    let f = text(take(&mut event, "f"), "f")?;
    let mut value = take(&mut event, "value");
    let f = f.or_else(|| is_transaction(&value).then(|| "txn".to_owned()));
    if f.as_deref() == Some("txn") {
        complete_micro_operations(&mut value);
    }
    line.f = f.map(|f| names.intern_function(&f));
    line.key = key(take(&mut event, "key"))?.map(|key| names.intern_key(&key));
    line.value = values.intern(&value);
    line.refused = flag(take(&mut event, "refused"), "refused")?;
    let final_read = take(&mut event, "final?");
    line.final_read = flag(final_read, "final?")? | flag(take(&mut event, "final"), "final")?;
    line.error = words(take(&mut event, "error")).map(|text| names.intern_error(&text));
    line.node = words(take(&mut event, "node")).map(|name| names.intern_node(&name));
    line.time = nanoseconds(take(&mut event, "time"), "time")?;
    line.intended = nanoseconds(take(&mut event, "intended"), "intended")?;
    Ok(line)
}

/// A field, by its name with or without a colon.
fn take(event: &mut Map<String, Value>, name: &str) -> Value {
    let plain = event.remove(name);
    plain.or_else(|| event.remove(&format!(":{name}"))).unwrap_or_default()
}

fn without_colon(text: &str) -> &str {
    text.strip_prefix(':').unwrap_or(text)
}

fn process(value: Value) -> Result<Option<Who>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(_) => Ok(Some(Who::Other)),
        other => match other.as_u64() {
            Some(process) => Ok(Some(Who::Client(process))),
            None => Err(format!("`process` is an integer from 0 on, not {}", described(&other))),
        },
    }
}

fn kind(value: Value) -> Result<Option<EventType>, String> {
    let Some(name) = text(value, "type")? else { return Ok(None) };
    Ok(Some(match name.as_str() {
        "invoke" => EventType::Invoke,
        "ok" => EventType::Ok,
        "fail" => EventType::Fail,
        "info" => EventType::Info,
        other => {
            return Err(format!("unknown `type` `{other}`; it is invoke, ok, fail or info"));
        }
    }))
}

fn text(value: Value, field: &str) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(without_colon(&text).to_owned())),
        other => Err(format!("`{field}` is a name, not {}", described(&other))),
    }
}

fn key(value: Value) -> Result<Option<Key>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Key::Text(text))),
        other => match other.as_i64() {
            Some(number) => Ok(Some(Key::Number(number))),
            None => Err("`key` is a string or a whole number".to_owned()),
        },
    }
}

fn flag(value: Value, field: &str) -> Result<bool, String> {
    match value {
        Value::Null => Ok(false),
        Value::Bool(set) => Ok(set),
        other => Err(format!("`{field}` is true or false, not {}", described(&other))),
    }
}

/// Anything, in words: exceptions come as vectors and maps.
fn words(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn nanoseconds(value: Value, field: &str) -> Result<Option<i64>, String> {
    match value {
        Value::Null => Ok(None),
        other => match other.as_i64() {
            Some(time) => Ok(Some(time)),
            None => Err(format!("`{field}` is a whole number of ns, not {}", described(&other))),
        },
    }
}

/// Elle's own histories leave the function out: micro-operations speak for themselves.
fn is_transaction(value: &Value) -> bool {
    let is_micro = |operation: &Value| {
        let f = operation.get(0).and_then(Value::as_str).map(without_colon);
        matches!(f, Some("append" | "r" | "w"))
    };
    value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_micro))
}

/// `["r", x]` reads null; functions lose their colon.
fn complete_micro_operations(value: &mut Value) {
    for operation in value.as_array_mut().into_iter().flatten() {
        let Value::Array(parts) = operation else { continue };
        if let Some(Value::String(f)) = parts.first_mut()
            && let Some(plain) = f.strip_prefix(':')
        {
            *f = plain.to_owned();
        }
        if parts.len() == 2 && parts[0] == "r" {
            parts.push(Value::Null);
        }
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        simple => format!("`{simple}`"),
    }
}
