//! A whole node goes down: its links fall silent, then every server process dies, so that peers
//! hear nothing, not even that connections are closed; the heal brings back the links, then the
//! servers.
//!
//! The links are the controller's to cut; what happens on the node is a kill.

use std::io;

use crate::{Effect, NodeOps, kill};

/// The node's own part.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    kill::inject(node, occurrence)
}

/// The node's own part of coming back.
pub fn heal(node: &mut dyn NodeOps) -> io::Result<Effect> {
    kill::heal(node)
}
