//! The operations of a witness, numbered: who, what, when, in the words of a reader.

use serde_json::Value;
use temblor_history::{Completion, EventType, History, Operation, WitnessOp};

use crate::moments::{Moments, span};

/// A few operations of a history, numbered from 1 in the order of their invocations.
pub(crate) struct Cast<'a> {
    history: &'a History,
    /// Their places among the history's operations, ascending.
    sources: Vec<u32>,
    moments: Moments,
}

impl<'a> Cast<'a> {
    pub(crate) fn new(history: &'a History, sources: impl IntoIterator<Item = u32>) -> Self {
        let mut sources: Vec<u32> = sources.into_iter().collect();
        sources.sort_unstable();
        sources.dedup();
        let operations = sources.iter().map(|&source| &history.operations()[source as usize]);
        let times: Vec<i64> =
            operations.flat_map(|op| [Some(op.invoked), op.completed]).flatten().collect();
        let moments = Moments::telling_apart(&times, history.has_times());
        Self { history, sources, moments }
    }

    pub(crate) fn history(&self) -> &'a History {
        self.history
    }

    pub(crate) fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// How times are written.
    pub(crate) fn moments(&self) -> Moments {
        self.moments
    }

    pub(crate) fn operation(&self, source: u32) -> &'a Operation {
        &self.history.operations()[source as usize]
    }

    /// Whether it rests on definite answers only.
    pub(crate) fn is_definite(&self) -> bool {
        let known = |&source: &u32| self.operation(source).outcome != Completion::Info;
        self.sources.iter().all(known)
    }

    /// `(2)`.
    pub(crate) fn number(&self, source: u32) -> String {
        let place = self.sources.iter().position(|&other| other == source);
        format!("({})", place.map_or(0, |place| place + 1))
    }

    /// `client 4 on n2`.
    pub(crate) fn who(&self, source: u32) -> String {
        let operation = self.operation(source);
        let node = operation.node.map(|node| format!(" on {}", self.history.node_name(node)));
        format!("client {}{}", operation.process, node.unwrap_or_default())
    }

    /// ` at 2.104 s`, or nothing without times.
    pub(crate) fn invoked_at(&self, source: u32) -> String {
        self.at(Some(self.operation(source).invoked))
    }

    /// ` at 2.104 s`, or nothing without times or a completion.
    pub(crate) fn returned_at(&self, source: u32) -> String {
        self.at(self.operation(source).completed)
    }

    fn at(&self, moment: Option<i64>) -> String {
        match moment {
            Some(at) if self.moments.known() => format!(" at {}", self.moments.moment(at)),
            _ => String::new(),
        }
    }

    /// How long before `later` was invoked `earlier` had returned: `1.2 s `, or nothing.
    pub(crate) fn lead(&self, earlier: u32, later: u32) -> String {
        let invoked = self.operation(later).invoked;
        match self.operation(earlier).completed {
            Some(at) if self.moments.known() && at < invoked => format!("{} ", span(invoked - at)),
            _ => String::new(),
        }
    }

    /// One operation as the witness shows it: as the history has it.
    pub(crate) fn witness_op(&self, number: u32, source: u32, culprit: bool) -> WitnessOp {
        let operation = self.operation(source);
        let info = operation.outcome == Completion::Info;
        WitnessOp {
            number,
            process: operation.process,
            node: operation.node.map(|node| self.history.node_name(node).to_owned()),
            f: self.history.function_name(operation.f).to_owned(),
            argument: self.history.value(operation.argument),
            result: self.history.value(operation.result),
            outcome: outcome(operation),
            refused: operation.outcome == Completion::Refused,
            invoked: operation.invoked,
            completed: operation.completed.filter(|_| !info),
            invoke_index: operation.invoke_index.into(),
            complete_index: operation.complete_index.filter(|_| !info).map(u64::from),
            culprit,
        }
    }
}

fn outcome(operation: &Operation) -> EventType {
    match operation.outcome {
        Completion::Ok => EventType::Ok,
        Completion::Refused | Completion::Fail => EventType::Fail,
        Completion::Info if operation.complete_index.is_some() => EventType::Info,
        Completion::Info => EventType::Invoke,
    }
}

/// JSON, cut where it is long.
pub(crate) fn shortened(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST - 1).collect();
    format!("{head}…")
}
