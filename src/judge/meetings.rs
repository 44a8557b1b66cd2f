//! What operations did to keys, whatever their model: who wrote which value where, and who saw it.
//! The gates ask this to know whether processes met at all; it judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use temblor_history::{Completion, History, KeyId, Operation, ValueId, ValueView};

/// Models whose reads show values that can be traced to the operation that wrote them.
const TRACEABLE: [&str; 9] = [
    "register",
    "cas-register",
    "multi-register",
    "set",
    "queue",
    "stack",
    "priority-queue",
    "list-append",
    "rw-register",
];

/// An object: an operation's own key, or one that a micro-operation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Object {
    Of(Option<KeyId>),
    Named(ValueId),
}

/// What was done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A value was written, or would have been.
    Wrote(ValueId),
    /// A value was returned, or an array of values.
    Saw(ValueId),
    Other,
}

/// How processes met.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meetings {
    /// Keys touched by two processes or more.
    pub(super) shared_keys: u64,
    /// Reads that saw another process's write; none where the model's values can't be traced.
    pub(super) reads_of_others: Option<u64>,
    /// Times a compare-and-set succeeded.
    pub(super) successful_cas: u64,
}

impl Meetings {
    /// Final reads are left out: they meet everybody by design.
    pub(super) fn of(history: &History, model: &str) -> Self {
        let load = || history.operations().iter().filter(|operation| !operation.final_read);
        let mut writers: BTreeMap<(Object, ValueId), u64> = BTreeMap::new();
        let mut touched: BTreeMap<Object, BTreeSet<u64>> = BTreeMap::new();
        let mut successful_cas = 0;
        for operation in load() {
            for (object, deed) in deeds(history, operation) {
                touched.entry(object).or_default().insert(operation.process);
                if let Deed::Wrote(value) = deed {
                    writers.insert((object, value), operation.process);
                }
            }
            let cas = history.function_name(operation.f) == "cas";
            successful_cas += u64::from(cas && operation.outcome == Completion::Ok);
        }
        let by_another = |object: Object, value: ValueId, reader: u64| {
            writers.get(&(object, value)).is_some_and(|writer| *writer != reader)
        };
        let saw_another = |operation: &&Operation| {
            deeds(history, operation).into_iter().any(|(object, deed)| {
                let Deed::Saw(seen) = deed else { return false };
                values(history, &seen).iter().any(|v| by_another(object, *v, operation.process))
            })
        };
        let seen = || load().filter(saw_another).count() as u64;
        Self {
            shared_keys: touched.values().filter(|processes| processes.len() > 1).count() as u64,
            reads_of_others: TRACEABLE.contains(&model).then(seen),
            successful_cas,
        }
    }
}

/// An array's elements, or the one value.
fn values<'v>(history: &'v History, seen: &'v ValueId) -> &'v [ValueId] {
    match history.view(*seen) {
        ValueView::Array(elements) => elements,
        _ => std::slice::from_ref(seen),
    }
}

/// What an operation did, one deed for each micro-operation of a transaction.
fn deeds(history: &History, operation: &Operation) -> Vec<(Object, Deed)> {
    let ok = operation.outcome == Completion::Ok;
    let f = history.function_name(operation.f);
    let saw = |value| if ok { Deed::Saw(value) } else { Deed::Other };
    if f == "txn" {
        let micro = |(f, key, value): (&str, ValueId, ValueId)| {
            let deed = if f == "r" { saw(value) } else { Deed::Wrote(value) };
            (Object::Named(key), deed)
        };
        return micro_operations(history, operation).into_iter().map(micro).collect();
    }
    let deed = match (f, history.view(operation.argument)) {
        ("write" | "add" | "enqueue" | "push" | "insert", _) => Deed::Wrote(operation.argument),
        ("cas", ValueView::Array([_, new])) => Deed::Wrote(*new),
        ("read" | "dequeue" | "pop" | "poll", _) => saw(operation.result),
        _ => Deed::Other,
    };
    vec![(Object::Of(operation.key), deed)]
}

/// A transaction's micro-operations: function, key, value; as answered where it was.
fn micro_operations<'h>(
    history: &'h History,
    operation: &Operation,
) -> Vec<(&'h str, ValueId, ValueId)> {
    let ok = operation.outcome == Completion::Ok;
    let said = if ok { operation.result } else { operation.argument };
    let ValueView::Array(micros) = history.view(said) else { return Vec::new() };
    let micro = |micro: &ValueId| match history.view(*micro) {
        ValueView::Array([f, key, value]) => match history.view(*f) {
            ValueView::Text(f) => Some((f, *key, *value)),
            _ => None,
        },
        _ => None,
    };
    micros.iter().filter_map(micro).collect()
}

/// The functions that an operation called: its own, or those of its micro-operations, each once.
pub(super) fn functions<'h>(history: &'h History, operation: &Operation) -> BTreeSet<&'h str> {
    match history.function_name(operation.f) {
        "txn" => micro_operations(history, operation).into_iter().map(|(f, ..)| f).collect(),
        f => BTreeSet::from([f]),
    }
}

/// The functions that a run with these of its workload has to show: of transactions, those of the
/// micro-operations of their model.
pub(super) fn wanted<'f>(functions: &'f [String], model: &str) -> Vec<&'f str> {
    let micros: &[&str] = match model {
        "list-append" => &["append", "r"],
        "multi-register" | "rw-register" => &["w", "r"],
        _ => &["txn"],
    };
    let shown = |f: &'f String| if f == "txn" { micros.to_vec() } else { vec![f.as_str()] };
    functions.iter().flat_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(lines: &str) -> History {
        History::read(lines.as_bytes()).unwrap()
    }

    fn met(model: &str, lines: &str) -> (u64, Option<u64>, u64) {
        let Meetings { shared_keys, reads_of_others, successful_cas } =
            Meetings::of(&history(lines), model);
        (shared_keys, reads_of_others, successful_cas)
    }

    /// `process f key argument result` as two lines.
    fn op(process: u64, f: &str, key: &str, argument: &str, result: &str) -> String {
        let event = |kind: &str, value: &str| {
            format!(
                r#"{{"process":{process},"type":"{kind}","f":"{f}","key":"{key}","value":{value}}}"#
            )
        };
        format!("{}\n{}\n", event("invoke", argument), event("ok", result))
    }

    #[test]
    fn registers_meet_where_a_read_returns_what_another_wrote() {
        let lines = op(0, "write", "x", "1", "1") + &op(0, "read", "x", "null", "1");
        assert_eq!(met("register", &lines), (0, Some(0), 0));
        let lines = lines + &op(1, "read", "x", "null", "1") + &op(1, "cas", "y", "[1,2]", "[1,2]");
        assert_eq!(met("cas-register", &lines), (1, Some(1), 1));
        assert_eq!(
            met("cas-register", &(lines + &op(2, "read", "y", "null", "2"))),
            (2, Some(2), 1)
        );
    }

    #[test]
    fn sets_meet_by_an_element() {
        let lines = op(0, "add", "x", "1", "1") + &op(1, "add", "x", "2", "2");
        assert_eq!(met("set", &lines), (1, Some(0), 0));
        let own = lines.clone() + &op(1, "read", "x", "null", "[2]");
        assert_eq!(met("set", &own), (1, Some(0), 0));
        assert_eq!(met("set", &(own + &op(1, "read", "x", "null", "[2,1]"))), (1, Some(1), 0));
    }

    #[test]
    fn transactions_meet_on_the_keys_of_their_micro_operations() {
        let txn = |process, argument: &str, result: &str| op(process, "txn", "-", argument, result);
        let appended = r#"[["append","x",1],["append","y",2]]"#;
        let lines = txn(0, appended, appended);
        let elsewhere = lines.clone() + &txn(1, r#"[["r","z",null]]"#, r#"[["r","z",[1]]]"#);
        assert_eq!(met("list-append", &elsewhere), (0, Some(0), 0));
        let here = lines + &txn(1, r#"[["r","x",null]]"#, r#"[["r","x",[1]]]"#);
        assert_eq!(met("list-append", &here), (1, Some(1), 0));
        let history = history(&here);
        let called = history.operations().iter().map(|op| functions(&history, op));
        assert_eq!(called.collect::<Vec<_>>(), [BTreeSet::from(["append"]), BTreeSet::from(["r"])]);
    }

    #[test]
    fn what_has_no_traceable_values_needs_no_reads_of_others() {
        let lines = op(0, "acquire", "x", "null", "null");
        assert_eq!(met("lock", &lines), (0, None, 0));
        let functions = ["txn".to_owned(), "read".to_owned()];
        assert_eq!(wanted(&functions, "list-append"), ["append", "r", "read"]);
        assert_eq!(wanted(&functions, "bank"), ["txn", "read"]);
    }
}
