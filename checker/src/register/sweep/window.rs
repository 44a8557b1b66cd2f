//! What is pending at one moment, and what is still to come: the same for all configurations.

use super::{Configuration, GONE};
use crate::{
    register::{Effect, RegisterOp, ValueNumber},
    slots::Slots,
};

/// What the rest of the history still asks and offers of one value.
#[derive(Debug, Clone, Default)]
struct ValueFacts {
    /// Slots of pending operations that test this value or write it.
    pending: Vec<u32>,
    /// Operations that test this value and have not returned. At 0 nothing can tell this value
    /// from any other that nothing asks about.
    tests: u32,
    /// Certain operations that demand this value and have not been invoked.
    demands_ahead: u32,
    /// Operations that write this value and have not been invoked.
    writers_ahead: u32,
}

/// The sweep's view of the history at one event.
#[derive(Debug)]
pub(super) struct Window<'a> {
    ops: &'a [RegisterOp],
    values: Vec<ValueFacts>,
    /// The operation in each slot.
    slots: Vec<Option<u32>>,
    free: Vec<u32>,
    /// Slots of pending writes and cas, the earliest return first.
    by_return: Vec<u32>,
    writes: Slots,
    certain_cas: Slots,
    uncertain: Slots,
    refused: Slots,
    /// Refused cas that have not returned.
    refusals_left: u32,
    /// Uncertain cas, as (new value, place), sorted: when the new value dies, so does the test.
    uncertain_cas: Vec<(ValueNumber, u32)>,
}

impl<'a> Window<'a> {
    pub(super) fn new(ops: &'a [RegisterOp]) -> Self {
        let mut window = Self {
            ops,
            values: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            by_return: Vec::new(),
            writes: Slots::default(),
            certain_cas: Slots::default(),
            uncertain: Slots::default(),
            refused: Slots::default(),
            refusals_left: 0,
            uncertain_cas: Vec::new(),
        };
        for (place, op) in (0..).zip(ops) {
            window.foresee(place, op);
        }
        window.uncertain_cas.sort_unstable();
        for value in 0..window.values.len() as u32 {
            if window.facts(value).tests == 0 {
                window.forget_uncertain_cas(value);
            }
        }
        window
    }

    fn foresee(&mut self, place: u32, op: &RegisterOp) {
        let highest = op.effect.tested().max(op.effect.written()).unwrap_or(0) as usize;
        if self.values.len() <= highest {
            self.values.resize(highest + 1, ValueFacts::default());
        }
        if let Some(value) = op.effect.tested() {
            self.facts_mut(value).tests += 1;
        }
        if let Some(value) = op.effect.written() {
            self.facts_mut(value).writers_ahead += 1;
        }
        match op.effect {
            Effect::Differs(_) => self.refusals_left += 1,
            Effect::Cas { new, .. } if !op.certain() => self.uncertain_cas.push((new, place)),
            Effect::Read(value) | Effect::Cas { old: value, .. } => {
                self.facts_mut(value).demands_ahead += 1;
            }
            Effect::Write(_) => {}
        }
    }

    fn facts(&self, value: ValueNumber) -> &ValueFacts {
        &self.values[value as usize]
    }

    fn facts_mut(&mut self, value: ValueNumber) -> &mut ValueFacts {
        &mut self.values[value as usize]
    }

    /// A value that nothing asks about any more is as good as any other such value.
    pub(super) fn now(&self, value: ValueNumber) -> ValueNumber {
        if value == GONE || self.values.get(value as usize).is_none_or(|facts| facts.tests == 0) {
            GONE
        } else {
            value
        }
    }

    pub(super) fn op(&self, slot: u32) -> &'a RegisterOp {
        let place = self.slots[slot as usize].expect("only slots in use are asked for");
        &self.ops[place as usize]
    }

    /// How many operations are pending.
    pub(super) fn width(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn certain_cas(&self) -> &Slots {
        &self.certain_cas
    }

    /// Slots of operations that may never happen.
    pub(super) fn uncertain(&self) -> &Slots {
        &self.uncertain
    }

    /// Slots of pending writes and cas, the earliest return first.
    pub(super) fn changes(&self) -> &[u32] {
        &self.by_return
    }

    /// Whether an operation can be left out from here on: it may never have happened, its value
    /// is not asked about, and there is no refused cas that any other value would serve.
    fn superfluous(&self, op: &RegisterOp) -> bool {
        let target = op.effect.written();
        !op.certain() && self.refusals_left == 0 && target.is_some_and(|to| self.now(to) == GONE)
    }

    /// An invocation. Gives the operation a slot, unless it can be left out.
    pub(super) fn invoke(&mut self, place: u32) -> Option<u32> {
        let op = &self.ops[place as usize];
        if let Some(value) = op.effect.written() {
            self.facts_mut(value).writers_ahead -= 1;
        }
        if let Some(value) = op.effect.demanded().filter(|_| op.certain()) {
            self.facts_mut(value).demands_ahead -= 1;
        }
        if self.superfluous(op) {
            return None;
        }
        let slot = self.take_slot(place);
        for value in [op.effect.tested(), op.effect.written()].into_iter().flatten() {
            self.facts_mut(value).pending.push(slot);
        }
        if op.effect.written().is_some() {
            let before = |&other: &u32| self.op(other).returned <= op.returned;
            let at = self.by_return.partition_point(before);
            self.by_return.insert(at, slot);
        }
        if !op.certain() {
            self.uncertain.add(slot);
        }
        match op.effect {
            Effect::Write(_) => self.writes.add(slot),
            Effect::Cas { .. } if op.certain() => self.certain_cas.add(slot),
            Effect::Differs(_) => self.refused.add(slot),
            Effect::Cas { .. } | Effect::Read(_) => {}
        }
        Some(slot)
    }

    fn sets(&mut self) -> [&mut Slots; 4] {
        [&mut self.writes, &mut self.certain_cas, &mut self.uncertain, &mut self.refused]
    }

    fn take_slot(&mut self, place: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            let slot = self.slots.len() as u32 - 1;
            for set in self.sets() {
                set.widen(slot);
            }
            slot
        });
        self.slots[slot as usize] = Some(place);
        slot
    }

    /// The slot of a pending operation that was given one.
    pub(super) fn slot_of(&self, place: u32) -> u32 {
        let op = &self.ops[place as usize];
        let value = op.effect.tested().or(op.effect.written());
        let pending = value.map_or(&[][..], |value| &self.facts(value).pending);
        let here = |slot: &&u32| self.slots[**slot as usize] == Some(place);
        *pending.iter().find(here).expect("an operation that returns is pending")
    }

    /// A return. Gives back the slots that are free now: the operation's own, and those of
    /// operations that can be left out from here on.
    pub(super) fn complete(&mut self, slot: u32) -> Vec<u32> {
        let effect = self.op(slot).effect;
        let mut freed = vec![slot];
        if let Effect::Differs(_) = effect {
            self.refusals_left -= 1;
        }
        if let Some(value) = effect.tested() {
            self.facts_mut(value).tests -= 1;
            if self.facts(value).tests == 0 {
                self.forget_uncertain_cas(value);
            }
        }
        self.release(slot);
        if effect.tested().is_some() && self.refusals_left == 0 {
            let left_out = |&slot: &u32| self.superfluous(self.op(slot));
            let superfluous: Vec<u32> = self.by_return.iter().copied().filter(left_out).collect();
            for slot in superfluous {
                self.release(slot);
                freed.push(slot);
            }
        }
        freed
    }

    /// A value died: uncertain cas to it change nothing that anything asks about, so they no
    /// longer ask for their old value. (They may still serve a refused cas; what that asks for
    /// is counted by itself.)
    fn forget_uncertain_cas(&mut self, value: ValueNumber) {
        let mut dead = vec![value];
        while let Some(value) = dead.pop() {
            let from = self.uncertain_cas.partition_point(|&(new, _)| new < value);
            let until = self.uncertain_cas.partition_point(|&(new, _)| new <= value);
            for (_, place) in self.uncertain_cas.drain(from..until).collect::<Vec<_>>() {
                if let Some(old) = self.ops[place as usize].effect.demanded() {
                    self.facts_mut(old).tests -= 1;
                    if self.facts(old).tests == 0 {
                        dead.push(old);
                    }
                }
            }
        }
    }

    fn release(&mut self, slot: u32) {
        let effect = self.op(slot).effect;
        for value in [effect.tested(), effect.written()].into_iter().flatten() {
            self.facts_mut(value).pending.retain(|&other| other != slot);
        }
        self.by_return.retain(|&other| other != slot);
        for set in self.sets() {
            set.remove(slot);
        }
        self.slots[slot as usize] = None;
        self.free.push(slot);
    }

    /// Marks what a configuration's value satisfies. Observations are never branched on: to take
    /// one as soon as it holds costs nothing, since it changes nothing.
    pub(super) fn observe(&self, configuration: &mut Configuration) {
        let mut unsatisfied = Vec::new();
        if let Some(facts) = self.values.get(configuration.value as usize) {
            for &slot in &facts.pending {
                match self.op(slot).effect {
                    Effect::Read(_) => configuration.open.remove(slot),
                    Effect::Differs(_) if configuration.open.has(slot) => unsatisfied.push(slot),
                    _ => {}
                }
            }
        }
        configuration.open.remove_all(&self.refused);
        for slot in unsatisfied {
            configuration.open.add(slot);
        }
    }

    /// Whether a refused cas is pending or to come.
    pub(super) fn refusals_left(&self) -> bool {
        self.refusals_left > 0
    }

    /// Whether a refused cas waits for this configuration to leave its value.
    pub(super) fn refusal_waits(&self, configuration: &Configuration) -> bool {
        let facts = self.values.get(configuration.value as usize);
        facts.is_some_and(|facts| {
            facts.pending.iter().any(|&slot| {
                matches!(self.op(slot).effect, Effect::Differs(_)) && configuration.open.has(slot)
            })
        })
    }

    /// Takes a write or cas out of a configuration and lets it have its effect.
    pub(super) fn apply(&self, configuration: &Configuration, slot: u32) -> Configuration {
        let mut next = configuration.clone();
        let effect = self.op(slot).effect;
        next.available.remove(slot);
        next.open.remove(slot);
        if matches!(effect, Effect::Write(_)) {
            next.open.remove_all(&self.writes);
        }
        next.value = effect.written().map_or(next.value, |value| self.now(value));
        self.observe(&mut next);
        next
    }

    /// Whether a configuration that does not hold this value can never satisfy what still
    /// demands it: somebody certainly does, and nobody can write it any more.
    pub(super) fn lost(&self, configuration: &Configuration, value: ValueNumber) -> bool {
        let Some(facts) = self.values.get(value as usize) else {
            return false;
        };
        if value == configuration.value || facts.writers_ahead > 0 {
            return false;
        }
        let mut demanded = facts.demands_ahead > 0;
        for &slot in &facts.pending {
            let effect = self.op(slot).effect;
            if effect.written() == Some(value) && configuration.available.has(slot) {
                return false;
            }
            demanded |= effect.demanded() == Some(value) && configuration.open.has(slot);
        }
        demanded
    }
}
