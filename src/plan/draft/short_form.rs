//! The short form of a plan: `faults: [partition, kill]` and `run-for: 60s`.
//!
//! It becomes three phases. The faults come one after another in rounds: each has a slot of the
//! chaos phase, begins at a moment of its first quarter that the seed draws, and lasts between a
//! quarter and a half of it, so that a system has time to recover before the next.

use std::time::Duration;

use temblor_faults::{DurationChoice, End, Start};
use temblor_history::PhaseKind;

use super::{
    Draft,
    fault::DraftFault,
    groups::{self, DraftFaults},
    phases::DraftPhase,
};
use crate::plan::{diagnostic::Diagnostic, scalar::written};

/// Load before the first fault; of a short run a sixth.
const STEADY: Duration = Duration::from_secs(10);
/// How long recovery and final reads may take.
const RECOVER: Duration = Duration::from_secs(30);
/// From one fault to the next, where the plan doesn't say; less where the run is short.
const SLOT: Duration = Duration::from_secs(10);
/// In shorter slots nothing would have time to show.
const LEAST_SLOT: Duration = Duration::from_secs(2);

/// The generated phases.
pub(super) fn expand(draft: &Draft<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<DraftPhase> {
    let fields = draft.fields;
    let Some(run_for) = fields.duration("run-for") else {
        if !fields.unread.iter().any(|unread| unread == "run-for") {
            let at = fields.key("faults").unwrap_or(draft.root);
            let message = "the short form needs `run-for`";
            diagnostics.push(Diagnostic::error(at, message).help("say how long: `run-for: 60s`"));
        }
        return Vec::new();
    };
    let span = fields.key("run-for").unwrap_or(draft.root).clone();
    let steady = STEADY.min(whole(run_for / 6));
    let chaos = run_for.saturating_sub(steady);
    let around = draft.around("chaos", Some(chaos));
    let mut found = groups::resolve(fields.list("faults"), around, diagnostics);
    give_times(draft, &mut found.faults, chaos, diagnostics);
    let phase = |name: &str, kind, duration, found: DraftFaults| DraftPhase {
        name: name.to_owned(),
        kind,
        duration: Some(duration),
        faults: found.faults,
        groups: found.groups,
        span: span.clone(),
    };
    let none = DraftFaults::default;
    let mut phases = vec![phase("steady", PhaseKind::Steady, steady, none())];
    if found.faults.is_empty() {
        phases[0].duration = Some(run_for);
    } else {
        phases.push(phase("chaos", PhaseKind::Chaos, chaos, found));
    }
    phases.push(phase("recover", PhaseKind::Recover, RECOVER, none()));
    phases
}

fn give_times(
    draft: &Draft<'_>,
    faults: &mut [DraftFault],
    chaos: Duration,
    diagnostics: &mut Vec<Diagnostic>,
) {
    // Groups have times of their own.
    let mut faults: Vec<&mut DraftFault> = faults.iter_mut().filter(|fault| !fault.dealt).collect();
    let count = faults.len() as u32;
    if count == 0 {
        return;
    }
    let slot = draft.fields.duration("every").unwrap_or(SLOT.min(chaos / count));
    if slot * count > chaos || slot < LEAST_SLOT {
        let (name, least) = match draft.fields.key("every") {
            Some(_) if slot < LEAST_SLOT => ("every", LEAST_SLOT),
            _ => ("run-for", slot.max(LEAST_SLOT) * count * 6 / 5),
        };
        let at = draft.fields.key(name).unwrap_or(draft.root);
        let message = match name {
            "every" => "so short a time between faults shows nothing".to_owned(),
            _ => format!("{count} faults do not fit into {} of chaos", written(chaos)),
        };
        let help = format!("give `{name}: {}` or more, or fewer faults", written(least));
        diagnostics.push(Diagnostic::error(at, message).help(help));
        return;
    }
    for (number, fault) in faults.iter_mut().enumerate() {
        give_time(fault, slot * number as u32, slot, slot * count);
    }
}

/// Whole milliseconds: timelines are for reading.
fn whole(duration: Duration) -> Duration {
    Duration::from_millis(duration.as_millis() as u64)
}

/// Times for what the plan leaves open; what it says stays.
fn give_time(fault: &mut DraftFault, begins: Duration, slot: Duration, round: Duration) {
    let given = |name: &str| fault.fields.key(name).is_some();
    if given("at") || given("after") {
        return;
    }
    fault.spec.start =
        Start::At(DurationChoice::Between { least: whole(begins), most: whole(begins + slot / 4) });
    if fault.spec.end == End::WithPhase {
        fault.spec.end =
            End::For(DurationChoice::Between { least: whole(slot / 4), most: whole(slot / 2) });
    }
    if fault.spec.every.is_none() {
        fault.spec.every = Some(DurationChoice::exactly(whole(round)));
    }
}
