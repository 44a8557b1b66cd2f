//! Sets of configurations that keep only those that no other one dominates.

use std::{collections::HashMap, hash::BuildHasherDefault};

use super::{Configuration, window::Window};
use crate::{hashing::Quick, objects::model::Model, slots::Slots};

type Groups<S> = HashMap<(S, Slots), Vec<Slots>, BuildHasherDefault<Quick>>;

/// Configurations, the dominated ones left out.
///
/// One configuration dominates another of the same state, in which the same certain changes have
/// taken effect, if it has made every observation that the other has, and used no operation that
/// may never happen which the other has not used. It can then imitate whatever the other does:
/// each operation that the other places is pending in it too, or is an observation that it has
/// made already.
#[derive(Debug)]
pub(super) struct Front<M: Model> {
    groups: Groups<M::State>,
    count: usize,
    /// Configurations that were compared with others since that was asked for.
    compared: usize,
}

/// So many comparisons take as long as a step.
const COMPARISONS: usize = 16;

impl<M: Model> Default for Front<M> {
    fn default() -> Self {
        Self { groups: HashMap::default(), count: 0, compared: 0 }
    }
}

impl<M: Model> Front<M> {
    /// Adds a configuration unless one here dominates it, and drops those that it dominates.
    pub(super) fn insert(
        &mut self,
        window: &Window<'_, M>,
        configuration: Configuration<M::State>,
    ) -> bool {
        let Configuration { state, placed } = configuration;
        let changed = placed.both(window.certain_changes());
        let group = self.groups.entry((state, changed)).or_default();
        self.compared += group.len();
        if group.iter().any(|other| window.dominates(other, &placed)) {
            return false;
        }
        let before = group.len();
        group.retain(|other| !window.dominates(&placed, other));
        group.push(placed);
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
    pub(super) fn holds(
        &self,
        window: &Window<'_, M>,
        configuration: &Configuration<M::State>,
    ) -> bool {
        let changed = configuration.placed.both(window.certain_changes());
        let group = self.groups.get(&(configuration.state.clone(), changed));
        group.is_some_and(|group| group.contains(&configuration.placed))
    }

    /// Whether one here dominates this configuration.
    pub(super) fn covers(
        &self,
        window: &Window<'_, M>,
        configuration: &Configuration<M::State>,
    ) -> bool {
        let changed = configuration.placed.both(window.certain_changes());
        let group = self.groups.get(&(configuration.state.clone(), changed));
        group.is_some_and(|group| {
            group.iter().any(|other| window.dominates(other, &configuration.placed))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn into_list(self) -> Vec<Configuration<M::State>> {
        let mut list = Vec::with_capacity(self.count);
        for ((state, _), group) in self.groups {
            for placed in group {
                list.push(Configuration { state: state.clone(), placed });
            }
        }
        list
    }
}
