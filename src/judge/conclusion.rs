//! The verdict from its parts, by one rule; it alone decides exit code, report and JUnit.

use temblor_history::{CheckReport, Completion, Expectation, Gate, Outcome, RunCounts, Verdict};

use super::{evidence::Evidence, words};
use crate::exit_code;

/// Puts the verdict together.
pub(super) fn conclude(
    evidence: &Evidence,
    checks: Vec<CheckReport>,
    gates: Vec<Gate>,
    expectations: Vec<Expectation>,
) -> Verdict {
    let errors = errors(evidence, &checks);
    let verdict = outcome(&checks, &gates, &expectations, &errors);
    let wanted = evidence.manifest.expect.violation.as_deref();
    let expected = wanted.is_some_and(|wanted| only_found(wanted, &checks, &expectations));
    let mut judged = Verdict {
        verdict,
        expected,
        exit_code: code(verdict, wanted, expected),
        title: String::new(),
        sentence: String::new(),
        claimed: evidence.manifest.consistency.clone(),
        found: words::found(&checks, &expectations),
        counts: counts(evidence),
        checks,
        gates,
        expectations,
        errors,
    };
    judged.title = words::title(&judged, wanted);
    judged.sentence = words::sentence(evidence, &judged, wanted);
    judged
}

fn errors(evidence: &Evidence, checks: &[CheckReport]) -> Vec<String> {
    let mut errors = evidence.troubles();
    for check in checks.iter().filter(|check| check.verdict == Outcome::Error) {
        errors.extend(check.errors.iter().cloned());
        if check.errors.is_empty() {
            let why = check.reason.as_deref().unwrap_or("it gave no reason");
            errors.push(format!("the checker of {} failed: {why}", check.consistency));
        }
    }
    errors
}

/// A definite violation outranks everything; then errors of the harness; then what is open.
fn outcome(
    checks: &[CheckReport],
    gates: &[Gate],
    expectations: &[Expectation],
    errors: &[String],
) -> Outcome {
    let mut outcome = Outcome::Pass;
    for check in checks {
        outcome = outcome.and(check.verdict);
    }
    if gates.iter().any(|gate| !gate.holds) {
        outcome = outcome.and(Outcome::Inconclusive);
    }
    if !errors.is_empty() {
        outcome = outcome.and(Outcome::Error);
    }
    if expectations.iter().any(|expectation| !expectation.holds) {
        outcome = outcome.and(Outcome::Violation);
    }
    outcome
}

/// Whether the expected violation was found, and no other.
fn only_found(wanted: &str, checks: &[CheckReport], expectations: &[Expectation]) -> bool {
    let mut anomalies = checks.iter().flat_map(|check| &check.anomalies).peekable();
    let kept = expectations.iter().all(|expectation| expectation.holds);
    anomalies.peek().is_some() && anomalies.all(|anomaly| anomaly.kind == wanted) && kept
}

fn code(verdict: Outcome, wanted: Option<&str>, expected: bool) -> i32 {
    match verdict {
        Outcome::Violation if expected => exit_code::PASS,
        Outcome::Violation => exit_code::VIOLATION,
        Outcome::Error => exit_code::HARNESS_ERROR,
        Outcome::Inconclusive => exit_code::INCONCLUSIVE,
        Outcome::Pass if wanted.is_some() => exit_code::VIOLATION,
        Outcome::Pass => exit_code::PASS,
    }
}

fn counts(evidence: &Evidence) -> RunCounts {
    let mut counts = RunCounts { shed: evidence.shed(), ..RunCounts::default() };
    for operation in evidence.history.operations() {
        match operation.outcome {
            Completion::Ok => counts.ok += 1,
            Completion::Refused => counts.refused += 1,
            Completion::Fail => counts.fail += 1,
            Completion::Info => counts.info += 1,
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(holds: bool) -> Gate {
        Gate { name: "g".into(), holds, detail: String::new() }
    }

    fn expectation(holds: bool) -> Expectation {
        Expectation { name: "e".into(), holds, asked: String::new(), found: String::new() }
    }

    #[test]
    fn gates_only_turn_a_pass_into_inconclusive() {
        assert_eq!(outcome(&[], &[gate(true)], &[expectation(true)], &[]), Outcome::Pass);
        assert_eq!(outcome(&[], &[gate(false)], &[], &[]), Outcome::Inconclusive);
        assert_eq!(outcome(&[], &[gate(false)], &[], &["e".into()]), Outcome::Error);
        let violated = [expectation(false)];
        assert_eq!(outcome(&[], &[gate(false)], &violated, &["e".into()]), Outcome::Violation);
    }

    #[test]
    fn exit_codes_follow_the_contract() {
        assert_eq!(code(Outcome::Pass, None, false), 0);
        assert_eq!(code(Outcome::Violation, None, false), 1);
        assert_eq!(code(Outcome::Inconclusive, None, false), 2);
        assert_eq!(code(Outcome::Error, None, false), 255);
        assert_eq!(code(Outcome::Violation, Some("stale-read"), true), 0);
        assert_eq!(code(Outcome::Violation, Some("stale-read"), false), 1);
        assert_eq!(code(Outcome::Pass, Some("stale-read"), false), 1);
        assert_eq!(code(Outcome::Inconclusive, Some("stale-read"), false), 2);
    }
}
