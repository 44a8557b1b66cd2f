//! Loss of power: the node's servers die, and its data folder forgets what was not synced, entries
//! of folders too; the heal starts the servers again on what is left.
//!
//! `torn`: the power failed while sectors were on their way to the disk, so each one that was
//! written and not synced is old or new.

use std::io;

use temblor_history::Evidence;

use crate::{Effect, NodeOps, PowerLost, kill};

/// Kills, then forgets. Witness files of our own show what is gone and what is there.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str, torn: bool) -> io::Result<Effect> {
    node.disk()?.begin_witness()?;
    let killed = kill::inject(node, occurrence)?;
    let lost = node.disk()?.lose_power(occurrence, torn)?;
    let mut evidence = killed.evidence;
    evidence.extend([synced(&lost), unsynced(&lost, torn)]);
    Ok(Effect::between(killed.measured.earliest, node.now_ns(), evidence))
}

/// Power is back.
pub fn heal(node: &mut dyn NodeOps) -> io::Result<Effect> {
    kill::heal(node)
}

fn synced(lost: &PowerLost) -> Evidence {
    let words = if lost.synced_intact { "there" } else { "changed or gone" };
    Evidence {
        what: "synced bytes and names of a witness".into(),
        expected: "there".into(),
        observed: words.into(),
        holds: lost.synced_intact,
    }
}

fn unsynced(lost: &PowerLost, torn: bool) -> Evidence {
    let PowerLost { unsynced_sectors_left: left, unsynced_sectors: all, .. } = lost;
    let bytes_as_wanted = if torn { left < all && !lost.sectors_mixed } else { *left == 0 };
    let expected = if torn { "some sectors lost, each old or new" } else { "none" };
    let file = if lost.unsynced_file_left { "there" } else { "gone" };
    Evidence {
        what: "what a witness had not synced".into(),
        expected: format!("{expected}, and its new file gone"),
        observed: format!(
            "{left} of {all} sectors there, its new file {file}; forgotten in all: {}",
            lost.forgotten
        ),
        holds: bytes_as_wanted && !lost.unsynced_file_left,
    }
}
