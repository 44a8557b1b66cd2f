//! The one channel of run events: whoever wants to know subscribes, and hears in order.
//!
//! Operations don't pass here: there are too many, and the recorder already orders them.

use std::sync::{Mutex, PoisonError};

use temblor_history::{FaultEvent, Happening, RunEvent};

use crate::clock::RunClock;

/// Something that the run says.
#[derive(Debug)]
pub(crate) enum Said<'a> {
    /// A phase, a leader, an exit, a note.
    Event(&'a RunEvent),
    /// A change of a fault.
    Fault(&'a FaultEvent),
}

/// Who hears what the run says; called under a lock, so it must be quick.
pub(crate) trait Subscriber: Send {
    /// Hears one thing.
    fn hear(&mut self, said: &Said<'_>);
}

/// Stamps what happens with the run's clock and passes it on.
pub(crate) struct Bus {
    clock: RunClock,
    subscribers: Mutex<Vec<Box<dyn Subscriber>>>,
}

impl Bus {
    pub(crate) fn new(clock: RunClock, subscribers: Vec<Box<dyn Subscriber>>) -> Self {
        Self { clock, subscribers: Mutex::new(subscribers) }
    }

    /// Something happened now.
    pub(crate) fn say(&self, what: Happening) {
        self.say_at(self.clock.now_ns(), what);
    }

    /// Something happened at a moment of the run.
    pub(crate) fn say_at(&self, time: i64, what: Happening) {
        self.pass_on(&Said::Event(&RunEvent { time, what }));
    }

    /// A fault changed.
    pub(crate) fn fault(&self, event: &FaultEvent) {
        self.pass_on(&Said::Fault(event));
    }

    fn pass_on(&self, said: &Said<'_>) {
        let mut subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        for subscriber in subscribers.iter_mut() {
            subscriber.hear(said);
        }
    }
}
