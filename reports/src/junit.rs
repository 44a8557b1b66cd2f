//! `junit.xml`: what a CI server shows without opening a page.
//!
//! A violation or a broken expectation is a failure, what the harness got wrong is an error, and
//! what was not decided is skipped, with its reason: the exit code tells skipped from passed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};
use temblor_history::{Anomaly, CheckReport, Outcome};

use crate::escape::visible;
use crate::{ReportError, StoredRun};

/// The JUnit file: a test case for each check, each expectation, each validity gate, the faults'
/// heal, and the harness itself.
pub fn junit(run: &StoredRun) -> Result<String, ReportError> {
    let manifest = &run.manifest;
    let mut suite = TestSuite::new(text(&manifest.plan.name));
    suite.add_test_cases(checks(run));
    suite.add_test_cases(expected_violation(run));
    suite.add_test_cases(expectations(run));
    suite.add_test_cases(gates(run));
    suite.add_test_case(cleanup(run));
    suite.add_test_case(harness(run));
    let facts = [
        ("run", manifest.run.clone()),
        ("command", manifest.command.clone()),
        ("seed", manifest.seed.to_string()),
        ("system", format!("{} {}", manifest.system.name, manifest.system.version)),
        ("plan", manifest.plan.fingerprint.clone()),
        ("temblor", manifest.version.clone()),
        ("verdict", run.verdict.verdict.to_string()),
    ];
    suite.add_properties(facts.map(|(name, fact)| (name.to_owned(), visible(&fact).into_owned())));
    let time = manifest.duration_ns.and_then(|length| u64::try_from(length).ok());
    let time = Duration::from_nanos(time.unwrap_or(0));
    suite.set_time(time);
    let mut report = Report::new("temblor");
    report.set_time(time);
    report.add_test_suite(suite);
    Ok(report.to_string()?)
}

fn text(untrusted: &str) -> XmlString {
    XmlString::new(visible(untrusted))
}

/// One test case of a group.
fn case(group: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(text(name), status);
    case.set_classname(text(group));
    case
}

fn not_well(kind: NonSuccessKind, sort: &str, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(text(sort)).set_message(text(message)).set_description(text(description));
    status
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(text(message));
    status
}

fn checks(run: &StoredRun) -> Vec<TestCase> {
    let check = |check: &CheckReport| {
        let mut case = case("consistency", &check.consistency, check_status(run, check));
        case.set_time(Duration::try_from_secs_f64(check.seconds).unwrap_or_default());
        if run.verdict.expected && check.verdict == Outcome::Violation {
            case.set_system_out(text(&explanations(&check.anomalies)));
        }
        case
    };
    run.verdict.checks.iter().map(check).collect()
}

fn check_status(run: &StoredRun, check: &CheckReport) -> TestCaseStatus {
    let reason = check.reason.as_deref().unwrap_or("not decided");
    match check.verdict {
        Outcome::Pass => TestCaseStatus::success(),
        // What a calibration plan expects is its success; the explanation goes to the output.
        Outcome::Violation if run.verdict.expected => TestCaseStatus::success(),
        Outcome::Violation => {
            let kinds: Vec<&str> = check.anomalies.iter().map(|found| &*found.kind).collect();
            let sentence = check.anomalies.first().map_or(&*run.verdict.sentence, sentence);
            let words = explanations(&check.anomalies);
            not_well(NonSuccessKind::Failure, &kinds.join(" "), sentence, &words)
        }
        Outcome::Inconclusive => skipped(reason),
        Outcome::Error => not_well(
            NonSuccessKind::Error,
            "history",
            "the history is broken",
            &check.errors.join("\n"),
        ),
    }
}

fn sentence(anomaly: &Anomaly) -> &str {
    let first_line = anomaly.explanation.lines().next().unwrap_or(&anomaly.kind);
    anomaly.witness.as_ref().map_or(first_line, |witness| &witness.sentence)
}

fn explanations(anomalies: &[Anomaly]) -> String {
    let words: Vec<String> = anomalies
        .iter()
        .map(|found| format!("{}\n{}", sentence(found), found.explanation))
        .collect();
    words.join("\n\n")
}

fn expected_violation(run: &StoredRun) -> Option<TestCase> {
    let kind = run.manifest.expect.violation.as_ref()?;
    let status = match run.verdict.verdict {
        _ if run.verdict.expected => TestCaseStatus::success(),
        Outcome::Inconclusive => skipped(&run.verdict.sentence),
        _ => not_well(
            NonSuccessKind::Failure,
            "expected-violation",
            "it was not found",
            &run.verdict.sentence,
        ),
    };
    Some(case("expectation", &format!("violation {kind}"), status))
}

fn expectations(run: &StoredRun) -> Vec<TestCase> {
    let expected = |expected: &temblor_history::Expectation| {
        let status = if expected.holds {
            TestCaseStatus::success()
        } else {
            let message = format!("asked {}, found {}", expected.asked, expected.found);
            not_well(NonSuccessKind::Failure, "expectation", &message, &message)
        };
        case("expectation", &expected.name, status)
    };
    run.verdict.expectations.iter().map(expected).collect()
}

fn gates(run: &StoredRun) -> Vec<TestCase> {
    let gate = |gate: &temblor_history::Gate| {
        let status = if gate.holds { TestCaseStatus::success() } else { skipped(&gate.detail) };
        case("validity", &gate.name, status)
    };
    run.verdict.gates.iter().map(gate).collect()
}

fn cleanup(run: &StoredRun) -> TestCase {
    let began = |fault: &&temblor_history::Fault| fault.began.is_some() || fault.failed.is_some();
    let left = run.faults.iter().filter(began).filter(|fault| !fault.clean());
    let left: Vec<String> = left.map(temblor_history::Fault::label).collect();
    let status = if left.is_empty() {
        TestCaseStatus::success()
    } else {
        not_well(NonSuccessKind::Error, "cleanup", "not verified clean", &left.join("\n"))
    };
    case("cleanup", "every fault is healed", status)
}

fn harness(run: &StoredRun) -> TestCase {
    let status = match run.verdict.errors.as_slice() {
        [] => TestCaseStatus::success(),
        errors => not_well(NonSuccessKind::Error, "harness", &errors[0], &errors.join("\n")),
    };
    case("harness", "the harness works", status)
}
