//! When each operation was wanted, sent and ended: a history without its values.

use temblor_history::{Completion, History, Operation};

/// One operation's times, nanoseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Its function, as an index into [`Timings::functions`].
    pub function: usize,
    /// The node talked to, as an index into [`Timings::nodes`].
    pub node: Option<usize>,
    /// When the schedule wanted it; when it was invoked, where there is no schedule.
    pub intended: i64,
    /// When it was invoked.
    pub invoked: i64,
    /// When it was completed, or last known to be open.
    pub ended: i64,
    /// How it ended.
    pub completion: Completion,
    /// A final read: not part of the load.
    pub final_read: bool,
}

impl Timing {
    /// From the intended start to the end: what a user waits.
    pub fn response(&self) -> i64 {
        self.ended - self.intended
    }

    /// From the actual start to the end: what the system took.
    pub fn service(&self) -> i64 {
        self.ended - self.invoked
    }
}

/// The times of a whole history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timings {
    /// The functions, in order of appearance.
    pub functions: Vec<String>,
    /// The nodes, in order of appearance.
    pub nodes: Vec<String>,
    /// The operations, in order of invocation.
    pub operations: Vec<Timing>,
}

impl Timings {
    /// The operations of the load: all but final reads.
    pub fn load(&self) -> impl Iterator<Item = &Timing> {
        self.operations.iter().filter(|timing| !timing.final_read)
    }

    /// The last moment that any operation knows of; 0 without operations.
    pub fn end(&self) -> i64 {
        self.operations.iter().map(|timing| timing.ended).max().unwrap_or(0)
    }

    /// The times of a history that was read. One without times has its events' numbers instead.
    pub fn of(history: &History) -> Self {
        let mut timings = Self::default();
        let end = history.operations().iter().map(last_known).max().unwrap_or(0);
        for operation in history.operations() {
            let function = history.function_name(operation.f);
            let node = operation.node.map(|node| history.node_name(node));
            let timing = Timing {
                function: place(&mut timings.functions, function),
                node: node.map(|node| place(&mut timings.nodes, node)),
                intended: operation.intended.unwrap_or(operation.invoked),
                invoked: operation.invoked,
                ended: operation.completed.unwrap_or(end),
                completion: operation.outcome,
                final_read: operation.final_read,
            };
            timings.operations.push(timing);
        }
        timings
    }
}

fn last_known(operation: &Operation) -> i64 {
    operation.completed.unwrap_or(operation.invoked)
}

/// Names are few: a scan beats a map.
fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use temblor_history::Event;

    use super::*;

    #[test]
    fn what_never_ended_was_open_until_the_last_event() {
        let event = |json: serde_json::Value| -> Event { serde_json::from_value(json).unwrap() };
        let events = [
            serde_json::json!({"process": 0, "type": "invoke", "f": "write", "value": 1, "time": 5, "intended": 3, "node": "n1"}),
            serde_json::json!({"process": 1, "type": "invoke", "f": "read", "value": null, "time": 6, "node": "n2", "final": true}),
            serde_json::json!({"process": 1, "type": "ok", "f": "read", "value": 1, "time": 9, "node": "n2", "final": true}),
        ];
        let history = History::from_events(&events.map(event)).unwrap();
        let timing = |function, intended, invoked, completion, final_read| Timing {
            function,
            node: Some(function),
            intended,
            invoked,
            ended: 9,
            completion,
            final_read,
        };
        let expected = Timings {
            functions: vec!["write".into(), "read".into()],
            nodes: vec!["n1".into(), "n2".into()],
            operations: vec![
                timing(0, 3, 5, Completion::Info, false),
                timing(1, 6, 6, Completion::Ok, true),
            ],
        };
        assert_eq!(Timings::of(&history), expected);
    }
}
