//! A real Redis on one node, killed under load: with a synced file nothing acknowledged is lost.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const REDIS: &[Need] = &[Need::Namespaces, Need::Program("redis-server", "redis-server")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(REDIS, "redis::keeps_sets_through_kills", keeps_sets),
        needing(REDIS, "redis::sees_every_fault_of_a_node_come_and_go", node_faults),
    ]
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

/// Each fault of processes, clocks and resources on one real server, verified when it acts and
/// when it is gone; those that may be at once are.
fn node_faults() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("redis-node-faults")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "redis-node-faults", "--seed", "1"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(13)
}
