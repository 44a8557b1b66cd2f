//! The names of anomalies: Elle's, where Elle has one.

use super::{
    classify::{Family, Order},
    ordering::Isolation,
};

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
        Family::Nonadjacent => {
            ["G-nonadjacent-item", "G-nonadjacent-item-process", "G-nonadjacent-item-realtime"]
        }
        Family::G2 => ["G2-item", "G2-item-process", "G2-item-realtime"],
    };
    names[order as usize]
}

/// The name of what no order explains.
pub(crate) fn no_order(isolation: Isolation, order: Order) -> &'static str {
    let names = match isolation {
        Isolation::Serial => {
            ["no-serial-order", "no-serial-order-process", "no-serial-order-realtime"]
        }
        Isolation::Snapshots => ["no-snapshots", "no-snapshots-process", "no-snapshots-realtime"],
    };
    names[order as usize]
}

/// What each anomaly is; the plainest first.
pub(crate) const MEANINGS: &[(&str, &str)] = &[
    (DUPLICATE_ELEMENTS, "a list that holds an element twice"),
    (CYCLIC_VERSIONS, "versions of one key that each come before the next, in a circle"),
    (INCOMPATIBLE_ORDER, "two lists of one key of which neither is the beginning of the other"),
    (THIN_AIR, "a read of a value that nobody ever wrote"),
    (ABORTED_READ, "a read of a value whose write certainly failed"),
    (DIRTY_UPDATE, "an element that was appended after one whose append had failed"),
    (INTERMEDIATE_READ, "a read of what its writer overwrote in the same transaction"),
    (FUTURE_READ, "a read of what its own transaction wrote only later"),
    (INTERNAL, "a read that contradicts what its own transaction had read or written before"),
    ("G0", "transactions that overwrote each other's writes in a circle"),
    ("G1c", "transactions that saw or overwrote each other's writes in a circle"),
    ("G-single-item", "a read that missed a write which the transaction otherwise depends on"),
    (LOST_UPDATE, "two transactions that read the same version and both overwrote it"),
    ("G-nonadjacent-item", "reads that saw writes in different orders: no snapshots fit them"),
    ("G2-item", "transactions that each missed what the other wrote, such as write skew"),
    ("G0-process", "G0, given the order of each process"),
    ("G1c-process", "G1c, given the order of each process"),
    ("G-single-item-process", "G-single-item, given the order of each process"),
    ("G-nonadjacent-item-process", "G-nonadjacent-item, given the order of each process"),
    ("G2-item-process", "G2-item, given the order of each process"),
    ("G0-realtime", "G0, given the order of real time"),
    ("G1c-realtime", "G1c, given the order of real time"),
    ("G-single-item-realtime", "G-single-item, given real time: such as a stale read"),
    ("G-nonadjacent-item-realtime", "G-nonadjacent-item, given the order of real time"),
    ("G2-item-realtime", "G2-item, given the order of real time"),
    ("no-snapshots", "reads of which no choice of snapshots and commits is an explanation"),
    ("no-serial-order", "reads that fit no order of transactions, whatever the order of versions"),
    ("no-snapshots-process", "no-snapshots, given the order of each process"),
    ("no-serial-order-process", "no-serial-order, given the order of each process"),
    ("no-snapshots-realtime", "no-snapshots, given the order of real time"),
    ("no-serial-order-realtime", "no-serial-order, given the order of real time"),
];
