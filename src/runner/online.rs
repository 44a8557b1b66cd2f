//! Checking the history while it grows: the same checker as at the end, at low priority, each time
//! the history has grown by a quarter.
//!
//! It knows no checker: it is handed one. What it finds in a prefix stays true of the whole; that
//! it finds nothing says nothing, and the whole history is checked in the end in any case.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use temblor_history::Happening;

use super::{bus::Bus, interrupt::Stop, process::Stage};

/// Checks what has been recorded so far; a sentence on the violation that it holds, if there is
/// one. It gives up when the flag is set.
pub(crate) type PrefixCheck = Arc<dyn Fn(&AtomicBool) -> Option<String> + Send + Sync>;

/// What a run wants to know before it is over.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) check: PrefixCheck,
    /// Whether a violation ends the run.
    pub(crate) stop: bool,
}

/// A history this short is checked sooner at the end.
const LEAST_OPERATIONS: u64 = 500;
/// How often the history's length is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A check in the background; it ends when this is dropped.
pub(crate) struct Online(Arc<AtomicBool>);

impl Drop for Online {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Begins to check.
pub(crate) fn start(wanted: Wanted, stage: Arc<Stage>, bus: Arc<Bus>, stop: Stop) -> Online {
    let over = Arc::new(AtomicBool::new(false));
    let online = Online(Arc::clone(&over));
    // A thread of its own: it computes for long, and its priority is not that of the runtime's.
    let checking = move || {
        if let Some(text) = first_violation(&wanted, &stage, &over) {
            let operations = stage.recorder.tally.completions();
            bus.say(Happening::ViolationKnown { text, operations });
            if wanted.stop {
                stop.end_early();
            }
        }
    };
    let started = std::thread::Builder::new().name("online-check".into()).spawn(checking);
    // Without the thread the run is checked at its end, as without the wish.
    drop(started);
    online
}

/// Waits for more and checks it, until something is found or the run is over.
fn first_violation(wanted: &Wanted, stage: &Stage, over: &AtomicBool) -> Option<String> {
    let mut next = LEAST_OPERATIONS;
    while !over.load(Relaxed) {
        let now = stage.recorder.tally.completions();
        if now < next {
            std::thread::sleep(LOOK_EVERY);
            continue;
        }
        next = now + now / 4;
        let found = (wanted.check)(over);
        if found.is_some() && !over.load(Relaxed) {
            return found;
        }
    }
    None
}
