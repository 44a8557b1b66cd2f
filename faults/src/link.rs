//! Bad links: late, with jitter, or losing packets.

use crate::{LinkPolicy, Links, Port};

/// Puts the policy on each of the links.
pub fn inject(links: &mut dyn Links, occurrence: &str, on: &[(Port, Port)], policy: LinkPolicy) {
    for (from, to) in on {
        links.set(occurrence, from, to, policy);
    }
}
