//! What is pending at one moment: the same for all configurations.

use std::collections::HashMap;

use super::Configuration;
use crate::{
    objects::{Timed, model::Model},
    slots::Slots,
};

/// An effect among those of a history: equal ones have equal numbers.
type Class = u32;

/// The sweep's view of the history at one event.
#[derive(Debug)]
pub(super) struct Window<'a, M: Model> {
    model: &'a M,
    ops: &'a [Timed<M::Effect>],
    /// The class of each operation's effect.
    classes: Vec<Class>,
    /// Whether an operation can matter to anybody, by its place.
    serves: Vec<bool>,
    /// The operation in each slot.
    slots: Vec<Option<u32>>,
    free: Vec<u32>,
    /// Slots of pending changes, the earliest return first.
    changes: Vec<u32>,
    /// Slots of pending observations.
    observers: Vec<u32>,
    certain_changes: Slots,
    uncertain: Slots,
    observations: Slots,
    /// The event of the latest invocation, and those of all operations that reset the state.
    now: u32,
    resets: Vec<u32>,
}

impl<'a, M: Model> Window<'a, M> {
    pub(super) fn new(model: &'a M, ops: &'a [Timed<M::Effect>]) -> Self {
        let mut known: HashMap<&M::Effect, Class> = HashMap::new();
        let mut class = |op: &'a Timed<M::Effect>| {
            let next = known.len() as Class;
            *known.entry(&op.effect).or_insert(next)
        };
        let resets = ops.iter().filter(|op| M::FORESEES && M::resets(&op.effect));
        Self {
            now: 0,
            resets: resets.map(|op| op.invoked).collect(),
            model,
            ops,
            classes: ops.iter().map(&mut class).collect(),
            serves: model.serves(ops),
            slots: Vec::new(),
            free: Vec::new(),
            changes: Vec::new(),
            observers: Vec::new(),
            certain_changes: Slots::default(),
            uncertain: Slots::default(),
            observations: Slots::default(),
        }
    }

    /// How many operations are pending.
    pub(super) fn width(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Slots of pending operations that certainly change the state.
    pub(super) fn certain_changes(&self) -> &Slots {
        &self.certain_changes
    }

    fn place(&self, slot: u32) -> usize {
        self.slots[slot as usize].expect("only slots in use are asked for") as usize
    }

    fn op(&self, slot: u32) -> &'a Timed<M::Effect> {
        &self.ops[self.place(slot)]
    }

    /// An invocation. Gives the operation a slot, unless it can be left out.
    pub(super) fn invoke(&mut self, place: u32) -> Option<u32> {
        let op = &self.ops[place as usize];
        self.now = op.invoked;
        if !op.certain() && !self.serves[place as usize] {
            return None;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        for set in [&mut self.certain_changes, &mut self.uncertain, &mut self.observations] {
            set.widen(slot);
        }
        self.slots[slot as usize] = Some(place);
        if M::observes(&op.effect) {
            self.observers.push(slot);
            self.observations.add(slot);
            return Some(slot);
        }
        let before = |&other: &u32| self.op(other).returned <= op.returned;
        let at = self.changes.partition_point(before);
        self.changes.insert(at, slot);
        if op.certain() { &mut self.certain_changes } else { &mut self.uncertain }.add(slot);
        Some(slot)
    }

    /// The slot of a pending operation that returns.
    pub(super) fn slot_of(&self, place: u32) -> u32 {
        let pending = self.changes.iter().chain(&self.observers);
        let mut here = pending.filter(|&&slot| self.slots[slot as usize] == Some(place));
        *here.next().expect("what returns is pending")
    }

    /// A return: the slot is free.
    pub(super) fn complete(&mut self, slot: u32) {
        self.changes.retain(|&other| other != slot);
        self.observers.retain(|&other| other != slot);
        for set in [&mut self.certain_changes, &mut self.uncertain, &mut self.observations] {
            set.remove(slot);
        }
        self.slots[slot as usize] = None;
        self.free.push(slot);
    }

    /// Places the operation in this slot if it is an observation that holds.
    pub(super) fn observe_with(&self, slot: u32, configuration: &mut Configuration<M::State>) {
        let observes = self.observations.has(slot) && !configuration.placed.has(slot);
        if observes && self.model.apply(&mut configuration.state, &self.op(slot).effect) {
            configuration.placed.add(slot);
        }
    }

    /// Every configuration one change away.
    pub(super) fn steps(&self, from: &Configuration<M::State>) -> Vec<Configuration<M::State>> {
        let mut tried: Vec<Class> = Vec::new();
        let mut steps = Vec::new();
        for &change in &self.changes {
            let class = self.classes[self.place(change)];
            if from.placed.has(change) || tried.contains(&class) {
                continue;
            }
            tried.push(class);
            let Some(state) = self.model.step(&from.state, &self.op(change).effect) else {
                continue;
            };
            let mut next = Configuration { state, placed: from.placed.clone() };
            next.placed.add(change);
            for &observer in &self.observers {
                self.observe_with(observer, &mut next);
            }
            if !(M::FORESEES && self.is_hopeless(&next)) {
                steps.push(next);
            }
        }
        steps
    }

    /// Whether a pending observation certainly never holds after this: what was changed cannot
    /// lead there, and nothing that resets the state comes before it returns.
    fn is_hopeless(&self, configuration: &Configuration<M::State>) -> bool {
        let open = |slot: &&u32| !configuration.placed.has(**slot);
        let reset_pending =
            || self.changes.iter().filter(open).any(|&slot| M::resets(&self.op(slot).effect));
        self.observers.iter().filter(open).map(|&slot| self.op(slot)).any(|observer| {
            let next_reset = || self.resets.get(self.resets.partition_point(|&at| at <= self.now));
            observer.certain()
                && !self.model.may_come_to(&configuration.state, &observer.effect)
                && next_reset().is_none_or(|&at| at > observer.returned)
                && !reset_pending()
        })
    }

    /// Whether a configuration in which these have taken effect can imitate one of the same state
    /// in which the others have. The same certain changes have taken effect in both.
    pub(super) fn dominates(&self, placed: &Slots, other: &Slots) -> bool {
        placed.both(&self.uncertain).within(other) && other.both(&self.observations).within(placed)
    }

    /// How much of its reserves a configuration has used: the less, the more promising.
    pub(super) fn spent(&self, configuration: &Configuration<M::State>) -> (u32, u32) {
        let placed = &configuration.placed;
        (placed.both(&self.uncertain).count(), placed.both(&self.certain_changes).count())
    }
}
