//! `run.json`: what was run, on what, and how to run it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a run is. Written when it starts and completed when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format's version; 1.
    pub format: u32,
    /// The run's identity, unique on its machine.
    pub run: String,
    /// Temblor's version.
    pub version: String,
    /// The plan.
    pub plan: PlanInfo,
    /// The command that makes this run again.
    pub command: String,
    /// The one seed.
    pub seed: u64,
    /// The system under test.
    pub system: SystemInfo,
    /// `namespaces`, `namespaces (rootless)` or `loopback`.
    pub provider: String,
    /// The nodes, in order.
    pub nodes: Vec<NodeInfo>,
    /// The workload's name.
    pub workload: String,
    /// The model of its operations.
    pub model: String,
    /// What is checked, such as `linearizable`; more than one may be.
    pub consistency: Vec<String>,
    /// Functions that the workload uses.
    pub functions: Vec<String>,
    /// Logical clients at once.
    pub clients: u64,
    /// Intended operations a second; none: closed loop.
    pub rate: Option<f64>,
    /// When a client gives an operation up, nanoseconds.
    pub op_timeout_ns: i64,
    /// The phases as planned.
    pub phases: Vec<PhasePlan>,
    /// What the plan expects besides consistency.
    #[serde(default)]
    pub expect: Expectations,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// How long it took, nanoseconds; none while it runs, or when its controller was killed.
    #[serde(default)]
    pub duration_ns: Option<i64>,
    /// The load, once it ended.
    #[serde(default)]
    pub load: Option<LoadSummary>,
}

/// What a plan expects besides consistency.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    /// The anomaly that a calibration plan must find.
    pub violation: Option<String>,
    /// Least share of intended operations that must be ok, 0 to 1.
    pub availability_ok: Option<f64>,
    /// Over which phase; none: the whole run.
    pub availability_during: Option<String>,
    /// Longest time without an ok from any client, nanoseconds.
    pub longest_gap_ns: Option<i64>,
    /// Bounds of response time: percentile (such as 99.0) and nanoseconds.
    pub latency: Vec<(f64, i64)>,
    /// Over which phase; none: the whole run.
    pub latency_during: Option<String>,
    /// Validity gates that the plan sets otherwise: name to the number needed (0 turns it off).
    pub gates: BTreeMap<String, u64>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanInfo {
    /// Its name.
    pub name: String,
    /// First hex digits of the SHA-256 of its text.
    pub fingerprint: String,
    /// Its first comment line: what the reader will see.
    #[serde(default)]
    pub about: String,
}

/// The system under test, as its file states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemInfo {
    /// Its name.
    pub name: String,
    /// Its version, as the server or the package says; empty when unknown.
    pub version: String,
    /// What it claims, in the names of consistency models.
    pub claims: Vec<String>,
    /// Parameters that were set, with the defaults.
    pub settings: BTreeMap<String, String>,
    /// Settings that decide whether acknowledged writes survive, in words.
    pub durability: Vec<String>,
    /// What its own documentation permits, in words.
    pub limits: Vec<String>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// n1…
    pub name: String,
    /// Its address.
    pub address: String,
}

/// What a phase is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseKind {
    /// Load, no faults.
    Steady,
    /// Load and faults.
    Chaos,
    /// Everything healed; the system recovers, then final reads.
    Recover,
}

/// A phase as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhasePlan {
    /// Its name, unique in the run.
    pub name: String,
    /// What it is for.
    pub kind: PhaseKind,
    /// How long, nanoseconds.
    pub duration_ns: i64,
}

/// What became of the load.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadSummary {
    /// Operations that the schedule wanted.
    pub intended: u64,
    /// Operations that a client invoked.
    pub invoked: u64,
    /// Operations that no client could take.
    pub shed: u64,
}
