//! Calls that a slow disk lets wait: one thread that does each when its time has come, so that
//! many wait at once.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use crate::clock::monotonic_ns;

type Work = Box<dyn FnOnce() + Send>;

/// What waits.
#[derive(Default)]
pub(super) struct Later {
    queue: Mutex<Queue>,
    more: Condvar,
}

#[derive(Default)]
struct Queue {
    due: BinaryHeap<Reverse<(i64, u64)>>,
    work: BTreeMap<u64, Work>,
    next: u64,
}

impl Later {
    /// Starts the thread; it lives as long as the process.
    pub(super) fn start() -> io::Result<Arc<Self>> {
        let later = Arc::new(Self::default());
        let own = Arc::clone(&later);
        std::thread::Builder::new().name("slow-disk".into()).spawn(move || own.run())?;
        Ok(later)
    }

    /// Does it after so long.
    pub(super) fn after(&self, delay: Duration, work: Work) {
        let due = monotonic_ns() + delay.as_nanos() as i64;
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let number = queue.next;
        queue.next += 1;
        queue.due.push(Reverse((due, number)));
        queue.work.insert(number, work);
        self.more.notify_one();
    }

    fn run(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let wait = queue.due.peek().map(|Reverse((due, _))| due - monotonic_ns());
            match wait {
                Some(wait) if wait <= 0 => {
                    let number = queue.due.pop().map(|Reverse((_, number))| number);
                    let work = number.and_then(|number| queue.work.remove(&number));
                    drop(queue);
                    if let Some(work) = work {
                        work();
                    }
                    queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                }
                wait => {
                    let wait = wait.map_or(Duration::MAX, |ns| Duration::from_nanos(ns as u64));
                    let wait = wait.min(Duration::from_secs(3600));
                    let waited = self.more.wait_timeout(queue, wait);
                    queue = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}
