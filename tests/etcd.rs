//! Three real etcd nodes under faults: linearizable with quorum reads, stale with serializable ones.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const ETCD: &[Need] = &[Need::Namespaces, Need::Program("etcd", "etcd-server")];

const MEMBERS: &[Need] = &[
    Need::Namespaces,
    Need::Program("etcd", "etcd-server"),
    Need::Program("etcdctl", "etcd-client"),
];
/// The run itself installs the other version.
const VERSIONS: &[Need] = &[
    Need::Namespaces,
    Need::Program("etcd", "etcd-server"),
    Need::Program("etcdctl", "etcd-client"),
    Need::Program("python3", "python3-pip"),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(ETCD, "etcd::keeps_its_promise_under_faults", keeps_its_promise),
        needing(ETCD, "etcd::serializable_reads_are_stale", serializable_reads),
        needing(MEMBERS, "etcd::members_leave_and_come_back", || kept("etcd-membership", 4)),
        needing(VERSIONS, "etcd::versions_change_node_by_node", || kept("etcd-upgrade", 2)),
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

/// The run passes, its faults were seen to come and go, and nothing is left.
fn kept(plan: &str, faults: usize) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(plan)?;
    let before = Machine::now();
    run(scratch.path(), &["run", plan, "--seed", "1", "--install"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(faults)
}
