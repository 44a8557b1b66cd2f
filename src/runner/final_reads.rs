//! Final reads: after the last heal, fresh processes read every key ever intended, retired ones
//! too, through every node, until each is read or the time is up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use temblor_workloads::{Invocation, Outcome};
use tokio::task::JoinSet;

use super::process::{Performer, Stage};
use crate::clock::RunClock;

/// Readers on each node.
pub(crate) const READERS_PER_NODE: usize = 4;
/// A node that just failed is asked again after this.
const PAUSE_AFTER_FAIL: Duration = Duration::from_millis(50);

/// How far the final reads came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FinalReads {
    /// Reads wanted: keys times nodes.
    pub(crate) wanted: usize,
    /// Of these, how many never got an ok.
    pub(crate) unread: usize,
}

type Queue = Arc<Mutex<Vec<Invocation>>>;

/// Reads everything; `first_process` and the processes above it are free.
pub(crate) async fn read_all(
    stage: &Arc<Stage>,
    reads: &[Invocation],
    first_process: u64,
    clock: RunClock,
    until_ns: i64,
) -> FinalReads {
    let mut readers = JoinSet::new();
    let mut queues: Vec<Queue> = Vec::new();
    for node in 0..stage.endpoints.len() {
        let queue: Queue = Arc::new(Mutex::new(reads.iter().rev().cloned().collect()));
        queues.push(Arc::clone(&queue));
        for reader in 0..READERS_PER_NODE {
            let process = first_process + (node * READERS_PER_NODE + reader) as u64;
            let performer = Performer::new(Arc::clone(stage), process, node);
            readers.spawn(read_until_empty(performer, Arc::clone(&queue), clock, until_ns));
        }
    }
    readers.join_all().await;
    let left = |queue: &Queue| queue.lock().unwrap_or_else(PoisonError::into_inner).len();
    FinalReads { wanted: reads.len() * queues.len(), unread: queues.iter().map(left).sum() }
}

/// A read that was not answered goes back to the queue: each attempt is a new operation.
async fn read_until_empty(mut performer: Performer, queue: Queue, clock: RunClock, until_ns: i64) {
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(read) = lock().pop() else { return };
        if clock.now_ns() > until_ns {
            lock().push(read);
            return;
        }
        if !matches!(performer.perform(&read, None).await, Outcome::Ok(_)) {
            lock().push(read);
            tokio::time::sleep(PAUSE_AFTER_FAIL).await;
        }
    }
}
