//! Membership: a node leaves its cluster and comes back as a new member.
//!
//! What stands here is the node's own part: its servers stop, and start again. That the others
//! strike it off and list it again is their matter, and asked of them; that its data is of no use
//! any more the machine is told in between.

use std::io;

use crate::{Effect, NodeOps, kill, stop};

/// Its servers stop by their own stop signals.
pub(crate) fn inject(node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
    stop::inject(node, occurrence)
}

/// They start again: as a new member's, if it has left.
pub(crate) fn heal(node: &mut dyn NodeOps) -> io::Result<Effect> {
    kill::heal(node)
}
