//! Commands that only read plans and catalogues: `plan`, `list`, `explain`, `schema`.

use std::io::IsTerminal;

use super::{PlanArguments, err, out};
use crate::{
    clock::WallTime,
    exit_code,
    plan::{self, Catalogue, Diagnostic, Override, Plan, PlanSource},
};

/// Loads a plan with its overrides. On mistakes all of them are printed, and the exit code comes
/// back.
pub(super) fn load(arguments: &PlanArguments) -> Result<Plan, i32> {
    let overrides = overrides(arguments).map_err(|error| super::usage(&error))?;
    let source = PlanSource::parse(&arguments.plan);
    match plan::load(&source, &overrides, &Catalogue::embedded(), WallTime::now().fresh_seed()) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                err(&plan::render(&loaded.warnings, colour()));
            }
            Ok(loaded.plan)
        }
        Err(mistakes) => Err(refuse(&mistakes)),
    }
}

fn overrides(arguments: &PlanArguments) -> Result<Vec<Override>, String> {
    let set = |path: &str, value: String| Override { path: path.to_owned(), value };
    let mut overrides = Vec::new();
    overrides.extend(arguments.bug.iter().map(|bug| set("settings.bug", bug.clone())));
    overrides.extend(arguments.seed.map(|seed| set("seed", seed.to_string())));
    for text in &arguments.overrides {
        overrides.push(Override::parse(text)?);
    }
    Ok(overrides)
}

/// Whether the catalogue has a plan of this name.
pub(super) fn is_shipped(name: &str) -> bool {
    let source = PlanSource::Catalogue(name.to_owned());
    plan::load(&source, &[], &Catalogue::embedded(), 0).is_ok()
}

/// Prints the mistakes of a plan; returns the exit code.
pub(super) fn refuse(mistakes: &[Diagnostic]) -> i32 {
    err(&plan::render(mistakes, colour()));
    exit_code::USAGE
}

fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Prints the timeline of a plan.
pub(super) fn plan(arguments: &PlanArguments) -> i32 {
    match load(arguments) {
        Ok(loaded) => {
            out(&plan::timeline(&loaded));
            exit_code::PASS
        }
        Err(code) => code,
    }
}

/// Prints a catalogue.
pub(super) fn list(kind: &str) -> i32 {
    answer(plan::list(&Catalogue::embedded(), kind))
}

/// Explains an entry.
pub(super) fn explain(name: &str) -> i32 {
    answer(plan::explain(&Catalogue::embedded(), name))
}

fn answer(text: Result<String, String>) -> i32 {
    match text {
        Ok(text) => {
            out(&text);
            exit_code::PASS
        }
        Err(error) => super::usage(&error),
    }
}

/// Prints the JSON Schema of plan files.
pub(super) fn schema() -> i32 {
    out(&plan::schema(&Catalogue::embedded()));
    exit_code::PASS
}
