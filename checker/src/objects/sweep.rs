//! The breadth of the general engine: any history of any model, whatever its values and unknown
//! outcomes.
//!
//! It sweeps over the events and keeps every configuration that the object could be in: its state,
//! and which of the pending operations have taken effect. Operations are placed just in time (Lowe,
//! "Testing for linearizability", 2017): only when one returns, the pending ones are tried in every
//! order that ends with it. Memory is bounded by the width of one moment, not by the length of
//! the history.
//!
//! What would be exponential in the pending operations is cut by these rules, each of which keeps
//! at least one way for every history that has one:
//!
//! 1. *Observations at once.* One that never changes the state is placed as soon as it is legal.
//! 2. *Same effect, earliest return first.* Two pending operations with one effect can change
//!    places as long as the one with less time goes first; those that may never happen come last.
//!    So operations with unknown outcome that are alike are counted, not enumerated.
//! 3. *Dominance.* See [`front`].
//! 4. *Foresight.* A configuration that can't come to what a pending observation found is dropped
//!    ([`Model::may_come_to`](super::model::Model::may_come_to)).
//! 5. *Laziness.* A configuration that another one becomes by placing a pending operation is
//!    dropped: the other can do so at the next return, before anything else happens. (To have
//!    placed more is to have less choice; observations that the one has made the other makes on
//!    its way.) A chain of such steps ends, since each places one more operation.
//! 6. *Operations of no use.* One with unknown outcome that serves nobody is left out beforehand
//!    ([`Model::serves`](super::model::Model::serves)).
//!
//! What these rules leave can still be exponential. A legal history hardly ever needs all of it, so
//! the sweep is tried with few configurations first, and with more where those die: what survives
//! is a proof however much was dropped, and only a sweep that dropped nothing proves a violation.
//! Beside the wide ones runs the [depth-first search](super::depth), step by step.
//!
//! The oracle decides tens of thousands of small histories of each model beside it in the tests.

mod front;
mod window;

use std::collections::VecDeque;

use self::{front::Front, window::Window};
use super::{Timed, depth::Depth, model::Model};
use crate::{
    Exhausted,
    decision::{DETOUR, STRIDE, Stopped, Verdict},
    meter::{Meter, Share},
    slots::Slots,
};

/// One state that the object could be in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Configuration<S> {
    state: S,
    /// Pending operations that have taken effect.
    placed: Slots,
}

pub(super) struct Sweep<'a, M: Model> {
    window: Window<'a, M>,
    alive: Vec<Configuration<M::State>>,
    share: Share<'a>,
    event: u32,
    tried: usize,
    /// How many configurations are kept.
    width: usize,
    /// Whether any was dropped without a reason.
    pub(super) dropped: bool,
    /// Who searches at the same time.
    pub(super) rival: Option<Depth<'a, M>>,
    /// What the rival found.
    pub(super) overtaken: Option<Verdict>,
}

/// Why a sweep does not go on.
enum Halt {
    Exhausted(Exhausted),
    /// The rival was quicker.
    Overtaken,
}

impl<'a, M: Model> Sweep<'a, M> {
    pub(super) fn new(
        model: &'a M,
        ops: &'a [Timed<M::Effect>],
        meter: &'a Meter<'a>,
        width: usize,
    ) -> Self {
        let start = Configuration { state: model.initial(), placed: Slots::default() };
        Self {
            window: Window::new(model, ops),
            alive: vec![start],
            share: meter.share(),
            event: 0,
            tried: 0,
            width,
            dropped: false,
            rival: None,
            overtaken: None,
        }
    }

    pub(super) fn run(&mut self, events: &[(u32, u32, bool)]) -> Verdict {
        for &(event, place, returns) in events {
            self.event = event;
            if returns {
                match self.complete(place) {
                    Ok(()) => {}
                    Err(Halt::Exhausted(exhausted)) => {
                        return Verdict::Undecided(self.stopped(exhausted));
                    }
                    Err(Halt::Overtaken) => return self.overtaken.expect("it was overtaken"),
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

    pub(super) fn stopped(&self, exhausted: Exhausted) -> Stopped {
        Stopped {
            exhausted,
            event: self.event,
            open: self.window.width(),
            configurations: self.alive.len(),
        }
    }

    fn invoke(&mut self, place: u32) {
        let Some(slot) = self.window.invoke(place) else { return };
        for configuration in &mut self.alive {
            configuration.placed.widen(slot);
            self.window.observe_with(slot, configuration);
        }
    }

    fn complete(&mut self, place: u32) -> Result<(), Halt> {
        // Also where nothing is tried, so that long quiet histories end on time.
        self.tick(1, 0)?;
        let slot = self.window.slot_of(place);
        let survivors = self.survivors(slot)?;
        self.window.complete(slot);
        self.alive = self.laziest(survivors.into_list())?;
        self.narrow();
        Ok(())
    }

    /// Without configurations that others here can still become by themselves, whenever it is
    /// asked for: rule 5.
    fn laziest(
        &mut self,
        mut configurations: Vec<Configuration<M::State>>,
    ) -> Result<Vec<Configuration<M::State>>, Halt> {
        if configurations.len() < 2 {
            return Ok(configurations);
        }
        let mut reachable = Front::default();
        for configuration in &configurations {
            let steps = self.window.steps(configuration);
            let count = steps.len() + 2;
            for next in steps {
                reachable.insert(&self.window, next);
            }
            let compared = reachable.take_compared();
            self.tick(count + compared, configurations.len() + reachable.len())?;
        }
        configurations.retain(|configuration| !reachable.covers(&self.window, configuration));
        Ok(configurations)
    }

    /// Keeps the most promising configurations: operations that have not been needed yet are a
    /// reserve, those above all that may never happen.
    fn narrow(&mut self) {
        if self.alive.len() > self.width {
            self.dropped = true;
            let window = &self.window;
            self.alive.sort_by_cached_key(|configuration| window.spent(configuration));
            self.alive.truncate(self.width);
        }
    }

    /// The configurations in which the operation in this slot has taken effect by now.
    fn survivors(&mut self, slot: u32) -> Result<Front<M>, Halt> {
        let (mut survivors, mut seen) = (Front::default(), Front::default());
        let mut work = VecDeque::new();
        // What is alive stays alive until this is decided: the budget may run out.
        for at in 0..self.alive.len() {
            let configuration = &self.alive[at];
            if configuration.placed.has(slot) {
                survivors.insert(&self.window, settled(configuration, slot));
            } else if seen.insert(&self.window, configuration.clone()) {
                work.push_back(configuration.clone());
            }
            let compared = survivors.take_compared() + seen.take_compared();
            self.tick(1 + compared, survivors.len() + seen.len() + work.len())?;
        }
        while let Some(configuration) = work.pop_front() {
            if seen.len() / DETOUR > self.width {
                self.dropped = true;
                break;
            }
            if !seen.holds(&self.window, &configuration) {
                continue;
            }
            let steps = self.window.steps(&configuration);
            let compared = survivors.take_compared() + seen.take_compared();
            let others = survivors.len() + seen.len() + work.len();
            self.tick(steps.len() + 1 + compared, others)?;
            for next in steps {
                if next.placed.has(slot) {
                    survivors.insert(&self.window, settled(&next, slot));
                } else if seen.insert(&self.window, next.clone()) {
                    work.push_back(next);
                }
            }
        }
        Ok(survivors)
    }

    /// Counts steps, and accounts for them when they are many.
    fn tick(&mut self, steps: usize, others: usize) -> Result<(), Halt> {
        self.tried += steps;
        if self.tried < STRIDE {
            return Ok(());
        }
        self.tried = 0;
        self.account(others)
    }

    /// After every [`STRIDE`] steps: asks the budget, and lets the rival take as many.
    fn account(&mut self, others: usize) -> Result<(), Halt> {
        let one = self.alive.first().map_or(0, |configuration| {
            size_of::<Configuration<M::State>>()
                + M::bytes(&configuration.state)
                + configuration.placed.bytes()
        });
        let own = (self.alive.len() + others) * one;
        let both = own + self.rival.as_ref().map_or(0, Depth::bytes);
        match self.share.hold(both) {
            // What is remembered of other orders is the first to go.
            Err(Exhausted::Memory) if self.rival.take().is_some() => {
                self.share.hold(own).map_err(Halt::Exhausted)?;
            }
            held => held.map_err(Halt::Exhausted)?,
        }
        self.overtaken = self.rival.as_mut().and_then(|rival| rival.advance(STRIDE));
        if self.overtaken.is_some() { Err(Halt::Overtaken) } else { Ok(()) }
    }
}

/// A configuration without an operation that has returned.
fn settled<S: Clone>(configuration: &Configuration<S>, slot: u32) -> Configuration<S> {
    let mut settled = configuration.clone();
    settled.placed.remove(slot);
    settled
}
