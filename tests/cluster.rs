//! Nodes, links and faults on them, without a plan: clusters of small echo servers.
//!
//! Each cluster has a process of its own, which is this program again (see `scenario`): `main`
//! must let [`play`] have its arguments before it does anything else.

mod rootless;
mod scenario;

use std::process::Command;

use libtest_mimic::{Failed, Trial};

pub(crate) use self::scenario::play;
use crate::support::{Machine, Need, Scratch, cluster_lock, ensure, needing};

const NAMESPACES: &[Need] = &[Need::Namespaces];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NAMESPACES, "cluster::links_are_cut_slowed_and_healed_with_evidence", || {
            scenario("links", "namespaces")
        }),
        needing(NAMESPACES, "cluster::links_are_bad_in_every_way_and_good_again", || {
            scenario("bad-links", "namespaces")
        }),
        needing(NAMESPACES, "cluster::servers_are_killed_paused_and_restarted", || {
            scenario("processes", "namespaces")
        }),
        needing(NAMESPACES, "cluster::servers_own_failures_are_told", || {
            scenario("own-failures", "namespaces")
        }),
        needing(NAMESPACES, "cluster::links_work_without_root", || rootless("links")),
        needing(NAMESPACES, "cluster::faults_on_servers_work_without_root", || {
            rootless("processes")
        }),
        needing(NAMESPACES, "cluster::servers_run_as_the_user_they_want", || {
            scenario("users", "namespaces")
        }),
        needing(NAMESPACES, "cluster::what_cannot_be_done_is_said", || {
            scenario("refusals", "namespaces")
        }),
        Trial::test("cluster::loopback_kills_pauses_and_restarts", || {
            scenario("processes", "loopback")
        }),
        Trial::test("cluster::loopback_tells_servers_own_failures", || {
            scenario("own-failures", "loopback")
        }),
    ]
}

fn scenario(name: &str, provider: &str) -> Result<(), Failed> {
    in_a_process(&["cluster-scenario", name], &[provider])
}

fn rootless(name: &str) -> Result<(), Failed> {
    in_a_process(&["cluster-rootless", name], &[])
}

fn in_a_process(part: &[&str], more: &[&str]) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(&part.join("-"))?;
    let before = Machine::now();
    let output = Command::new(std::env::current_exe()?)
        .args(part)
        .arg(scratch.path())
        .args(more)
        .output()?;
    ensure(output.status.success(), || {
        let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        format!("{}\n{err}\n{out}", output.status)
    })?;
    before.must_be_restored(std::time::Duration::from_secs(2)).map(drop)
}
