//! What the parts of a run share: clock, cluster, bus, and what is known of the moment.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use temblor_faults::{FaultKind, FaultSpec, Target};
use temblor_history::{Happening, Measured};
use tokio::sync::watch;

use temblor_workloads::Endpoint;

use super::{
    bus::Bus,
    interrupt::{Ending, Stop},
    leader::Leadership,
    named::NamedFaults,
    probe::Asker,
    process::Stage,
};
use crate::{
    clock::RunClock,
    cluster::Cluster,
    plan::{Membership, NodeWords, UpgradePaths},
};

/// How often counters are looked at where nobody can be woken by them.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A fault of nodes that is active, and where.
pub(crate) struct Held {
    kind: FaultKind,
    nodes: Vec<String>,
}

/// A run in progress.
pub(crate) struct Context {
    pub(crate) clock: RunClock,
    pub(crate) bus: Arc<Bus>,
    pub(crate) cluster: Cluster,
    pub(crate) stage: Arc<Stage>,
    pub(crate) nodes: Vec<String>,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) ending: watch::Receiver<Ending>,
    pub(crate) stop: Stop,
    /// Operations that had ended when the phase began.
    pub(crate) phase_base: AtomicU64,
    /// Operations intended and shed, as they were last reported.
    pub(crate) counted_load: Mutex<(u64, u64)>,
    pub(crate) held: Mutex<BTreeMap<String, Held>>,
    pub(crate) remembered: Mutex<BTreeMap<String, Vec<String>>>,
    pub(crate) named: NamedFaults,
    pub(crate) readiness: Readiness,
    /// What commands of faults are filled in with.
    pub(crate) words: NodeWords,
    /// How the system's members come and go, if it is known.
    pub(crate) membership: Option<Membership>,
    /// Other versions of it, if there are any.
    pub(crate) upgrade: Option<UpgradePaths>,
    /// Each server's output, by node.
    pub(crate) logs: Vec<(String, PathBuf)>,
}

/// How to ask whether nodes are ready.
pub(crate) struct Readiness {
    pub(crate) asker: Asker,
    /// Each node, with the command of an `exec` probe.
    pub(crate) asked: Vec<(Endpoint, Vec<String>)>,
}

impl Context {
    /// Sleeps until a moment of the run, or until it is asked to end.
    pub(crate) async fn sleep_until(&self, time_ns: i64) {
        let left = time_ns - self.clock.now_ns();
        if left <= 0 {
            return;
        }
        let mut ending = self.ending.clone();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_nanos(left as u64)) => {}
            _ = ending.wait_for(|ending| *ending != Ending::AsPlanned) => {}
        }
    }

    /// Whether the user asked to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        *self.ending.borrow() == Ending::AtOnce
    }

    /// Whether its phases are to end now.
    pub(crate) fn is_ending(&self) -> bool {
        *self.ending.borrow() != Ending::AsPlanned
    }

    /// Who leads now.
    pub(crate) fn leader_now(&self) -> Option<String> {
        self.leadership.borrow().leader.clone()
    }

    /// Waits until somebody else leads.
    pub(crate) async fn another_leader_than(&self, before: Option<&str>) {
        let mut leadership = self.leadership.clone();
        let other = |now: &Leadership| now.leader.is_some() && now.leader.as_deref() != before;
        if leadership.wait_for(other).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until so many operations have ended since the phase began.
    pub(crate) async fn operations_since_phase_began(&self, wanted: u64) {
        let base = self.phase_base.load(Relaxed);
        while self.stage.recorder.tally.completions() < base + wanted {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Operations that have ended badly so far, refusals not counted.
    pub(crate) fn errors(&self) -> u64 {
        let counts = self.stage.recorder.tally.counts();
        counts.fail + counts.info
    }

    /// The nodes that a target names now; none for a name that nobody remembers yet.
    pub(crate) fn named_nodes(&self, target: &Target) -> Vec<String> {
        match target {
            Target::Named(nodes) => nodes.clone(),
            Target::Remembered(name) => self.remembered().remove(name).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// A measurement of the cluster in the run's time.
    pub(crate) fn measured(&self, monotonic: Measured) -> Measured {
        Measured {
            earliest: self.clock.of_monotonic(monotonic.earliest),
            latest: self.clock.of_monotonic(monotonic.latest),
        }
    }

    /// Reports the load since the last report.
    pub(crate) fn count_load(&self) {
        let mut counted = lock(&self.counted_load);
        let now = self.stage.recorder.tally.load();
        let (intended, shed) = (now.0 - counted.0, now.1 - counted.1);
        *counted = now;
        self.bus.say(Happening::Load { intended, shed });
    }

    /// A history that can't be written any more ends the run.
    pub(crate) fn check_recorder(&self) {
        if let Some(failure) = self.stage.recorder.failure()
            && !self.stop.ask()
        {
            self.trouble(failure);
        }
    }

    /// The harness failed at something.
    pub(crate) fn trouble(&self, text: String) {
        self.bus.say(Happening::Trouble { text });
    }

    /// Holds the nodes of a fault of nodes, since some two of them on one node at once are
    /// undefined. False when one of the nodes is held against it, or another has its turn. Remembers the target where the
    /// plan says so.
    pub(crate) fn hold(&self, name: &str, spec: &FaultSpec, nodes: &[String]) -> bool {
        if spec.kind.node_fault().is_some() {
            let mut held = lock(&self.held);
            if against(&held, &spec.kind).any(|node| nodes.contains(node))
                || held.values().any(|other| other.kind.takes_turns(&spec.kind))
            {
                return false;
            }
            let fault = Held { kind: spec.kind.clone(), nodes: nodes.to_vec() };
            held.insert(name.to_owned(), fault);
        }
        if let Some(remembered) = &spec.remember {
            lock(&self.remembered).insert(remembered.clone(), nodes.to_vec());
        }
        true
    }

    /// Lets go of the nodes of a fault.
    pub(crate) fn release(&self, name: &str) {
        lock(&self.held).remove(name);
    }

    /// Targets that the plan remembers, by name.
    pub(crate) fn remembered(&self) -> BTreeMap<String, Vec<String>> {
        lock(&self.remembered).clone()
    }

    /// Nodes on which something acts that a fault of this kind can't meet.
    pub(crate) fn held_against(&self, kind: &FaultKind) -> Vec<String> {
        against(&lock(&self.held), kind).cloned().collect()
    }
}

fn against<'h>(
    held: &'h BTreeMap<String, Held>,
    kind: &FaultKind,
) -> impl Iterator<Item = &'h String> {
    held.values().filter(|fault| fault.kind.contends(kind).is_some()).flat_map(|fault| &fault.nodes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
