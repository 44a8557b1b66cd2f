//! Stopping gracefully: every server gets its own stop signal and ends by itself; the heal starts
//! the servers again.

use std::{io, time::Duration};

use crate::{
    Effect, NodeOps,
    effect::{all_dead, observed},
    kill,
};

/// How long a server may take to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// Asks the servers to end. One that does not is killed, and the fault is unverified.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    let before = node.servers()?;
    let earliest = node.now_ns();
    node.blame(occurrence);
    node.ask_to_stop()?;
    let ended = node.wait(GRACE, &mut all_dead);
    node.forgive(occurrence);
    let ended = ended?;
    let left = node.servers()?;
    let latest = node.now_ns();
    if !ended {
        kill::inject(node, occurrence)?;
    }
    let target = observed("server processes before", "at least one", &before, !before.is_empty());
    let expected = "none, without force";
    let ends = observed("server processes after their stop signal", expected, &left, ended);
    Ok(Effect::between(earliest, latest, vec![target, ends]))
}
