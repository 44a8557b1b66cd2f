//! Killing: every server process of the node gets SIGKILL; the heal starts the servers again.

use std::io;

use crate::{
    Effect, NodeOps, ServerProcess, Signal,
    effect::{BOUND, all_dead, observed, stays},
};

/// Kills whatever runs, until nothing does: a process that forks at the wrong moment leaves one
/// more to kill.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    node.blame(occurrence);
    let killed = end_all(node);
    node.forgive(occurrence);
    killed
}

/// Starts the servers.
pub fn heal(node: &mut dyn NodeOps) -> io::Result<Effect> {
    let earliest = node.now_ns();
    node.start_servers()?;
    // They run; whether they go on is seen later.
    let latest = node.now_ns();
    Ok(Effect::between(earliest, latest, vec![stays(node)?]))
}

fn end_all(node: &mut dyn NodeOps) -> io::Result<Effect> {
    let before = node.servers()?;
    let earliest = node.now_ns();
    let deadline = earliest + BOUND.as_nanos() as i64;
    let mut dead = false;
    while !dead && node.now_ns() < deadline {
        for server in node.servers()? {
            node.signal(&server, Signal::Kill)?;
        }
        dead = node.wait(BOUND / 100, &mut all_dead)?;
    }
    let after = node.servers()?;
    Ok(Effect::between(earliest, node.now_ns(), vec![target(&before), none_left(&after)]))
}

fn target(before: &[ServerProcess]) -> temblor_history::Evidence {
    observed("server processes before", "at least one", before, !before.is_empty())
}

fn none_left(after: &[ServerProcess]) -> temblor_history::Evidence {
    observed("server processes after", "none", after, all_dead(after))
}
