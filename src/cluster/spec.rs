//! What a cluster is made from, and what it says of itself.

use std::{net::Ipv4Addr, path::PathBuf};

use serde::{Deserialize, Serialize};
use temblor_faults::{FaultKind, Port};
use temblor_history::{Evidence, Measured};

use super::DiskSpec;

/// A cluster to bring up.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// The run's identity, unique on this machine.
    pub run: String,
    /// The nodes, in order; at most 200.
    pub nodes: Vec<NodeSpec>,
    /// Where everything that is about to be done to the machine is written first.
    pub ledger: PathBuf,
    /// The run's seed: jitter and losses draw from it.
    pub seed: u64,
    /// Substrings that must never appear in a server's output.
    pub never: Vec<String>,
    /// Put a layer for disk faults under every node's data folder; none: the plan has no such fault.
    pub disk: Option<DiskSpec>,
    /// Leave the nodes' data folders where they are.
    pub keep_data: bool,
    /// Where a packet trace of each fault goes, one file each; none: no packet is kept.
    pub traces: Option<PathBuf>,
}

/// A node to make.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// n1…
    pub name: String,
    /// Its own address, one of [`addresses`](super::addresses).
    pub address: Ipv4Addr,
    /// The servers that run on it, in order of start.
    pub servers: Vec<ServerSpec>,
    /// Where its servers keep their data. It must not exist yet; it is made, given to the user of
    /// the first server, and removed at the end.
    pub data: PathBuf,
    /// Where its servers' output goes, one file each: `SERVER.log`. It stays.
    pub logs: PathBuf,
}

/// A server process of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSpec {
    /// What it is called in reports, and its log file's stem.
    pub name: String,
    /// The command line; a program without a slash is looked for on the PATH.
    pub argv: Vec<String>,
    /// Words at the end of its command line where it joins a cluster that is there.
    pub join: Vec<String>,
    /// Environment variables, on top of the controller's own.
    pub env: Vec<(String, String)>,
    /// Files to write before its first start, by their names below the data folder.
    pub files: Vec<(String, String)>,
    /// Commands that must end well before its first start, run as it will be.
    pub prepare: Vec<Vec<String>>,
    /// The user it runs as; none: the user of the run.
    pub user: Option<String>,
    /// The signal of a graceful stop: `TERM`, `INT` or `QUIT`.
    pub stop_signal: String,
}

/// A fault whose targets are known.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedFault {
    /// What it does.
    pub kind: FaultKind,
    /// The nodes whose servers a process fault acts on.
    pub nodes: Vec<String>,
    /// The directed links that a link fault acts on.
    pub cuts: Vec<(Port, Port)>,
}

/// A fault that was applied, or a heal that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// When its effect began, nanoseconds of CLOCK_MONOTONIC: not before the command was given,
    /// and not after the first observation that confirms it was complete.
    pub begun: Measured,
    /// What was seen from inside the fault's domain.
    pub evidence: Vec<Evidence>,
}

/// What a cluster reports by itself. Times are nanoseconds of CLOCK_MONOTONIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterEvent {
    /// The first process of a server ended, other than by `stop_servers`.
    ServerExit {
        /// On which node.
        node: String,
        /// Which of its servers.
        server: String,
        /// `exit code 2`, `signal 9 (SIGKILL)`.
        status: String,
        /// The occurrence of the fault that caused it; none: it ended by itself.
        caused_by: Option<String>,
        /// When its end was noticed.
        at_ns: i64,
    },
    /// A server wrote a line with one of the `never` patterns in it.
    NeverLine {
        /// On which node.
        node: String,
        /// The pattern.
        pattern: String,
        /// The line, shortened.
        line: String,
        /// When it was read.
        at_ns: i64,
    },
    /// A node's agent is gone, and the node with it: its guard or its agent was killed.
    AgentLost {
        /// Which node.
        node: String,
        /// When its channel closed.
        at_ns: i64,
    },
}

/// How the end of a cluster went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DownReport {
    /// What could not be ended or removed, each with what to do; empty: nothing is left.
    pub left: Vec<String>,
}
