//! Starving: the servers of a node lack something that they need: CPU, memory, descriptors, or a
//! disk that is fast enough.

use std::io;

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps, disk, effect, kill};

/// What servers lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// All of them together get this much of one processor.
    Cpu {
        /// Thousandths of one processor.
        permille: u32,
    },
    /// There is none left: the kernel's out-of-memory killer ends them.
    Memory,
    /// No process can open one more file, pipe or connection.
    Files,
    /// All reads and writes of the data folder together get this much.
    Io {
        /// Bytes a second.
        bytes_per_s: u64,
    },
}

impl Lack {
    /// As a reader wants it.
    pub fn words(self) -> String {
        match self {
            Self::Cpu { permille } => format!("{}% of one CPU", f64::from(permille) / 10.0),
            Self::Memory => "no memory".into(),
            Self::Files => "no descriptors".into(),
            Self::Io { bytes_per_s } => format!("{} kB of disk a second", bytes_per_s / 1000),
        }
    }
}

/// Takes it away. Who lacks memory is killed by the kernel.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str, lack: Lack) -> io::Result<Effect> {
    if let Lack::Io { bytes_per_s } = lack {
        return disk::starve(node, occurrence, bytes_per_s);
    }
    let before = node.servers()?;
    let earliest = node.now_ns();
    node.blame(occurrence);
    let starved = node.starve(lack);
    if lack == Lack::Memory {
        // So that their ends are laid to this fault.
        node.wait(effect::BOUND, &mut effect::all_dead)?;
    }
    node.forgive(occurrence);
    let what = "server processes before";
    let target = effect::observed(what, "at least one", &before, !before.is_empty());
    let evidence = [vec![target], starved?].concat();
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

/// Gives it back, and starts servers that lacked memory.
pub fn heal(node: &mut dyn NodeOps, occurrence: &str, lack: Lack) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let mut evidence = give_back(node, occurrence, lack)?;
    if lack == Lack::Memory {
        evidence.extend(kill::heal(node)?.evidence);
    }
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

/// Gives it back, whatever becomes of the servers.
pub(crate) fn give_back(
    node: &mut dyn NodeOps,
    occurrence: &str,
    lack: Lack,
) -> io::Result<Vec<Evidence>> {
    match lack {
        Lack::Io { bytes_per_s } => disk::feed(node, occurrence, bytes_per_s),
        lack => node.feed(lack),
    }
}
