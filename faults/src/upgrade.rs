//! Upgrades: the servers of a node stop, and those of another version start on their data.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};

use crate::{Effect, NodeOps, kill, stop};

/// What a node is upgraded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// The version, as plans name it.
    pub to: String,
    /// The program of each server, by the server's name; those of others stay.
    pub programs: BTreeMap<String, String>,
}

/// Stops and starts. What is measured reaches from the stop until the servers run again.
pub(crate) fn inject(
    node: &mut dyn NodeOps,
    occurrence: &str,
    upgrade: &Upgrade,
) -> io::Result<Effect> {
    let stopped = stop::inject(node, occurrence)?;
    node.replace_programs(&upgrade.programs)?;
    let started = kill::heal(node)?;
    let evidence = stopped.evidence.into_iter().chain(started.evidence).collect();
    Ok(Effect::between(stopped.measured.earliest, started.measured.latest, evidence))
}
