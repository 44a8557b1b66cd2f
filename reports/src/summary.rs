//! `summary.md`: the first screen and what follows from it, for a pull request or a job's page.
//!
//! Those places take so much and no more, so the summary has a limit, and the most important stands
//! first. Everything untrusted is escaped: a key cannot mention a person or draw a table.

use std::fmt::Write;

use temblor_history::{Anomaly, CheckReport, Outcome};

use crate::StoredRun;
use crate::digest::Digest;
use crate::escape::{markdown, shortened, visible};
use crate::first_screen::{FirstScreen, first_screen};
use crate::measure::{Measure, recovery};
use crate::words;

/// A comment on GitHub holds 64 KiB; a step's summary more.
pub const SUMMARY_BYTES_MOST: usize = 50 * 1024;

const VIOLATIONS_MOST: usize = 5;
const FAULTS_MOST: usize = 40;
/// Longer words are shortened around their middle.
const WORDS_MOST: usize = 600;

/// The run in Markdown, at most [`SUMMARY_BYTES_MOST`].
pub fn summary(run: &StoredRun) -> String {
    let digest = Digest::of(run);
    let first = first_screen(&digest);
    let parts = [
        opening(&first),
        violations(&digest),
        broken(run),
        gates(run),
        served(&digest),
        faults(&digest),
    ];
    let closing = "\n_The whole report: `report.html` in the run's folder._\n";
    let omitted = "\n_More was left out to keep this short._\n";
    let mut summary = String::new();
    for part in parts {
        if summary.len() + part.len() + closing.len() + omitted.len() > SUMMARY_BYTES_MOST {
            summary.push_str(omitted);
            break;
        }
        summary.push_str(&part);
    }
    summary.push_str(closing);
    summary
}

fn words_of(text: &str) -> String {
    markdown(&shortened(text, WORDS_MOST))
}

fn opening(first: &FirstScreen) -> String {
    let icon = match first.outcome.as_str() {
        "pass" => "✅",
        "violation" if first.expected => "☑️",
        "violation" => "❌",
        "inconclusive" => "❔",
        _ => "⚠️",
    };
    let mut text =
        format!("## {icon} {}\n\n{}\n\n", words_of(&first.title), words_of(&first.sentence));
    if first.expected {
        text.push_str("This plan is a calibration: it expects this violation.\n\n");
    }
    for reason in first.reasons.iter().take(20) {
        line(&mut text, format_args!("- {}", words_of(reason)));
    }
    for (what, said) in &first.claims {
        line(&mut text, format_args!("- {what}: **{}**", words_of(said)));
    }
    for sign in &first.strip {
        let mark = if sign.good { "✓" } else { "✗" };
        line(&mut text, format_args!("- {mark} {}", words_of(&sign.text)));
    }
    text.push_str(&fenced(&first.command));
    line(&mut text, format_args!("{} · {}", words_of(&first.subtitle), words_of(&first.versions)));
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{arguments}");
}

/// A block of code that nothing within can end.
fn fenced(code: &str) -> String {
    let longest = code.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}\n{}\n{fence}\n\n", visible(&shortened(code, WORDS_MOST)))
}

fn violations(digest: &Digest<'_>) -> String {
    let violated =
        digest.run.verdict.checks.iter().filter(|check| check.verdict == Outcome::Violation);
    let found: Vec<(&CheckReport, &Anomaly)> = violated
        .flat_map(|check| check.anomalies.iter().map(move |found| (check, found)))
        .collect();
    let mut text = String::new();
    for (check, anomaly) in found.iter().take(VIOLATIONS_MOST) {
        text.push_str(&violation(digest, check, anomaly));
    }
    if found.len() > VIOLATIONS_MOST {
        line(&mut text, format_args!("\nand {} more kinds.", found.len() - VIOLATIONS_MOST));
    }
    text
}

fn violation(digest: &Digest<'_>, check: &CheckReport, anomaly: &Anomaly) -> String {
    let (kind, times) = (words_of(&anomaly.kind), words::count(anomaly.count));
    let not = words_of(&check.consistency);
    let certainty = if anomaly.definite { "definite" } else { "possible" };
    let mut text = format!("\n### {kind}\n\nFound {times}×, {certainty}; not {not}.\n\n");
    let Some(witness) = &anomaly.witness else {
        return text + &fenced(&anomaly.explanation);
    };
    line(&mut text, format_args!("{}\n", words_of(&digest.sentence(&witness.sentence))));
    for step in witness.proof.iter().take(20) {
        line(&mut text, format_args!("- {}", words_of(step)));
    }
    if let Some(legal) = witness.legal.as_ref() {
        let legal = words_of(legal.trim_end_matches([',', '.', ' ']));
        line(&mut text, format_args!("\nLegal would have been {legal}."));
    }
    text
}

fn broken(run: &StoredRun) -> String {
    let broken = run.verdict.expectations.iter().filter(|expected| !expected.holds);
    let rows = broken.map(|expected| {
        [words_of(&expected.name), words_of(&expected.asked), words_of(&expected.found)].to_vec()
    });
    table("Expectations that were not kept", &["expectation", "asked", "found"], rows.collect())
}

fn gates(run: &StoredRun) -> String {
    let failed = run.verdict.gates.iter().filter(|gate| !gate.holds);
    let rows = failed.map(|gate| [words_of(&gate.name), words_of(&gate.detail)].to_vec());
    table("Validity gates that failed", &["gate", "needed and seen"], rows.collect())
}

fn served(digest: &Digest<'_>) -> String {
    let Some(share) = digest.availability().share() else { return String::new() };
    let latency = digest.latency(Measure::Response);
    let at = |percent| words::quantile(latency.percentile(percent));
    format!(
        "\n### Service\n\nAvailability {} of intended operations; longest time without an ok {}. \
         Response time p50 {}, p99 {}, max {}.\n",
        words::percent(share),
        words::duration(digest.longest_gap().length()),
        at(50.0),
        at(99.0),
        at(100.0)
    )
}

fn faults(digest: &Digest<'_>) -> String {
    let faults = &digest.run.faults;
    let rows = faults.iter().take(FAULTS_MOST).map(|fault| {
        let time = |at: Option<temblor_history::Measured>| {
            at.map_or("–".to_owned(), |at| words::moment(at.latest))
        };
        let yes = |yes: bool| if yes { "✓" } else { "✗" }.to_owned();
        let seen = recovery(&digest.timings, fault);
        let whole = seen.whole().map_or("–".to_owned(), words::duration);
        let (verified, clean) = (yes(fault.verified()), yes(fault.clean()));
        [words_of(&fault.label()), time(fault.began), time(fault.healed), verified, clean, whole]
            .to_vec()
    });
    let heads = ["fault", "began", "ended", "verified", "clean", "all nodes ok after"];
    let mut text = table("Faults", &heads, rows.collect());
    if faults.len() > FAULTS_MOST {
        line(&mut text, format_args!("\nand {} more.", faults.len() - FAULTS_MOST));
    }
    text
}

/// A table of cells that are escaped already; nothing where it has no rows.
fn table(title: &str, heads: &[&str], rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text =
        format!("\n### {title}\n\n| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for row in rows {
        line(&mut text, format_args!("| {} |", row.join(" | ")));
    }
    text
}
