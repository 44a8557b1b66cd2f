//! Two moments of each version, which say what real time says of the order of versions.

use super::touches::Touches;
use crate::transactions::extract::{INITIAL, NEVER, Transactions};

/// By version, and then by key for the initial ones: numbers of events.
#[derive(Debug)]
pub(super) struct Moments {
    first_ended: Vec<u32>,
    last_begun: Vec<u32>,
    versions: u32,
}

impl Moments {
    pub(super) fn of(all: &Transactions, touches: &Touches) -> Self {
        let versions = all.writers.len() as u32;
        let states = all.writers.len() + all.key_count();
        let mut moments =
            Self { first_ended: vec![NEVER; states], last_begun: vec![0; states], versions };
        for (number, transaction) in (0..).zip(&all.all) {
            for touch in touches.of_transaction(number) {
                let ended = moments.state(touch.key, touch.last());
                let ended = &mut moments.first_ended[ended as usize];
                *ended = transaction.completed.min(*ended);
                let begun = moments.state(touch.key, touch.first());
                let begun = &mut moments.last_begun[begun as usize];
                *begun = transaction.invoked.max(*begun);
            }
        }
        moments
    }

    pub(super) fn bytes(&self) -> usize {
        4 * (self.first_ended.len() + self.last_begun.len())
    }

    /// A version, or the initial one of a key, as a place here.
    pub(super) fn state(&self, key: u32, version: u32) -> u32 {
        if version == INITIAL { self.versions + key } else { version }
    }

    /// When the first transaction that left this version had completed.
    pub(super) fn first_ended(&self, state: u32) -> u32 {
        self.first_ended[state as usize]
    }

    /// When the last transaction that met this version first was invoked.
    pub(super) fn last_begun(&self, state: u32) -> u32 {
        self.last_begun[state as usize]
    }

    /// Whether a linearizable key had the one version before the other.
    pub(super) fn precedes(&self, state: u32, later: u32) -> bool {
        state != later && self.first_ended(state) < self.last_begun(later)
    }
}
