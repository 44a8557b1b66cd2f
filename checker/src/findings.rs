//! From what was found in each object to the anomalies of a report: one of each kind, with its
//! clearest example and the explanation in words.

use crate::{check::Span, moments::Moments};
use temblor_history::{Anomaly, EventType, Witness, WitnessOp};

/// One thing found in one object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// The anomaly's name.
    pub(crate) kind: &'static str,
    /// Whether it rests on definite answers only.
    pub(crate) definite: bool,
    /// The operations and the words.
    pub(crate) witness: Witness,
    /// How its times are written.
    pub(crate) moments: Moments,
}

impl Finding {
    /// What the reader prefers to see comes first. Then small is clear, and definite is clearer;
    /// then the one that missed the longest: nobody takes seconds for an accident.
    fn unclearness(&self, prefer: &[Span]) -> (bool, usize, bool, i64) {
        let ops = &self.witness.ops;
        let preferred = self.culprit().is_some_and(|culprit| {
            let end = culprit.completed.unwrap_or(culprit.invoked);
            prefer.iter().any(|(from, to)| *from <= culprit.invoked && end <= *to)
        });
        (!preferred, ops.len(), !self.definite, -self.missed_for())
    }

    fn culprit(&self) -> Option<&WitnessOp> {
        self.witness.ops.iter().find(|op| op.culprit)
    }

    /// From the last completion before the culprit began until then, nanoseconds.
    fn missed_for(&self) -> i64 {
        let Some(culprit) = self.culprit() else { return 0 };
        let others = self.witness.ops.iter().filter(|op| !op.culprit);
        let before = others.filter_map(|op| op.completed.filter(|end| *end <= culprit.invoked));
        before.max().map_or(0, |end| culprit.invoked - end)
    }
}

/// One anomaly a kind, in the order of these kinds; at most one finding of a kind an object.
pub(crate) fn anomalies(
    findings: &[Finding],
    kinds: &[&'static str],
    prefer: &[Span],
) -> Vec<Anomaly> {
    let of_kind = |kind: &'static str| {
        let of_kind = findings.iter().filter(|finding| finding.kind == kind);
        let count = of_kind.clone().count() as u64;
        let clearest = of_kind.min_by_key(|finding| finding.unclearness(prefer))?;
        Some(anomaly(clearest, count))
    };
    kinds.iter().filter_map(|kind| of_kind(kind)).collect()
}

fn anomaly(finding: &Finding, count: u64) -> Anomaly {
    let witness = &finding.witness;
    let index = |op: &WitnessOp| op.complete_index.unwrap_or(op.invoke_index);
    Anomaly {
        kind: finding.kind.to_owned(),
        count,
        definite: finding.definite,
        ops: witness.ops.iter().map(index).collect(),
        explanation: explanation(witness, finding.moments),
        witness: Some(witness.clone()),
    }
}

/// A witness as text: the sentence, the operations, the proof, and what would have been legal.
fn explanation(witness: &Witness, moments: Moments) -> String {
    let mut text = capitalized(&witness.sentence);
    text += ".\n\n";
    let left_out = elided(&witness.ops);
    for (place, op) in witness.ops.iter().enumerate() {
        if !left_out.contains(&place) {
            text += &format!("  ({}) {}\n", op.number, line(op, moments));
        } else if place == left_out.start {
            text += &format!("  … {} more\n", left_out.len());
        }
    }
    text += "\n";
    for (number, step) in (1..).zip(&witness.proof) {
        text += &format!("  {number}. {step}\n");
    }
    if let Some(legal) = &witness.legal {
        text += &format!("\nLegal would have been {legal}.\n");
    }
    if !witness.minimal {
        text += "\nThere was no time to look for fewer operations that show the same.\n";
    }
    text
}

/// How many operations are listed, and how many of them up to the culprit's.
const LISTED: usize = 48;
const BEFORE: usize = 32;

/// What is not listed of a witness that is too long to read: what is far from the culprit.
fn elided(ops: &[WitnessOp]) -> std::ops::Range<usize> {
    if ops.len() <= LISTED {
        return 0..0;
    }
    let culprit = ops.iter().position(|op| op.culprit).unwrap_or(0);
    let from = culprit.saturating_sub(BEFORE);
    if from > 1 { 1..from } else { LISTED..ops.len() }
}

fn line(op: &WitnessOp, moments: Moments) -> String {
    let node = op.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    if op.f == "txn" {
        return transaction(op, &node, moments);
    }
    let said = match (op.outcome, op.refused) {
        (EventType::Ok, _) if answers(op) => format!("returned {}", op.result),
        (EventType::Ok, _) => "ok".to_owned(),
        (_, true) => "refused".to_owned(),
        (EventType::Fail, _) => "failed".to_owned(),
        (EventType::Info | EventType::Invoke, _) => "outcome unknown".to_owned(),
    };
    let argument = if op.argument.is_null() && op.f != "write" {
        String::new()
    } else {
        format!(" {}", op.argument)
    };
    let from = moments.moment(op.invoked);
    let until = op.completed.map_or("…".to_owned(), |at| moments.moment(at));
    format!("client {}{node}: {}{argument}, {said} ({from} – {until})", op.process, op.f)
}

/// Whether a reader wants to see what it returned: not what it was called with, said again.
fn answers(op: &WitnessOp) -> bool {
    let asks = matches!(op.f.as_str(), "read" | "get" | "dequeue" | "pop" | "poll");
    asks || !op.result.is_null() && op.result != op.argument
}

/// `client 3 on n1: r x [1 2], append x 3 (2.1 s – 2.2 s)`.
fn transaction(op: &WitnessOp, node: &str, moments: Moments) -> String {
    let (done, how) = match op.outcome {
        EventType::Ok => (&op.result, ""),
        EventType::Fail => (&op.argument, ", failed"),
        EventType::Info | EventType::Invoke => (&op.argument, ", outcome unknown"),
    };
    let words: Vec<String> = done.as_array().into_iter().flatten().map(micro_operation).collect();
    let from = moments.moment(op.invoked);
    let until = op.completed.map_or("…".to_owned(), |at| moments.moment(at));
    format!("client {}{node}: {}{how} ({from} – {until})", op.process, words.join(", "))
}

fn micro_operation(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let bare = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Some([f, key, value]) = value.as_array().map(Vec::as_slice) else { return bare(value) };
    let value = match value {
        Value::Array(elements) => {
            let words: Vec<String> = elements.iter().map(bare).collect();
            format!("[{}]", words.join(" "))
        }
        other => bare(other),
    };
    format!("{} {} {value}", bare(f), bare(key))
}

/// A sentence with its first letter made great.
pub(crate) fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
