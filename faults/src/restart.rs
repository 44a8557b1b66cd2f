//! Restarting: every server process of the node is killed (SIGKILL) and the servers start at once.

use std::io;

use crate::{Effect, NodeOps, kill};

/// Kills and starts. What is measured reaches from the kill until the servers run again.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    let killed = kill::inject(node, occurrence)?;
    let started = kill::heal(node)?;
    let evidence = killed.evidence.into_iter().chain(started.evidence).collect();
    Ok(Effect::between(killed.measured.earliest, started.measured.latest, evidence))
}
