//! Stopping early: the user's Ctrl-C, or trouble after which going on makes no sense.
//!
//! The first Ctrl-C asks the run to stop: it heals, checks what was recorded, and reports. The
//! second ends the program at once; that leaves nothing behind either, since each guard sees its
//! pipe close and clears its node.

use temblor_history::Happening;
use tokio::sync::watch;

use super::bus::Bus;
use crate::exit_code;

/// How a run is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// As planned.
    AsPlanned,
    /// Straight to the recover phase: enough is known.
    Early,
    /// At once: heal and check what there is.
    AtOnce,
}

/// Asks a run to end.
#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<Ending>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Ending::AsPlanned))
    }

    /// Changes when the run is asked to end.
    pub(crate) fn watch(&self) -> watch::Receiver<Ending> {
        self.0.subscribe()
    }

    /// Asks it to stop at once; true if somebody had asked before.
    pub(crate) fn ask(&self) -> bool {
        self.0.send_replace(Ending::AtOnce) == Ending::AtOnce
    }

    /// Asks it to end its phases early, unless it is to stop at once anyhow.
    pub(crate) fn end_early(&self) {
        self.0.send_if_modified(|ending| {
            let planned = *ending == Ending::AsPlanned;
            if planned {
                *ending = Ending::Early;
            }
            planned
        });
    }
}

/// Listens to SIGINT and, as CI servers send it, SIGTERM. Must be called within the runtime.
pub(crate) fn listen(stop: Stop, bus: std::sync::Arc<Bus>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut asked = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if asked {
                end_at_once();
            }
            asked = true;
            stop.ask();
            bus.say(Happening::Interrupted);
        }
    });
    Ok(())
}

#[expect(clippy::exit, reason = "the user asked twice: nothing may hold the program back")]
fn end_at_once() {
    std::process::exit(exit_code::HARNESS_ERROR);
}
