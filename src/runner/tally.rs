//! Counts of what the clients have seen so far: for progress, triggers and readiness, not for
//! verdicts (those read the history).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use temblor_history::{EventType, RunCounts};

/// Running counts.
#[derive(Debug)]
pub(crate) struct Tally {
    nodes: Vec<String>,
    invoked: AtomicU64,
    ok: AtomicU64,
    refused: AtomicU64,
    fail: AtomicU64,
    info: AtomicU64,
    intended: AtomicU64,
    shed: AtomicU64,
}

impl Tally {
    pub(crate) fn new(nodes: Vec<String>) -> Self {
        Self {
            nodes,
            invoked: AtomicU64::new(0),
            ok: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            fail: AtomicU64::new(0),
            info: AtomicU64::new(0),
            intended: AtomicU64::new(0),
            shed: AtomicU64::new(0),
        }
    }

    /// A node's name.
    pub(crate) fn node(&self, node: usize) -> &str {
        &self.nodes[node]
    }

    pub(crate) fn invoked(&self) {
        self.invoked.fetch_add(1, Relaxed);
    }

    pub(crate) fn completed(&self, kind: EventType, refused: bool) {
        match kind {
            EventType::Ok => &self.ok,
            EventType::Fail if refused => &self.refused,
            EventType::Fail => &self.fail,
            EventType::Info | EventType::Invoke => &self.info,
        }
        .fetch_add(1, Relaxed);
    }

    pub(crate) fn intended(&self, operations: u64) {
        self.intended.fetch_add(operations, Relaxed);
    }

    pub(crate) fn shed(&self, operations: u64) {
        self.shed.fetch_add(operations, Relaxed);
    }

    /// Operations intended and shed so far.
    pub(crate) fn load(&self) -> (u64, u64) {
        (self.intended.load(Relaxed), self.shed.load(Relaxed))
    }

    /// Operations invoked so far.
    pub(crate) fn invocations(&self) -> u64 {
        self.invoked.load(Relaxed)
    }

    /// Operations that have ended so far, however.
    pub(crate) fn completions(&self) -> u64 {
        let counts = self.counts();
        counts.ok + counts.refused + counts.fail + counts.info
    }

    pub(crate) fn counts(&self) -> RunCounts {
        RunCounts {
            ok: self.ok.load(Relaxed),
            refused: self.refused.load(Relaxed),
            fail: self.fail.load(Relaxed),
            info: self.info.load(Relaxed),
            shed: self.shed.load(Relaxed),
        }
    }
}
