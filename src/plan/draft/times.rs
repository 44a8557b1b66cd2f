//! Whether the times of a plan can be kept: faults that fit into their phase, that wait for what
//! can happen, that don't meet on one node, and that last long enough for anybody to notice.

use std::time::Duration;

use temblor_faults::{DurationChoice, End, FaultKind, NodeFault, Start, Trigger};

use super::{
    Parts,
    fault::DraftFault,
    phases::DraftPhase,
    targets::{must_meet, node_target},
    workload,
};
use crate::plan::{diagnostic::Diagnostic, scalar::written};

/// Occurrences of one fault that are looked at for overlaps.
const MOST_OCCURRENCES: usize = 1_000;

/// Checks every fault's times.
pub(super) fn check(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for phase in &parts.phases {
        let Some(length) = phase.duration else { continue };
        for fault in phase.faults.iter().filter(|fault| fault.fields.whole()) {
            if !fault.dealt {
                diagnostics.extend(fits(fault, phase, length));
            }
            diagnostics.extend(can_come(fault, parts, length));
            diagnostics.extend(is_noticed(fault, parts));
        }
        if parts.nodes > 0 {
            overlaps(phase, length, parts.nodes, diagnostics);
        }
    }
}

/// The longest that an occurrence may last; none when it ends with its phase or at once.
fn longest(end: &End) -> Option<Duration> {
    match end {
        End::For(choice) => Some(choice.most()),
        End::Until { at_most, .. } => Some(*at_most),
        End::WithPhase | End::AtOnce => None,
    }
}

/// A fault must be over with its phase, whatever the seed draws.
fn fits(fault: &DraftFault, phase: &DraftPhase, length: Duration) -> Option<Diagnostic> {
    let lasts = longest(&fault.spec.end).unwrap_or_default();
    let begins = match &fault.spec.start {
        Start::At(choice) => choice.most(),
        Start::After(_) => Duration::ZERO,
    };
    let end_field = if matches!(fault.spec.end, End::Until { .. }) { "at-most" } else { "for" };
    let (at, message) = if begins >= length {
        (
            fault.at("at"),
            format!("it begins after its phase has ended: the phase lasts {}", written(length)),
        )
    } else if lasts > length {
        (
            fault.at(end_field),
            format!("the fault is longer than its phase, which lasts {}", written(length)),
        )
    } else if begins + lasts > length {
        let (begins, lasts) = (written(begins), written(lasts));
        let message = format!(
            "the fault may not fit: begun at {begins} and lasting {lasts} it ends after its phase, which lasts {}",
            written(length)
        );
        (fault.at(end_field), message)
    } else {
        return None;
    };
    let diagnostic = Diagnostic::error(at, message);
    Some(
        diagnostic
            .also(&phase.span, "its phase")
            .help("make it shorter or earlier, or its phase longer"),
    )
}

/// So many operations must be possible before the phase ends.
fn can_come(fault: &DraftFault, parts: &Parts<'_>, length: Duration) -> Option<Diagnostic> {
    let Start::After(Trigger::Ops(operations)) = &fault.spec.start else { return None };
    let possible = workload::rate(parts)? * length.as_secs_f64();
    if *operations as f64 <= possible {
        return None;
    }
    let message =
        format!("{operations} operations never end in this phase: at this rate it has {possible}");
    let help = "wait for fewer, raise the `rate`, or make the phase longer";
    Some(Diagnostic::error(fault.at("after"), message).help(help))
}

/// What heals before anybody notices tests nothing.
fn is_noticed(fault: &DraftFault, parts: &Parts<'_>) -> Option<Diagnostic> {
    let detection = parts.draft.system?.system.failure_detection?;
    let lasts = longest(&fault.spec.end)?;
    let cuts = matches!(
        fault.spec.kind,
        FaultKind::Isolate { .. }
            | FaultKind::Partition { .. }
            | FaultKind::Node { fault: NodeFault::Pause, .. }
    );
    if !cuts || lasts >= detection {
        return None;
    }
    let name = &parts.draft.system?.system.name;
    let message =
        format!("the fault is over before `{name}` notices: that takes it {}", written(detection));
    Some(
        Diagnostic::warning(fault.at("for"), message)
            .help("let it last longer, unless that is the point"),
    )
}

/// When an occurrence may be under way: from the earliest begin to the latest end.
type Window = (Duration, Duration);

/// Some two faults on one node are undefined, such as to pause what is dead.
fn overlaps(phase: &DraftPhase, length: Duration, nodes: u64, diagnostics: &mut Vec<Diagnostic>) {
    for (later, fault) in phase.faults.iter().enumerate().filter(|(_, fault)| !fault.dealt) {
        let Some(target) = node_target(phase, later) else { continue };
        let earlier = (0..later).find_map(|earlier| {
            let other = node_target(phase, earlier)?;
            let first = &phase.faults[earlier];
            if first.dealt {
                return None;
            }
            let both_whole = first.fields.whole() && fault.fields.whole();
            if !both_whole || !must_meet(other, target, nodes) {
                return None;
            }
            let why = first.spec.kind.contends(&fault.spec.kind)?;
            let meet = meeting(&windows(first, length)?, &windows(fault, length)?)?;
            Some((first, meet, why))
        });
        let Some((first, meet, why)) = earlier else { continue };
        let message = format!(
            "`{}` and `{}` may act on one node at once, {} into the phase: {why}",
            first.spec.name,
            fault.spec.name,
            written(meet)
        );
        diagnostics.push(
            Diagnostic::error(&fault.span, message)
                .also(&first.span, "the first of the two")
                .help("let one end before the other begins, or choose targets that can't meet"),
        );
    }
}

/// All windows of a fault; none when its beginning is not a matter of time.
fn windows(fault: &DraftFault, length: Duration) -> Option<Vec<Window>> {
    let Start::At(at) = &fault.spec.start else { return None };
    let lasts = match &fault.spec.end {
        End::WithPhase => length,
        // Restarting takes a moment too.
        End::AtOnce => Duration::from_secs(1),
        end => longest(end).unwrap_or_default(),
    };
    let mut windows = Vec::new();
    let (mut earliest, mut latest) = (at.least(), at.most());
    while earliest < length && windows.len() < MOST_OCCURRENCES {
        windows.push((earliest, (latest + lasts).min(length)));
        let Some(every) = &fault.spec.every else { break };
        earliest += step(every).0;
        latest = (latest + step(every).1).max(latest + lasts);
    }
    Some(windows)
}

fn step(every: &DurationChoice) -> (Duration, Duration) {
    (every.least(), every.most())
}

/// The first moment at which two faults may both be under way.
fn meeting(one: &[Window], other: &[Window]) -> Option<Duration> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    let met = pairs.filter(|(a, b)| a.0 < b.1 && b.0 < a.1);
    met.map(|(a, b)| a.0.max(b.0)).min()
}
