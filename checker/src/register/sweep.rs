//! The general engine: any register history, whatever its values, refusals and unknown outcomes.
//!
//! It sweeps over the events and keeps every configuration that the register could be in: its
//! value, and what became of the pending operations. Operations are placed just in time (Lowe,
//! "Testing for linearizability", 2017): only when one returns, the pending ones are tried in every
//! order that ends with it. Memory is bounded by the width of one moment, not by the length of
//! the history. (The engine reads the whole history beforehand: it may give up before the operation
//! that nothing explains returns.)
//!
//! What would be exponential in the pending operations is cut by these rules, each of which keeps
//! at least one way for every history that has one:
//!
//! 1. *Observations at once.* A read or a refused cas is placed as soon as the value allows.
//! 2. *Hiding.* When a blind write is placed, every pending write could have stood right before it
//!    and been overwritten unseen. From then on it has no obligation to take effect, and may still.
//! 3. *Same effect, earliest return first.* Two pending operations with one effect can change
//!    places as long as the one with less time goes first; those that may never happen come last.
//! 4. *Dominance.* See [`front`].
//! 5. *Dead values.* Values that no operation asks about any more are all one ([`GONE`]). To reach
//!    [`GONE`] on the way to something else is of use only to a refused cas that waits for the
//!    value to change: any other step after it would be a blind write, which hides it (rule 2).
//! 6. *Lost values.* A configuration that left a value which is still demanded, and which nobody
//!    can write any more, has no future.
//!
//! What these rules leave can still be exponential in the operations with unknown outcomes. A legal
//! history hardly ever needs all of it, so the sweep is tried with few configurations first, and
//! with more where those die: what survives is a proof however much was dropped, and only a sweep
//! that dropped nothing proves a violation.
//!
//! The oracle decides hundreds of thousands of small histories beside it in the tests.

mod front;
mod window;

use std::collections::VecDeque;

use self::{front::Front, window::Window};
use super::{Effect, RegisterOp, ValueNumber, operations::INITIAL};
pub(crate) use crate::decision::{Stopped, Verdict};
use crate::{
    Exhausted,
    decision::{Attempt, DETOUR, STRIDE, widening},
    meter::{Meter, Share},
    objects::events,
    slots::Slots,
};

/// The value of a register when it is one that nothing asks about any more.
pub(crate) const GONE: ValueNumber = ValueNumber::MAX;

/// One state that the register could be in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Configuration {
    value: ValueNumber,
    /// Pending operations that must still take effect before they return.
    open: Slots,
    /// Pending writes and cas that may still take effect. A write that is available and not open
    /// is hideable: it counts as overwritten unless it is used.
    available: Slots,
}

impl Configuration {
    fn dominates(&self, other: &Self) -> bool {
        self.open.within(&other.open) && other.available.within(&self.available)
    }

    fn without(mut self, slot: u32) -> Self {
        self.open.remove(slot);
        self.available.remove(slot);
        self
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.open.bytes() + self.available.bytes()
    }
}

/// Decides whether a register explains these operations.
pub(crate) fn decide(ops: &[RegisterOp], meter: &Meter<'_>) -> Verdict {
    let events = events(ops);
    widening(|width| {
        let mut sweep = Sweep::new(ops, meter, width);
        let verdict = sweep.run(&events);
        let reached = sweep.stopped(Exhausted::Deadline);
        Attempt { verdict, dropped: sweep.dropped, reached }
    })
}

struct Sweep<'a> {
    window: Window<'a>,
    alive: Vec<Configuration>,
    share: Share<'a>,
    event: u32,
    tried: usize,
    /// How many configurations are kept.
    width: usize,
    /// Whether any was dropped without a reason.
    dropped: bool,
}

impl<'a> Sweep<'a> {
    fn new(ops: &'a [RegisterOp], meter: &'a Meter<'a>, width: usize) -> Self {
        let window = Window::new(ops);
        let start = Configuration {
            value: window.now(INITIAL),
            open: Slots::default(),
            available: Slots::default(),
        };
        Self {
            window,
            alive: vec![start],
            share: meter.share(),
            event: 0,
            tried: 0,
            width,
            dropped: false,
        }
    }

    fn run(&mut self, events: &[(u32, u32, bool)]) -> Verdict {
        for &(event, place, returns) in events {
            self.event = event;
            if returns {
                if let Err(exhausted) = self.complete(place) {
                    return Verdict::Undecided(self.stopped(exhausted));
                }
            } else {
                self.invoke(place);
            }
            if self.alive.is_empty() {
                return Verdict::Violation { event };
            }
        }
        Verdict::Linearizable
    }

    fn stopped(&self, exhausted: Exhausted) -> Stopped {
        Stopped {
            exhausted,
            event: self.event,
            open: self.window.width(),
            configurations: self.alive.len(),
        }
    }

    fn invoke(&mut self, place: u32) {
        let Some(slot) = self.window.invoke(place) else {
            return;
        };
        let op = self.window.op(slot);
        for configuration in &mut self.alive {
            configuration.open.widen(slot);
            configuration.available.widen(slot);
            if op.effect.written().is_some() {
                configuration.available.add(slot);
            }
            let holds = match op.effect {
                Effect::Read(value) => configuration.value == value,
                Effect::Differs(value) => configuration.value != value,
                Effect::Write(_) | Effect::Cas { .. } => !op.certain(),
            };
            if !holds {
                configuration.open.add(slot);
            }
        }
    }

    fn complete(&mut self, place: u32) -> Result<(), Exhausted> {
        // Also where nothing is tried, so that long quiet histories end on time.
        self.tick(1, 0)?;
        let slot = self.window.slot_of(place);
        let survivors = self.survivors(slot)?;
        let freed = self.window.complete(slot);
        let mut front = Front::default();
        for mut configuration in survivors.into_list() {
            for &slot in &freed {
                configuration.available.remove(slot);
            }
            configuration.value = self.window.now(configuration.value);
            front.insert(&self.window, configuration);
            self.tick(1 + front.take_compared(), front.len())?;
        }
        self.alive = front.into_list();
        self.narrow();
        Ok(())
    }

    /// Keeps the most promising configurations: operations that may never happen are a reserve,
    /// and obligations are a burden.
    fn narrow(&mut self) {
        if self.alive.len() > self.width {
            self.dropped = true;
            let window = &self.window;
            let promise = |configuration: &Configuration| {
                let reserve = configuration.available.both(window.uncertain()).count();
                (std::cmp::Reverse(reserve), configuration.open.count())
            };
            self.alive.sort_by_cached_key(promise);
            self.alive.truncate(self.width);
        }
    }

    /// The configurations in which the operation in this slot has taken effect by now.
    fn survivors(&mut self, slot: u32) -> Result<Front, Exhausted> {
        let (mut survivors, mut seen) = (Front::default(), Front::default());
        let mut work = VecDeque::new();
        // What is alive stays alive until this is decided: the budget may run out.
        for at in 0..self.alive.len() {
            let configuration = &self.alive[at];
            if !configuration.open.has(slot) {
                let settled = configuration.clone().without(slot);
                if !self.written_is_lost(slot, &settled) {
                    survivors.insert(&self.window, settled);
                }
            }
            if self.may_go_on(slot, configuration)
                && seen.insert(&self.window, configuration.clone())
            {
                work.push_back(configuration.clone());
            }
            let compared = survivors.take_compared() + seen.take_compared();
            self.tick(1 + compared, survivors.len() + seen.len() + work.len())?;
        }
        while let Some(configuration) = work.pop_front() {
            let compared = survivors.take_compared() + seen.take_compared();
            self.tick(1 + compared, survivors.len() + seen.len() + work.len())?;
            if seen.len() / DETOUR > self.width {
                self.dropped = true;
                break;
            }
            if !seen.holds(&self.window, &configuration) {
                continue;
            }
            self.steps(slot, &configuration, |next, settled| {
                if settled {
                    survivors.insert(&self.window, next.without(slot));
                } else if self.may_go_on(slot, &next) && seen.insert(&self.window, next.clone()) {
                    work.push_back(next);
                }
            });
        }
        Ok(survivors)
    }

    /// Counts steps; after every [`STRIDE`] of them it asks the budget.
    fn tick(&mut self, steps: usize, others: usize) -> Result<(), Exhausted> {
        self.tried += steps;
        if self.tried < STRIDE {
            return Ok(());
        }
        self.tried = 0;
        let one = self.alive.first().map_or(0, Configuration::bytes);
        self.share.hold((self.alive.len() + others) * one)
    }

    /// Rule 6 for a write that returns without having been used: it counts as overwritten.
    fn written_is_lost(&self, slot: u32, settled: &Configuration) -> bool {
        let written = self.window.op(slot).effect.written();
        written.is_some_and(|value| self.window.lost(settled, value))
    }

    /// Whether steps from here can still end with the returning operation to some purpose: it
    /// has to take effect, or it is a hideable write that would serve a later operation. One to a
    /// dead value serves only a refused cas, now or later; this is its last chance.
    fn may_go_on(&self, slot: u32, configuration: &Configuration) -> bool {
        let serves = || {
            let written = self.window.op(slot).effect.written();
            self.window.refusals_left() || written.map(|value| self.window.now(value)) != Some(GONE)
        };
        configuration.open.has(slot) || (configuration.available.has(slot) && serves())
    }

    /// Every step from a configuration, with whether it settles the returning operation.
    fn steps(&self, slot: u32, from: &Configuration, mut found: impl FnMut(Configuration, bool)) {
        let refusal_waits = self.window.refusal_waits(from);
        let returning = self.window.op(slot).effect;
        let mut tried: Vec<Effect> = Vec::new();
        for &change in self.window.changes() {
            if !from.available.has(change) {
                continue;
            }
            let effect = self.current(self.window.op(change).effect);
            let to_gone = effect.written() == Some(GONE) && !self.certain_cas(change);
            let useful = change == slot || refusal_waits || !to_gone;
            let possible = effect.demanded().is_none_or(|old| old == from.value);
            if !useful || !possible || tried.contains(&effect) {
                continue;
            }
            tried.push(effect);
            let next = self.window.apply(from, change);
            if self.window.lost(&next, from.value) {
                continue;
            }
            let observed = returning.written().is_none() && !next.open.has(slot);
            found(next, change == slot || observed);
        }
    }

    fn certain_cas(&self, slot: u32) -> bool {
        let op = self.window.op(slot);
        matches!(op.effect, Effect::Cas { .. }) && op.certain()
    }

    /// An effect with its written value as it is told apart now.
    fn current(&self, effect: Effect) -> Effect {
        match effect {
            Effect::Write(value) => Effect::Write(self.window.now(value)),
            Effect::Cas { old, new } => Effect::Cas { old, new: self.window.now(new) },
            observation => observation,
        }
    }
}

#[cfg(test)]
mod tests;
