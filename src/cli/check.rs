//! `temblor check` and `temblor report`: a stored run or a history file, judged without a cluster.

use std::path::Path;

use clap::{Args, ValueEnum};
use temblor_checker::{Request, VersionOrder};
use temblor_history::{CheckReport, Format, History, ImportOptions, Outcome, RunFolder};

use super::{err, harness_error, out, render, usage};
use crate::{
    exit_code,
    judge::{self, Limits},
    plan::{parse_duration, parse_size},
    store,
};

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// A run's folder, `latest`, or a history file.
    target: String,
    /// The model of the operations; by default what the history's header says.
    #[arg(long)]
    model: Option<String>,
    /// What to check; by default what the run claims.
    ///
    /// For a file, the strongest promise that its model can be asked for, which respects real
    /// time: `strict-serializable` for `list-append` and `rw-register` (Elle's default too),
    /// `total-conserved` for `bank`, `unique` for `unique-ids`, and `linearizable` for all others.
    #[arg(long)]
    consistency: Option<String>,
    /// The file's format.
    #[arg(long, value_enum, default_value = "auto")]
    format: FormatName,
    /// Read every value as a `[key, value]` tuple, as jepsen.independent makes them.
    #[arg(long)]
    independent: bool,
    /// What a `fail` of a `cas` says, where the file does not: `refused`, that the value was
    /// another one. Without it, a failed cas only says that it did nothing.
    #[arg(long, value_enum, value_name = "MEANING")]
    cas_fail: Option<CasFail>,
    /// What orders a key's versions in `rw-register`, beyond that the initial one comes first.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ORDERS")]
    version_orders: Vec<VersionOrderName>,
    /// How long checking may take.
    #[arg(long, default_value = "60s", value_name = "DURATION")]
    deadline: String,
    /// How much memory the checker's structures may take.
    #[arg(long, default_value = "4GiB", value_name = "SIZE")]
    memory: String,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// By content.
    Auto,
    /// JSON Lines, as runs store them.
    Jsonl,
    /// One JSON array of events.
    Json,
    /// Jepsen's history.edn: maps or records, one after another or in a vector.
    Edn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CasFail {
    /// The value was another one.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VersionOrderName {
    /// Within a transaction, a write follows what the transaction read of that key.
    Wfr,
    /// Each process sees a key's versions in order.
    Sequential,
    /// Each key is linearizable.
    Linearizable,
}

impl CheckArguments {
    fn import_options(&self) -> ImportOptions {
        let format = match self.format {
            FormatName::Auto => Format::Auto,
            FormatName::Jsonl => Format::JsonLines,
            FormatName::Json => Format::Json,
            FormatName::Edn => Format::Edn,
        };
        let cas_fail_refused = self.cas_fail == Some(CasFail::Refused);
        ImportOptions { format, independent: self.independent, cas_fail_refused }
    }

    /// What to check of a history of this model.
    fn request(&self, model: &str) -> Request {
        let consistency = self.consistency.as_deref().unwrap_or(default_consistency(model));
        let orders = self.version_orders.iter().map(|order| match order {
            VersionOrderName::Wfr => VersionOrder::WritesFollowReads,
            VersionOrderName::Sequential => VersionOrder::Sequential,
            VersionOrderName::Linearizable => VersionOrder::Linearizable,
        });
        Request { version_orders: orders.collect(), ..Request::new(model, consistency) }
    }

    /// Whether anything is asked that a run's own claim does not say.
    fn asks_for_something_else(&self) -> bool {
        self.model.is_some()
            || self.consistency.is_some()
            || !self.version_orders.is_empty()
            || self.import_options() != ImportOptions::default()
    }
}

/// What a history file of this model is checked for unless something else is asked.
fn default_consistency(model: &str) -> &'static str {
    match model {
        "list-append" | "rw-register" => "strict-serializable",
        "bank" => "total-conserved",
        "unique-ids" => "unique",
        _ => "linearizable",
    }
}

/// Checks; returns the exit code.
pub(super) fn check(runs: &Path, arguments: &CheckArguments) -> i32 {
    let limits = match limits(&arguments.deadline, &arguments.memory) {
        Ok(limits) => limits,
        Err(error) => return usage(&error),
    };
    let path = Path::new(&arguments.target);
    if path.is_file() {
        return check_file(path, arguments, limits);
    }
    match store::find(runs, &arguments.target) {
        Ok(folder) => check_run(&folder, arguments, limits),
        Err(error) => usage(&error),
    }
}

/// Parses the two limits of a check.
pub(super) fn limits(deadline: &str, memory: &str) -> Result<Limits, String> {
    let deadline = parse_duration(deadline).map_err(|why| format!("--deadline: {why}"))?;
    let bytes = parse_size(memory).map_err(|why| format!("--memory: {why}"))?;
    Ok(Limits { deadline, memory_bytes: usize::try_from(bytes).unwrap_or(usize::MAX) })
}

/// A run says itself what is checked; flags ask for something else of its history.
fn check_run(folder: &RunFolder, arguments: &CheckArguments, limits: Limits) -> i32 {
    if arguments.asks_for_something_else() || !folder.manifest().is_file() {
        return check_file(&folder.history(), arguments, limits);
    }
    let verdict = match judge::judge(folder, limits) {
        Ok(verdict) => verdict,
        Err(error) => return usage(&error),
    };
    if let Err(error) = store::write_json(&folder.verdict(), &verdict) {
        return harness_error(&error.to_string());
    }
    if arguments.json {
        for check in &verdict.checks {
            print_json(check);
        }
    } else {
        out(&render::verdict(&verdict));
    }
    verdict.exit_code
}

fn check_file(path: &Path, arguments: &CheckArguments, limits: Limits) -> i32 {
    let read = History::import_file(path, &arguments.import_options());
    let model = arguments.model.clone().or_else(|| {
        read.as_ref().ok().and_then(|history| history.header()).and_then(|head| head.model.clone())
    });
    let report = match (read, model) {
        (Ok(history), Some(model)) => {
            if let Err(error) = orders_fit(arguments, &model) {
                return usage(&error);
            }
            judge::timed_check(&history, &arguments.request(&model), &[], limits)
        }
        (Ok(_), None) => {
            return usage(&format!(
                "`{}` has no header that names its model: say it with --model (see `temblor list consistency`)",
                path.display()
            ));
        }
        (Err(errors), model) => {
            judge::unreadable(&arguments.request(&model.unwrap_or_default()), errors.lines())
        }
    };
    if arguments.json {
        print_json(&report);
    } else {
        print_words(&report);
    }
    code(&report)
}

/// Only registers in transactions leave the order of versions open.
fn orders_fit(arguments: &CheckArguments, model: &str) -> Result<(), String> {
    if model == "rw-register" || arguments.version_orders.is_empty() {
        return Ok(());
    }
    Err(format!("--version-orders is for the model `rw-register`, not for `{model}`"))
}

fn print_json(report: &CheckReport) {
    match serde_json::to_string(report) {
        Ok(json) => out(&json),
        Err(error) => err(&format!("error: {error}")),
    }
}

fn print_words(report: &CheckReport) {
    if report.verdict == Outcome::Error {
        err(&render::check(report));
    } else {
        out(&render::check(report));
    }
}

fn code(report: &CheckReport) -> i32 {
    match report.verdict {
        Outcome::Pass => exit_code::PASS,
        Outcome::Violation => exit_code::VIOLATION,
        Outcome::Inconclusive => exit_code::INCONCLUSIVE,
        Outcome::Error if report.errors.is_empty() => exit_code::HARNESS_ERROR,
        Outcome::Error => exit_code::USAGE,
    }
}

/// Writes the reports of a stored run again; the verdict is judged first where there is none.
pub(super) fn report(runs: &Path, run: &str) -> i32 {
    let folder = match store::find(runs, run) {
        Ok(folder) => folder,
        Err(error) => return usage(&error),
    };
    if !folder.verdict().is_file() {
        let judged = limits("10m", "4GiB").and_then(|limits| judge::judge(&folder, limits));
        let written = judged.and_then(|verdict| {
            store::write_json(&folder.verdict(), &verdict).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            return harness_error(&error);
        }
    }
    match temblor_reports::write_all(&folder) {
        Ok(files) => {
            for file in files {
                out(&file.display().to_string());
            }
            exit_code::PASS
        }
        Err(error) => harness_error(&error.to_string()),
    }
}
