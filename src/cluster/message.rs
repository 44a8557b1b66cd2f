//! What controller and agent say to each other: one JSON object a line.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

use serde::{Deserialize, Serialize};
use temblor_faults::NodeFault;
use temblor_history::{Evidence, Measured};

use super::{DiskSpec, ServerSpec};

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
    /// The node is no member any more: empty its data folder, and start as a new one next time.
    Forget,
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
    /// The layer under its data folder; none: there is none.
    pub(super) disk: Option<DiskSpec>,
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
}

/// Datagrams to one port, numbered from 0 in the order in which they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Burst {
    pub(super) to: PortAddress,
    pub(super) aim: Aim,
}

/// Which datagrams show what a link does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aim {
    /// First so many, each a flow of its own, so that no order bends their delays.
    pub(super) single: u32,
    /// Between two of these.
    pub(super) spacing_us: u64,
    /// Then so many of one flow, [`STREAM_US`] apart, whose order can be seen.
    pub(super) stream: u32,
    /// Then so many of one flow at once, whose speed can be seen.
    pub(super) flood: u32,
    /// How large each of the last is.
    pub(super) flood_bytes: u32,
}

/// Between two datagrams of a stream, microseconds.
pub(super) const STREAM_US: u64 = 1000;
/// Between the last of a stream and a flood.
const REST_US: u64 = 5000;

impl Aim {
    /// How many datagrams it has.
    pub(super) fn count(&self) -> u32 {
        self.single + self.stream + self.flood
    }

    /// When datagram `number` leaves, microseconds after the first.
    pub(super) fn leaves_us(&self, number: u32) -> u64 {
        let stream = u64::from(self.single) * self.spacing_us;
        if number < self.single {
            u64::from(number) * self.spacing_us
        } else if number < self.single + self.stream {
            stream + u64::from(number - self.single) * STREAM_US
        } else {
            stream + u64::from(self.stream) * STREAM_US + REST_US
        }
    }
}

/// One datagram that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arrival(
    /// From which port.
    pub(super) u8,
    /// Its number in its burst.
    pub(super) u32,
    /// When, nanoseconds of CLOCK_MONOTONIC.
    pub(super) i64,
    /// Whether it came as it was sent.
    pub(super) bool,
);

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
    /// When each datagram left, by receiver (0: it did not); the volley is over when `pending` is
    /// 0. Also how many wrong checksums of datagrams the kernel has found here, ever.
    Arrived {
        sent: BTreeMap<u8, Vec<i64>>,
        pending: u32,
        arrivals: Vec<Arrival>,
        wrong_checksums: u64,
    },
    Failed {
        act: String,
        why: String,
        advice: String,
    },
}
