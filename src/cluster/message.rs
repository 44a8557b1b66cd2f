//! What controller and agent say to each other: one JSON object a line.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

use serde::{Deserialize, Serialize};
use temblor_faults::NodeFault;
use temblor_history::{Evidence, Measured};

use super::ServerSpec;

/// A request, with the number that its answer will carry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) ask: Ask,
}

/// What the controller asks of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// Once, first: which node this is.
    Setup(Box<Setup>),
    /// Start every server that does not run.
    StartServers,
    /// End every server with its stop signal, by force after a while.
    StopServers { grace_ms: u64 },
    /// Do to the servers what the fault says, in the name of the occurrence.
    Inject { occurrence: String, fault: NodeFault },
    /// Undo it.
    Heal { occurrence: String },
    /// Undo every fault, and see that every server runs.
    HealAll,
    /// What is your clock?
    Ping,
    /// Send datagrams.
    Probe(Volley),
    /// Which datagrams of a volley have arrived?
    Arrivals { volley: u64 },
}

/// What an agent has to know of its node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) run: String,
    pub(super) node: String,
    pub(super) servers: Vec<ServerSpec>,
    pub(super) data: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) ledger: PathBuf,
    pub(super) never: Vec<String>,
    /// None on loopback: the machine's own network serves.
    pub(super) network: Option<Network>,
}

/// A port of the switch, as its owner sees it, and all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Network {
    /// Which port this is.
    pub(super) own: PortAddress,
    /// The other ports.
    pub(super) others: Vec<PortAddress>,
}

/// Where a port of the switch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct PortAddress {
    /// Its place in the switch.
    pub(super) port: u8,
    pub(super) address: Ipv4Addr,
}

/// Datagrams to send: a burst to each receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Volley {
    /// Its number, unique in the run.
    pub(super) number: u64,
    pub(super) bursts: Vec<Burst>,
    /// Between two datagrams of a burst.
    pub(super) spacing_us: u64,
}

/// So many datagrams to one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Burst {
    pub(super) to: PortAddress,
    pub(super) count: u32,
}

/// One datagram that arrived. Times are nanoseconds of CLOCK_MONOTONIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrival {
    pub(super) from: u8,
    pub(super) sent_ns: i64,
    pub(super) received_ns: i64,
}

/// What an agent says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Say {
    /// The answer to a request.
    Answer { id: u64, answer: Answer },
    /// The first process of a server ended.
    Exit { server: String, status: String, caused_by: Option<String>, at_ns: i64 },
    /// A server's output matched.
    Never { pattern: String, line: String, at_ns: i64 },
    /// The guard could not make the node.
    NoNode { act: String, why: String, advice: String },
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Done,
    /// Set up; a TAP's descriptor travels with this line where there is a network.
    Ready,
    Applied {
        begun: Measured,
        evidence: Vec<Evidence>,
    },
    Clock {
        at_ns: i64,
    },
    /// So many datagrams left; the volley is over when `pending` is 0.
    Arrived {
        sent: BTreeMap<u8, u32>,
        pending: u32,
        arrivals: Vec<Arrival>,
    },
    Failed {
        act: String,
        why: String,
        advice: String,
    },
}
