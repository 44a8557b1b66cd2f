//! What the harness and a client program say to each other: one JSON object a line, each carrying
//! its process.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temblor_history::Key;

use super::super::{Endpoint, Outcome};
use crate::Invocation;

/// To the program.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Message<'a> {
    /// A process begins, pinned to a node.
    Open { open: Open<'a> },
    /// An operation.
    Operation {
        process: u64,
        id: u64,
        f: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a Key>,
        value: &'a Value,
    },
    /// A process is over: nothing more is asked of it, and what it still says is dropped.
    Close { close: Process },
}

/// Which node a process talks to.
#[derive(Debug, Serialize)]
pub(super) struct Open<'a> {
    process: u64,
    node: &'a str,
    address: Ipv4Addr,
    ports: &'a BTreeMap<String, u16>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) process: u64,
}

impl<'a> Message<'a> {
    pub(super) fn open(process: u64, endpoint: &'a Endpoint) -> Self {
        let Endpoint { node, address, ports } = endpoint;
        Self::Open { open: Open { process, node, address: *address, ports } }
    }

    pub(super) fn operation(process: u64, id: u64, operation: &'a Invocation) -> Self {
        let Invocation { f, key, value, .. } = operation;
        Self::Operation { process, id, f, key: key.as_deref(), value }
    }

    pub(super) fn close(process: u64) -> Self {
        Self::Close { close: Process { process } }
    }
}

/// From the program.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// A process may be given operations.
    Ready { ready: Process },
    /// An operation has ended.
    Answer(Answer),
}

/// How an operation has ended, as the program says it.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) process: u64,
    pub(super) id: u64,
    #[serde(rename = "type", default)]
    kind: Value,
    /// Outer none: left out, which is not the same as null.
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    error: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Answer {
    /// The one place where an answer becomes an outcome. What makes no sense is `info`: the
    /// operation may have been done.
    ///
    /// An `ok` may leave out a value that only repeats the argument, but a read may not: its
    /// silence would pass for null.
    pub(super) fn outcome(self, argument: &Value) -> Outcome {
        let error = self.error.unwrap_or_else(|| "the program gives no reason".into());
        match (self.kind.as_str(), self.value) {
            (Some("ok"), Some(value)) => Outcome::Ok(value),
            (Some("ok"), None) if !argument.is_null() => Outcome::Ok(argument.clone()),
            (Some("ok"), None) => {
                Outcome::Info("the program answers `ok` without a `value`".into())
            }
            (Some("fail"), _) if self.refused => Outcome::Refused,
            (Some("fail"), _) => Outcome::Fail(error),
            (Some("info"), _) => Outcome::Info(error),
            _ => Outcome::Info(format!(
                "the program answers with type {}, which is none of \"ok\", \"fail\", \"info\"",
                self.kind
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(mut answer: Value, argument: &Value) -> Outcome {
        answer["process"] = 4.into();
        answer["id"] = 17.into();
        match serde_json::from_value(answer).unwrap() {
            Line::Answer(answer) => answer.outcome(argument),
            Line::Ready { .. } => unreachable!(),
        }
    }

    #[test]
    fn every_answer_has_one_outcome() {
        let no_reason = "the program gives no reason";
        let no_value = "the program answers `ok` without a `value`";
        let no_type =
            "the program answers with type \"maybe\", which is none of \"ok\", \"fail\", \"info\"";
        for (answer, argument, expected) in [
            (json!({"type": "ok", "value": 9}), json!(9), Outcome::Ok(json!(9))),
            (json!({"type": "ok", "value": null}), json!(null), Outcome::Ok(json!(null))),
            (json!({"type": "ok"}), json!(9), Outcome::Ok(json!(9))),
            (json!({"type": "ok"}), json!(null), Outcome::Info(no_value.into())),
            (json!({"type": "fail", "refused": true}), json!([1, 2]), Outcome::Refused),
            (json!({"type": "fail", "error": "down"}), json!(9), Outcome::Fail("down".into())),
            (json!({"type": "fail"}), json!(9), Outcome::Fail(no_reason.into())),
            (json!({"type": "info", "error": "late"}), json!(9), Outcome::Info("late".into())),
            (json!({"type": "maybe"}), json!(9), Outcome::Info(no_type.into())),
        ] {
            assert_eq!(outcome(answer.clone(), &argument), expected, "{answer}");
        }
    }

    #[test]
    fn messages_are_those_of_the_contract() {
        let ports = BTreeMap::from([("client".to_owned(), 2379)]);
        let endpoint = Endpoint { node: "n1".into(), address: [10, 1, 0, 1].into(), ports };
        let key = std::sync::Arc::new(Key::Text("k1".into()));
        let write = Invocation { f: "write", key: Some(key), value: json!(9), final_read: false };
        for (message, expected) in [
            (
                Message::open(4, &endpoint),
                r#"{"open":{"process":4,"node":"n1","address":"10.1.0.1","ports":{"client":2379}}}"#,
            ),
            (
                Message::operation(4, 17, &write),
                r#"{"process":4,"id":17,"f":"write","key":"k1","value":9}"#,
            ),
            (Message::close(4), r#"{"close":{"process":4}}"#),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), expected);
        }
    }
}
