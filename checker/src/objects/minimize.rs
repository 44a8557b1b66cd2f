//! Makes a violation small enough to read, and keeps it honest ([`super::reduce`]).

use super::{
    Timed, engine,
    judge::{Judgement, fast, slow},
    model::Model,
    reduce::{Part, Unit},
    timed::NEVER,
};
use crate::{
    decision::{Stopped, Verdict},
    meter::Meter,
};

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

/// How often the general engine may ask the budget over one attempt, and over all of them: a few
/// hundredths of a second, and a few seconds.
const PATIENCE: usize = 64;
const ALL_PATIENCE: usize = 8_192;

/// A part with more operations than this is not decided before it is made smaller.
const LARGE: usize = 12;

/// A witness with more operations than this is begun later, if that is possible.
const READABLE: usize = 10;

/// Leaves out what can be left out of a violation. The event with which it becomes one is found
/// where it is not known, by the general engine, which owes nothing to a fast path; it may find that
/// this is no violation after all.
pub(crate) fn minimize<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    known: Option<u32>,
    meter: &Meter<'_>,
) -> Result<Option<Core<M>>, Stopped> {
    let whole = Part::new(model, ops.to_vec());
    // What a fast path found in a large part is decided again when that has become small.
    let open = known.is_none() && whole.ops.len() > LARGE;
    let found = match known {
        Some(event) => Some(event),
        None if open => whole.ops.iter().filter(|op| op.certain()).map(|op| op.returned).max(),
        None => event(&whole, meter)?,
    };
    let Some(event) = found else { return Ok(None) };
    let mut work = Work {
        part: whole,
        base: None,
        meter,
        attempts: 0,
        passed: 0,
        interrupted: false,
        patience: ALL_PATIENCE,
        unsure: false,
    };
    work.cut_after(event);
    let beginning = work.part.clone();
    work.leave_out();
    if work.part.ops.len() > READABLE {
        work.begin_late(&beginning);
        work.leave_out();
    }
    let last = match self::event(&work.part, meter) {
        Ok(Some(last)) => last,
        Ok(None) if open => return Ok(None),
        Err(stopped) if open => return Err(stopped),
        // A fast path went wrong on the way: back to what the general engine has seen.
        Ok(None) => {
            work.interrupted = true;
            (work.part, work.base) = (beginning, None);
            event
        }
        // What is known to be a violation stays one when time runs out.
        Err(_) => {
            work.interrupted = true;
            NEVER
        }
    };
    let event = work.cut_after(last);
    Ok(Some(Core {
        part: work.part,
        base: work.base,
        event,
        minimal: !work.interrupted && !work.unsure,
    }))
}

/// The event with which a part becomes a violation, if it does.
fn event<M: Model>(part: &Part<M>, meter: &Meter<'_>) -> Result<Option<u32>, Stopped> {
    match engine::decide(&part.model, &part.ops, meter) {
        Verdict::Linearizable => Ok(None),
        Verdict::Violation { event } => Ok(Some(event)),
        Verdict::Undecided(stopped) => Err(stopped),
    }
}

struct Work<'a, M: Model> {
    part: Part<M>,
    base: Option<Timed<M::Effect>>,
    meter: &'a Meter<'a>,
    attempts: usize,
    /// Operations looked at since the budget was asked.
    passed: usize,
    interrupted: bool,
    /// How many questions to the budget are left for all attempts together.
    patience: usize,
    /// Whether an attempt was given up.
    unsure: bool,
}

impl<M: Model> Work<'_, M> {
    /// Cuts off what comes after this event, if the rest is a violation by itself: a specification
    /// that knows what comes later may see one earlier. Gives the last event that is left.
    fn cut_after(&mut self, last: u32) -> u32 {
        let beginning = self.part.beginning(last);
        if self.violates(&beginning) {
            self.part = beginning;
        }
        let returns = self.part.ops.iter().filter(|op| op.certain()).map(|op| op.returned);
        returns.max().unwrap_or(last)
    }

    fn violates(&mut self, part: &Part<M>) -> bool {
        self.attempts += 1;
        let stop = self.meter.ask_after(&mut self.passed, part.ops.len()).is_err();
        self.interrupted |= stop || self.attempts > ATTEMPTS;
        if self.interrupted {
            return false;
        }
        match self.judge(part) {
            Judgement::Violation(_) => true,
            Judgement::Linearizable => false,
            // Too hard: it stays in.
            Judgement::Undecided(_) => {
                self.unsure = true;
                self.interrupted |= self.patience == 0 || self.meter.is_exhausted();
                false
            }
        }
    }

    /// A fast path takes no patience: it is quick, also over what is still large.
    fn judge(&mut self, part: &Part<M>) -> Judgement<M::Effect> {
        match fast(&part.model, &part.ops, self.meter) {
            Ok(Some(judgement)) => return judgement,
            Err(exhausted) => return Judgement::Undecided(Stopped::at_once(exhausted)),
            Ok(None) => {}
        }
        let patience = self.meter.patience(PATIENCE.min(self.patience));
        let before = patience.left();
        let judgement = slow(&part.model, &part.ops, &Meter::new(&patience));
        self.patience -= before - patience.left();
        judgement
    }

    /// Begins with the latest operation that shows the whole state and leaves a violation, if what
    /// is left then is less; tries one after the other as far as that is quick, and ever longer
    /// leaps back from there.
    fn begin_late(&mut self, beginning: &Part<M>) {
        let shows =
            |op: &&Timed<M::Effect>| op.certain() && beginning.model.resumed(&op.effect).is_some();
        let mut bases: Vec<&Timed<M::Effect>> = beginning.ops.iter().filter(shows).collect();
        bases.sort_by_key(|op| std::cmp::Reverse(op.returned));
        let (mut at, mut leap) = (0, 1);
        while let Some(base) = bases.get(at) {
            if let Some(part) = beginning.from(base).filter(|part| self.violates(part)) {
                if part.ops.len() < self.part.ops.len() {
                    self.part = part;
                    self.base = Some((*base).clone());
                }
                return;
            }
            if self.interrupted {
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
                    if self.interrupted {
                        return;
                    }
                }
                chunk /= 2;
            }
            if self.part.ops.len() == before {
                break;
            }
        }
    }

    fn try_without(&mut self, units: &[Unit]) {
        let Some(candidate) = self.part.without(units) else { return };
        if candidate.ops == self.part.ops {
            let passed = self.meter.ask_after(&mut self.passed, candidate.ops.len());
            self.interrupted |= passed.is_err();
        } else if self.violates(&candidate) {
            self.part = candidate;
        }
    }
}
