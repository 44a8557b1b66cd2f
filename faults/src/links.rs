//! What a fault needs of the links between machines, and what becomes of the packets on them.
//!
//! Everything below is pure: a policy and a seed decide every packet's fate. Who moves the packets
//! is the harness's business.

mod dice;
mod fate;
mod outages;
mod policy;

pub use fate::{Fate, Hop, Passage, Path, sampled_delays_ns};
pub use outages::Outages;
pub use policy::{Burst, Distribution, Flap, LinkPolicy, RateLimit};

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Port {
    /// A node, by name.
    Node(String),
    /// All clients, wherever they are pinned.
    Clients,
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Clients => f.write_str("clients"),
        }
    }
}

/// The links of a cluster, as a fault changes them. Implemented by the harness.
pub trait Links {
    /// Puts a policy on the directed link, in the name of `occurrence`.
    fn set(&mut self, occurrence: &str, from: &Port, to: &Port, policy: LinkPolicy);
    /// Takes away every policy that was put in the name of `occurrence`.
    fn clear(&mut self, occurrence: &str);
}
