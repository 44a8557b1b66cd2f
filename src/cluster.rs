//! Nodes, guards, agents and links: the machines that a run makes, breaks, heals and clears away.
//!
//! The controller's side is [`Cluster`]. Each node has a guard (`temblor guard`, [`guard_main`]),
//! which makes its namespaces and ends it, and an agent (`temblor agent`, [`agent_main`]), which
//! starts its servers and does to them what a fault asks. Links go through a switch in the
//! controller, with one policy for each directed link.
//!
//! ```text
//! controller ──lifeline (pipe)──▶ guard ──parent-death signal──▶ agent (PID 1) ──▶ servers
//!     ▲  └───────── channel: JSON lines, and the TAP's descriptor ──────┘
//!     └─ switch: one TAP a node, one for the clients
//! ```
//!
//! The module knows nothing of plans, workloads or reports: it is told which nodes and links a
//! fault acts on, and says what it measured. It decides no verdict and asks no server anything.

mod agent;
mod cgroups;
mod channel;
mod clients;
mod controller;
mod disk;
mod doctor;
mod enter;
mod error;
mod evidence;
mod guard;
mod ledger;
mod links;
mod message;
mod namespaces;
mod node;
mod owed;
mod prober;
mod processes;
mod provider;
mod recover;
mod spawn;
mod spec;
mod switch;
mod tap;
mod trace;
mod volley;

pub use agent::agent_main;
pub use controller::Cluster;
pub use disk::{DiskSpec, disk_main};
pub use doctor::{Prerequisite, prerequisites, try_disk_layer};
pub use enter::{Entered, enter};
pub use error::ClusterError;
pub use guard::guard_main;
pub use provider::{Provider, addresses, choose_provider};
pub use recover::{Recovered, recover};
pub use spec::{
    Applied, ClusterEvent, ClusterSpec, DownReport, NodeSpec, ResolvedFault, ServerSpec,
};
pub use switch::LinkCounts;
