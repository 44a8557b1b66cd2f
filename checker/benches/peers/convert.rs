//! A history in the formats of other checkers.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Result, Write},
    path::Path,
};

use serde_json::Value;
use temblor_history::{Completion, History, Operation};

/// Values of ours as whole numbers from 1 on, which is all that some peers read; null is 0.
#[derive(Default)]
struct Numbers(HashMap<String, usize>);

impl Numbers {
    fn of(&mut self, value: &Value) -> usize {
        if value.is_null() {
            return 0;
        }
        let next = self.0.len() + 1;
        *self.0.entry(value.to_string()).or_insert(next)
    }
}

fn counts(operation: &Operation) -> bool {
    operation.outcome == Completion::Ok
}

/// Transactions as AWDIT reads them: `r(key,value,session,transaction)` a line.
pub(crate) fn plume(history: &History, file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let (mut keys, mut values) = (Numbers::default(), Numbers::default());
    let done = history.operations().iter().filter(|operation| counts(operation));
    for (number, operation) in done.enumerate() {
        let micro = history.value(operation.result);
        for step in micro.as_array().into_iter().flatten() {
            let (key, value) = (keys.of(&step[1]), values.of(&step[2]));
            let f = step[0].as_str().unwrap_or_default();
            writeln!(out, "{f}({key},{value},{},{number})", operation.process)?;
        }
    }
    out.flush()
}

/// A queue as fastlin reads it: `enq value start end`, ends in the order of events.
pub(crate) fn fastlin_queue(history: &History, file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "# queue")?;
    for operation in history.operations().iter().filter(|operation| counts(operation)) {
        let (f, value) = match history.function_name(operation.f) {
            "enqueue" => ("enq", history.value(operation.argument)),
            _ => ("deq", history.value(operation.result)),
        };
        let value = if value.is_null() { "-1".to_owned() } else { value.to_string() };
        let (from, to) = (operation.invoke_index, operation.complete_index.unwrap_or(u32::MAX));
        writeln!(out, "{f} {value} {from} {to}")?;
    }
    out.flush()
}

/// Registers as `porcupine/main.go` reads them: process, key, function, two values, result, start
/// and end (-1: never), separated by tabs.
pub(crate) fn registers(history: &History, file: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(file)?);
    let (mut keys, mut values) = (Numbers::default(), Numbers::default());
    for operation in history.operations() {
        let f = history.function_name(operation.f);
        let observed = operation.outcome == Completion::Refused;
        let unanswered = operation.outcome == Completion::Info;
        if operation.outcome == Completion::Fail || (unanswered && f == "read") {
            continue;
        }
        let key = operation.key.map_or(0, |key| keys.of(&Value::from(key.index() as u64)));
        let argument = history.value(operation.argument);
        let (old, new) = match f {
            "cas" => (values.of(&argument[0]), values.of(&argument[1])),
            "write" => (0, values.of(&argument)),
            _ => (0, values.of(&history.value(operation.result))),
        };
        let end = operation.complete_index.filter(|_| !unanswered).map_or(-1, i64::from);
        let (process, from) = (operation.process, operation.invoke_index);
        let ok = u8::from(!observed);
        writeln!(out, "{process}\t{key}\t{f}\t{old}\t{new}\t{ok}\t{from}\t{end}")?;
    }
    out.flush()
}
