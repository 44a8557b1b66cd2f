//! What nodes say to each other: one JSON object a line.
//!
//! A node asks over connections that it opened and answers over those that others opened, so that a
//! question and its answer share a connection. What clients say is
//! [`temblor_workloads::client::abd::wire`].

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temblor_history::Key;

use super::version::Version;

/// The first line of a connection between nodes; a client's has no `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    /// Who asks.
    pub(super) hello: String,
    /// Who is meant; another node at that address stays silent.
    pub(super) to: String,
}

/// The answer to a [`Hello`]. Before it comes nothing else is sent: a stopped server's kernel
/// accepts connections too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Welcome {
    /// Who answers.
    pub(super) welcome: String,
}

/// One round of one coordinator; no two share a number, whatever the node's lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct RoundId {
    /// The coordinator's life.
    pub(super) epoch: u64,
    /// Number of the round within that life.
    pub(super) sequence: u64,
}

/// From a coordinator to a replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Question {
    /// To be repeated in the answer.
    pub(super) round: RoundId,
    /// Which register.
    pub(super) key: Key,
    /// The version to store; none: only tell what you hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) store: Option<Version>,
}

/// From a replica to a coordinator. Everything that it says is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The question's.
    pub(super) round: RoundId,
    /// The version held; none, if nothing was ever stored, or if the question was to store one (then
    /// the replica now holds it, or a newer one).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) held: Option<Version>,
}

/// One register as the log keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Which register.
    pub(super) key: Key,
    /// What it holds from here on.
    #[serde(flatten)]
    pub(super) version: Version,
}

/// The value that a version shows to clients; null before the first write.
pub(super) fn shown(version: Option<&Version>) -> Value {
    version.map_or(Value::Null, |version| version.value.clone())
}
