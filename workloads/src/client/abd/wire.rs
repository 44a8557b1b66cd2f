//! What a client and a node of the embedded `abd` store say to each other: one JSON object a line,
//! over TCP.
//!
//! Both ends are ours, so both use these types. What nodes say among themselves is not here.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use temblor_history::Key;

/// Longest line that either side reads; a peer that sends more is not one of ours.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// A client's question. Answers may come in another order than questions; `id` pairs them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the client, unique on its connection.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub ask: Ask,
}

/// What can be asked of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
pub enum Ask {
    /// A register's value; null before its first write.
    Read {
        /// Which register.
        key: Key,
    },
    /// Give a register a value.
    Write {
        /// Which register.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Whether a majority of replicas answers this node.
    Status,
}

/// A node's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The request's.
    pub id: u64,
    /// What came of it.
    #[serde(flatten)]
    pub reply: Reply,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Reply {
    /// It took effect; the value read or written.
    Ok {
        /// The value.
        #[serde(default)]
        value: Value,
    },
    /// It did nothing and never will.
    Fail {
        /// Why.
        error: String,
    },
    /// It may have taken effect, or may later.
    Info {
        /// Why.
        error: String,
    },
}
