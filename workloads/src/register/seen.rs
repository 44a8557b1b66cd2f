//! The value last seen for each key, shared by all clients.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::slots::Place;

/// One lock a slot: clients meet only where their operations meet.
///
/// A slot remembers its youngest key alone, so that what is held doesn't grow with the run.
#[derive(Debug)]
pub(super) struct Seen(Vec<Mutex<(u64, Value)>>);

impl Seen {
    /// Nothing seen in any slot: every value is null, the initial one.
    pub(super) fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| Mutex::new((0, Value::Null))).collect())
    }

    /// The value last seen at this place; null if none was, or it has been forgotten.
    pub(super) fn last(&self, place: Place) -> Value {
        let Some(slot) = self.0.get(place.slot) else {
            return Value::Null;
        };
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.0 == place.generation { slot.1.clone() } else { Value::Null }
    }

    /// Somebody saw this value at this place. What is said of a retired key is dropped.
    pub(super) fn see(&self, place: Place, value: &Value) {
        let Some(slot) = self.0.get(place.slot) else {
            return;
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if place.generation >= slot.0 {
            *slot = (place.generation, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_remembers_its_youngest_key() {
        let seen = Seen::new(2);
        let place = |generation| Place { slot: 1, generation };
        assert_eq!(seen.last(place(0)), Value::Null);
        seen.see(place(0), &1.into());
        seen.see(place(2), &2.into());
        seen.see(place(1), &3.into());
        let last = [0, 1, 2, 3].map(|generation| seen.last(place(generation)));
        assert_eq!(last, [Value::Null, Value::Null, 2.into(), Value::Null]);
    }
}
