//! Holds the checker to the verdicts recorded beside public histories, which are no part of this
//! project: the user names a folder with clones of the projects that have them.
//!
//! `cargo run --release -p temblor-checker --example public_histories -- FOLDER [--all]`, where the
//! folder holds any of `porcupine`, `knossos`, `elle-cli`, `elle` and `AWDIT`. `--all` prints a line
//! for each history; otherwise only those where something is to be said.
//!
//! A verdict that differs is *explained* if the peer asks another question by a rule of its own
//! ([`rules`]), and the same question, asked of the history without what the rule is about, has the
//! recorded verdict. A file that its clone lacks is *absent*. The exit code is 1 if any other verdict
//! differs or stays undecided, or if there is nothing to compare.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program, not a library")]

mod awdit;
mod elle;
mod elle_cli;
mod given;
mod knossos;
mod porcupine;
mod rules;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use temblor_checker::{Budget, Exhausted, Request, check};
use temblor_history::{CheckReport, History, HistoryErrors, Outcome};

use rules::Rule;

/// Longer than this no history may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A history with the verdict that its project records.
struct Case {
    name: String,
    history: Result<History, Unread>,
    request: Request,
    valid: bool,
    /// By which its project asks another question.
    rule: Option<&'static Rule>,
}

impl Case {
    fn expected(&self) -> &'static str {
        if self.valid { "pass" } else { "violation" }
    }
}

struct Deadline(Instant);

impl Budget for Deadline {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        (self.0.elapsed() > PATIENCE).then_some(Exhausted::Deadline)
    }
}

/// What came of one case.
enum Comparison {
    Agrees,
    /// Differs by a rule of the project; the words say which, and quote what the rule lets pass.
    Explained(String),
    Differs(String),
    Undecided(String),
    /// The clone has no such file.
    Absent,
}

/// What came of all cases of one project.
#[derive(Default)]
struct Tally {
    agree: usize,
    explained: usize,
    differ: usize,
    undecided: usize,
    absent: usize,
    seconds: f64,
    slowest: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(folder) = arguments.iter().find(|word| !word.starts_with("--")).map(PathBuf::from)
    else {
        eprintln!("name a folder that holds clones of porcupine, knossos, elle-cli, elle or AWDIT");
        return ExitCode::from(254);
    };
    let all = arguments.iter().any(|word| word == "--all");
    println!(
        "| project | histories | agree | explained | differ | undecided | absent | time | the slowest |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let (mut compared, mut open) = (0, 0);
    for (name, cases) in [
        ("porcupine", porcupine::cases as fn(&Path) -> Vec<Case>),
        ("knossos", knossos::cases),
        ("elle-cli", elle_cli::cases),
        ("elle", elle::cases),
        ("AWDIT", awdit::cases),
    ] {
        let cases = cases(&folder.join(name));
        let tally = tally(&cases, all);
        let Tally { agree, explained, differ, undecided, absent, seconds, slowest } = tally;
        println!(
            "| {name} | {} | {agree} | {explained} | {differ} | {undecided} | {absent} | \
             {seconds:.2} s | {slowest:.2} s |",
            cases.len()
        );
        compared += agree + explained;
        open += differ + undecided;
    }
    ExitCode::from(u8::from(open > 0 || compared == 0))
}

#[expect(clippy::disallowed_methods, reason = "what is measured is the time of this process")]
fn tally(cases: &[Case], all: bool) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let began = Instant::now();
        let comparison = compare(case);
        let seconds = began.elapsed().as_secs_f64();
        tally.seconds += seconds;
        tally.slowest = tally.slowest.max(seconds);
        let (count, words) = match comparison {
            Comparison::Agrees => (&mut tally.agree, None),
            Comparison::Explained(why) => (&mut tally.explained, Some(why)),
            Comparison::Differs(how) => (&mut tally.differ, Some(how)),
            Comparison::Undecided(why) => (&mut tally.undecided, Some(why)),
            Comparison::Absent => (&mut tally.absent, Some("its clone has no such file".into())),
        };
        *count += 1;
        if all || words.is_some() {
            let words = words.unwrap_or_else(|| "agrees".to_owned());
            eprintln!("{}: recorded is {}; {words} ({seconds:.3} s)", case.name, case.expected());
        }
    }
    tally
}

fn compare(case: &Case) -> Comparison {
    let history = match &case.history {
        Ok(history) => history,
        Err(Unread::Absent) => return Comparison::Absent,
        Err(Unread::Unreadable(error)) => {
            return Comparison::Undecided(format!("can't be read: {error}"));
        }
    };
    let report = judged(history, &case.request);
    match report.verdict {
        Outcome::Pass | Outcome::Violation if report.verdict.to_string() == case.expected() => {
            Comparison::Agrees
        }
        Outcome::Pass | Outcome::Violation => explained(case, history, &report)
            .map_or_else(|| Comparison::Differs(said(&report)), Comparison::Explained),
        _ => Comparison::Undecided(said(&report)),
    }
}

/// The verdict with what it rests on.
fn said(report: &CheckReport) -> String {
    let kinds = report.anomalies.iter().map(|anomaly| anomaly.kind.clone());
    let why: Vec<String> =
        kinds.chain(report.errors.clone()).chain(report.reason.clone()).collect();
    format!("here {}: {}", report.verdict, why.join("; "))
}

/// The rule that explains a difference, with the proof of what it lets pass: without what it is
/// about, the verdict is the recorded one.
fn explained(case: &Case, history: &History, report: &CheckReport) -> Option<String> {
    let rule = case.rule?;
    let same_question = rule.without(history, report)?;
    let again = judged(&same_question, &case.request);
    if again.verdict.to_string() != case.expected() || !again.complete {
        return None;
    }
    let witness = report.anomalies.first()?.witness.as_ref()?;
    Some(format!(
        "{}: {} Explained: {}; without such reads it is here too a {}",
        said(report),
        witness.proof.join(" "),
        rule.says,
        again.verdict
    ))
}

#[expect(clippy::disallowed_methods, reason = "the deadline of this process")]
fn judged(history: &History, request: &Request) -> CheckReport {
    check(history, request, &Deadline(Instant::now()))
}

/// Why there is no history.
enum Unread {
    Absent,
    Unreadable(String),
}

/// The text of a file.
fn text_of(file: &Path) -> Result<String, Unread> {
    std::fs::read_to_string(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Unread::Absent,
        _ => Unread::Unreadable(error.to_string()),
    })
}

/// What a reader makes of a history.
fn readable(read: Result<History, HistoryErrors>) -> Result<History, Unread> {
    read.map_err(|errors| Unread::Unreadable(errors.to_string()))
}

/// The files of a folder, in the order of their names; none if it isn't there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}
