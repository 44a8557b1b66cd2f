//! Whom a fault acts on, found when it begins from what is known of the moment.

use std::time::Duration;

use temblor_faults::{FaultKind, FaultSpec, LinkPolicy, Placed, Schedule, View, place};
use temblor_history::FaultClass;

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
    let busy = match spec.kind.class() {
        FaultClass::Process => context.held_nodes(),
        _ => Vec::new(),
    };
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

/// The parameters of a fault as a reader wants them; empty where its name says it all.
pub(super) fn detail(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Isolate { one_way: true } => "one way".into(),
        FaultKind::Partition { grudge, one_way } => {
            format!("{grudge}{}", if *one_way { ", one way" } else { "" })
        }
        FaultKind::Link(policy) => policy_words(policy),
        FaultKind::Restart { rolling: true } => "rolling".into(),
        _ => String::new(),
    }
}

fn policy_words(policy: &LinkPolicy) -> String {
    let mut words = Vec::new();
    if policy.drop {
        words.push("nothing passes".to_owned());
    }
    if policy.delay > Duration::ZERO || policy.jitter > Duration::ZERO {
        words.push(format!("delay {:?} ± {:?}", policy.delay, policy.jitter));
    }
    if policy.loss > 0.0 {
        words.push(format!("loss {}%", (policy.loss * 1000.0).round() / 10.0));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_read_well() {
        let policy = LinkPolicy {
            delay: Duration::from_millis(50),
            jitter: Duration::from_millis(20),
            loss: 0.125,
            ..LinkPolicy::default()
        };
        assert_eq!(policy_words(&policy), "delay 50ms ± 20ms, loss 12.5%");
    }
}
