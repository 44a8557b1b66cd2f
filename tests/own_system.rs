//! A user's own store: a system file, a plan, and a client of forty lines of Python.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const NEEDS: &[Need] = &[Need::Namespaces, Need::Program("python3", "python3")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NEEDS, "own_system::runs_end_to_end", end_to_end),
        needing(NEEDS, "own_system::a_mistake_in_its_file_is_shown_there", mistake),
    ]
}

const STORE: &str = include_str!("own_system/store.py");
const CLIENT: &str = include_str!("own_system/client.py");
const SYSTEM: &str = include_str!("own_system/my-store.yaml");
const PLAN: &str = include_str!("own_system/plan.yaml");

fn scratch(test: &str) -> Result<Scratch, Failed> {
    let scratch = Scratch::new(test)?;
    scratch.file("store.py", STORE)?;
    scratch.file("client.py", CLIENT)?;
    scratch.file("my-store.yaml", SYSTEM)?;
    scratch.file("plan.yaml", PLAN)?;
    Ok(scratch)
}

fn end_to_end() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = scratch("own")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "./plan.yaml"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(2)?;
    folder.reports_must_agree()
}

fn mistake() -> Result<(), Failed> {
    let scratch = scratch("own-mistake")?;
    let system = std::fs::read_to_string(scratch.path().join("my-store.yaml"))?;
    scratch.file("my-store.yaml", &system.replace("claims:", "clams:"))?;
    let ran = run(scratch.path(), &["plan", "./plan.yaml"])?.must_exit(254)?;
    ensure(ran.err.contains("my-store.yaml:"), || ran.err.clone())?;
    ensure(ran.err.contains("claims"), || ran.err.clone())
}
