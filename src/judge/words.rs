//! The verdict in words: a title of a few, one plain sentence with numbers.

use temblor_history::{
    Anomaly, CheckReport, Expectation, Fault, Outcome, RunCounts, Verdict, WitnessOp,
};

use super::evidence::Evidence;

/// What was found, a line each.
pub(super) fn found(checks: &[CheckReport], expectations: &[Expectation]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for check in checks {
        for anomaly in &check.anomalies {
            let not = check.not.join(", ");
            found.push(format!("{} (not {not})", plain(&anomaly.kind)));
        }
    }
    let failed = expectations.iter().filter(|expectation| !expectation.holds);
    found.extend(failed.map(|failed| format!("{}: {}", failed.name, failed.found)));
    found
}

fn plain(kind: &str) -> String {
    kind.replace('-', " ")
}

/// `Violation: stale read`.
pub(super) fn title(verdict: &Verdict, wanted: Option<&str>) -> String {
    match verdict.verdict {
        Outcome::Violation => {
            let as_expected = if verdict.expected { " (as expected)" } else { "" };
            format!("Violation: {}{as_expected}", violated(verdict))
        }
        Outcome::Pass => match wanted {
            Some(wanted) => format!("Expected violation not found: {}", plain(wanted)),
            None => "Pass".into(),
        },
        Outcome::Inconclusive => format!("Inconclusive: {}", first_open_gate(verdict)),
        Outcome::Error => "Harness error".into(),
    }
}

fn violated(verdict: &Verdict) -> String {
    let anomaly = verdict.checks.iter().flat_map(|check| &check.anomalies).next();
    anomaly.map_or_else(|| "expectation".into(), |anomaly| plain(&anomaly.kind))
}

fn first_open_gate(verdict: &Verdict) -> &str {
    let open = verdict.gates.iter().find(|gate| !gate.holds);
    open.map_or("checker", |gate| gate.name.as_str())
}

/// One sentence that a stranger understands.
pub(super) fn sentence(evidence: &Evidence, verdict: &Verdict, wanted: Option<&str>) -> String {
    match verdict.verdict {
        Outcome::Violation => violation(evidence, verdict),
        Outcome::Pass => pass(evidence, verdict, wanted),
        Outcome::Inconclusive => {
            let open = verdict.gates.iter().filter(|gate| !gate.holds);
            let reasons: Vec<_> = open.map(|gate| gate.detail.as_str()).collect();
            format!("Nothing wrong was found, but this run proves nothing: {}.", reasons.join("; "))
        }
        Outcome::Error => {
            let first = verdict.errors.first().map_or("it did not say why", String::as_str);
            let more = match verdict.errors.len() {
                0 | 1 => String::new(),
                many => format!(" (and {} more)", many - 1),
            };
            format!("The harness failed, so nothing is said of the system: {first}{more}.")
        }
    }
}

fn violation(evidence: &Evidence, verdict: &Verdict) -> String {
    let mut anomalies = verdict.checks.iter().flat_map(|check| &check.anomalies);
    if let Some(anomaly) = anomalies.next() {
        return anomaly_sentence(evidence, anomaly);
    }
    let failed = verdict.expectations.iter().filter(|expectation| !expectation.holds);
    let words: Vec<_> = failed
        .map(|failed| format!("asked was {}, found {}", failed.asked, failed.found))
        .collect();
    format!("Consistency was kept, but {}.", words.join("; "))
}

fn anomaly_sentence(evidence: &Evidence, anomaly: &Anomaly) -> String {
    let Some(witness) = &anomaly.witness else { return anomaly.explanation.clone() };
    let mut sentence = witness.sentence.trim_end_matches('.').to_owned();
    let active = faults_around(&evidence.faults, &witness.ops);
    if !active.is_empty() {
        sentence += &format!("; {}", active.join("; "));
    }
    if anomaly.count > 1 {
        sentence += &format!(" ({} keys are affected)", anomaly.count);
    }
    sentence + "."
}

/// The faults that were active between the witness's first invocation and its last completion.
fn faults_around(faults: &[Fault], operations: &[WitnessOp]) -> Vec<String> {
    let from = operations.iter().map(|operation| operation.invoked).min();
    let to = operations.iter().filter_map(|op| op.completed.or(Some(op.invoked))).max();
    let (Some(from), Some(to)) = (from, to) else { return Vec::new() };
    let active = faults.iter().filter_map(|fault| {
        let began = fault.began?.earliest;
        let healed = fault.healed.map_or(i64::MAX, |healed| healed.latest);
        (began <= to && healed >= from).then_some((fault, began, fault.healed))
    });
    active
        .map(|(fault, began, healed)| {
            let end = healed.map_or("its end is unknown".into(), |healed| {
                format!("to {:.1} s", healed.latest as f64 / 1e9)
            });
            format!("{} was active from {:.1} s {end}", fault.label(), began as f64 / 1e9)
        })
        .collect()
}

fn pass(evidence: &Evidence, verdict: &Verdict, wanted: Option<&str>) -> String {
    let RunCounts { ok, refused, fail, info, .. } = verdict.counts;
    let operations = ok + refused + fail + info;
    let faults = evidence.faults.iter().filter(|fault| fault.began.is_some()).count();
    let claims = verdict.claimed.join(", ");
    let name = &evidence.manifest.system.name;
    let kept = format!(
        "{name} kept its promise ({claims}): {operations} operations ({ok} ok, {info} unknown) under {faults} verified faults were checked completely, and nothing was found"
    );
    match wanted {
        Some(wanted) => format!("The plan expects {}, but {kept}.", plain(wanted)),
        None => format!("{kept}."),
    }
}
