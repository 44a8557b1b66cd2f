//! `verdict.json`: what was found, typed, with the words beside it.

use serde::{Deserialize, Serialize};

use crate::{EventType, Key};

/// The four outcomes. A definite violation outranks everything, and nothing but a pass exits 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Checked completely, nothing found.
    Pass,
    /// The system broke a promise.
    Violation,
    /// Not enough was exercised, or not everything was decided.
    Inconclusive,
    /// The harness, or the file, is at fault.
    Error,
}

impl Outcome {
    /// The outcome of two things together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |outcome| match outcome {
            Self::Pass => 0,
            Self::Inconclusive => 1,
            Self::Error => 2,
            Self::Violation => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Violation => "violation",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        })
    }
}

/// What a checker says of a history: the object that `check --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckReport {
    /// Pass, violation, inconclusive or error.
    pub verdict: Outcome,
    /// The model, such as `cas-register`.
    pub model: String,
    /// What was asked, such as `linearizable`.
    pub consistency: String,
    /// Operations in the history.
    pub ops: u64,
    /// The weakest consistency models violated.
    #[serde(default)]
    pub not: Vec<String>,
    /// What follows from `not`.
    #[serde(default)]
    pub also_not: Vec<String>,
    /// The strongest consistency models that can be decided and hold, where that was looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consistent_with: Vec<String>,
    /// What was found.
    #[serde(default)]
    pub anomalies: Vec<Anomaly>,
    /// Whether a pass is exact.
    pub complete: bool,
    /// For `inconclusive`: what ran out, and how much was decided.
    #[serde(default)]
    pub reason: Option<String>,
    /// What was counted along the way, in words; at most a few lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// How long the check took; the caller's clock fills it in.
    #[serde(default)]
    pub seconds: f64,
    /// For `error`: what is wrong with the file, with line numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// What a reader should know of the file: a torn last line, times that run backwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl CheckReport {
    /// An error without a reason, until something better is known.
    pub fn undecided(model: &str, consistency: &str) -> Self {
        Self {
            verdict: Outcome::Error,
            model: model.to_owned(),
            consistency: consistency.to_owned(),
            ops: 0,
            not: Vec::new(),
            also_not: Vec::new(),
            consistent_with: Vec::new(),
            anomalies: Vec::new(),
            complete: false,
            reason: None,
            facts: Vec::new(),
            seconds: 0.0,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// One kind of thing found, with one example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Anomaly {
    /// Its name: `stale-read`, `lost-write`, `G1a`…
    #[serde(rename = "type")]
    pub kind: String,
    /// How many were found (one per key for linearizability).
    pub count: u64,
    /// Whether it rests on definite answers only.
    pub definite: bool,
    /// Indexes of the completions (of the invocation, where there is none) in the witness.
    pub ops: Vec<u64>,
    /// The whole explanation in words.
    pub explanation: String,
    /// The typed structure behind the words.
    #[serde(default)]
    pub witness: Option<Witness>,
}

/// A small set of operations that cannot be explained, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Witness {
    /// One sentence: what is wrong.
    pub sentence: String,
    /// Which object, where the model has keys.
    pub key: Option<Key>,
    /// The operations, numbered from 1 in order of invocation.
    pub ops: Vec<WitnessOp>,
    /// The proof, step by step; steps quote operations by number.
    pub proof: Vec<String>,
    /// What would have been legal instead.
    pub legal: Option<String>,
    /// Whether no operation can be left out; a larger core is shown, and said.
    pub minimal: bool,
    /// For cycles of transactions: what must come before what, in the order of the cycle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<WitnessEdge>,
}

/// One step of a cycle: an operation that must come before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WitnessEdge {
    /// Number of the earlier operation in the witness.
    pub from: u32,
    /// Number of the later one.
    pub to: u32,
    /// The dependency: `ww`, `wr`, `rw`, `process`, `realtime`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
}

/// One operation of a witness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WitnessOp {
    /// From 1, as the proof quotes it.
    pub number: u32,
    /// The logical client.
    pub process: u64,
    /// The node talked to.
    pub node: Option<String>,
    /// The function.
    pub f: String,
    /// Argument, shortened around what matters.
    pub argument: serde_json::Value,
    /// Result, for an `ok`.
    pub result: serde_json::Value,
    /// How it ended; `Invoke` where it never did.
    pub outcome: EventType,
    /// Whether the system refused it.
    #[serde(default)]
    pub refused: bool,
    /// Invoked, nanoseconds since the run began (the event's place where times are missing).
    pub invoked: i64,
    /// Completed; none for an operation that may take effect for ever.
    pub completed: Option<i64>,
    /// Index of the invocation event.
    pub invoke_index: u64,
    /// Index of the completion event.
    pub complete_index: Option<u64>,
    /// Whether this operation is the one that cannot be explained.
    pub culprit: bool,
}

/// A condition under which a pass means something. A gate only turns a pass into inconclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gate {
    /// Its name, such as `faults-verified`.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was needed and what was seen, in words.
    pub detail: String,
}

/// A promise other than consistency: availability, latency, unexpected exits, `never` lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expectation {
    /// Its name, such as `availability.ok`.
    pub name: String,
    /// Whether it was kept.
    pub holds: bool,
    /// What was asked.
    pub asked: String,
    /// What was measured.
    pub found: String,
}

/// How many operations ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunCounts {
    /// Took effect.
    pub ok: u64,
    /// The system said no.
    pub refused: u64,
    /// Did not happen.
    pub fail: u64,
    /// Unknown.
    pub info: u64,
    /// Never in the history.
    pub shed: u64,
}

/// The verdict on a run; it alone decides exit code, report and JUnit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// The outcome.
    pub verdict: Outcome,
    /// Whether the plan expected this violation (then the exit code is 0).
    #[serde(default)]
    pub expected: bool,
    /// The program's exit code for it.
    pub exit_code: i32,
    /// Short: `Violation: stale read`, `Pass`, `Inconclusive: checker budget`.
    pub title: String,
    /// One plain sentence with numbers.
    pub sentence: String,
    /// What was claimed.
    pub claimed: Vec<String>,
    /// What was found, in words; empty for a pass.
    pub found: Vec<String>,
    /// How many operations ended how.
    pub counts: RunCounts,
    /// What each checker says.
    pub checks: Vec<CheckReport>,
    /// The validity gates.
    pub gates: Vec<Gate>,
    /// The other expectations.
    pub expectations: Vec<Expectation>,
    /// What the harness itself got wrong; not empty: outcome `error`, unless a violation stands.
    pub errors: Vec<String>,
}
