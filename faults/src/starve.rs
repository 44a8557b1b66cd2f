//! Starving: the servers of a node lack something that they need: CPU, memory or descriptors.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{Effect, NodeOps, effect, kill};

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
}

impl Lack {
    /// As a reader wants it.
    pub fn words(self) -> String {
        match self {
            Self::Cpu { permille } => format!("{}% of one CPU", f64::from(permille) / 10.0),
            Self::Memory => "no memory".into(),
            Self::Files => "no descriptors".into(),
        }
    }
}

/// Takes it away. Who lacks memory is killed by the kernel.
pub fn inject(node: &mut dyn NodeOps, occurrence: &str, lack: Lack) -> io::Result<Effect> {
    let before = node.servers()?;
    let earliest = node.now_ns();
    node.blame(Some(occurrence));
    let starved = node.starve(lack);
    if lack == Lack::Memory {
        // So that their ends are laid to this fault.
        node.wait(effect::BOUND, &mut effect::all_dead)?;
    }
    node.blame(None);
    let what = "server processes before";
    let target = effect::observed(what, "at least one", &before, !before.is_empty());
    let evidence = [vec![target], starved?].concat();
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

/// Gives it back, and starts servers that lacked memory.
pub fn heal(node: &mut dyn NodeOps, lack: Lack) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let mut evidence = node.feed(lack)?;
    if lack == Lack::Memory {
        evidence.extend(kill::heal(node)?.evidence);
    }
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}
