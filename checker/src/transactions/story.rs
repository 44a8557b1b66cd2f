//! Speaks of transactions: who, what, when, in the words of a reader.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use temblor_history::{
    Completion, EventType, History, Key, Operation, Witness, WitnessEdge, WitnessOp,
};

use super::extract::{INITIAL, Kind, Model, Transactions};
use crate::moments::Moments;

/// Lists up to so many elements are quoted whole.
const WHOLE: usize = 8;

/// Transactions up to so many micro-operations are quoted whole.
const WHOLE_TRANSACTION: usize = 12;

/// A few transactions, numbered from 1 in the order of their invocations. Each is known by its
/// place among the history's operations, its *source*.
pub(crate) struct Story<'a> {
    pub(crate) history: &'a History,
    pub(crate) all: &'a Transactions,
    sources: Vec<u32>,
    /// By key: the versions that matter.
    matters: BTreeMap<u32, Vec<u32>>,
    moments: Moments,
}

/// What is told of an anomaly.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// One sentence.
    pub(crate) sentence: String,
    /// Step by step.
    pub(crate) proof: Vec<String>,
    /// The transaction that cannot be explained; none where all share the blame.
    pub(crate) culprit: Option<u32>,
    /// What would have been legal.
    pub(crate) legal: Option<String>,
    /// Whether nothing can be left out.
    pub(crate) minimal: bool,
    /// Steps of a cycle.
    pub(crate) edges: Vec<WitnessEdge>,
    pub(crate) key: Option<Key>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(history: &'a History, all: &'a Transactions, sources: Vec<u32>) -> Self {
        let mut story = Self {
            history,
            all,
            sources,
            matters: BTreeMap::new(),
            moments: Moments::telling_apart(&[], false),
        };
        story.sources.sort_unstable();
        story.sources.dedup();
        let operations = story.sources.iter().map(|&source| story.operation(source));
        let times: Vec<i64> =
            operations.flat_map(|op| [Some(op.invoked), op.completed]).flatten().collect();
        story.moments = Moments::telling_apart(&times, history.has_times());
        story
    }

    /// Says that a version of a key must be seen where lists are shortened.
    pub(crate) fn matters(&mut self, key: u32, version: u32) {
        if version != INITIAL {
            self.matters.entry(key).or_default().push(version);
        }
    }

    pub(crate) fn moments(&self) -> Moments {
        self.moments
    }

    pub(crate) fn operation(&self, source: u32) -> &'a Operation {
        &self.history.operations()[source as usize]
    }

    /// The transaction that a micro-operation belongs to.
    pub(crate) fn transaction_of(&self, op: u32) -> u32 {
        self.all.starts.partition_point(|&start| start <= op) as u32 - 1
    }

    /// The number of a source among the story's, from 1.
    pub(crate) fn number(&self, source: u32) -> u32 {
        self.sources.binary_search(&source).map_or(0, |place| place as u32 + 1)
    }

    /// `(2)`.
    pub(crate) fn quoted(&self, source: u32) -> String {
        format!("({})", self.number(source))
    }

    /// `client 4 on n2`.
    pub(crate) fn who(&self, source: u32) -> String {
        let operation = self.operation(source);
        let node = operation.node.map(|node| format!(" on {}", self.history.node_name(node)));
        format!("client {}{}", operation.process, node.unwrap_or_default())
    }

    pub(crate) fn key(&self, key: u32) -> String {
        self.all.key(self.history, key).to_string()
    }

    pub(crate) fn value(&self, version: u32) -> String {
        self.all.value(self.history, version).to_string()
    }

    /// `appended` or `wrote`.
    pub(crate) fn wrote(&self) -> &'static str {
        match self.all.model {
            Model::ListAppend => "appended",
            Model::RwRegister => "wrote",
        }
    }

    /// `the append of 4 to x` or `the write of 4 to x`.
    pub(crate) fn write(&self, key: u32, version: u32) -> String {
        let noun = match self.all.model {
            Model::ListAppend => "append",
            Model::RwRegister => "write",
        };
        format!("the {noun} of {} to {}", self.value(version), self.key(key))
    }

    /// ` at 2.004 s`, or nothing.
    pub(crate) fn at(&self, time: Option<i64>) -> String {
        match time {
            Some(at) if self.moments.known() => format!(" at {}", self.moments.moment(at)),
            _ => String::new(),
        }
    }

    /// A list that was read, shortened around what matters: `[1 … 7 8]`.
    pub(crate) fn list(&self, key: u32, list: &[u32]) -> String {
        let elements = self.elements(key, list);
        let words: Vec<String> = elements
            .iter()
            .map(|element| match element {
                Value::String(gap) if gap == GAP => gap.clone(),
                other => other.to_string(),
            })
            .collect();
        format!("[{}]", words.join(" "))
    }

    /// What a read found, for a sentence.
    pub(crate) fn found(&self, op: u32) -> String {
        let read = self.all.ops[op as usize];
        match self.all.model {
            Model::ListAppend => self.list(read.key, self.all.list(read.value)),
            Model::RwRegister => self.value(read.value),
        }
    }

    fn elements(&self, key: u32, list: &[u32]) -> Vec<Value> {
        let matters = self.matters.get(&key);
        let is_near = |place: usize| {
            let important = |at: usize| {
                list.get(at).is_some_and(|version| matters.is_some_and(|all| all.contains(version)))
            };
            place + 2 >= list.len() || important(place) || important(place + 1)
        };
        let mut quoted: Vec<Value> = Vec::new();
        for (place, &version) in list.iter().enumerate() {
            if list.len() <= WHOLE || is_near(place) {
                quoted.push(self.all.value(self.history, version));
            } else if quoted.last() != Some(&json!(GAP)) {
                quoted.push(json!(GAP));
            }
        }
        quoted
    }

    /// The witness with all that is told of it.
    pub(crate) fn witness(&self, told: Told) -> Witness {
        let ops = (1..).zip(&self.sources);
        let ops = ops.map(|(number, &source)| self.witness_op(number, source, told.culprit));
        Witness {
            sentence: told.sentence,
            key: told.key,
            ops: ops.collect(),
            proof: told.proof,
            legal: told.legal,
            minimal: told.minimal,
            edges: told.edges,
        }
    }

    /// Whether it rests on definite answers only.
    pub(crate) fn is_definite(&self) -> bool {
        self.sources.iter().all(|&source| self.operation(source).outcome != Completion::Info)
    }

    fn witness_op(&self, number: u32, source: u32, culprit: Option<u32>) -> WitnessOp {
        let operation = self.operation(source);
        let result = match operation.outcome {
            Completion::Ok => self.shortened_result(source),
            _ => Value::Null,
        };
        WitnessOp {
            number,
            process: operation.process,
            node: operation.node.map(|node| self.history.node_name(node).to_owned()),
            f: self.history.function_name(operation.f).to_owned(),
            argument: limited(self.history.value(operation.argument)),
            result,
            outcome: match operation.outcome {
                Completion::Ok => EventType::Ok,
                Completion::Refused | Completion::Fail => EventType::Fail,
                Completion::Info if operation.complete_index.is_some() => EventType::Info,
                Completion::Info => EventType::Invoke,
            },
            refused: operation.outcome == Completion::Refused,
            invoked: operation.invoked,
            completed: operation.completed.filter(|_| operation.outcome != Completion::Info),
            invoke_index: u64::from(operation.invoke_index),
            complete_index: operation.complete_index.map(u64::from),
            culprit: culprit == Some(source),
        }
    }

    /// The micro-operations of a transaction that took effect, lists shortened.
    fn shortened_result(&self, source: u32) -> Value {
        let found = self.all.all.binary_search_by_key(&source, |one| one.source);
        let Ok(transaction) = found else {
            return limited(self.history.value(self.operation(source).result));
        };
        let ops = self.all.ops_of(transaction as u32).iter().map(|op| {
            let key = self.all.key_value(self.history, op.key);
            match (op.kind, self.all.model) {
                (Kind::Read, Model::ListAppend) => {
                    json!(["r", key, self.elements(op.key, self.all.list(op.value))])
                }
                (Kind::Read, Model::RwRegister) => {
                    json!(["r", key, self.all.value(self.history, op.value)])
                }
                (Kind::Write, model) => {
                    json!([model.write(), key, self.all.value(self.history, op.value)])
                }
            }
        });
        limited(ops.collect())
    }
}

/// Stands for what is left out.
const GAP: &str = "…";

/// A transaction's first micro-operations.
fn limited(mut value: Value) -> Value {
    if let Value::Array(ops) = &mut value
        && ops.len() > WHOLE_TRANSACTION
    {
        let rest = ops.len() - WHOLE_TRANSACTION;
        ops.truncate(WHOLE_TRANSACTION);
        ops.push(json!(format!("… {rest} more")));
    }
    value
}
