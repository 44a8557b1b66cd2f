//! Faults that need the system's file to say how: members that leave, versions that change.

use std::collections::BTreeMap;

use temblor_faults::{FaultKind, NodeFault, Target, Upgrade, Where};

use super::{Parts, fault::DraftFault};
use crate::plan::{
    diagnostic::Diagnostic, form::Fields, nearest::nearest, resolved::System, source::Span,
};

/// An upgrade, whose programs the system's file will say.
pub(super) fn upgrade(
    fields: &Fields,
    name: &Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> FaultKind {
    let to = fields.text("to").unwrap_or_default().to_owned();
    if to.is_empty() && !fields.unread.iter().any(|unread| unread == "to") {
        let message = "this `upgrade` leads nowhere";
        diagnostics.push(Diagnostic::error(name, message).help("say to which version: `to: …`"));
    }
    if let Some(every) = fields.key("every") {
        let message = "an upgrade happens once";
        let help = "give each version a fault of its own";
        diagnostics.push(Diagnostic::error(every, message).help(help));
    }
    let fault = NodeFault::Upgrade(Upgrade { to, programs: BTreeMap::new() });
    FaultKind::Node { fault, rolling: true }
}

/// Fills in what the system's file says.
pub(super) fn fill_in(kind: &mut FaultKind, system: Option<&System>) {
    if let FaultKind::Node { fault: NodeFault::Upgrade(upgrade), .. } = kind
        && let Some(paths) = system.and_then(|system| system.upgrade.as_ref())
        && let Some(version) = paths.to.get(&upgrade.to)
    {
        upgrade.programs.clone_from(&version.programs);
    }
}

/// Whether the system can do it, and the cluster.
pub(super) fn check(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(system) = parts.draft.system.map(|file| &file.system) else { return };
    for fault in parts.phases.iter().flat_map(|phase| &phase.faults) {
        match fault.spec.kind.node_fault() {
            Some(NodeFault::Leave) => diagnostics.extend(check_leave(fault, parts.nodes, system)),
            Some(NodeFault::Upgrade(upgrade)) if !upgrade.to.is_empty() => {
                diagnostics.extend(check_upgrade(fault, &upgrade.to, system));
            }
            _ => {}
        }
    }
}

fn check_leave(fault: &DraftFault, nodes: u64, system: &System) -> Option<Diagnostic> {
    if system.membership.is_none() {
        let message = format!("nobody knows how a member of `{}` is removed", system.name);
        let help = "its system file has no `membership:` (`temblor explain system-files`)";
        return Some(Diagnostic::error(&fault.span, message).help(help));
    }
    if nodes == 1 {
        let message = "the only node can't leave: nobody would be left to ask";
        return Some(Diagnostic::error(&fault.span, message).help("give the cluster more `nodes`"));
    }
    let Where::Target(target) = &fault.spec.on else { return None };
    let several = match target {
        Target::Two | Target::Minority | Target::Majority | Target::All | Target::Followers => true,
        Target::Named(names) => names.len() > 1,
        _ => false,
    };
    let at = fault.fields.given("remove").map_or(&fault.span, |given| &given.span);
    several.then(|| {
        let help = "give each a fault of its own, one after the other";
        Diagnostic::error(at, "members leave one at a time").help(help)
    })
}

fn check_upgrade(fault: &DraftFault, to: &str, system: &System) -> Option<Diagnostic> {
    let at = fault.fields.given("to").map_or(&fault.span, |given| &given.span);
    let Some(paths) = &system.upgrade else {
        let message = format!("no other version of `{}` is known", system.name);
        let help = "its system file has no `upgrade:` (`temblor explain system-files`)";
        return Some(Diagnostic::error(&fault.span, message).help(help));
    };
    if paths.to.contains_key(to) {
        return None;
    }
    let names: Vec<&str> = paths.to.keys().map(String::as_str).collect();
    let help = nearest(to, names.iter().copied()).map_or_else(
        || format!("choose from {}", names.join(", ")),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("`{}` has no version `{to}` to be upgraded to", system.name);
    Some(Diagnostic::error(at, message).help(help))
}
