//! Partitions: nodes cannot hear each other, as a grudge says.
//!
//! Packets vanish in the middle, without a word to either side, as in a real cut. Which links a
//! grudge cuts, others decide.

use crate::{Links, Port, isolate};

/// Cuts the links.
pub fn inject(links: &mut dyn Links, occurrence: &str, cuts: &[(Port, Port)]) {
    isolate::inject(links, occurrence, cuts);
}
