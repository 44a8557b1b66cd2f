//! `temblor run`: plan, machine, cluster, load, faults, verdict, reports.

mod prepare;
mod system;

use std::{path::Path, sync::Arc};

use temblor_history::RunFolder;

use super::{ProviderName, RunArguments, check::limits, err, harness_error, out, text, usage};
use crate::{
    cluster::{self, Provider},
    exit_code,
    judge::{self, Limits, PrefixJudge},
    plan::{self, Plan},
    runner::{self, online::Wanted},
    store,
};

/// Runs a plan; returns the exit code.
pub(super) fn run(runs: &Path, arguments: &RunArguments) -> i32 {
    let limits = match limits(&arguments.check_deadline, &arguments.check_memory) {
        Ok(limits) => limits,
        Err(error) => return usage(&error),
    };
    let (plan, provider) = match plan_and_provider(arguments) {
        Ok(both) => both,
        Err(code) => return code,
    };
    let available = system::make_available(&plan, arguments.install);
    if let Err(error) = available.and_then(|()| system::check_commands(&plan)) {
        return harness_error(&error);
    }
    match drive(runs, arguments, plan, &provider, limits) {
        Ok(folder) => conclude(&folder, limits),
        Err(error) => harness_error(&error),
    }
}

/// The plan, and a provider that can do all of its faults. In loopback mode a plan of the catalogue
/// that has a twin for it, `demo-loopback` for `demo`, is run in that form, and this is said.
fn plan_and_provider(arguments: &RunArguments) -> Result<(Plan, Provider), i32> {
    let plan = text::load(&arguments.plan)?;
    let (best, lack) = cluster::choose_provider();
    match (arguments.provider, best) {
        (Some(ProviderName::Namespaces), Provider::Loopback) => {
            let lack = lack.unwrap_or_default();
            Err(harness_error(&format!("there can be no namespaces here: {lack}")))
        }
        (Some(ProviderName::Loopback), _) => {
            in_loopback(arguments, plan, "loopback mode: kill, pause and restart only")
        }
        (None, Provider::Loopback) => in_loopback(arguments, plan, &lack.unwrap_or_default()),
        (_, namespaces) => in_namespaces(plan, namespaces),
    }
}

fn in_namespaces(plan: Plan, provider: Provider) -> Result<(Plan, Provider), i32> {
    if plan.disk_layer().is_some()
        && let Err(lack) = cluster::try_disk_layer()
    {
        return Err(text::refuse(&plan::check_disks(&plan, &lack)));
    }
    Ok((plan, provider))
}

fn in_loopback(arguments: &RunArguments, plan: Plan, why: &str) -> Result<(Plan, Provider), i32> {
    let impossible = plan::check_provider(&plan, true);
    if impossible.is_empty() {
        err(why);
        return Ok((plan, Provider::Loopback));
    }
    let twin = format!("{}-loopback", arguments.plan.plan);
    if !text::is_shipped(&twin) {
        err(why);
        return Err(text::refuse(&impossible));
    }
    err(&format!("{why}; the plan is `{twin}`"));
    let plan = text::load(&arguments.plan.named(&twin))?;
    Ok((plan, Provider::Loopback))
}

fn drive(
    runs: &Path,
    arguments: &RunArguments,
    plan: Plan,
    provider: &Provider,
    limits: Limits,
) -> Result<RunFolder, String> {
    let mut prepared = prepare::prepare(runs, arguments, plan, provider)?;
    prepared.online = online(&prepared, limits);
    let folder = prepared.folder.clone();
    err(&format!("run {} (seed {})", folder.path().display(), prepared.plan.seed));
    // From here on this thread lives in the clients' network; nothing else runs yet.
    let entered = cluster::enter(provider).map_err(|error| error.to_string())?;
    runner::run(prepared, entered)?;
    Ok(folder)
}

/// How the history is checked while it grows, where the plan asks for it.
fn online(prepared: &runner::Prepared, limits: Limits) -> Option<Wanted> {
    if !prepared.plan.check_online && !prepared.plan.stop_on_violation {
        return None;
    }
    let (folder, manifest) = (prepared.folder.clone(), &prepared.manifest);
    let judge = PrefixJudge::new(folder, &manifest.model, &manifest.consistency, limits)?;
    let stop = prepared.plan.stop_on_violation;
    Some(Wanted { check: Arc::new(move |over| judge.violation(over)), stop })
}

/// The cluster is gone; everything from here on reads the run's folder.
fn conclude(folder: &RunFolder, limits: Limits) -> i32 {
    let verdict = match judge::judge(folder, limits) {
        Ok(verdict) => verdict,
        Err(error) => return harness_error(&error),
    };
    if let Err(error) = store::write_json(&folder.verdict(), &verdict) {
        return harness_error(&error.to_string());
    }
    match temblor_reports::write_all(folder) {
        Ok(_) => {}
        Err(error) => err(&format!("error: the reports could not be written: {error}")),
    }
    match temblor_reports::StoredRun::read(folder) {
        Ok(stored) => out(&temblor_reports::terminal(&stored, is_terminal())),
        Err(error) => return harness_error(&error.to_string()),
    }
    if folder.report().is_file() { verdict.exit_code } else { exit_code::HARNESS_ERROR }
}

fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}
