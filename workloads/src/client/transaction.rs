//! Transactions of lists, read from an operation's argument, as clients of several systems need
//! them.

use serde_json::Value;

/// One step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MicroOperation {
    /// Appends an element, as JSON text.
    Append { key: String, element: String },
    /// Reads a whole list.
    Read { key: String },
}

/// The steps of `[["append", k, v], ["r", k, null], …]`.
///
/// # Errors
/// When it is anything else.
pub(super) fn micro_operations(argument: &Value) -> Result<Vec<MicroOperation>, String> {
    let wrong = || format!("not a transaction of lists: {argument}");
    let micros = argument.as_array().ok_or_else(wrong)?;
    micros.iter().map(|micro| micro_operation(micro).ok_or_else(wrong)).collect()
}

fn micro_operation(micro: &Value) -> Option<MicroOperation> {
    let [Value::String(f), key, value] = micro.as_array()?.as_slice() else { return None };
    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
    match f.as_str() {
        "append" => Some(MicroOperation::Append { key, element: value.to_string() }),
        "r" => Some(MicroOperation::Read { key }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn steps_are_read() {
        let steps = micro_operations(&json!([["append", "k0.1", 7], ["r", 3, null]])).unwrap();
        let append = MicroOperation::Append { key: "k0.1".into(), element: "7".into() };
        assert_eq!(steps, [append, MicroOperation::Read { key: "3".into() }]);
        for wrong in [json!(7), json!([["w", "x", 1]]), json!([["append", "x"]]), json!([7])] {
            assert!(micro_operations(&wrong).unwrap_err().starts_with("not a transaction"));
        }
    }
}
