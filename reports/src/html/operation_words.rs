//! One operation in a few words, for pictures and tables.

use serde_json::Value;
use temblor_history::{EventType, WitnessOp};

use crate::escape::shortened;

pub(super) fn client(op: &WitnessOp) -> String {
    match &op.node {
        Some(node) => format!("client {} · {}", op.process, shortened(node, 8)),
        None => format!("client {}", op.process),
    }
}

pub(super) fn outcome(op: &WitnessOp) -> &'static str {
    match op.outcome {
        EventType::Ok => "ok",
        EventType::Fail if op.refused => "refused",
        EventType::Fail => "fail",
        EventType::Info | EventType::Invoke => "unknown",
    }
}

/// `read → 7`, `write 9`, `cas [3,5] refused`, `write 9 ?`.
pub(super) fn asked_and_answered(op: &WitnessOp) -> String {
    let short = |value: &Value| shortened(&value.to_string(), 30).into_owned();
    if let Some(text) = micro_operations(op) {
        return text;
    }
    let mut text = op.f.clone();
    if !op.argument.is_null() {
        text = format!("{text} {}", short(&op.argument));
    }
    match (outcome(op), op.argument.is_null()) {
        ("ok", false) if op.result.is_null() || op.result == op.argument => text,
        ("ok", _) => format!("{text} → {}", short(&op.result)),
        ("unknown", _) => format!("{text} ?"),
        (how, _) => format!("{text} {how}"),
    }
}

/// A transaction's: `append x 1 · r y → [1,2]`; none where it has another shape.
fn micro_operations(op: &WitnessOp) -> Option<String> {
    let done = if op.result.is_null() { &op.argument } else { &op.result };
    let words: Option<Vec<String>> = done.as_array()?.iter().map(micro_operation).collect();
    let text = words.filter(|words| op.f == "txn" && !words.is_empty())?.join(" · ");
    match outcome(op) {
        "ok" => Some(text),
        "unknown" => Some(format!("{text} ?")),
        how => Some(format!("{text} {how}")),
    }
}

fn micro_operation(value: &Value) -> Option<String> {
    let [Value::String(f), key, value] = value.as_array()?.as_slice() else { return None };
    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    let value = value.to_string();
    let value = shortened(&value, 30);
    Some(if f == "r" { format!("r {key} → {value}") } else { format!("{f} {key} {value}") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn op(f: &str, argument: Value, result: Value, outcome: EventType, refused: bool) -> WitnessOp {
        WitnessOp {
            number: 1,
            process: 3,
            node: Some("n1".into()),
            f: f.into(),
            argument,
            result,
            outcome,
            refused,
            invoked: 1,
            completed: Some(2),
            invoke_index: 4,
            complete_index: Some(5),
            culprit: false,
        }
    }

    #[test]
    fn operations_in_words() {
        use EventType::{Fail, Info, Ok};
        let null = Value::Null;
        let texts = [
            op("read", null.clone(), json!(7), Ok, false),
            op("read", null.clone(), null.clone(), Ok, false),
            op("write", json!(9), json!(9), Ok, false),
            op("write", json!(9), null.clone(), Info, false),
            op("cas", json!([3, 5]), null.clone(), Fail, true),
            op("txn", json!([["r", "x", null]]), json!([["r", "x", 1]]), Ok, false),
        ]
        .map(|op| asked_and_answered(&op));
        let expected =
            ["read → 7", "read → null", "write 9", "write 9 ?", "cas [3,5] refused", "r x → 1"];
        assert_eq!(texts, expected);
    }
}
