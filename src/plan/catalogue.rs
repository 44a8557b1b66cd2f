//! The catalogue: what ships inside the program. Faults, workloads, systems, plans, models.

use std::sync::Arc;

use temblor_checker::ConsistencyEntry;

use super::{
    diagnostic::{Diagnostic, render},
    entry::{self, FaultEntry, WorkloadEntry},
    source::Source,
};

/// A file inside the program.
type Embedded = (&'static str, &'static str);

const FAULTS: &[Embedded] = &[
    ("kill", include_str!("../../faults/kill.yaml")),
    ("pause", include_str!("../../faults/pause.yaml")),
    ("restart", include_str!("../../faults/restart.yaml")),
    ("stop", include_str!("../../faults/stop.yaml")),
    ("crash", include_str!("../../faults/crash.yaml")),
    ("crash-loop", include_str!("../../faults/crash-loop.yaml")),
    ("starve", include_str!("../../faults/starve.yaml")),
    ("clock", include_str!("../../faults/clock.yaml")),
    ("isolate", include_str!("../../faults/isolate.yaml")),
    ("partition", include_str!("../../faults/partition.yaml")),
    ("link", include_str!("../../faults/link.yaml")),
    ("slow", include_str!("../../faults/slow.yaml")),
    ("lossy", include_str!("../../faults/lossy.yaml")),
    ("flaky", include_str!("../../faults/flaky.yaml")),
    ("regions", include_str!("../../faults/regions.yaml")),
    ("power-loss", include_str!("../../faults/power-loss.yaml")),
    ("disk", include_str!("../../faults/disk.yaml")),
    ("exec", include_str!("../../faults/exec.yaml")),
    ("membership", include_str!("../../faults/membership.yaml")),
    ("upgrade", include_str!("../../faults/upgrade.yaml")),
];

const WORKLOADS: [Embedded; 3] = [
    ("register", include_str!("../../workloads/register.yaml")),
    ("set", include_str!("../../workloads/set.yaml")),
    ("append", include_str!("../../workloads/append.yaml")),
];

const SYSTEMS: [Embedded; 4] = [
    ("abd", include_str!("../../systems/abd.yaml")),
    ("etcd", include_str!("../../systems/etcd.yaml")),
    ("postgres", include_str!("../../systems/postgres.yaml")),
    ("redis", include_str!("../../systems/redis.yaml")),
];

const PLANS: &[Embedded] = &[
    ("demo", include_str!("../../faults/plans/demo.yaml")),
    ("demo-loopback", include_str!("../../faults/plans/demo-loopback.yaml")),
    ("abd-ack-early", include_str!("../../faults/plans/abd-ack-early.yaml")),
    ("abd-read-one", include_str!("../../faults/plans/abd-read-one.yaml")),
    ("abd-no-write-back", include_str!("../../faults/plans/abd-no-write-back.yaml")),
    ("abd-wall-clock", include_str!("../../faults/plans/abd-wall-clock.yaml")),
    ("abd-forgetful", include_str!("../../faults/plans/abd-forgetful.yaml")),
    ("etcd-faults", include_str!("../../faults/plans/etcd-faults.yaml")),
    ("etcd-isolated-leader", include_str!("../../faults/plans/etcd-isolated-leader.yaml")),
    ("etcd-rolling-kill", include_str!("../../faults/plans/etcd-rolling-kill.yaml")),
    ("etcd-random", include_str!("../../faults/plans/etcd-random.yaml")),
    ("etcd-bridge", include_str!("../../faults/plans/etcd-bridge.yaml")),
    ("etcd-membership", include_str!("../../faults/plans/etcd-membership.yaml")),
    ("etcd-upgrade", include_str!("../../faults/plans/etcd-upgrade.yaml")),
    ("redis-pauses", include_str!("../../faults/plans/redis-pauses.yaml")),
    ("etcd-stale-reads", include_str!("../../faults/plans/etcd-stale-reads.yaml")),
    ("postgres-kill", include_str!("../../faults/plans/postgres-kill.yaml")),
    ("postgres-read-committed", include_str!("../../faults/plans/postgres-read-committed.yaml")),
    ("redis-node-faults", include_str!("../../faults/plans/redis-node-faults.yaml")),
    ("redis-kill", include_str!("../../faults/plans/redis-kill.yaml")),
    ("abd-bad-links", include_str!("../../faults/plans/abd-bad-links.yaml")),
    ("abd-flaky", include_str!("../../faults/plans/abd-flaky.yaml")),
    ("etcd-regions", include_str!("../../faults/plans/etcd-regions.yaml")),
    ("etcd-slow-one-way", include_str!("../../faults/plans/etcd-slow-one-way.yaml")),
    ("abd-power-loss", include_str!("../../faults/plans/abd-power-loss.yaml")),
    ("etcd-power-loss", include_str!("../../faults/plans/etcd-power-loss.yaml")),
    ("postgres-power-loss", include_str!("../../faults/plans/postgres-power-loss.yaml")),
    ("postgres-fsync-off", include_str!("../../faults/plans/postgres-fsync-off.yaml")),
    ("redis-power-loss", include_str!("../../faults/plans/redis-power-loss.yaml")),
    ("redis-appendfsync-no", include_str!("../../faults/plans/redis-appendfsync-no.yaml")),
    ("random-everything", include_str!("../../faults/plans/random-everything.yaml")),
];

/// What ships inside the program.
#[derive(Debug)]
pub struct Catalogue {
    pub(crate) faults: Vec<FaultEntry>,
    pub(crate) workloads: Vec<WorkloadEntry>,
    pub(crate) systems: Vec<Arc<Source>>,
    pub(crate) plans: Vec<Arc<Source>>,
    pub(crate) consistency: &'static [ConsistencyEntry],
}

impl Catalogue {
    /// Reads the embedded files.
    ///
    /// # Panics
    /// When one of them is wrong, which a test rules out.
    pub fn embedded() -> Self {
        let of = |folder: &'static str| move |file: &Embedded| source(folder, file);
        Self {
            faults: FAULTS
                .iter()
                .map(of("faults"))
                .map(|file| sound(entry::fault(&file)))
                .collect(),
            workloads: WORKLOADS
                .iter()
                .map(of("workloads"))
                .map(|file| sound(entry::workload(&file)))
                .collect(),
            systems: SYSTEMS.iter().map(of("systems")).collect(),
            plans: PLANS.iter().map(of("plans")).collect(),
            consistency: temblor_checker::consistencies(),
        }
    }

    pub(crate) fn system(&self, name: &str) -> Option<&Arc<Source>> {
        self.systems.iter().find(|source| stem(&source.name) == name)
    }

    pub(crate) fn system_names(&self) -> Vec<&str> {
        self.systems.iter().map(|source| stem(&source.name)).collect()
    }

    /// What histories of a model can be checked for.
    pub(crate) fn checks(&self, model: &str) -> Vec<&'static str> {
        let applies = |entry: &&ConsistencyEntry| entry.models.contains(&model);
        self.consistency.iter().filter(applies).map(|entry| entry.name).collect()
    }

    pub(crate) fn plan(&self, name: &str) -> Option<&Arc<Source>> {
        self.plans.iter().find(|source| stem(&source.name) == name)
    }

    pub(crate) fn plan_names(&self) -> Vec<&str> {
        self.plans.iter().map(|source| stem(&source.name)).collect()
    }
}

/// `catalogue:plans/demo.yaml`: no path, so that nobody looks for a file.
fn source(folder: &str, (name, text): &Embedded) -> Arc<Source> {
    Arc::new(Source { name: format!("catalogue:{folder}/{name}.yaml"), text: (*text).to_owned() })
}

/// The name of a file without folders and ending.
pub(crate) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file)
}

fn sound<T>(entry: Result<T, Vec<Diagnostic>>) -> T {
    entry.unwrap_or_else(|diagnostics| {
        panic!("the embedded catalogue is wrong:\n{}", render(&diagnostics, false))
    })
}
