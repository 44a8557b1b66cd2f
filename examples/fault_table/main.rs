//! What faults did in stored runs, as a Markdown table: `cargo run --example fault_table RUN…`
//! (folders of runs; each line of the table is one fault with its parameters).
//!
//! Times are the widths of what was measured: from the command until the last observation that
//! confirms it. Effects are the evidence's own words, of the last occurrence, without what was seen
//! of what stood beside the fault.
//!
//! The plans beside this file give each fault ten times, on real servers; `control-…` have the layer
//! under the data folders and no fault on it.

#![expect(clippy::print_stdout, reason = "it prints its table")]

use std::collections::BTreeMap;

use temblor_history::{Evidence, FaultChange, FaultEvent, Measured};

#[derive(Default)]
struct Row {
    applied_ms: Vec<f64>,
    healed_ms: Vec<f64>,
    occurrences: usize,
    verified: usize,
    clean: usize,
    effect: Vec<Evidence>,
    end: Vec<Evidence>,
}

impl Row {
    fn take(&mut self, change: FaultChange) {
        match change {
            FaultChange::Resolved { .. } => self.occurrences += 1,
            FaultChange::Began { measured, evidence } => {
                self.applied_ms.push(width_ms(measured));
                self.verified += usize::from(holds(&evidence));
                self.effect = evidence;
            }
            FaultChange::Healed { measured, evidence, .. } => {
                self.healed_ms.push(width_ms(measured));
                self.clean += usize::from(holds(&evidence));
                self.end = evidence;
            }
            FaultChange::Skipped { .. } | FaultChange::Failed { .. } => {}
        }
    }
}

fn holds(evidence: &[Evidence]) -> bool {
    !evidence.is_empty() && evidence.iter().all(|one| one.holds)
}

fn width_ms(measured: Measured) -> f64 {
    (measured.latest - measured.earliest) as f64 / 1e6
}

/// Median and greatest.
fn spread(mut all: Vec<f64>) -> String {
    all.sort_by(f64::total_cmp);
    let (middle, last) = (all.get(all.len() / 2), all.last());
    middle.zip(last).map_or("–".into(), |(middle, last)| format!("{middle:.1} ({last:.1})"))
}

/// What was seen of the fault itself: at most two lines, and all that do not hold.
fn words(evidence: &[Evidence]) -> String {
    let beside = ["datagrams on ", "server processes before"];
    let is_beside = |one: &Evidence| beside.iter().any(|words| one.what.starts_with(words));
    let (mut lines, mut left_out) = (Vec::new(), 0);
    for one in evidence {
        if one.holds && is_beside(one) {
            continue;
        }
        if one.holds && lines.len() == 2 {
            left_out += 1;
            continue;
        }
        let mark = if one.holds { "" } else { "**not held:** " };
        lines.push(format!("{mark}{}: {} ({})", one.what, one.observed, one.expected));
    }
    if left_out > 0 {
        lines.push(format!("and {left_out} more"));
    }
    lines.join("<br>").replace('|', "\\|")
}

fn main() -> Result<(), String> {
    let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
    for run in std::env::args().skip(1) {
        let path = format!("{run}/faults.jsonl");
        let text = std::fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
        for line in text.lines() {
            let event: FaultEvent =
                serde_json::from_str(line).map_err(|why| format!("{path}: {why}"))?;
            rows.entry((event.fault, event.detail)).or_default().take(event.change);
        }
    }
    println!(
        "| fault | applied in ms, median (most) | effect, measured (commanded) | healed in ms | \
         after the heal | verified | clean |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for ((fault, detail), row) in rows {
        let name = if detail.is_empty() { fault } else { format!("{fault}: {detail}") };
        println!(
            "| {name} | {} | {} | {} | {} | {}/{} | {}/{} |",
            spread(row.applied_ms),
            words(&row.effect),
            spread(row.healed_ms),
            words(&row.end),
            row.verified,
            row.occurrences,
            row.clean,
            row.occurrences,
        );
    }
    Ok(())
}
