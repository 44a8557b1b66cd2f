//! Results in words, for people who read a terminal.

use std::fmt::Write;

use temblor_history::{Anomaly, CheckReport, Outcome, Verdict};

/// What a checker says, whole.
pub(super) fn check(report: &CheckReport) -> String {
    let mut text = headline(report);
    for error in &report.errors {
        let _ = write!(text, "\n  {error}");
    }
    if let Some(reason) = &report.reason {
        let _ = write!(text, "\n  {reason}");
    }
    for fact in &report.facts {
        let _ = write!(text, "\n  {fact}");
    }
    for anomaly in &report.anomalies {
        text += &self::anomaly(anomaly);
    }
    for warning in &report.warnings {
        let _ = write!(text, "\nwarning: {warning}");
    }
    text
}

fn headline(report: &CheckReport) -> String {
    let CheckReport { model, consistency, ops, seconds, .. } = report;
    match report.verdict {
        Outcome::Pass => {
            format!("pass: {ops} operations on {model} are {consistency} ({seconds:.2} s)")
        }
        Outcome::Violation => {
            format!(
                "violation: {ops} operations on {model} are not {} ({seconds:.2} s)",
                report.not.join(", ")
            )
        }
        Outcome::Inconclusive => format!("inconclusive: {consistency} on {model} ({seconds:.2} s)"),
        Outcome::Error => "error: the history can't be checked".into(),
    }
}

fn anomaly(anomaly: &Anomaly) -> String {
    let times =
        if anomaly.count > 1 { format!(", {} times", anomaly.count) } else { String::new() };
    format!("\n\n{}{times}\n{}", anomaly.kind, anomaly.explanation)
}

/// The verdict on a run, without its report.
pub(super) fn verdict(verdict: &Verdict) -> String {
    let mut text = format!("{}\n{}", verdict.title, verdict.sentence);
    for report in &verdict.checks {
        let _ = write!(text, "\n\n{}", check(report));
    }
    for gate in verdict.gates.iter().filter(|gate| !gate.holds) {
        let _ = write!(text, "\ngate {}: {}", gate.name, gate.detail);
    }
    for failed in verdict.expectations.iter().filter(|expectation| !expectation.holds) {
        let _ = write!(text, "\n{}: asked {}, found {}", failed.name, failed.asked, failed.found);
    }
    text
}
