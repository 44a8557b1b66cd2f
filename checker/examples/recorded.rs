//! Holds the checker of transactions to verdicts that Elle's own tests recorded.
//!
//! `cargo run --release -p temblor-checker --example recorded -- elle_test_cases.edn`
//!
//! The file has one EDN map a line: `:model`, `:opts` (Elle's), `:valid?`, `:anomaly-types`, `:not`
//! and `:history`, which comes last; `:extra-opts` names options that could not be written down:
//! such cases are passed over. Where Elle says `:unknown` (no dependency at all), a pass agrees.
//!
//! One kind of difference is explained, and shown with its proof: Elle takes a register's value that
//! nobody wrote for given, where to us it is `thin-air`, which rules out `read-committed`. It counts as
//! explained only if all differences are gone once that is taken out of the question: what Elle passes
//! must pass without such reads, and what it rules out must be ruled out if unseen clients wrote those
//! values.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]

#[path = "public_histories/given.rs"]
mod given;

use std::{collections::BTreeSet, process::ExitCode};

use temblor_checker::{Request, Unlimited, VersionOrder, check};
use temblor_history::{CheckReport, Format, History, HistoryErrors, ImportOptions, Outcome};

use given::{VALUES_GIVEN, with_unseen_writers, without_reads_of_what_nobody_wrote};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: recorded FILE");
        return ExitCode::from(254);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(254);
        }
    };
    let (mut agreed, mut explained, mut differed, mut skipped) = (0, 0, 0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case = Case::of(line);
        match case.compare() {
            None => skipped += 1,
            Some((differences, _)) if differences.is_empty() => agreed += 1,
            Some((differences, explanation)) => {
                println!("case {} ({}, {}):", case.number, case.model, case.asked());
                for difference in differences {
                    println!("    {difference}");
                }
                match explanation {
                    Some(proof) => {
                        explained += 1;
                        println!("    explained: {proof}");
                    }
                    None => differed += 1,
                }
            }
        }
    }
    println!(
        "{agreed} agree, {explained} differ and are explained, {differed} differ, {skipped} passed \
         over"
    );
    if differed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One recorded case.
struct Case<'l> {
    number: &'l str,
    model: &'l str,
    options: &'l str,
    valid: &'l str,
    not: BTreeSet<String>,
    anomalies: BTreeSet<String>,
    skipped: bool,
    history: &'l str,
}

/// What stands between a beginning and an end, the first time.
fn between<'l>(text: &'l str, beginning: &str, end: &str) -> &'l str {
    let rest = text.split_once(beginning).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(found, _)| found)
}

fn names(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(|name| name.trim_start_matches(':').to_owned()).collect()
}

impl<'l> Case<'l> {
    fn of(line: &'l str) -> Self {
        let (head, history) = line.split_once(":history ").unwrap_or((line, ""));
        Self {
            number: between(head, ":case ", ","),
            model: between(head, ":model :", ","),
            options: between(head, ":opts {", "}"),
            valid: between(head, ":valid? ", ","),
            not: names(between(head, ":not #{", "}")),
            anomalies: names(between(head, ":anomaly-types [", "]")),
            skipped: !between(head, ":extra-opts [", "]").is_empty(),
            history: history.trim_end().strip_suffix('}').unwrap_or(history),
        }
    }

    fn levels(&self) -> Vec<String> {
        let named = names(between(self.options, ":consistency-models [", "]"));
        let levels: Vec<String> =
            named.into_iter().map(|name| name.replace("strong-serial", "strict-serial")).collect();
        if levels.is_empty() { vec!["strict-serializable".to_owned()] } else { levels }
    }

    fn single_anomalies(&self) -> BTreeSet<String> {
        names(between(self.options, ":anomalies [", "]"))
    }

    fn asked(&self) -> String {
        if self.single_anomalies().is_empty() {
            self.levels().join(", ")
        } else {
            self.options.to_owned()
        }
    }

    fn report(&self, level: &str, history: &Result<History, HistoryErrors>) -> CheckReport {
        let mut request = Request::new(self.model, level);
        let orders = [
            (":wfr-keys? true", VersionOrder::WritesFollowReads),
            (":sequential-keys? true", VersionOrder::Sequential),
            (":linearizable-keys? true", VersionOrder::Linearizable),
        ];
        let asked = orders.into_iter().filter(|(option, _)| self.options.contains(option));
        request.version_orders = asked.map(|(_, order)| order).collect();
        match history {
            Ok(history) => check(history, &request, &Unlimited),
            Err(errors) => {
                CheckReport { errors: errors.lines(), ..CheckReport::undecided(self.model, level) }
            }
        }
    }

    /// What differs, and why if that is known; none if the case cannot be compared.
    fn compare(&self) -> Option<(Vec<String>, Option<String>)> {
        if self.skipped {
            return None;
        }
        let options = ImportOptions { format: Format::Edn, ..ImportOptions::default() };
        let history = History::import(self.history.as_bytes(), &options);
        let (differences, thin_air) = self.differences(&history);
        let explanation = thin_air.filter(|_| self.model == "rw-register").and_then(|proof| {
            let history = history.as_ref().ok()?;
            let (reading, given) = if self.valid == "false" {
                ("written by clients that nobody saw", with_unseen_writers(history))
            } else {
                ("not read", without_reads_of_what_nobody_wrote(history)?)
            };
            let (differences, _) = self.differences(&Ok(given));
            differences
                .is_empty()
                .then(|| format!("{proof} {VALUES_GIVEN}; if they were {reading}, nothing differs"))
        });
        Some((differences, explanation))
    }

    /// What differs, and the proof that a register held a value that nobody wrote, if one did.
    fn differences(
        &self,
        history: &Result<History, HistoryErrors>,
    ) -> (Vec<String>, Option<String>) {
        let reports: Vec<CheckReport> =
            self.levels().iter().map(|level| self.report(level, history)).collect();
        let mut differences: Vec<String> =
            reports.iter().flat_map(|one| one.errors.clone()).collect();
        let kinds = reports.iter().flat_map(|one| &one.anomalies).map(|found| found.kind.clone());
        let kinds: BTreeSet<String> = kinds.collect();
        let single = self.single_anomalies();
        let violated = if single.is_empty() {
            reports.iter().any(|one| one.verdict == Outcome::Violation)
        } else {
            single.iter().any(|asked| kinds.iter().any(|kind| is_case_of(kind, asked)))
        };
        if violated != (self.valid == "false") {
            differences
                .push(format!("Elle: valid? {} {:?}; here {kinds:?}", self.valid, self.anomalies));
        }
        if violated && single.is_empty() {
            differences.extend(self.levels_that_differ(&reports));
        }
        let mut found = reports.iter().flat_map(|report| &report.anomalies);
        let thin_air = found.find(|anomaly| anomaly.kind == "thin-air");
        let witness = thin_air.and_then(|anomaly| anomaly.witness.as_ref());
        (differences, witness.map(|witness| witness.proof.join(" ")))
    }
}

impl Case<'_> {
    /// Levels that only one of us rules out. Elle looks at the order of processes and at real time
    /// only where the level asked for speaks of them, so there we may rule out more.
    fn levels_that_differ(&self, reports: &[CheckReport]) -> Vec<String> {
        let here = |name: &String| {
            reports.iter().any(|one| one.not.contains(name) || one.also_not.contains(name))
        };
        let renamed = |name: &String| name.replace("strong-serial", "strict-serial");
        let missing = self.not.iter().map(renamed).filter(|name| !here(name));
        let missing = missing.map(|name| format!("Elle rules out {name}; here it may hold"));
        let ours = reports.iter().flat_map(|one| &one.not);
        let more = ours.filter(|name| !self.not.contains(*name) && !name.starts_with("strong"));
        missing
            .chain(more.map(|name| format!("{name} is ruled out here, and not by Elle")))
            .collect()
    }
}

/// Whether an anomaly is a case of one that Elle was asked for by name.
fn is_case_of(kind: &str, asked: &str) -> bool {
    let reads = [
        "G1a",
        "G1b",
        "G1c",
        "G0",
        "incompatible-order",
        "dirty-update",
        "thin-air",
        "future-read",
    ];
    let writes = ["G-single-item", "G-nonadjacent-item", "G2-item", "lost-update"];
    match asked {
        "G1" => reads.contains(&kind),
        "G2" => writes.contains(&kind),
        "G-single" => kind == "G-single-item",
        _ => kind == asked,
    }
}
