//! The names of anomalies: Elle's, where Elle has one.

use super::classify::{Family, Order};

pub(crate) const ABORTED_READ: &str = "G1a";
pub(crate) const INTERMEDIATE_READ: &str = "G1b";
pub(crate) const THIN_AIR: &str = "thin-air";
pub(crate) const INTERNAL: &str = "internal";
pub(crate) const FUTURE_READ: &str = "future-read";
pub(crate) const DUPLICATE_ELEMENTS: &str = "duplicate-elements";
pub(crate) const INCOMPATIBLE_ORDER: &str = "incompatible-order";
pub(crate) const LOST_UPDATE: &str = "lost-update";
pub(crate) const DIRTY_UPDATE: &str = "dirty-update";
pub(crate) const CYCLIC_VERSIONS: &str = "cyclic-versions";

/// The name of a cycle.
pub(crate) fn cycle(family: Family, order: Order) -> &'static str {
    let names = match family {
        Family::G0 => ["G0", "G0-process", "G0-realtime"],
        Family::G1c => ["G1c", "G1c-process", "G1c-realtime"],
        Family::Single => ["G-single-item", "G-single-item-process", "G-single-item-realtime"],
        Family::Nonadjacent => [
            "G-nonadjacent-item",
            "G-nonadjacent-item-process",
            "G-nonadjacent-item-realtime",
        ],
        Family::G2 => ["G2-item", "G2-item-process", "G2-item-realtime"],
    };
    names[order as usize]
}
