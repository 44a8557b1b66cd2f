//! A plan that can be run: only valid states, everything explicit.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use temblor_faults::{FaultSpec, Group};
use temblor_history::PhaseKind;

use super::source::Span;

/// A plan, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Its name: the file's stem, or the catalogue's.
    pub name: String,
    /// The text as it was read, with `--set` overrides applied (what `plan.yaml` of a run holds).
    pub text: String,
    /// The first comment line.
    pub about: String,
    /// The one seed (drawn when the plan has none, then printed and stored).
    pub seed: u64,
    /// The system under test.
    pub system: System,
    /// Parameters of the system: its defaults, overridden by the plan's `settings:`.
    pub settings: BTreeMap<String, String>,
    /// How many nodes: n1 … nN.
    pub nodes: usize,
    /// What the clients do.
    pub workload: WorkloadChoice,
    /// How to talk to the system.
    pub client: ClientChoice,
    /// The phases in order; exactly one `recover`, the last.
    pub phases: Vec<Phase>,
    /// What is expected.
    pub expect: Expect,
    /// Whether the history is checked while it grows.
    pub check_online: bool,
    /// Whether a violation found so ends the run.
    pub stop_on_violation: bool,
    /// Whether the phases were generated from the short form.
    pub short_form: bool,
    /// Where each fault stands in its file, by the fault's place: for diagnostics.
    pub fault_spans: BTreeMap<String, Span>,
}

/// A workload with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadChoice {
    /// Its name in the catalogue.
    pub name: String,
    /// Parameters of the workload itself, defaults filled in (`keys`, `mix`, …), as JSON values
    /// with durations in nanoseconds.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// How operations come.
    pub load: Load,
    /// Logical clients on each node.
    pub clients_per_node: usize,
    /// When a client gives an operation up.
    pub op_timeout: Duration,
    /// Intended operations that may wait for one client.
    pub queue: usize,
}

/// How operations come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// So many intended a second, whatever the system does.
    Open {
        /// Operations a second.
        rate: f64,
    },
    /// Each client sends its next operation when the last has ended.
    Closed,
}

/// How to talk to the system.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientChoice {
    /// `etcd`, `abd`, `noop`, `exec`.
    pub kind: String,
    /// The program of an `exec` client.
    pub exec: Vec<String>,
    /// One program for all logical clients.
    pub multiplex: bool,
    /// Options by name, such as `reads: serializable`.
    pub options: BTreeMap<String, String>,
}

/// A phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its name, unique in the plan (`steady`, `chaos`, `chaos-2`, `recover`).
    pub name: String,
    /// What it is for.
    pub kind: PhaseKind,
    /// How long (`recover`: at most).
    pub duration: Duration,
    /// The faults; only in `chaos`.
    pub faults: Vec<FaultSpec>,
    /// Which of them belong together.
    pub groups: Vec<Group>,
}

/// What is expected of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Consistency models to check; by default what the system claims.
    pub consistency: Vec<String>,
    /// The anomaly that a calibration plan must find.
    pub violation: Option<String>,
    /// Least share of intended operations that must be ok, 0 to 1.
    pub availability_ok: Option<f64>,
    /// Over which phase (none: the whole run).
    pub availability_during: Option<String>,
    /// Longest time without an ok from any client.
    pub longest_gap: Option<Duration>,
    /// Latency bounds: percentile (such as 99.0) and bound.
    pub latency: Vec<(f64, Duration)>,
    /// Over which phase (none: the whole run).
    pub latency_during: Option<String>,
    /// Validity gates that the plan sets otherwise: name to the number needed (0 turns it off).
    pub gates: BTreeMap<String, u64>,
}

/// A system under test, from its file.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// Its name.
    pub name: String,
    /// Where its file is; none for the catalogue's own.
    pub path: Option<PathBuf>,
    /// One line on what it is.
    pub about: String,
    /// Commands that install it, each an argv; and the programs that must be there.
    pub install: Vec<Vec<String>>,
    /// Programs that must be on the PATH (`@self` is this program).
    pub needs: Vec<String>,
    /// How to learn its version (argv), if there is a way.
    pub version: Vec<String>,
    /// The server processes of a node, in order of start.
    pub servers: Vec<ServerTemplate>,
    /// Ports by name.
    pub ports: BTreeMap<String, u16>,
    /// When a node is ready: the cluster is formed.
    pub ready: Probe,
    /// How long the whole cluster may take to be ready.
    pub ready_within: Duration,
    /// How to ask a node whether it leads; none: nobody does.
    pub leader: Option<Probe>,
    /// Its own client.
    pub client: ClientChoice,
    /// The functions it offers, in the models' words.
    pub functions: Vec<String>,
    /// The consistency models it claims.
    pub claims: Vec<String>,
    /// Its parameters and their defaults.
    pub settings: BTreeMap<String, String>,
    /// Settings that decide whether acknowledged writes survive, in words.
    pub durability: Vec<String>,
    /// What its own documentation permits, in words.
    pub limits: Vec<String>,
    /// How long it takes to notice a lost node.
    pub failure_detection: Option<Duration>,
    /// Regular log lines that must never appear (plain substrings).
    pub never: Vec<String>,
    /// How members are removed and added; none: it is not known.
    pub membership: Option<Membership>,
    /// Other versions, and how a server says its own; none: there are none.
    pub upgrade: Option<UpgradePaths>,
}

/// How a system's members are listed, removed and added. Commands are templates with the values of
/// the node in question; `{via}` is the address of another member, `{id}` what the list calls the
/// node. They run where the clients are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// Programs that must be on the PATH.
    pub needs: Vec<String>,
    /// Commands that install them.
    pub install: Vec<Vec<String>>,
    /// Lists the members, one a line.
    pub members: Vec<String>,
    /// A pattern for such a line, with groups called `id`, and `name` or `address`.
    pub member: String,
    /// Removes a member.
    pub remove: Vec<String>,
    /// Adds one.
    pub add: Vec<String>,
}

/// Other versions of a system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpgradePaths {
    /// Programs that must be on the PATH.
    pub needs: Vec<String>,
    /// Commands that install them.
    pub install: Vec<Vec<String>>,
    /// Has a node's server say its version.
    pub running: Vec<String>,
    /// A pattern for what it says, with a group called `version`.
    pub version: String,
    /// The versions by name.
    pub to: BTreeMap<String, Version>,
}

/// Another version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    /// The program of each server, by the server's name.
    pub programs: BTreeMap<String, String>,
    /// Commands that install it.
    pub install: Vec<Vec<String>>,
}

/// One server process of a node, as a template over `{node}`, `{index}`, `{address}`, `{data}`,
/// `{port.NAME}`, `{setting.NAME}`, `{self}` and lists such as `{nodes: {node}=http://{address}:2380 | ,}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTemplate {
    /// What it is called in reports.
    pub name: String,
    /// The command line.
    pub argv: Vec<String>,
    /// Words at the end of its command line where it joins a cluster that is there.
    pub join: Vec<String>,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// Files by their names below the node's data folder, written before its first start.
    pub files: BTreeMap<String, String>,
    /// Command lines that run to their end before its first start, after its files were written.
    pub prepare: Vec<Vec<String>>,
    /// The user it runs as; none: the user of the run.
    pub user: Option<String>,
    /// The signal of a graceful stop: `TERM`, `INT`, `QUIT`.
    pub stop_signal: String,
}

/// A question to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// An HTTP request.
    Http {
        /// GET or POST.
        method: String,
        /// The port's name.
        port: String,
        /// The path.
        path: String,
        /// The body of a POST.
        body: String,
        /// A JSON pointer into the answer, and what must be there: a literal, or another pointer.
        is: Option<(String, String)>,
        /// A JSON pointer to the term.
        term: Option<String>,
    },
    /// A command (a template) that exits 0 for yes; its output may hold the term.
    Exec(Vec<String>),
    /// A TCP connection succeeds (only for systems that have nothing better).
    Tcp {
        /// The port's name.
        port: String,
    },
}
