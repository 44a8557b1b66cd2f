//! The command line: arguments to functions, results to stdout, everything else to stderr.
//!
//! It decides nothing about runs; each command has a file below. Exit codes are in `exit_code`.

mod check;
mod machine;
mod render;
mod run;
mod text;

use std::{ffi::OsString, io::Write, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit_code;

/// Chaos-testing for real clusters: faults, histories, consistency checks, reports.
#[derive(Debug, Parser)]
#[command(name = "temblor", version, about, arg_required_else_help = true)]
struct Arguments {
    /// Where runs are kept.
    #[arg(long, global = true, default_value = crate::store::RUNS, value_name = "FOLDER")]
    runs: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drive, inject, record, check, report.
    Run(RunArguments),
    /// Print the timeline of a plan, touching nothing.
    Plan(PlanArguments),
    /// Check a stored run or a history file.
    Check(check::CheckArguments),
    /// Write the reports of a stored run again.
    Report {
        /// A run's folder, or `latest`.
        run: String,
    },
    /// Say what this machine has, lacks, and what each lack costs.
    Doctor,
    /// Heal and clear what interrupted runs left.
    Recover {
        /// A run's folder, or `latest`; all stored runs when left out.
        run: Option<String>,
    },
    /// List faults, workloads, systems, plans or consistency models.
    List {
        /// Which catalogue.
        kind: String,
    },
    /// Explain an entry of a catalogue, a consistency model or an anomaly.
    Explain {
        /// Its name.
        name: String,
    },
    /// Print the JSON Schema of plan files, for editors.
    Schema,
}

/// A plan and what overrides it.
#[derive(Debug, Clone, Args)]
struct PlanArguments {
    /// A path (with a `/` or ending in `.yaml`), or a name from the catalogue, such as `demo`.
    plan: String,
    /// Override one value of the plan by its path, such as `settings.bug=ack-early`.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    overrides: Vec<String>,
    /// The one seed of the run.
    #[arg(long)]
    seed: Option<u64>,
    /// Seed a bug into an embedded system: the short form of `--set settings.bug=NAME`.
    #[arg(long, value_name = "NAME")]
    bug: Option<String>,
}

impl PlanArguments {
    /// Another plan with the same overrides.
    fn named(&self, plan: &str) -> Self {
        Self { plan: plan.to_owned(), ..self.clone() }
    }
}

#[derive(Debug, Args)]
struct RunArguments {
    #[command(flatten)]
    plan: PlanArguments,
    /// Install what the system needs and this machine lacks.
    #[arg(long, env = "TEMBLOR_INSTALL", value_parser = clap::builder::FalseyValueParser::new())]
    install: bool,
    /// Where the nodes live; by default the best that this machine offers.
    #[arg(long, value_enum)]
    provider: Option<ProviderName>,
    /// Leave the nodes' data folders in the run's folder.
    #[arg(long)]
    keep_data: bool,
    /// Keep a packet trace around each fault, in `traces` in the run's folder, for Wireshark.
    #[arg(long)]
    trace: bool,
    /// How long checking may take.
    #[arg(long, default_value = "10m", value_name = "DURATION")]
    check_deadline: String,
    /// How much memory checking may take.
    #[arg(long, default_value = "4GiB", value_name = "SIZE")]
    check_memory: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProviderName {
    /// Each node in namespaces of its own.
    Namespaces,
    /// Each node on a loopback address: kill and pause only.
    Loopback,
}

/// Runs the command that the program's arguments name; returns the exit code.
pub fn main() -> i32 {
    dispatch(std::env::args_os().collect())
}

fn dispatch(words: Vec<OsString>) -> i32 {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { exit_code::USAGE } else { exit_code::PASS };
        }
    };
    let runs = &arguments.runs;
    match &arguments.command {
        Command::Run(arguments) => run::run(runs, arguments),
        Command::Plan(arguments) => text::plan(arguments),
        Command::Check(arguments) => check::check(runs, arguments),
        Command::Report { run } => check::report(runs, run),
        Command::Doctor => machine::doctor(),
        Command::Recover { run } => machine::recover(runs, run.as_deref()),
        Command::List { kind } => text::list(kind),
        Command::Explain { name } => text::explain(name),
        Command::Schema => text::schema(),
    }
}

/// Prints a result. A reader that went away (`| head`) is no error.
fn out(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n'));
}

/// Prints what is not a result.
fn err(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end_matches('\n'));
}

/// Prints an error and says that the user can mend it.
fn usage(text: &str) -> i32 {
    err(&format!("error: {text}"));
    exit_code::USAGE
}

/// Prints an error of the harness or of the machine.
fn harness_error(text: &str) -> i32 {
    err(&format!("error: {text}"));
    exit_code::HARNESS_ERROR
}
