//! Makes a violation small enough to read, and keeps it honest ([`super::reduce`]).

use super::{
    Timed,
    judge::{Judgement, judge},
    model::Model,
    reduce::{Part, Unit},
    sweep::{self, Stopped, Verdict},
};
use crate::meter::Meter;

/// A violation made small.
#[derive(Debug, Clone)]
pub(crate) struct Core<M: Model> {
    /// What is left, in the order of invocations; still a violation.
    pub(crate) part: Part<M>,
    /// What shows the state in which the rest begins, if it does not begin at the beginning.
    pub(crate) base: Option<Timed<M::Effect>>,
    /// The event with which it becomes a violation.
    pub(crate) event: u32,
    /// Whether nothing more can be left out.
    pub(crate) minimal: bool,
}

/// How many attempts are made before what is left is shown as it is.
const ATTEMPTS: usize = 4_000;

/// Leaves out what can be left out of a violation. The event with which it becomes one is found
/// where it is not known; then the answer may be that this is none after all.
pub(crate) fn minimize<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    known: Option<u32>,
    meter: &Meter<'_>,
) -> Result<Option<Core<M>>, Stopped> {
    let part = Part::new(model, ops.to_vec());
    let mut work = Work { part, base: None, meter, attempts: 0, interrupted: false };
    let found = known.map_or_else(|| work.event(), |event| Ok(Some(event)))?;
    let Some(mut event) = found else { return Ok(None) };
    loop {
        let before = work.part.ops.len();
        work.part = work.part.beginning(event);
        work.begin_late();
        work.leave_out();
        match work.event() {
            Ok(Some(earlier)) => event = earlier,
            Ok(None) => panic!("a violation is legal once operations are left out"),
            // What is known to be a violation stays one when time runs out.
            Err(_) => work.interrupted = true,
        }
        if work.part.ops.len() == before || work.interrupted {
            break;
        }
    }
    work.part = work.part.beginning(event);
    Ok(Some(Core { part: work.part, base: work.base, event, minimal: !work.interrupted }))
}

struct Work<'a, M: Model> {
    part: Part<M>,
    base: Option<Timed<M::Effect>>,
    meter: &'a Meter<'a>,
    attempts: usize,
    interrupted: bool,
}

impl<M: Model> Work<'_, M> {
    /// The general engine's word, which owes nothing to a fast path.
    fn event(&self) -> Result<Option<u32>, Stopped> {
        match sweep::decide(&self.part.model, &self.part.ops, self.meter) {
            Verdict::Linearizable => Ok(None),
            Verdict::Violation { event } => Ok(Some(event)),
            Verdict::Undecided(stopped) => Err(stopped),
        }
    }

    fn violates(&mut self, part: &Part<M>) -> bool {
        self.attempts += 1;
        if self.attempts > ATTEMPTS {
            self.interrupted = true;
            return false;
        }
        match judge(&part.model, &part.ops, self.meter) {
            Judgement::Violation(_) => true,
            Judgement::Linearizable => false,
            Judgement::Undecided(_) => {
                self.interrupted = true;
                false
            }
        }
    }

    /// Begins with the latest operation that shows the whole state and leaves a violation; tries
    /// one after the other as far as that is quick, and ever longer leaps back from there.
    fn begin_late(&mut self) {
        let shows =
            |op: &&Timed<M::Effect>| op.certain() && self.part.model.resumed(&op.effect).is_some();
        let mut bases: Vec<Timed<M::Effect>> =
            self.part.ops.iter().filter(shows).cloned().collect();
        bases.sort_by_key(|op| std::cmp::Reverse(op.returned));
        let (mut at, mut leap) = (0, 1);
        while let Some(base) = bases.get(at) {
            if let Some(part) = self.part.from(base).filter(|part| self.violates(part)) {
                self.part = part;
                self.base = Some(base.clone());
                return;
            }
            leap += at / 16;
            at += leap;
        }
    }

    /// Leaves out units, many at a time as long as that works (Zeller and Hildebrandt, "Simplifying
    /// and isolating failure-inducing input", 2002), until none can go.
    fn leave_out(&mut self) {
        loop {
            let before = self.part.ops.len();
            let mut chunk = self.part.units().len().div_ceil(2);
            while chunk > 0 {
                for units in self.part.units().chunks(chunk) {
                    self.try_without(units);
                }
                chunk /= 2;
            }
            if self.part.ops.len() == before || self.interrupted {
                break;
            }
        }
    }

    fn try_without(&mut self, units: &[Unit]) {
        let Some(candidate) = self.part.without(units) else { return };
        let different = candidate.ops != self.part.ops;
        if different && self.violates(&candidate) {
            self.part = candidate;
        }
    }
}
