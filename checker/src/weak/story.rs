//! Tells a contradiction in words: who did what, what must come before what, and why that cannot
//! be.

mod bad_reads;

use serde_json::Value;
use temblor_history::{
    Completion, EventType, History, Key, Operation, Witness, WitnessEdge, WitnessOp,
};

use super::{
    demands::Demand,
    observed::Observed,
    order::{Step, Why},
    sessions::{INITIAL, Sessions},
};
use crate::{
    findings::Finding,
    moments::Moments,
    transactions::extract::{self, Kind},
};

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// The name of the anomaly.
    pub(super) kind: &'static str,
    /// What follows from what was read; a later one may rest on earlier ones.
    pub(super) demands: Vec<Demand>,
    /// What must come before what, in a circle; empty if the last demand is one that nothing can
    /// meet: that a write comes before the initial value.
    pub(super) cycle: Vec<Step>,
}

/// Speaks of transactions by their numbers in a witness.
pub(super) struct Story<'a> {
    history: &'a History,
    observed: &'a Observed,
    sessions: &'a Sessions,
    /// Places among the history's operations, ascending.
    sources: Vec<u32>,
    /// The keys that matter: of long transactions only these are shown.
    relevant: Vec<Value>,
}

impl<'a> Story<'a> {
    /// A story of these operations of the history.
    pub(super) fn of(
        history: &'a History,
        observed: &'a Observed,
        sessions: &'a Sessions,
        mut sources: Vec<u32>,
    ) -> Self {
        sources.sort_unstable();
        sources.dedup();
        Self { history, observed, sessions, sources, relevant: Vec::new() }
    }

    /// The same; of long transactions it shows what they did to these keys.
    pub(super) fn about(mut self, keys: impl IntoIterator<Item = u32>) -> Self {
        let quoted = keys.into_iter().filter_map(|key| self.observed.key(self.history, key));
        self.relevant = quoted.map(|key| json_of(&key)).collect();
        self
    }

    fn operation(&self, source: u32) -> &'a Operation {
        &self.history.operations()[source as usize]
    }

    fn source(&self, transaction: u32) -> u32 {
        source(self.observed, self.sessions, transaction)
    }

    /// `(2)`.
    pub(super) fn number_of_source(&self, source: u32) -> String {
        format!("({})", self.place(source))
    }

    fn place(&self, source: u32) -> u32 {
        self.sources.binary_search(&source).map_or(0, |place| place as u32 + 1)
    }

    fn number(&self, transaction: u32) -> String {
        self.number_of_source(self.source(transaction))
    }

    /// `client 4 on n2`.
    pub(super) fn who_of_source(&self, source: u32) -> String {
        let operation = self.operation(source);
        let node = operation.node.map(|node| format!(" on {}", self.history.node_name(node)));
        format!("client {}{}", operation.process, node.unwrap_or_default())
    }

    fn who(&self, transaction: u32) -> String {
        self.who_of_source(self.source(transaction))
    }

    /// `x`, or nothing where operations have no key.
    pub(super) fn key(&self, key: u32) -> Option<String> {
        self.observed.key(self.history, key).map(|key| key.to_string())
    }

    /// `x = 5`, or `5` where operations have no key.
    pub(super) fn pair(&self, key: u32, value: &Value) -> String {
        match self.key(key) {
            Some(key) => format!("{key} = {}", shortened(value)),
            None => shortened(value),
        }
    }

    /// What a transaction left in a key.
    fn written(&self, transaction: u32, key: u32) -> Value {
        let ops = self.observed.ops_of(self.sessions.source[transaction as usize]);
        let last = ops.iter().rfind(|op| op.kind == Kind::Write && op.key == key);
        last.map_or(Value::Null, |op| self.observed.value(self.history, op.value))
    }

    /// What a reader found of what `writer` wrote.
    fn found(&self, writer: u32, key: u32) -> Value {
        if writer == INITIAL {
            return self.observed.value(self.history, extract::INITIAL);
        }
        self.written(writer, key)
    }

    /// A key that a transaction read from another.
    fn read_key(&self, writer: u32, reader: u32) -> Option<u32> {
        let reads = self.sessions.reads(reader);
        reads.iter().find(|read| read.writer == writer).map(|read| read.key)
    }

    fn step_reason(&self, step: &Step, demands: &[Demand]) -> String {
        let (from, to) = (self.number(step.from), self.number(step.to));
        match step.why {
            Why::Session => format!("{} ran {from} before {to}", self.who(step.from)),
            Why::ReadsFrom => match self.read_key(step.from, step.to) {
                Some(key) => {
                    let pair = self.pair(key, &self.written(step.from, key));
                    format!("{to} found {pair}, which {from} wrote")
                }
                None => format!("{to} read from {from}"),
            },
            Why::Demanded => {
                let behind =
                    |demand: &&Demand| demand.before == step.from && demand.after == step.to;
                match demands.iter().find(behind) {
                    Some(demand) => format!(
                        "{} found {} although it had seen {}",
                        self.number(demand.reader),
                        self.pair(demand.key, &self.found(demand.after, demand.key)),
                        self.pair(demand.key, &self.written(demand.before, demand.key)),
                    ),
                    None => format!("{from} has to come before {to}"),
                }
            }
        }
    }

    /// The steps by which a demand follows.
    fn prove(&self, demand: &Demand, demands: &[Demand], proof: &mut Vec<String>) {
        let before = self.number(demand.before);
        let reader = self.number(demand.reader);
        let way: Vec<String> =
            demand.path.iter().map(|step| self.step_reason(step, demands)).collect();
        let newer = self.pair(demand.key, &self.written(demand.before, demand.key));
        let found = self.pair(demand.key, &self.found(demand.after, demand.key));
        proof.push(format!(
            "{}: so {before}, which wrote {newer}, was visible to {reader}.",
            capital(&joined(&way))
        ));
        proof.push(if demand.after == INITIAL {
            format!(
                "{reader} found {found}, the initial value, which comes before every write; but \
                 {newer} was visible to it."
            )
        } else {
            format!(
                "{reader} found {found} of {} all the same: so {before} has to come before {}.",
                self.number(demand.after),
                self.number(demand.after)
            )
        });
    }

    /// The witness of a contradiction.
    pub(super) fn contradiction(&self, told: &Contradiction) -> Finding {
        let mut proof = Vec::new();
        for demand in &told.demands {
            self.prove(demand, &told.demands, &mut proof);
        }
        for step in told.cycle.iter().filter(|step| step.why != Why::Demanded) {
            proof.push(format!("{}.", capital(&self.step_reason(step, &told.demands))));
        }
        if !told.cycle.is_empty() {
            let circle: Vec<String> =
                told.cycle.iter().map(|step| self.number(step.from)).collect();
            proof.push(format!(
                "So {} and again {} would have to follow one another: a circle.",
                circle.join(", "),
                circle[0]
            ));
        }
        let culprit = told.demands.last().map(|demand| demand.reader);
        let culprit = culprit.or_else(|| told.cycle.last().map(|step| step.to));
        let edges = told.cycle.iter().map(|step| self.edge(step, &told.demands)).collect();
        let witness = Witness {
            sentence: self.sentence(told),
            key: told.demands.last().and_then(|demand| self.observed.key(self.history, demand.key)),
            ops: self.ops(culprit.map(|transaction| self.source(transaction))),
            proof,
            legal: self.legal(told),
            minimal: true,
            edges,
        };
        self.finding(told.kind, witness)
    }

    /// The finding that these operations, ascending, have no sequential order.
    pub(super) fn without_order(&self, ops: &[u32], minimal: bool) -> Finding {
        let sessions = self.sessions;
        let mut proof = Vec::new();
        let same = |one: &u32, other: &u32| {
            sessions.session[*one as usize] == sessions.session[*other as usize]
        };
        for of_session in ops.chunk_by(same) {
            let numbers: Vec<String> = of_session.iter().map(|&op| self.number(op)).collect();
            proof.push(format!(
                "{} did {}, in this order.",
                capital(&self.who(of_session[0])),
                joined(&numbers)
            ));
        }
        for &reader in ops {
            for read in sessions.reads(reader) {
                let found = self.pair(read.key, &self.found(read.writer, read.key));
                let of = match read.writer {
                    INITIAL => "the initial value".to_owned(),
                    writer => format!("from {}", self.number(writer)),
                };
                proof.push(format!(
                    "{} found {found}, {of}: nothing else was written to it in between.",
                    self.number(reader)
                ));
            }
        }
        proof.push(
            "All orders that meet this were tried: there is none that holds them all.".to_owned(),
        );
        let culprit = ops.iter().rfind(|&&op| !sessions.reads(op).is_empty()).copied();
        let witness = Witness {
            sentence: "no single order of all operations explains what was found, although each \
                       client by itself, and causality, could be satisfied"
                .to_owned(),
            key: None,
            ops: self.ops(culprit.map(|op| self.source(op))),
            proof,
            legal: None,
            minimal,
            edges: Vec::new(),
        };
        self.finding(super::sequential::NON_SEQUENTIAL, witness)
    }

    fn edge(&self, step: &Step, demands: &[Demand]) -> WitnessEdge {
        let kind = match step.why {
            Why::Session => "session",
            Why::ReadsFrom => "wr",
            Why::Demanded => "ww",
        };
        WitnessEdge {
            from: self.place(self.source(step.from)),
            to: self.place(self.source(step.to)),
            kind: kind.to_owned(),
            reason: self.step_reason(step, demands),
        }
    }

    fn sentence(&self, told: &Contradiction) -> String {
        let Some(demand) = told.demands.last() else {
            let who: Vec<String> = told.cycle.iter().map(|step| self.who(step.from)).collect();
            return format!(
                "operations of {} depend on one another in a circle",
                joined(&distinct(who))
            );
        };
        let (reader, writer) = (self.who(demand.reader), self.who(demand.before));
        let found = self.pair(demand.key, &self.found(demand.after, demand.key));
        let newer = self.pair(demand.key, &self.written(demand.before, demand.key));
        let single = told.demands.len() == 1;
        if demand.after == INITIAL {
            return format!(
                "{reader} found {found}, the initial value, although the write of {newer} \
                 ({writer}) was visible to it"
            );
        }
        if single {
            return format!(
                "{reader} found {found}, although the write of {newer} ({writer}), which came after \
                 it, was visible to {reader}"
            );
        }
        let keys: Vec<String> =
            told.demands.iter().filter_map(|demand| self.key(demand.key)).collect();
        let of_keys = if keys.is_empty() {
            String::new()
        } else {
            format!(" of {}", joined(&distinct(keys)))
        };
        let who: Vec<String> = told.demands.iter().map(|demand| self.who(demand.reader)).collect();
        format!("no order of the writes{of_keys} explains what {} found", joined(&distinct(who)))
    }

    fn legal(&self, told: &Contradiction) -> Option<String> {
        let demand = told.demands.last()?;
        let newer = self.pair(demand.key, &self.written(demand.before, demand.key));
        let alone = told.demands.len() == 1;
        alone.then(|| {
            format!("for {} to find {newer}, or something newer", self.number(demand.reader))
        })
    }

    /// A finding about this story.
    pub(super) fn finding(&self, kind: &'static str, witness: Witness) -> Finding {
        let operations = || self.sources.iter().map(|&source| self.operation(source));
        let times: Vec<i64> =
            operations().flat_map(|op| [Some(op.invoked), op.completed]).flatten().collect();
        Finding {
            kind,
            definite: operations().all(|op| op.outcome != Completion::Info),
            witness,
            moments: Moments::telling_apart(&times, self.history.has_times()),
        }
    }

    /// The operations as the witness shows them.
    pub(super) fn ops(&self, culprit: Option<u32>) -> Vec<WitnessOp> {
        let ops = (1..).zip(&self.sources);
        ops.map(|(number, &source)| self.witness_op(number, source, Some(source) == culprit))
            .collect()
    }

    fn witness_op(&self, number: u32, source: u32, culprit: bool) -> WitnessOp {
        let operation = self.operation(source);
        let info = operation.outcome == Completion::Info;
        let (f, argument, result) = self.asked_and_answered(operation);
        WitnessOp {
            number,
            process: operation.process,
            node: operation.node.map(|node| self.history.node_name(node).to_owned()),
            f,
            argument,
            result,
            outcome: outcome(operation),
            refused: operation.outcome == Completion::Refused,
            invoked: operation.invoked,
            completed: operation.completed.filter(|_| !info),
            invoke_index: operation.invoke_index.into(),
            complete_index: operation.complete_index.filter(|_| !info).map(u64::from),
            culprit,
        }
    }

    /// Function, argument and result. What was done to one of several keys is told as a transaction
    /// of one micro-operation, as a witness has only one key to name.
    fn asked_and_answered(&self, operation: &Operation) -> (String, Value, Value) {
        let f = self.history.function_name(operation.f);
        let argument = self.history.value(operation.argument);
        let result = self.history.value(operation.result);
        let Some(key) = operation.key.map(|key| json_of(self.history.key(key))) else {
            return (f.to_owned(), self.elided(argument), self.elided(result));
        };
        let letter = if f == "read" { "r" } else { "w" };
        let alone = |value: Value| serde_json::json!([[letter, key, value]]);
        ("txn".to_owned(), alone(argument), alone(result))
    }

    /// A long list of micro-operations, shortened to those that matter.
    fn elided(&self, value: Value) -> Value {
        let Value::Array(list) = value else { return value };
        if list.len() <= MOST {
            return Value::Array(list);
        }
        let all = list.len();
        let matters = |op: &Value| op.get(1).is_some_and(|key| self.relevant.contains(key));
        let mut kept: Vec<Value> = list.into_iter().filter(matters).take(MOST).collect();
        kept.push(Value::from(format!("… {} more", all - kept.len())));
        Value::Array(kept)
    }

    /// The object that a witness is about.
    pub(super) fn object(&self, key: u32) -> Option<Key> {
        self.observed.key(self.history, key)
    }
}

/// A transaction's place among the history's operations.
pub(super) fn source(observed: &Observed, sessions: &Sessions, transaction: u32) -> u32 {
    observed.all()[sessions.source[transaction as usize] as usize].source
}

/// All keys that a contradiction speaks of.
pub(super) fn keys(sessions: &Sessions, told: &Contradiction) -> Vec<u32> {
    let steps = told.cycle.iter().chain(told.demands.iter().flat_map(|demand| &demand.path));
    let read = steps.flat_map(|step| {
        let reads = sessions.reads(step.to).iter();
        reads.filter(|read| read.writer == step.from).take(1).map(|read| read.key)
    });
    read.chain(told.demands.iter().map(|demand| demand.key)).collect()
}

/// All transactions that a contradiction speaks of.
pub(super) fn involved(told: &Contradiction) -> Vec<u32> {
    let mut involved = Vec::new();
    let paths = told.demands.iter().flat_map(|demand| &demand.path);
    involved.extend(told.cycle.iter().chain(paths).flat_map(|step| [step.from, step.to]));
    involved.extend(
        told.demands.iter().flat_map(|demand| [demand.before, demand.after, demand.reader]),
    );
    involved.retain(|&transaction| transaction != INITIAL);
    involved
}

fn outcome(operation: &Operation) -> EventType {
    match operation.outcome {
        Completion::Ok => EventType::Ok,
        Completion::Refused | Completion::Fail => EventType::Fail,
        Completion::Info if operation.complete_index.is_some() => EventType::Info,
        Completion::Info => EventType::Invoke,
    }
}

/// Micro-operations shown of a long transaction.
const MOST: usize = 12;

fn json_of(key: &Key) -> Value {
    match key {
        Key::Number(number) => Value::from(*number),
        Key::Text(text) => Value::from(text.as_str()),
    }
}

/// JSON, cut where it is long.
pub(super) fn shortened(value: &Value) -> String {
    const MOST: usize = 40;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST - 1).collect();
    format!("{head}…")
}

/// `a`, `a and b`, `a, b and c`.
fn joined(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn distinct(mut parts: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    parts.retain(|part| seen.insert(part.clone()));
    parts
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
