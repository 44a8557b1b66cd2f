//! `temblor doctor` and `temblor recover`: what this machine offers, and clearing up on it.

use std::path::Path;

use temblor_history::RunFolder;

use super::{out, usage};
use crate::{
    cluster::{self, Provider},
    exit_code, store,
};

/// Says what this machine has, lacks, and what each lack costs.
pub(super) fn doctor() -> i32 {
    for prerequisite in cluster::prerequisites() {
        let sign = if prerequisite.has { "has  " } else { "LACKS" };
        out(&format!("{sign} {:<24} {}", prerequisite.name, prerequisite.detail));
        if !prerequisite.has {
            out(&format!("      {:<24} costs: {}", "", prerequisite.cost_of_lack));
        }
    }
    let (provider, lack) = cluster::choose_provider();
    let words = match provider {
        Provider::Namespaces { rootless: false } => "namespaces: every fault that Temblor has",
        Provider::Namespaces { rootless: true } => "namespaces without root",
        Provider::Loopback => "loopback: kill, pause and restart only",
    };
    out(&format!("\nRuns on this machine use {words}."));
    if let Some(lack) = lack {
        out(&lack);
    }
    exit_code::PASS
}

/// Heals and clears what interrupted runs left; does nothing where nothing is left.
pub(super) fn recover(runs: &Path, run: Option<&str>) -> i32 {
    let folders = match run {
        Some(run) => match store::find_folder(runs, run) {
            Ok(folder) => vec![folder],
            Err(error) => return usage(&error),
        },
        None => store::all(runs),
    };
    let ledgers: Vec<_> =
        folders.iter().map(RunFolder::ledger).filter(|ledger| ledger.is_file()).collect();
    let mut code = exit_code::PASS;
    let mut touched = 0;
    for recovered in cluster::recover(&ledgers) {
        let name = recovered.ledger.display();
        if recovered.running {
            out(&format!("{name}: its run is still going on, nothing was touched"));
        }
        for done in &recovered.done {
            out(&format!("{name}: {done}"));
        }
        for left in &recovered.left {
            out(&format!("{name}: LEFT: {left}"));
            code = exit_code::HARNESS_ERROR;
        }
        touched += recovered.done.len() + recovered.left.len();
    }
    if touched == 0 {
        out(&format!("nothing is left of {} runs", ledgers.len()));
    }
    code
}
