//! Stopping early: the user's Ctrl-C, or trouble after which going on makes no sense.
//!
//! The first Ctrl-C asks the run to stop: it heals, checks what was recorded, and reports. The
//! second ends the program at once; that leaves nothing behind either, since each guard sees its
//! pipe close and clears its node.

use temblor_history::Happening;
use tokio::sync::watch;

use super::bus::Bus;
use crate::exit_code;

/// Asks a run to stop.
#[derive(Clone)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Becomes true when the run is asked to stop.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Asks; true if somebody had asked before.
    pub(crate) fn ask(&self) -> bool {
        self.0.send_replace(true)
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
