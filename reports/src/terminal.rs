//! What a user reads when the run ends: the verdict, what it rests on, and where the report is.
//!
//! Control characters of the system under test never reach the terminal as such.

use temblor_history::{Fault, Outcome};

use crate::StoredRun;
use crate::digest::Digest;
use crate::escape::{shortened, visible};
use crate::first_screen::first_screen;
use crate::measure::{Measure, recovery};
use crate::words;

/// Lines are broken at this width; terminals are at least so wide.
const WIDTH: usize = 96;
/// More faults than this are counted, not listed.
const FAULTS_MOST: usize = 12;
const VIOLATIONS_MOST: usize = 3;

/// The final summary, with or without colours.
pub fn terminal(run: &StoredRun, colour: bool) -> String {
    let digest = Digest::of(run);
    let mut page = Page { text: String::new(), colour };
    page.verdict(&digest);
    page.violations(&digest);
    page.numbers(&digest);
    page.faults(&digest);
    page.named("report", &run.folder.report().display().to_string());
    page.text
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn verdict(&mut self, digest: &Digest<'_>) {
        let first = first_screen(digest);
        let (icon, code) = match digest.run.verdict.verdict {
            Outcome::Pass => ("✓", "32"),
            Outcome::Violation => ("✗", "31"),
            Outcome::Inconclusive => ("?", "33"),
            Outcome::Error => ("!", "35"),
        };
        let title =
            self.painted(&format!("1;{code}"), &format!("{icon} {}", visible(&first.title)));
        self.text.push_str(&format!("{title}  {}\n", self.painted("2", &visible(&first.subtitle))));
        self.wrapped("  ", "  ", &first.sentence);
        if first.expected {
            self.wrapped("  ", "  ", "This plan is a calibration: it expects this violation.");
        }
        for reason in &first.reasons {
            self.wrapped("  - ", "    ", reason);
        }
        self.text.push('\n');
        for (what, said) in &first.claims {
            self.named(&what.to_lowercase(), said);
        }
        // The first sign counts operations, which have a line of their own below.
        for sign in first.strip.iter().skip(1).filter(|sign| !sign.good) {
            self.named("✗", &sign.text);
        }
    }

    fn violations(&mut self, digest: &Digest<'_>) {
        let checks =
            digest.run.verdict.checks.iter().filter(|check| check.verdict == Outcome::Violation);
        let found: Vec<_> = checks.flat_map(|check| &check.anomalies).collect();
        for anomaly in found.iter().take(VIOLATIONS_MOST) {
            let sentence = anomaly.witness.as_ref().map(|witness| witness.sentence.as_str());
            let sentence = sentence.or(anomaly.explanation.lines().next()).unwrap_or_default();
            if digest.run.verdict.sentence.contains(sentence) {
                continue;
            }
            self.named(&shortened(&anomaly.kind, 12), &digest.sentence(sentence));
        }
        if found.len() > VIOLATIONS_MOST {
            let more = format!("{} more kinds in the report", found.len() - VIOLATIONS_MOST);
            self.named("", &more);
        }
    }

    fn numbers(&mut self, digest: &Digest<'_>) {
        let counts = &digest.run.verdict.counts;
        let parts = [
            (counts.ok, "ok"),
            (counts.refused, "refused"),
            (counts.fail, "failed"),
            (counts.info, "unknown"),
            (counts.shed, "shed"),
        ];
        let parts = parts.map(|(number, what)| format!("{} {what}", words::count(number)));
        self.named("operations", &parts.join(" · "));
        let seen = digest.availability();
        let (Some(share), Some(answered)) = (seen.share(), seen.answered()) else { return };
        let (share, answered) = (words::percent(share), words::percent(answered));
        let gap = words::duration(digest.longest_gap().length());
        let said =
            format!("{share} of intended ok, {answered} answered; longest gap without an ok {gap}");
        self.named("available", &said);
        let latency = digest.latency(Measure::Response);
        let at = |percent| words::quantile(latency.percentile(percent));
        let percentiles =
            format!("p50 {} · p99 {} · max {} (response time)", at(50.0), at(99.0), at(100.0));
        self.named("latency", &percentiles);
    }

    fn faults(&mut self, digest: &Digest<'_>) {
        let counts = digest.fault_counts();
        if digest.run.faults.is_empty() {
            return self.named("faults", "none");
        }
        let (verified, clean) = (counts.verified, counts.clean);
        let (due, began) = (counts.due, counts.began);
        self.named(
            "faults",
            &format!("{verified} of {due} verified, {clean} of {began} healed clean"),
        );
        for fault in digest.run.faults.iter().take(FAULTS_MOST) {
            let line = fault_line(digest, fault);
            self.wrapped("               ", "                 ", &line);
        }
        if digest.run.faults.len() > FAULTS_MOST {
            let more = format!("and {} more", digest.run.faults.len() - FAULTS_MOST);
            self.wrapped("               ", "", &more);
        }
    }

    /// A line that begins with a name in a column of its own.
    fn named(&mut self, name: &str, words: &str) {
        self.wrapped(&format!("  {name:<12} "), "               ", words);
    }

    /// Untrusted words in lines of at most [`WIDTH`] characters, where they have spaces.
    fn wrapped(&mut self, first: &str, then: &str, words: &str) {
        let words = visible(words);
        let mut line = first.to_owned();
        let mut empty = true;
        for word in words.split_whitespace() {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.text.push_str(line.trim_end());
                self.text.push('\n');
                then.clone_into(&mut line);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn fault_line(digest: &Digest<'_>, fault: &Fault) -> String {
    let label = fault.label();
    if let Some(why) = fault.skipped.as_ref().or(fault.failed.as_ref()) {
        return format!("{label}: {why}");
    }
    let Some(began) = fault.began else { return format!("{label}: never began") };
    let from = words::moment(began.latest);
    let Some(healed) = fault.healed else {
        return format!("{label}: from {from}, no measured end");
    };
    let to = words::moment(healed.latest);
    let doubt = if fault.verified() { "" } else { ", not verified" };
    let seen = recovery(&digest.timings, fault);
    let recovered = match (seen.whole(), seen.nodes.is_empty()) {
        (Some(time), _) => format!("; every node ok {} later", words::duration(time)),
        (None, true) => String::new(),
        (None, false) => "; a node was never ok again".to_owned(),
    };
    format!("{label}: {from} to {to}{doubt}{recovered}")
}
