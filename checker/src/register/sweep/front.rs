//! Sets of configurations that keep only those that no other one dominates.

use std::{collections::HashMap, hash::BuildHasherDefault};

use super::{Configuration, window::Window};
use crate::{hashing::Quick, register::ValueNumber, slots::Slots};

type Groups = HashMap<(ValueNumber, Slots), Vec<Configuration>, BuildHasherDefault<Quick>>;

/// Configurations, the dominated ones left out.
///
/// One configuration dominates another of the same value if it has every obligation fulfilled
/// that the other has, and every change still available. It can then imitate whatever the other
/// does: where the other uses an operation, so can it; a blind write fulfils the same pending
/// writes in both; what must be done by a return is done in it if it is in the other.
/// A certain cas is available exactly while it is open, so dominance needs the same cas to be
/// open in both: they are part of the group's key.
#[derive(Debug, Default)]
pub(super) struct Front {
    groups: Groups,
    count: usize,
    /// Configurations that were compared with others since that was asked for.
    compared: usize,
}

/// So many comparisons take as long as a step.
const COMPARISONS: usize = 16;

impl Front {
    /// Adds a configuration unless one here dominates it, and drops those that it dominates.
    pub(super) fn insert(&mut self, window: &Window<'_>, configuration: Configuration) -> bool {
        let open_cas = configuration.open.both(window.certain_cas());
        let group = self.groups.entry((configuration.value, open_cas)).or_default();
        self.compared += group.len();
        if group.iter().any(|other| other.dominates(&configuration)) {
            return false;
        }
        let before = group.len();
        group.retain(|other| !configuration.dominates(other));
        group.push(configuration);
        self.count += group.len();
        self.count -= before;
        true
    }

    /// What was compared since the last time that this was asked, in steps.
    pub(super) fn take_compared(&mut self) -> usize {
        let steps = self.compared / COMPARISONS;
        self.compared %= COMPARISONS;
        steps
    }

    /// Whether this very configuration is still here.
    pub(super) fn holds(&self, window: &Window<'_>, configuration: &Configuration) -> bool {
        let open_cas = configuration.open.both(window.certain_cas());
        let group = self.groups.get(&(configuration.value, open_cas));
        group.is_some_and(|group| group.contains(configuration))
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn into_list(self) -> Vec<Configuration> {
        self.groups.into_values().flatten().collect()
    }
}
