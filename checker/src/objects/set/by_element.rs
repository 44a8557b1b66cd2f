//! The fast paths of sets: operations grouped by element.

use super::{
    Effect,
    elements::{self, Interval, Outcome, Stands},
    grown,
};
use crate::{
    meter::Meter,
    objects::{Timed, model::Fast},
};

/// What was done to one element, or learned of it, other than by reads of the whole set.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) adds: Vec<Interval>,
    pub(super) removes: Vec<Interval>,
    /// `contains` that found it.
    pub(super) found: Vec<Interval>,
    /// `contains` that did not.
    pub(super) missed: Vec<Interval>,
}

impl Element {
    fn clear(&mut self) {
        let Self { adds, removes, found, missed } = self;
        [adds, removes, found, missed].into_iter().for_each(Vec::clear);
    }

    fn take(&mut self, effect: &Effect, interval: Interval) {
        match effect {
            Effect::Add(_) => self.adds.push(interval),
            Effect::Remove(_) => self.removes.push(interval),
            Effect::Contains(_, true) => self.found.push(interval),
            Effect::Contains(_, false) => self.missed.push(interval),
            Effect::Read(_) => {}
        }
    }

    /// The operations, by their places.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        let all = [&self.adds, &self.removes, &self.found, &self.missed];
        all.into_iter().flatten().map(|op| op.place)
    }
}

/// Decides a set: without whole-set reads element by element, with them if nothing is removed.
pub(super) fn decide(elements: &Elements<'_>, meter: &Meter<'_>) -> Option<Fast<Effect>> {
    let has = |is: fn(&Effect) -> bool| elements.ops.iter().any(|op| is(&op.effect));
    if !has(|effect| matches!(effect, Effect::Read(_))) {
        return apart(elements, meter);
    }
    if has(|effect| matches!(effect, Effect::Remove(_))) {
        return None;
    }
    Some(match grown::order(elements, meter) {
        Ok(order) => Fast::Pass(order),
        Err(conflict) => Fast::Violation(vec![conflict]),
    })
}

/// How many conflicts are offered, to choose the clearest one from.
const CONFLICTS: usize = 64;

fn apart(elements: &Elements<'_>, meter: &Meter<'_>) -> Option<Fast<Effect>> {
    let (mut stands, mut element) = (Stands::new(), Element::default());
    let (mut conflicts, mut open) = (Vec::new(), false);
    for value in meter.paced(0..elements.count()) {
        elements.fill(value, &mut element);
        match elements::place(&element, &mut stands) {
            Outcome::Open => open = true,
            Outcome::Conflict if conflicts.len() < CONFLICTS => {
                let mut places: Vec<u32> = element.places().collect();
                places.sort_unstable();
                conflicts.push(places);
            }
            Outcome::Placed | Outcome::Conflict => {}
        }
    }
    if !conflicts.is_empty() {
        return Some(Fast::Violation(conflicts));
    }
    stands.sort_unstable();
    (!open).then(|| Fast::Pass(stands.into_iter().map(|(.., place)| place).collect()))
}

/// Operations on single elements, in the order of elements.
pub(super) struct Elements<'a> {
    pub(super) ops: &'a [Timed<Effect>],
    /// Where each element's places begin.
    begins: Vec<u32>,
    places: Vec<u32>,
}

impl<'a> Elements<'a> {
    pub(super) fn of(ops: &'a [Timed<Effect>]) -> Self {
        let highest = ops.iter().map(|op| match &op.effect {
            Effect::Read(values) => values.last().map_or(0, |value| value + 1),
            Effect::Add(value) | Effect::Remove(value) | Effect::Contains(value, _) => value + 1,
        });
        let mut begins = vec![0; highest.max().unwrap_or(0) as usize + 1];
        for op in ops {
            if let Some(value) = element(&op.effect) {
                begins[value as usize + 1] += 1;
            }
        }
        for at in 1..begins.len() {
            begins[at] += begins[at - 1];
        }
        let (mut next, last) = (begins.clone(), begins.last().copied().unwrap_or(0));
        let mut places = vec![0; last as usize];
        for (place, op) in (0..).zip(ops) {
            if let Some(value) = element(&op.effect) {
                places[next[value as usize] as usize] = place;
                next[value as usize] += 1;
            }
        }
        Self { ops, begins, places }
    }

    pub(super) fn count(&self) -> u32 {
        self.begins.len() as u32 - 1
    }

    /// The places of the operations on an element.
    pub(super) fn places(&self, value: u32) -> &[u32] {
        let (from, to) = (self.begins[value as usize], self.begins[value as usize + 1]);
        &self.places[from as usize..to as usize]
    }

    pub(super) fn fill(&self, value: u32, element: &mut Element) {
        element.clear();
        for &place in self.places(value) {
            let op = &self.ops[place as usize];
            element.take(&op.effect, Interval { from: op.invoked, to: op.returned, place });
        }
    }
}

fn element(effect: &Effect) -> Option<u32> {
    match effect {
        Effect::Add(value) | Effect::Remove(value) | Effect::Contains(value, _) => Some(*value),
        Effect::Read(_) => None,
    }
}
