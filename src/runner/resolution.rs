//! Whom a fault acts on, found when it begins from what is known of the moment.

use temblor_faults::{FaultSpec, Placed, Schedule, View, place};

use super::context::Context;

/// Finds where an occurrence of a fault acts.
///
/// # Errors
/// Why there is nobody to act on now.
pub(super) fn find(
    context: &Context,
    schedule: &Schedule,
    spec: &FaultSpec,
    occurrence: u64,
) -> Result<Placed, String> {
    let leadership = context.leadership.borrow().clone();
    let remembered = context.remembered();
    let busy = context.held_against(&spec.kind);
    let view = View {
        nodes: &context.nodes,
        leader: leadership.leader.as_deref(),
        term: leadership.term,
        claimants: &leadership.claimants,
        remembered: &remembered,
        busy: &busy,
    };
    let draw = schedule.target(spec, occurrence);
    place(spec, &view, draw).map_err(|lack| lack.to_string())
}
