//! The process faults of one node, several at once.
//!
//! A node is down while any kill is active, and stands still while any pause is; a heal ends its
//! own fault only. The agent holds one of these and calls it.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps, effect, kill, pause, restart};

/// A fault that acts on a node's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeFault {
    /// Killed until the heal.
    Kill,
    /// Stopped until the heal.
    Pause,
    /// Killed and started at once.
    Restart,
}

/// Those that are active on one node, by occurrence.
#[derive(Debug, Default)]
pub struct NodeFaults {
    active: BTreeMap<String, NodeFault>,
}

impl NodeFaults {
    /// Applies a fault in the name of an occurrence.
    pub fn inject(
        &mut self,
        node: &mut dyn NodeOps,
        occurrence: &str,
        fault: NodeFault,
    ) -> io::Result<Effect> {
        if fault != NodeFault::Restart {
            self.active.insert(occurrence.into(), fault);
        }
        match fault {
            NodeFault::Kill => kill::inject(node, occurrence),
            NodeFault::Pause => pause::inject(node),
            NodeFault::Restart if self.any(NodeFault::Kill) => kill::inject(node, occurrence),
            NodeFault::Restart => {
                let effect = restart::inject(node, occurrence)?;
                self.pause_again(node)?;
                Ok(effect)
            }
        }
    }

    /// Ends the fault of an occurrence. One that is not active (a restart is over at once) leaves
    /// its evidence all the same: the node is as the other faults want it.
    pub fn heal(&mut self, node: &mut dyn NodeOps, occurrence: &str) -> io::Result<Effect> {
        let was = self.active.remove(occurrence);
        if self.any(NodeFault::Kill) {
            return Ok(self.left_to_others(node));
        }
        let effect = match was {
            Some(NodeFault::Pause) if self.any(NodeFault::Pause) => {
                return Ok(self.left_to_others(node));
            }
            Some(NodeFault::Pause) => pause::heal(node)?,
            _ => kill::heal(node)?,
        };
        self.pause_again(node)?;
        Ok(effect)
    }

    /// Ends every fault and starts every server that does not run, also those that ended by
    /// themselves.
    pub fn heal_all(&mut self, node: &mut dyn NodeOps) -> io::Result<Effect> {
        self.active.clear();
        let earliest = node.now_ns();
        if !node.servers()?.is_empty() {
            pause::heal(node)?;
        }
        node.start_servers()?;
        let running = effect::stays(node)?;
        Ok(Effect::between(earliest, node.now_ns(), vec![running]))
    }

    fn any(&self, fault: NodeFault) -> bool {
        self.active.values().any(|active| *active == fault)
    }

    fn pause_again(&self, node: &mut dyn NodeOps) -> io::Result<()> {
        if self.any(NodeFault::Pause) {
            pause::inject(node)?;
        }
        Ok(())
    }

    fn left_to_others(&self, node: &dyn NodeOps) -> Effect {
        let others: Vec<&str> = self.active.keys().map(String::as_str).collect();
        let evidence = Evidence {
            what: "other faults on this node".into(),
            expected: "the servers are left as these want them".into(),
            observed: others.join(", "),
            holds: !others.is_empty(),
        };
        let now = node.now_ns();
        Effect::between(now, now, vec![evidence])
    }
}
