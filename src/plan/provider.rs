//! What a way of running nodes can't do of a plan.

use temblor_history::FaultClass;

use super::{Diagnostic, Plan};

/// The faults of a plan that nodes on the loopback interface can't have: they share one network,
/// so there are no links between them. With `loopback` false nothing is impossible.
pub fn check_provider(plan: &Plan, loopback: bool) -> Vec<Diagnostic> {
    if !loopback {
        return Vec::new();
    }
    let faults = plan.phases.iter().flat_map(|phase| &phase.faults);
    let impossible = faults.filter(|fault| fault.kind.class() == FaultClass::Link);
    let say = |fault: &temblor_faults::FaultSpec| {
        let message =
            format!("`{}` is impossible in loopback mode: its nodes share one network", fault.name);
        let diagnostic = match plan.fault_spans.get(&fault.place) {
            Some(span) => Diagnostic::error(span, message),
            None => Diagnostic::nowhere(message),
        };
        diagnostic.help("`temblor doctor` says what this machine lacks for namespaces; or keep to `kill`, `pause` and `restart`")
    };
    impossible.map(say).collect()
}
