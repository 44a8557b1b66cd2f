//! Three real etcd nodes under faults: linearizable with quorum reads, stale with serializable ones.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const ETCD: &[Need] = &[Need::Namespaces, Need::Program("etcd", "etcd-server")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(ETCD, "etcd::keeps_its_promise_under_faults", keeps_its_promise),
        needing(ETCD, "etcd::serializable_reads_are_stale", serializable_reads),
    ]
}

fn keeps_its_promise() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("etcd")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "etcd-faults", "--seed", "1"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(4)?;
    let counts = folder.verdict()?["counts"].clone();
    let definite = counts["ok"].as_u64().unwrap_or(0) + counts["refused"].as_u64().unwrap_or(0);
    ensure(definite >= 20_000, || format!("{definite} definite answers: {counts}"))?;
    folder.reports_must_agree()
}

fn serializable_reads() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("etcd-stale")?;
    let words = ["run", "etcd-stale-reads", "--seed", "1"];
    run(scratch.path(), &words)?.must_exit(1)?;
    let verdict = RunFolder::latest(scratch.path()).verdict()?;
    let kind = &verdict["checks"][0]["anomalies"][0]["type"];
    ensure(kind == "stale-read", || format!("found {kind}"))
}
