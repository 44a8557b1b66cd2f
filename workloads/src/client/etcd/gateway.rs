//! The bodies that etcd's JSON gateway speaks: Protocol Buffers' JSON mapping of its v3 gRPC
//! interface. Keys and values travel in base64, 64-bit numbers as strings, and what has its default
//! value is left out.
//!
//! Values of registers are kept as JSON text; a key that doesn't exist is null.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Where a request goes, and its body.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    /// Below the address.
    pub(super) path: &'static str,
    /// As JSON.
    pub(super) body: Value,
}

/// Reads a key; `serializable` lets the node answer from what it has, which may be old.
pub(super) fn read(key: &str, serializable: bool) -> Call {
    let mut body = json!({ "key": encode(key) });
    if serializable {
        body["serializable"] = true.into();
    }
    Call { path: "/v3/kv/range", body }
}

/// Writes a key.
pub(super) fn write(key: &str, value: &Value) -> Call {
    Call { path: "/v3/kv/put", body: put(key, value) }
}

/// Writes `new` if the key holds `old`, in one transaction; null is a key that doesn't exist yet.
pub(super) fn cas(key: &str, old: &Value, new: &Value) -> Call {
    let holds_old = if old.is_null() {
        json!({ "key": encode(key), "target": "CREATE", "create_revision": "0" })
    } else {
        json!({ "key": encode(key), "target": "VALUE", "value": encode(&old.to_string()) })
    };
    let success = json!([{ "request_put": put(key, new) }]);
    Call { path: "/v3/kv/txn", body: json!({ "compare": [holds_old], "success": success }) }
}

/// The value in the answer to a [`read`].
pub(super) fn value_read(answer: &Value) -> Result<Value, String> {
    let Some(first) = answer.pointer("/kvs/0") else { return Ok(Value::Null) };
    // An empty value is left out; it is no JSON text, so that nobody here wrote it.
    let encoded = first["value"].as_str().unwrap_or_default();
    let text = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| format!("a value that is no JSON text: {error}"))
}

/// Whether the answer to a [`cas`] says that the old value was there.
pub(super) fn swapped(answer: &Value) -> bool {
    answer["succeeded"] == Value::Bool(true)
}

/// Whether an answer is one of etcd's: each tells the cluster that gives it.
pub(super) fn is_answer(answer: &Value) -> bool {
    answer.pointer("/header/cluster_id").is_some()
}

fn put(key: &str, value: &Value) -> Value {
    json!({ "key": encode(key), "value": encode(&value.to_string()) })
}

fn encode(text: &str) -> String {
    STANDARD.encode(text)
}
