//! Validity gates: what must have happened for a pass to mean something. Each has a name, and a
//! plan may set the number that it needs (0 turns it off). A gate never makes a violation.

use std::collections::BTreeMap;

use temblor_history::{CheckReport, Completion, Fault, Gate, Happening, Manifest};

use super::{
    evidence::Evidence,
    meetings::{self, Meetings},
};

/// Who comes within this time of a fault that is over at once meets what it did, nanoseconds.
const SOON_NS: i64 = 1_000_000_000;

/// All gates, in the order in which a run meets them.
pub(super) fn gates(evidence: &Evidence, checks: &[CheckReport]) -> Vec<Gate> {
    let mut gates = vec![ended(evidence)];
    gates.extend(ok_operations(evidence));
    gates.extend(contention(evidence));
    gates.extend(faults(evidence));
    gates.push(final_reads(evidence));
    gates.push(complete(checks));
    gates.retain(|gate| needed(evidence, &gate.name) != Some(0));
    gates
}

fn needed(evidence: &Evidence, gate: &str) -> Option<u64> {
    evidence.manifest.expect.gates.get(gate).copied()
}

/// A gate that needs a number of something; the plan may ask for more than `least`.
fn at_least(evidence: &Evidence, name: &str, least: u64, found: u64, what: &str) -> Gate {
    let least = needed(evidence, name).unwrap_or(least);
    Gate {
        name: name.into(),
        holds: found >= least,
        detail: format!("{found} {what}, {least} needed"),
    }
}

fn ended(evidence: &Evidence) -> Gate {
    let (holds, detail) = if !evidence.ended() {
        (false, "the run has no end: its controller was killed")
    } else if evidence.interrupted() {
        (false, "the user stopped the run")
    } else {
        (true, "the run came to its end")
    };
    Gate { name: "run-ended".into(), holds, detail: detail.into() }
}

/// Ok operations of each function (of transactions: those with each micro-operation) before, during and after the faults.
fn ok_operations(evidence: &Evidence) -> Vec<Gate> {
    let began = evidence.faults.iter().filter_map(|fault| fault.began).map(|m| m.earliest).min();
    let healed = evidence.faults.iter().filter_map(|fault| fault.healed).map(|m| m.latest).max();
    let (Some(began), Some(healed)) = (began, healed) else {
        return vec![ok_within(evidence, "ok-operations", i64::MIN, i64::MAX)];
    };
    vec![
        ok_within(evidence, "ok-before-faults", i64::MIN, began),
        ok_within(evidence, "ok-during-faults", began, healed),
        ok_within(evidence, "ok-after-faults", healed, i64::MAX),
    ]
}

fn ok_within(evidence: &Evidence, name: &str, from: i64, to: i64) -> Gate {
    let Manifest { functions, model, .. } = &evidence.manifest;
    let wanted = meetings::wanted(functions, model);
    let mut oks: BTreeMap<&str, u64> = wanted.into_iter().map(|f| (f, 0)).collect();
    for operation in evidence.history.operations() {
        let within = operation.invoked >= from && operation.completed.is_some_and(|end| end <= to);
        if within && operation.outcome == Completion::Ok && !operation.final_read {
            for f in meetings::functions(&evidence.history, operation) {
                *oks.entry(f).or_default() += 1;
            }
        }
    }
    let least = needed(evidence, name).unwrap_or(1);
    let words: Vec<_> = oks.iter().map(|(f, count)| format!("{count} {f}")).collect();
    Gate {
        name: name.into(),
        holds: oks.values().all(|count| *count >= least),
        detail: format!("ok operations: {}; {least} of each needed", words.join(", ")),
    }
}

/// Whether processes met on keys at all: alone, each would see a consistent world in any system.
fn contention(evidence: &Evidence) -> Vec<Gate> {
    let Meetings { shared_keys, reads_of_others, successful_cas } =
        Meetings::of(&evidence.history, &evidence.manifest.model);
    let at_least = |name, found, what| at_least(evidence, name, 1, found, what);
    let mut gates =
        vec![at_least("shared-keys", shared_keys, "keys touched by two processes or more")];
    let what = "reads saw another process's write";
    gates.extend(reads_of_others.map(|seen| at_least("reads-of-others", seen, what)));
    if evidence.manifest.functions.iter().any(|f| f == "cas") {
        gates.push(at_least("successful-cas", successful_cas, "cas succeeded"));
    }
    gates
}

fn faults(evidence: &Evidence) -> Vec<Gate> {
    if evidence.faults.is_empty() {
        return Vec::new();
    }
    vec![
        every_fault(evidence, "faults-began", "began", |fault| fault.began.is_some()),
        every_fault(evidence, "faults-verified", "verified", Fault::verified),
        every_fault(evidence, "faults-overlapped", "overlapped with operations", |fault| {
            overlapped(evidence, fault)
        }),
        every_fault(evidence, "faults-healed", "healed and verified clean", Fault::clean),
    ]
}

/// Optional faults need not begin; those that began are held to the rest like all others.
fn every_fault(
    evidence: &Evidence,
    name: &str,
    what: &str,
    holds: impl Fn(&Fault) -> bool,
) -> Gate {
    let counted: Vec<&Fault> =
        evidence.faults.iter().filter(|fault| !fault.optional || fault.began.is_some()).collect();
    let lacking: Vec<String> = counted
        .iter()
        .filter(|fault| !holds(fault))
        .map(|fault| format!("{} ({})", fault.label(), why(fault)))
        .collect();
    let done = counted.len() - lacking.len();
    let mut detail = format!("{done} of {} faults {what}", counted.len());
    if !lacking.is_empty() {
        detail += &format!("; not: {}", lacking.join("; "));
    }
    Gate { name: name.into(), holds: lacking.is_empty(), detail }
}

fn why(fault: &Fault) -> String {
    if let Some(failed) = &fault.failed {
        return failed.clone();
    }
    if let Some(skipped) = &fault.skipped {
        return skipped.clone();
    }
    let mut seen = fault.begin_evidence.iter().chain(&fault.heal_evidence);
    match seen.find(|evidence| !evidence.holds) {
        Some(evidence) => {
            format!("{}: {}, expected {}", evidence.what, evidence.observed, evidence.expected)
        }
        None if fault.healed.is_none() => "it has no end".into(),
        None => "no operation was sent meanwhile".into(),
    }
}

/// An operation overlaps with a fault if it was under way while the fault acted. What a fault that
/// is over at once did (bits that flipped) is met by whoever comes soon after, too.
fn overlapped(evidence: &Evidence, fault: &Fault) -> bool {
    let Some(began) = fault.began else { return false };
    let after = if fault.because == "at once" { SOON_NS } else { 0 };
    let ended = fault.healed.map_or(i64::MAX, |healed| healed.latest.saturating_add(after));
    evidence.history.operations().iter().any(|operation| {
        operation.invoked <= ended && operation.completed.is_none_or(|end| end >= began.earliest)
    })
}

fn final_reads(evidence: &Evidence) -> Gate {
    let done = evidence.events.iter().rev().find_map(|event| match event.what {
        Happening::FinalReads { wanted, unread } => Some((wanted, unread)),
        _ => None,
    });
    let (holds, detail) = match done {
        Some((wanted, 0)) if wanted > 0 => {
            (true, format!("all {wanted} final reads (each key through each node) were answered"))
        }
        Some((wanted, unread)) => {
            (false, format!("{unread} of {wanted} final reads were never answered"))
        }
        None => (false, "there were no final reads".into()),
    };
    Gate { name: "final-reads".into(), holds, detail }
}

fn complete(checks: &[CheckReport]) -> Gate {
    let open: Vec<String> = checks
        .iter()
        .filter(|check| !check.complete)
        .map(|check| {
            format!("{}: {}", check.consistency, check.reason.as_deref().unwrap_or("not decided"))
        })
        .collect();
    let detail = match (checks, open.as_slice()) {
        ([], _) => "nothing was checked".into(),
        (_, []) => "everything was decided".into(),
        (_, open) => open.join("; "),
    };
    let holds = !checks.is_empty() && open.is_empty();
    Gate { name: "checkers-complete".into(), holds, detail }
}
