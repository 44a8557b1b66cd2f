//! The fast path of semaphores, in O(n log n).
//!
//! *Bounds.* By any moment, the permits of all acquires that returned, without those of all releases
//! that were invoked, are at most all permits; and those of all releases that returned are at most
//! those of all acquires that were invoked. Else there is no legal order.
//!
//! *An order.* Operations are placed when they have to be, that is when they return; before an
//! acquire that finds too few permits, releases that are pending, and before a release of more than
//! was taken, acquires that are pending, the earliest return first. Who was refused is placed as
//! soon as there are too few permits for it. Where that leads nowhere, nothing is decided here.

use std::collections::BTreeSet;

use super::Effect;
use crate::{
    Exhausted,
    meter::Meter,
    objects::{Timed, events, model::Fast},
};

/// Decides where it can.
pub(super) fn decide(
    permits: u64,
    ops: &[Timed<Effect>],
    meter: &Meter<'_>,
) -> Result<Option<Fast<Effect>>, Exhausted> {
    let events = events(ops);
    meter.ask(ops.len())?;
    let outside = out_of_bounds(permits, ops, meter.paced(&events));
    if let Some(event) = outside {
        let begun = (0..).zip(ops).filter(|(_, op)| op.invoked <= event);
        let changes = begun.filter(|(_, op)| !matches!(op.effect, Effect::Short(_)));
        return Ok(Some(Fast::Violation(vec![changes.map(|(place, _)| place).collect()])));
    }
    meter.ask(ops.len())?;
    let mut placing = Placing {
        ops,
        permits,
        free: permits,
        acquires: BTreeSet::new(),
        releases: BTreeSet::new(),
        refused: BTreeSet::new(),
        order: Vec::with_capacity(ops.len()),
    };
    let placed = meter.paced(&events).try_for_each(|&(_, place, returns)| {
        if !returns {
            placing.invoke(place);
            return Some(());
        }
        placing.complete(place)
    });
    Ok(placed.map(|()| Fast::Pass(placing.order)))
}

/// The first event by which too many permits are certainly taken, or certainly given back.
fn out_of_bounds<'a>(
    permits: u64,
    ops: &[Timed<Effect>],
    events: impl Iterator<Item = &'a (u32, u32, bool)>,
) -> Option<u32> {
    // Certainly taken at least, and at most.
    let (mut least, mut most) = (0_i128, 0_i128);
    for &(event, place, returns) in events {
        match (ops[place as usize].effect, returns) {
            (Effect::Acquire(taken), true) => least += i128::from(taken.count),
            (Effect::Acquire(taken), false) => most += i128::from(taken.count),
            (Effect::Release(given), false) => least -= i128::from(given.count),
            (Effect::Release(given), true) => most -= i128::from(given.count),
            (Effect::Short(_), _) => {}
        }
        if least > i128::from(permits) || most < 0 {
            return Some(event);
        }
    }
    None
}

struct Placing<'a> {
    ops: &'a [Timed<Effect>],
    permits: u64,
    free: u64,
    /// Pending operations that are not placed: (return, place).
    acquires: BTreeSet<(u32, u32)>,
    releases: BTreeSet<(u32, u32)>,
    /// Who was refused, by how many they wanted: (permits, place).
    refused: BTreeSet<(u64, u32)>,
    order: Vec<u32>,
}

impl Placing<'_> {
    fn invoke(&mut self, place: u32) {
        let op = &self.ops[place as usize];
        match op.effect {
            Effect::Acquire(_) => {
                self.acquires.insert((op.returned, place));
            }
            Effect::Release(_) => {
                self.releases.insert((op.returned, place));
            }
            Effect::Short(wanted) => {
                self.refused.insert((wanted, place));
                self.refuse();
            }
        }
    }

    /// Places who finds too few permits now.
    fn refuse(&mut self) {
        while let Some(&(wanted, place)) = self.refused.last().filter(|(n, _)| *n > self.free) {
            self.refused.remove(&(wanted, place));
            self.order.push(place);
        }
    }

    /// None if there is no place for it.
    fn complete(&mut self, place: u32) -> Option<()> {
        let op = &self.ops[place as usize];
        match op.effect {
            Effect::Acquire(taken) if self.acquires.contains(&(op.returned, place)) => {
                while self.free < taken.count {
                    let &(_, release) = self.releases.first()?;
                    self.give(release)?;
                }
                self.take(place)
            }
            Effect::Release(given) if self.releases.contains(&(op.returned, place)) => {
                while self.permits - self.free < given.count {
                    let &(_, acquire) = self.acquires.first()?;
                    self.take(acquire)?;
                }
                self.give(place)
            }
            Effect::Short(wanted) => {
                while self.refused.contains(&(wanted, place)) {
                    let &(_, acquire) = self.acquires.first()?;
                    self.take(acquire)?;
                }
                Some(())
            }
            Effect::Acquire(_) | Effect::Release(_) => Some(()),
        }
    }

    fn take(&mut self, place: u32) -> Option<()> {
        let op = &self.ops[place as usize];
        let Effect::Acquire(taken) = op.effect else { return None };
        self.free = self.free.checked_sub(taken.count)?;
        self.acquires.remove(&(op.returned, place));
        self.order.push(place);
        self.refuse();
        Some(())
    }

    fn give(&mut self, place: u32) -> Option<()> {
        let op = &self.ops[place as usize];
        let Effect::Release(given) = op.effect else { return None };
        self.free = self.free.checked_add(given.count).filter(|free| *free <= self.permits)?;
        self.releases.remove(&(op.returned, place));
        self.order.push(place);
        Some(())
    }
}
