//! One line of a history file.

use serde::{Deserialize, Serialize};

/// The optional first line of a history file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The format's version; 1.
    pub history: u32,
    /// The model that the operations speak of, such as `register`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// What the history is called.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// When the run began, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub started: Option<String>,
    /// What the model needs: permits, accounts, total, initial value.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty", default)]
    pub params: serde_json::Map<String, serde_json::Value>,
}

/// What an event says of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// The client is about to send it.
    Invoke,
    /// It took effect.
    Ok,
    /// It did not take effect and never will.
    Fail,
    /// Unknown: it may take effect at any time from its invocation on, or never.
    Info,
}

/// Which object an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Key {
    /// A number, as imported histories have it.
    Number(i64),
    /// A name.
    Text(String),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One event of a client: an invocation or a completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Number of the event among clients' events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub index: Option<u64>,
    /// Nanoseconds since the run began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time: Option<i64>,
    /// The logical client.
    pub process: u64,
    /// Invocation, or which completion.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The function, as the model's table names it.
    pub f: String,
    /// Which object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub key: Option<Key>,
    /// Argument on `invoke`, result on `ok`, the argument again on `fail` and `info`.
    #[serde(default)]
    pub value: serde_json::Value,
    /// On `fail` only: the system itself answered no.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub refused: bool,
    /// Why a `fail` or an `info`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// A final read, made after the last heal.
    #[serde(rename = "final", skip_serializing_if = "std::ops::Not::not", default)]
    pub final_read: bool,
    /// The node talked to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<String>,
    /// When the open-loop schedule wanted it, nanoseconds since the run began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub intended: Option<i64>,
}
