//! Whether a pass would mean something: checks, gates, expectations, and what was noted.

use temblor_history::{CheckReport, Happening, Outcome};

use crate::digest::Digest;
use crate::words;

use super::table::{Cell, Table};

/// The validity part of the page.
#[derive(Debug)]
pub(crate) struct Validity {
    pub(crate) checks: Table,
    pub(crate) gates: Table,
    pub(crate) expectations: Table,
    /// What the harness got wrong, warnings of files, notes of the run.
    pub(crate) notes: Vec<String>,
}

pub(crate) fn validity(digest: &Digest<'_>) -> Validity {
    let verdict = &digest.run.verdict;
    let mut gates = Table::new(&[("gate", false), ("needed and seen", false)]);
    for gate in &verdict.gates {
        gates.push(vec![Cell::holds(gate.holds, gate.name.clone()), gate.detail.clone().into()]);
    }
    let mut expectations =
        Table::new(&[("expectation", false), ("asked", false), ("found", false)]);
    for expected in &verdict.expectations {
        expectations.push(vec![
            Cell::holds(expected.holds, expected.name.clone()),
            expected.asked.clone().into(),
            expected.found.clone().into(),
        ]);
    }
    Validity { checks: checks(&verdict.checks), gates, expectations, notes: notes(digest) }
}

fn checks(reports: &[CheckReport]) -> Table {
    let mut table = Table::new(&[
        ("check", false),
        ("model", false),
        ("verdict", false),
        ("operations", true),
        ("took", true),
        ("decided", false),
    ]);
    for check in reports {
        let reason = check.reason.clone();
        let decided = match check.verdict {
            Outcome::Pass if check.complete => Cell::holds(true, "completely"),
            Outcome::Pass => Cell::holds(false, "nothing inferred contradicts it"),
            Outcome::Violation => Cell::holds(true, not(check)),
            Outcome::Inconclusive => Cell::holds(false, reason.unwrap_or_default()),
            Outcome::Error => Cell::holds(false, check.errors.join("; ")),
        };
        table.push(vec![
            check.consistency.clone().into(),
            check.model.clone().into(),
            check.verdict.to_string().into(),
            words::count(check.ops).into(),
            words::duration((check.seconds * 1e9) as i64).into(),
            decided,
        ]);
    }
    table
}

fn not(check: &CheckReport) -> String {
    if check.not.is_empty() {
        "an example proves it".to_owned()
    } else {
        format!("weakest model violated: {}", check.not.join(", "))
    }
}

fn notes(digest: &Digest<'_>) -> Vec<String> {
    let run = digest.run;
    let happened = run.events.iter().filter_map(|event| {
        let text = match &event.what {
            Happening::Note { text } | Happening::Trouble { text } => text.clone(),
            Happening::ViolationKnown { text, operations } => {
                format!("known from then on, after {operations} operations: {text}")
            }
            Happening::Interrupted => "the user asked to stop".to_owned(),
            _ => return None,
        };
        Some(format!("{}: {text}", words::moment(event.time)))
    });
    let of_files = run.verdict.checks.iter().flat_map(|check| &check.warnings);
    let mut notes: Vec<String> = run.verdict.errors.clone();
    notes.extend(happened);
    notes.extend(run.warnings.iter().chain(of_files).cloned());
    let mut seen = std::collections::HashSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    notes
}
