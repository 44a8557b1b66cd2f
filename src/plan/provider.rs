//! What a way of running nodes can't do of a plan.

use temblor_faults::{FaultKind, NodeFault};
use temblor_history::FaultClass;

use super::{Diagnostic, Plan};

/// The faults of a plan that nodes on the loopback interface can't have: they share one network,
/// so there are no links between them. With `loopback` false nothing is impossible.
pub fn check_provider(plan: &Plan, loopback: bool) -> Vec<Diagnostic> {
    if !loopback {
        return Vec::new();
    }
    let faults = plan.phases.iter().flat_map(|phase| &phase.faults);
    let silent = |kind: &FaultKind| kind.node_fault() == Some(&NodeFault::Crash);
    let impossible = faults.filter(|fault| {
        let kind = &fault.kind;
        kind.class() == FaultClass::Link || needs_layer(kind) || silent(kind)
    });
    let say = |fault: &temblor_faults::FaultSpec| {
        let shared = if needs_layer(&fault.kind) { "view of the disk" } else { "network" };
        let message = format!(
            "`{}` is impossible in loopback mode: its nodes share one {shared}",
            fault.name
        );
        let diagnostic = match plan.fault_spans.get(&fault.place) {
            Some(span) => Diagnostic::error(span, message),
            None => Diagnostic::nowhere(message),
        };
        diagnostic.help("`temblor doctor` says what this machine lacks for namespaces; or keep to `kill`, `pause` and `restart`")
    };
    impossible.map(say).collect()
}

/// The disk faults of a plan, where no layer can be put under data folders: `lack` says what is
/// missing, and what to do.
pub fn check_disks(plan: &Plan, lack: &str) -> Vec<Diagnostic> {
    let faults = plan.phases.iter().flat_map(|phase| &phase.faults);
    let impossible = faults.filter(|fault| needs_layer(&fault.kind));
    let say = |fault: &temblor_faults::FaultSpec| {
        let message = format!("`{}` is impossible here", fault.name);
        let diagnostic = match plan.fault_spans.get(&fault.place) {
            Some(span) => Diagnostic::error(span, message),
            None => Diagnostic::nowhere(message),
        };
        diagnostic.help(lack)
    };
    impossible.map(say).collect()
}

impl Plan {
    /// Whether it has faults that need a layer under data folders; and if so, whether one of them
    /// wants the sync of a file to carry its bytes alone.
    pub fn disk_layer(&self) -> Option<bool> {
        let faults = self.phases.iter().flat_map(|phase| &phase.faults);
        let mut layers = faults.filter(|fault| needs_layer(&fault.kind)).peekable();
        layers.peek()?;
        Some(layers.any(|fault| {
            let strict =
                |fault: &NodeFault| matches!(fault, NodeFault::PowerLoss { strict: true, .. });
            matches!(&fault.kind, FaultKind::Node { fault, .. } if strict(fault))
        }))
    }
}

fn needs_layer(kind: &FaultKind) -> bool {
    kind.node_fault().is_some_and(NodeFault::needs_disk_layer)
}
