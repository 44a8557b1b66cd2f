//! A real PostgreSQL on one node: prepared by its system file, and killed under serializable
//! transactions.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const PROGRAM: &str = "/usr/lib/postgresql/15/bin/postgres";
const POSTGRES: &[Need] = &[Need::Namespaces, Need::Program(PROGRAM, "postgresql-15")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![needing(POSTGRES, "postgres::keeps_transactions_through_kills", keeps_transactions)]
}

fn keeps_transactions() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("postgres")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "postgres-kill", "--seed", "1"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(2)?;
    let counts = folder.verdict()?["counts"].clone();
    let ok = counts["ok"].as_u64().unwrap_or(0);
    ensure(ok >= 500, || format!("{ok} ok: {counts}"))?;
    folder.reports_must_agree()
}
