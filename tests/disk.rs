//! The layer under data folders: real servers on it, with and without faults.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const NAMESPACES: &[Need] = &[Need::Namespaces, Need::Fuse];
const REDIS: &[Need] =
    &[Need::Namespaces, Need::Fuse, Need::Program("redis-server", "redis-server")];
const ETCD: &[Need] = &[Need::Namespaces, Need::Fuse, Need::Program("etcd", "etcd-server")];
const POSTGRES: &[Need] = &[
    Need::Namespaces,
    Need::Fuse,
    Need::Program("/usr/lib/postgresql/15/bin/postgres", "postgresql-15"),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NAMESPACES, "disk::faults_are_seen_and_gone", every_fault),
        needing(NAMESPACES, "disk::power_loss_finds_no_fsync", || {
            lost("abd-power-loss", &["--bug", "no-fsync"])
        }),
        needing(NAMESPACES, "disk::power_loss_finds_nothing_in_an_honest_store", || {
            kept("abd-power-loss", &[])
        }),
        needing(NAMESPACES, "disk::kill_does_not_find_no_fsync", || {
            kept("abd-forgetful", &["--bug", "no-fsync"])
        }),
        needing(REDIS, "disk::redis_keeps_what_it_synced", || kept("redis-power-loss", &[])),
        needing(REDIS, "disk::redis_loses_what_it_did_not_sync", || {
            lost("redis-appendfsync-no", &[])
        }),
        needing(ETCD, "disk::etcd_survives_torn_losses_of_power", || kept("etcd-power-loss", &[])),
        needing(POSTGRES, "disk::postgres_survives_torn_losses_of_power", || {
            kept("postgres-power-loss", &[])
        }),
    ]
}

/// Every kind of disk fault, on nodes of the embedded store, which ends itself when a sync fails.
const EVERY_FAULT: &str = "\
system: abd
nodes: 3
seed: 1
workload:
  register: { rate: 200/s, clients: 2 per node, op-timeout: 1s, mix: { read: 50%, write: 50% } }
phases:
  - steady: 2s
  - chaos: 15s
    faults:
      - disk: { target: n1, slow: 40ms, at: 500ms, for: 2s }
      - disk: { target: n2, error: EIO, calls: [fsync], path: log, at: 3s, for: 1s }
      - disk: { target: n3, full: true, at: 6s, for: 1s }
      - disk: { target: n1, slow: 5ms, calls: [write], path: \"no/such/*\", at: 8s, for: 1s }
      - disk: { target: n1, corrupt: { bits: 3 }, path: log, at: 10s }
      - starve: { target: n3, io: 500kB/s, at: 10s, for: 2s }
      - power-loss: { target: n2, torn: true, at: 12s, for: 1s }
  - recover: 10s
";

fn every_fault() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("disks")?;
    let before = Machine::now();
    scratch.file("disks.yaml", EVERY_FAULT)?;
    run(scratch.path(), &["run", "./disks.yaml"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(7)
}

/// The run passes, its faults are verified, and nothing is left.
fn kept(plan: &str, more: &[&str]) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(plan)?;
    let before = Machine::now();
    let words = [&["run", plan, "--seed", "1"], more].concat();
    run(scratch.path(), &words)?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(2)
}

/// The run finds that something acknowledged is lost.
fn lost(plan: &str, more: &[&str]) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(plan)?;
    let words = [&["run", plan, "--seed", "1"], more].concat();
    let ran = run(scratch.path(), &words)?.must_exit(1)?;
    let folder = RunFolder::latest(scratch.path());
    ensure(folder.verdict()?["verdict"] == "violation", || ran.out.clone())?;
    folder.faults_must_be_verified(2)
}
