//! Restarting: every server process of the node is killed (SIGKILL) and the servers start at once.

use std::io;

use crate::{Effect, NodeOps, kill};

/// Kills and starts. The effect begins with the kill and has ended when this returns.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    let killed = kill::inject(node, occurrence)?;
    let started = kill::heal(node)?;
    let evidence = killed.evidence.into_iter().chain(started.evidence).collect();
    Ok(Effect { evidence, ..killed })
}
