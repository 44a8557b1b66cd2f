//! Speaks of a register's operations: who, what, when, in the words of a reader.

use serde_json::Value;
use temblor_history::{Completion, EventType, History, Operation, Witness, WitnessOp};

use super::{
    Effect, RegisterOp, ValueNumber,
    extract::{Failed, Register},
};
use crate::moments::{Moments, span};

/// A few operations of one register, numbered from 1 in the order of their invocations.
pub(crate) struct Story<'a> {
    history: &'a History,
    register: &'a Register,
    ops: Vec<RegisterOp>,
    /// Writes that certainly failed, numbered among the others.
    failed: Vec<Failed>,
    moments: Moments,
}

/// What is told of a violation.
pub(crate) struct Told {
    /// One sentence.
    pub(crate) sentence: String,
    /// Step by step.
    pub(crate) proof: Vec<String>,
    /// The operation that cannot be explained.
    pub(crate) culprit: u32,
    /// What it could have found.
    pub(crate) legal: Option<String>,
    /// Whether nothing can be left out.
    pub(crate) minimal: bool,
}

impl<'a> Story<'a> {
    pub(crate) fn new(history: &'a History, register: &'a Register, ops: &[RegisterOp]) -> Self {
        let mut story = Self {
            history,
            register,
            ops: ops.to_vec(),
            failed: Vec::new(),
            moments: Moments::telling_apart(&[], false),
        };
        story.set_moments();
        story
    }

    pub(crate) fn with_failed(mut self, failed: Option<Failed>) -> Self {
        self.failed.extend(failed);
        self.set_moments();
        self
    }

    fn set_moments(&mut self) {
        let operations = self.sources().into_iter().map(|source| self.operation(source));
        let times: Vec<i64> =
            operations.flat_map(|op| [Some(op.invoked), op.completed]).flatten().collect();
        self.moments = Moments::telling_apart(&times, self.history.has_times());
    }

    /// Whether it rests on definite answers only.
    pub(crate) fn is_definite(&self) -> bool {
        let known = |source| self.operation(source).outcome != Completion::Info;
        self.sources().into_iter().all(known)
    }

    /// How times are written.
    pub(crate) fn moments(&self) -> Moments {
        self.moments
    }

    pub(crate) fn ops(&self) -> &[RegisterOp] {
        &self.ops
    }

    fn operation(&self, source: u32) -> &'a Operation {
        &self.history.operations()[source as usize]
    }

    fn sources(&self) -> Vec<u32> {
        let mut sources: Vec<u32> = self.ops.iter().map(|op| op.source).collect();
        sources.extend(self.failed.iter().map(|failed| failed.source));
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// `(2)`.
    pub(crate) fn number(&self, source: u32) -> String {
        let place = self.sources().iter().position(|&other| other == source);
        format!("({})", place.map_or(0, |place| place + 1))
    }

    /// A value as a reader wants to see it.
    pub(crate) fn value(&self, value: ValueNumber) -> String {
        shortened(&self.register.value(self.history, value))
    }

    /// `client 4 on n2`.
    pub(crate) fn who(&self, source: u32) -> String {
        let operation = self.operation(source);
        let node = operation.node.map(|node| format!(" on {}", self.history.node_name(node)));
        format!("client {}{}", operation.process, node.unwrap_or_default())
    }

    /// ` of k3`, or nothing where operations have no key.
    pub(crate) fn of_key(&self) -> String {
        let key = self.register.key.map(|key| self.history.key(key));
        key.map_or(String::new(), |key| format!(" of {key}"))
    }

    /// What an operation found or did, as the subject of a sentence: `read of k3 by client 4 on n2
    /// returned 17`.
    pub(crate) fn deed(&self, op: &RegisterOp) -> String {
        let (key, who) = (self.of_key(), self.who(op.source));
        let last = if self.operation(op.source).final_read { "final " } else { "" };
        match op.effect {
            Effect::Read(value) => {
                format!("{last}read{key} by {who} returned {}", self.value(value))
            }
            Effect::Write(value) => format!("write{key} to {} by {who}", self.value(value)),
            Effect::Cas { old, new } => format!(
                "cas{key} from {} to {} by {who} succeeded",
                self.value(old),
                self.value(new)
            ),
            Effect::Differs(value) => {
                format!("cas{key} from {} by {who} was refused", self.value(value))
            }
        }
    }

    /// `the write of 21 (client 0 on n1)`.
    pub(crate) fn change(&self, op: &RegisterOp) -> String {
        let who = self.who(op.source);
        match op.effect {
            Effect::Cas { old, new } => {
                format!("the cas from {} to {} ({who})", self.value(old), self.value(new))
            }
            effect => {
                let value = effect.written().or(effect.tested()).unwrap_or_default();
                format!("the write of {} ({who})", self.value(value))
            }
        }
    }

    /// What an operation shows once it has returned: `(1) wrote 17 and was acknowledged at 2.004 s`.
    pub(crate) fn shows(&self, op: &RegisterOp) -> String {
        let (number, at) = (self.number(op.source), self.returned_at(op));
        match op.effect {
            Effect::Read(value) => format!("{number} had returned {}{at}", self.value(value)),
            Effect::Write(value) => {
                format!("{number} wrote {} and was acknowledged{at}", self.value(value))
            }
            Effect::Cas { old, new } => format!(
                "{number} changed {} to {} and was acknowledged{at}",
                self.value(old),
                self.value(new)
            ),
            Effect::Differs(value) => {
                format!("{number} had found another value than {}{at}", self.value(value))
            }
        }
    }

    fn returned_at(&self, op: &RegisterOp) -> String {
        match self.operation(op.source).completed {
            Some(at) if self.moments.known() && op.certain() => {
                format!(" at {}", self.moments.moment(at))
            }
            _ => String::new(),
        }
    }

    /// ` at 2.104 s`, or nothing without times.
    pub(crate) fn invoked_at(&self, op: &RegisterOp) -> String {
        if self.moments.known() {
            format!(" at {}", self.moments.moment(self.operation(op.source).invoked))
        } else {
            String::new()
        }
    }

    /// How long before `later` was invoked `earlier` had returned: `1.2 s `, or nothing.
    pub(crate) fn lead(&self, earlier: &RegisterOp, later: &RegisterOp) -> String {
        let invoked = self.operation(later.source).invoked;
        match self.operation(earlier.source).completed {
            Some(at) if self.moments.known() && at < invoked => {
                format!("{} ", span(invoked - at))
            }
            _ => String::new(),
        }
    }

    /// The witness with all that is told of it.
    pub(crate) fn witness(&self, told: Told) -> Witness {
        let sources = self.sources();
        let ops = (1..).zip(&sources).map(|(number, &source)| {
            let op = self.ops.iter().find(|op| op.source == source);
            self.witness_op(number, source, op, source == told.culprit)
        });
        let mut proof = told.proof;
        proof.extend(self.ops.iter().filter_map(|op| self.reduced(op)));
        Witness {
            sentence: told.sentence,
            key: self.register.key.map(|key| self.history.key(key).clone()),
            ops: ops.collect(),
            proof,
            legal: told.legal,
            minimal: told.minimal,
            edges: Vec::new(),
        }
    }

    /// Says that of a cas only the write is used.
    fn reduced(&self, op: &RegisterOp) -> Option<String> {
        let argument = self.history.value(self.operation(op.source).argument);
        let is_reduced = matches!(op.effect, Effect::Write(_)) && argument.is_array();
        is_reduced.then(|| {
            format!(
                "{} was a cas of {argument}; only that it wrote matters here, not what it found.",
                self.number(op.source)
            )
        })
    }

    fn witness_op(
        &self,
        number: u32,
        source: u32,
        op: Option<&RegisterOp>,
        culprit: bool,
    ) -> WitnessOp {
        let operation = self.operation(source);
        let (f, argument) = match op.map(|op| op.effect) {
            Some(Effect::Write(value)) => ("write", self.register.value(self.history, value)),
            _ => (self.history.function_name(operation.f), self.history.value(operation.argument)),
        };
        let info = operation.outcome == Completion::Info;
        WitnessOp {
            number,
            process: operation.process,
            node: operation.node.map(|node| self.history.node_name(node).to_owned()),
            f: f.to_owned(),
            argument,
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
fn shortened(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST - 1).collect();
    format!("{head}…")
}
