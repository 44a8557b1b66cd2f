//! Values that were read and that nobody wrote, taken out of a history of registers in two ways: what
//! holds if a peer takes such values for given lies between the two.

use std::collections::HashSet;

use serde_json::{Value, json};
use temblor_history::{Completion, Event, EventType, History, ValueId};

/// Elle's rule.
///
/// A version gets a place in the order of transactions by its writer and by the versions next to
/// it. One that nobody wrote has no writer, and without assumptions on the order of versions
/// nothing follows it but what follows from the initial state: so the read adds nothing to Elle's
/// graph (`elle.rw-register`, `ext-index` and `initial-state-version-graphs`).
pub(crate) const VALUES_GIVEN: &str = "Elle takes a register's value that nobody wrote for given";

/// The reads that are left of each transaction that has a read of a value that nobody tried to
/// write; the transactions stay, with what else they did.
pub(crate) fn without_reads_of_what_nobody_wrote(history: &History) -> Option<History> {
    let written = written(history);
    let is_given = |micro: &Value| {
        micro[0] == json!("r") && !micro[2].is_null() && !written.contains(&quoted(micro))
    };
    let mut found = false;
    let events = events(history, |argument, result| {
        let (Value::Array(asked), Value::Array(answered)) = (&mut *argument, &mut *result) else {
            return;
        };
        let given: Vec<bool> = answered.iter().map(is_given).collect();
        found |= given.contains(&true);
        for list in [asked, answered] {
            let mut kept = given.iter();
            list.retain(|_| !kept.next().copied().unwrap_or(false));
        }
    });
    found.then(|| History::from_events(&events).expect("a history without some of its reads"))
}

/// The history after writes of unseen clients, with unknown outcome, of each value that was read
/// and that nobody tried to write: what holds of it holds whoever wrote them, and whenever.
pub(crate) fn with_unseen_writers(history: &History) -> History {
    let written = written(history);
    let first = history.operations().iter().map(|operation| operation.process + 1).max();
    let mut seen = HashSet::new();
    let mut unseen = Vec::new();
    for operation in history.operations().iter().filter(|one| one.outcome == Completion::Ok) {
        let Value::Array(micros) = history.value(operation.result) else { continue };
        for micro in micros.iter().filter(|micro| micro[0] == json!("r") && !micro[2].is_null()) {
            if !written.contains(&quoted(micro)) && seen.insert(quoted(micro)) {
                let process = first.unwrap_or(0) + unseen.len() as u64;
                let value = json!([["w", micro[1], micro[2]]]);
                unseen.push(event(process, EventType::Invoke, "txn", value));
            }
        }
    }
    unseen.extend(events(history, |_, _| {}));
    History::from_events(&unseen).expect("a history after writes of fresh clients")
}

/// Key and value of a micro-operation.
fn quoted(micro: &Value) -> String {
    format!("{} {}", micro[1], micro[2])
}

/// What anybody tried to write, also what failed.
fn written(history: &History) -> HashSet<String> {
    let arguments = history.operations().iter().map(|one| history.value(one.argument));
    let micros = arguments.flat_map(|value| value.as_array().cloned().unwrap_or_default());
    micros.filter(|micro| micro[0] == json!("w")).map(|micro| quoted(&micro)).collect()
}

/// The events of a history of transactions, after a change of what was asked and answered.
fn events(history: &History, mut change: impl FnMut(&mut Value, &mut Value)) -> Vec<Event> {
    let mut events = Vec::new();
    for operation in history.operations() {
        let f = history.function_name(operation.f);
        let value = |id: ValueId| history.value(id);
        let (mut asked, mut answered) = (value(operation.argument), value(operation.result));
        change(&mut asked, &mut answered);
        let (kind, end) = match operation.outcome {
            Completion::Ok => (EventType::Ok, answered),
            Completion::Refused | Completion::Fail => (EventType::Fail, asked.clone()),
            Completion::Info => (EventType::Info, asked.clone()),
        };
        events
            .push((operation.invoke_index, event(operation.process, EventType::Invoke, f, asked)));
        events.extend(
            operation.complete_index.map(|at| (at, event(operation.process, kind, f, end))),
        );
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

fn event(process: u64, kind: EventType, f: &str, value: Value) -> Event {
    Event {
        index: None,
        time: None,
        process,
        kind,
        f: f.to_owned(),
        key: None,
        value,
        refused: false,
        error: None,
        final_read: false,
        node: None,
        intended: None,
    }
}
