//! How often the faults that a plan names have begun and ended: others wait for that.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use temblor_faults::Trigger;

/// Counts by name.
#[derive(Debug, Default)]
pub(crate) struct NamedFaults(Mutex<BTreeMap<String, (u64, u64)>>);

impl NamedFaults {
    /// A fault of this name began.
    pub(crate) fn began(&self, name: Option<&String>) {
        self.count(name, |(began, _)| began);
    }

    /// A fault of this name ended, or did not come about.
    pub(crate) fn ended(&self, name: Option<&String>) {
        self.count(name, |(_, ended)| ended);
    }

    fn count(&self, name: Option<&String>, which: impl Fn(&mut (u64, u64)) -> &mut u64) {
        if let Some(name) = name {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *which(counts.entry(name.clone()).or_default()) += 1;
        }
    }

    /// How often what the trigger waits for has happened.
    pub(crate) fn times(&self, trigger: &Trigger) -> u64 {
        let Some(name) = trigger.fault() else { return 0 };
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, ended) = counts.get(name).copied().unwrap_or_default();
        if matches!(trigger, Trigger::Began(_)) { began } else { ended }
    }
}
