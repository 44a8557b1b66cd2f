//! Adds up what all threads of one check hold, and asks the caller's [`Budget`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::{Budget, Exhausted};

/// A pass over so many operations takes some milliseconds.
const PASS: usize = 4_096;

/// One check's account.
pub(crate) struct Meter<'a> {
    budget: &'a dyn Budget,
    held: AtomicUsize,
    /// Whether a pass ended early.
    late: AtomicBool,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a dyn Budget) -> Self {
        Self { budget, held: AtomicUsize::new(0), late: AtomicBool::new(false) }
    }

    /// The items of a pass, until the deadline. What a pass makes of fewer than all is worth
    /// nothing: [`Meter::in_time`] says so afterwards, and any [`Meter::ask`].
    pub(crate) fn paced<I: IntoIterator>(&'a self, items: I) -> Paced<'a, I::IntoIter> {
        Paced { items: items.into_iter(), meter: self, passed: 0 }
    }

    /// Whether all passes came to their ends so far.
    pub(crate) fn in_time(&self) -> Result<(), Exhausted> {
        if self.late.load(Ordering::Relaxed) { Err(Exhausted::Deadline) } else { Ok(()) }
    }

    /// Asks whether to stop, before a pass over so many operations: short ones need not ask.
    pub(crate) fn ask(&self, operations: usize) -> Result<(), Exhausted> {
        self.in_time()?;
        if operations < PASS {
            return Ok(());
        }
        let held = self.held.load(Ordering::Relaxed);
        self.budget.exhausted(held).map_or(Ok(()), Err)
    }

    /// Counts the operations of passes, and asks when they have come to a long one.
    pub(crate) fn ask_after(&self, passed: &mut usize, operations: usize) -> Result<(), Exhausted> {
        *passed += operations;
        if *passed < PASS { Ok(()) } else { self.ask(std::mem::take(passed)) }
    }

    /// A budget of so many questions within this one: for attempts that are not worth all of it.
    pub(crate) fn patience(&'a self, questions: usize) -> Patience<'a> {
        Patience { meter: self, left: AtomicUsize::new(questions) }
    }

    /// Whether the caller's budget is exhausted.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.budget.exhausted(self.held.load(Ordering::Relaxed)).is_some()
    }

    /// An account for one thread's work; what it holds is given back when it is dropped.
    pub(crate) fn share(&'a self) -> Share<'a> {
        Share { meter: self, bytes: 0, steps: 0 }
    }
}

/// See [`Meter::paced`].
pub(crate) struct Paced<'a, I> {
    items: I,
    meter: &'a Meter<'a>,
    passed: usize,
}

/// So many items of a pass take some hundredths of a millisecond.
const PACE: usize = 1_024;

impl<I: Iterator> Iterator for Paced<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.passed += 1;
        if self.passed.is_multiple_of(PACE) {
            let held = self.meter.held.load(Ordering::Relaxed);
            if self.meter.budget.exhausted(held) == Some(Exhausted::Deadline) {
                self.meter.late.store(true, Ordering::Relaxed);
            }
        }
        if self.meter.late.load(Ordering::Relaxed) { None } else { self.items.next() }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.items.size_hint().1)
    }
}

/// A part of a budget, counted in questions.
pub(crate) struct Patience<'a> {
    meter: &'a Meter<'a>,
    left: AtomicUsize,
}

impl Patience<'_> {
    /// How many questions are left.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

impl Budget for Patience<'_> {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        let spend = |left: usize| left.checked_sub(1);
        let spent = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        let held = self.meter.held.load(Ordering::Relaxed);
        let whole = self.meter.budget.exhausted(held + bytes);
        whole.or(spent.is_err().then_some(Exhausted::Deadline))
    }
}

/// What one piece of work holds.
pub(crate) struct Share<'a> {
    meter: &'a Meter<'a>,
    bytes: usize,
    steps: u32,
}

/// Steps of a pass between two questions to the budget: some hundredths of a millisecond.
const STEPS: u32 = 1 << 10;

impl Share<'_> {
    /// States how many bytes the work holds now, and asks whether to stop.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let held = &self.meter.held;
        held.fetch_add(bytes, Ordering::Relaxed);
        let before = held.fetch_sub(self.bytes, Ordering::Relaxed);
        let total = before - self.bytes;
        self.bytes = bytes;
        self.meter.budget.exhausted(total).map_or(Ok(()), Err)
    }

    /// One step of a pass; now and then it asks whether to stop.
    pub(crate) fn step(&mut self) -> Result<(), Exhausted> {
        self.steps = self.steps.wrapping_add(1);
        if self.steps.is_multiple_of(STEPS) { self.hold(self.bytes) } else { Ok(()) }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.meter.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Limit(usize);

    impl Budget for Limit {
        fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
            (bytes > self.0).then_some(Exhausted::Memory)
        }
    }

    #[test]
    fn shares_add_up_and_are_given_back() {
        let meter = Meter::new(&Limit(100));
        let mut first = meter.share();
        assert_eq!(first.hold(60), Ok(()));
        {
            let mut second = meter.share();
            assert_eq!(second.hold(40), Ok(()));
            assert_eq!(second.hold(41), Err(Exhausted::Memory));
        }
        assert_eq!(first.hold(100), Ok(()));
    }
}
