//! Holds the checker to the verdicts recorded beside public histories, which are no part of this
//! project: the user names a folder with clones of the projects that have them.
//!
//! `cargo run --release -p temblor-checker --example public_histories -- FOLDER [--all]`, where the
//! folder holds any of `porcupine`, `knossos` and `elle-cli`. `--all` prints a line for each
//! history; otherwise only those where the verdicts differ. The exit code is 1 if any does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]

mod elle_cli;
mod knossos;
mod porcupine;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use temblor_checker::{Budget, Exhausted, Request, check};
use temblor_history::{History, Outcome};

/// Longer than this no history may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A history with the verdict that its project records.
struct Case {
    name: String,
    history: Result<History, String>,
    request: Request,
    valid: bool,
}

struct Deadline(Instant);

impl Budget for Deadline {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        (self.0.elapsed() > PATIENCE).then_some(Exhausted::Deadline)
    }
}

/// What came of all cases of one project.
#[derive(Default)]
struct Tally {
    agree: usize,
    differ: usize,
    undecided: usize,
    seconds: f64,
    slowest: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.iter().find(|word| !word.starts_with("--")).map(PathBuf::from)
    else {
        eprintln!("name a folder that holds clones of porcupine, knossos or elle-cli");
        return ExitCode::from(254);
    };
    let all = arguments.iter().any(|word| word == "--all");
    println!("| project | histories | agree | differ | undecided | time | the slowest |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let mut differ = 0;
    for (name, cases) in [
        ("porcupine", porcupine::cases as fn(&Path) -> Vec<Case>),
        ("knossos", knossos::cases),
        ("elle-cli", elle_cli::cases),
    ] {
        let tally = tally(&cases(&folder.join(name)), all);
        let Tally { agree, undecided, seconds, slowest, .. } = tally;
        let number = agree + tally.differ + undecided;
        println!(
            "| {name} | {number} | {agree} | {} | {undecided} | {seconds:.2} s | {slowest:.2} s |",
            tally.differ
        );
        differ += tally.differ;
    }
    ExitCode::from(u8::from(differ > 0))
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time of this process")]
fn tally(cases: &[Case], all: bool) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let began = Instant::now();
        let said = verdict(case);
        let seconds = began.elapsed().as_secs_f64();
        tally.seconds += seconds;
        tally.slowest = tally.slowest.max(seconds);
        let expected = if case.valid { "pass" } else { "violation" };
        match said.as_str() {
            word if word == expected => tally.agree += 1,
            "pass" | "violation" => tally.differ += 1,
            _ => tally.undecided += 1,
        }
        if all || said != expected {
            eprintln!("{}: {said}, recorded is {expected} ({seconds:.3} s)", case.name);
        }
    }
    tally
}

#[expect(clippy::disallowed_methods, reason = "the deadline of this process")]
fn verdict(case: &Case) -> String {
    let history = match &case.history {
        Ok(history) => history,
        Err(error) => return format!("can't be read: {error}"),
    };
    let report = check(history, &case.request, &Deadline(Instant::now()));
    let why = || report.errors.iter().chain(&report.reason).cloned().collect::<Vec<_>>().join("; ");
    match report.verdict {
        Outcome::Pass | Outcome::Violation => report.verdict.to_string(),
        other => format!("{other}: {}", why()),
    }
}

/// The files of a folder, in the order of their names; none if it isn't there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}
