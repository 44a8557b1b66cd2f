//! A real Redis on one node, killed under load: with a synced file nothing acknowledged is lost.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const REDIS: &[Need] = &[Need::Namespaces, Need::Program("redis-server", "redis-server")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![needing(REDIS, "redis::keeps_sets_through_kills", keeps_sets)]
}

fn keeps_sets() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("redis")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "redis-kill", "--seed", "1"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(2)?;
    let counts = folder.verdict()?["counts"].clone();
    let ok = counts["ok"].as_u64().unwrap_or(0);
    ensure(ok >= 1_000, || format!("{ok} ok: {counts}"))?;
    folder.reports_must_agree()
}
