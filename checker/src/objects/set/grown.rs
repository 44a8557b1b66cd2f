//! The fast path of sets that only grow, with whole-set reads: linear in what the reads show, after
//! sorting.
//!
//! Reads have to form a chain by inclusion. Each element goes in before the first of them that shows
//! it and after those that do not; a `contains` that found it, or did not, narrows that further. The
//! chain takes place as early as real time allows, and where that is too late for somebody, what
//! forces it and the one that it is too late for conflict.

use super::{
    Effect,
    by_element::{Element, Elements},
    elements::Stands,
};
use crate::{meter::Meter, objects::NEVER};

/// The places of operations that conflict.
type Conflict = Vec<u32>;

/// A moment, and the operation whose invocation makes it that late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Since {
    moment: u32,
    by: u32,
}

const BEGINNING: Since = Since { moment: 0, by: NEVER };

/// When an element can go in.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Since,
    /// It has gone in before this event: the return of `by`; [`NEVER`] if nobody but reads needs it.
    to: u32,
    by: u32,
    /// The add that is invoked first.
    add: u32,
}

/// An order of adds, `contains` and reads, by their places.
pub(super) fn order(elements: &Elements<'_>, meter: &Meter<'_>) -> Result<Vec<u32>, Conflict> {
    let reads = Reads::of(elements)?;
    let mut chain = Chain { elements, reads: &reads, stands: Stands::new(), now: BEGINNING };
    let mut at = 0;
    for group in meter.paced(0..reads.groups) {
        chain.add_new(group)?;
        at = chain.read_all(at, group)?;
    }
    chain.add_new(reads.groups)?;
    chain.stands.sort_unstable();
    Ok(chain.stands.into_iter().map(|(.., place)| place).collect())
}

/// The reads of a history, in the order of their sizes.
struct Reads {
    /// Places.
    order: Vec<u32>,
    /// How many different sets they show.
    groups: u32,
    /// The group of each read of `order`.
    group: Vec<u32>,
    /// Elements by the first group that shows them; those that none shows come last.
    by_group: Vec<Vec<u32>>,
}

impl Reads {
    fn of(elements: &Elements<'_>) -> Result<Self, Conflict> {
        let ops = elements.ops;
        let mut order: Vec<u32> =
            (0..ops.len() as u32).filter(|&place| shown(elements, place).is_some()).collect();
        order.sort_by_key(|&place| shown(elements, place).unwrap_or_default().len());
        let mut first = vec![NEVER; elements.count() as usize];
        let mut reads = Self { order, groups: 0, group: Vec::new(), by_group: Vec::new() };
        let (mut known, mut last) = (0, NEVER);
        for &place in &reads.order {
            let values = shown(elements, place).unwrap_or_default();
            if values.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(vec![place]);
            }
            if last == NEVER || values.len() > known {
                reads.groups += 1;
            }
            let mut new = 0;
            for &value in values {
                let first = &mut first[value as usize];
                if *first == NEVER {
                    (*first, new) = (reads.groups - 1, new + 1);
                }
            }
            // As many as before and the new ones: all of them are shown again.
            if known + new != values.len() {
                return Err(incomparable(elements, last, place));
            }
            (known, last) = (values.len(), place);
            reads.group.push(reads.groups - 1);
        }
        reads.by_group = vec![Vec::new(); reads.groups as usize + 1];
        for (value, &group) in (0..).zip(&first) {
            reads.by_group[group.min(reads.groups) as usize].push(value);
        }
        Ok(reads)
    }
}

fn shown<'a>(elements: &Elements<'a>, place: u32) -> Option<&'a [u32]> {
    match &elements.ops[place as usize].effect {
        Effect::Read(values) => Some(values),
        _ => None,
    }
}

/// Two reads, each of which lacks something that the other one shows.
fn incomparable(elements: &Elements<'_>, one: u32, other: u32) -> Conflict {
    conflict(elements, &[one, other], &[])
}

/// These operations, and all on single elements that the reads among them show, or that are named.
fn conflict(elements: &Elements<'_>, places: &[u32], values: &[u32]) -> Conflict {
    let mut all: Vec<u32> = places.iter().copied().filter(|&place| place != NEVER).collect();
    let mut values = values.to_vec();
    for &place in &all {
        values.extend_from_slice(shown(elements, place).unwrap_or_default());
        values.extend(match elements.ops[place as usize].effect {
            Effect::Add(value) | Effect::Remove(value) | Effect::Contains(value, _) => Some(value),
            Effect::Read(_) => None,
        });
    }
    values.sort_unstable();
    values.dedup();
    for value in values {
        all.extend_from_slice(elements.places(value));
    }
    all.sort_unstable();
    all.dedup();
    all
}

struct Chain<'a> {
    elements: &'a Elements<'a>,
    reads: &'a Reads,
    stands: Stands,
    /// The latest moment so far.
    now: Since,
}

impl Chain<'_> {
    /// Adds the elements that this group shows first, none of them before the reads of the last.
    fn add_new(&mut self, group: u32) -> Result<(), Conflict> {
        let base = self.now;
        let mut element = Element::default();
        for &value in &self.reads.by_group[group as usize] {
            self.elements.fill(value, &mut element);
            let window = window(&element);
            let shown = group < self.reads.groups;
            let Some(window) = window.filter(|window| shown || window.to != NEVER) else {
                self.never_added(value, &element, shown)?;
                continue;
            };
            let from = window.from.max(base);
            if from.moment >= window.to {
                let late = self.conflict_of(from, &[window.by], value);
                return Err(late);
            }
            self.now = self.now.max(from);
            self.stand(&element, window.add, from.moment, group);
        }
        Ok(())
    }

    /// Nobody may have found what nobody added.
    fn never_added(&mut self, value: u32, element: &Element, shown: bool) -> Result<(), Conflict> {
        if shown {
            let shows = |place: &&u32| shown_value(self.elements, **place, value);
            let read = self.reads.order.iter().find(shows);
            return Err(conflict(self.elements, &[read.copied().unwrap_or(NEVER)], &[]));
        }
        if !element.found.is_empty() {
            return Err(conflict(self.elements, &[], &[value]));
        }
        let missed = element.missed.iter();
        self.stands.extend(missed.map(|missed| (missed.from, 0, missed.place)));
        Ok(())
    }

    /// What forces a moment, with these operations and this element. If an element that a read
    /// shows forces it, the read belongs to it.
    fn conflict_of(&self, since: Since, others: &[u32], value: u32) -> Conflict {
        let mut places = others.to_vec();
        places.push(since.by);
        let forced = self.elements.ops.get(since.by as usize).map(|op| &op.effect);
        if let Some(Effect::Add(first) | Effect::Contains(first, _)) = forced
            && *first != value
        {
            let shows = |place: &&u32| shown_value(self.elements, **place, *first);
            places.extend(self.reads.order.iter().find(shows));
        }
        conflict(self.elements, &places, &[value])
    }

    /// Lets the reads of a group happen, from the `at`-th read on; says where the next one begins.
    fn read_all(&mut self, mut at: usize, group: u32) -> Result<usize, Conflict> {
        let base = self.now;
        while self.reads.group.get(at) == Some(&group) {
            let place = self.reads.order[at];
            let op = &self.elements.ops[place as usize];
            if base.moment >= op.returned {
                return Err(conflict(self.elements, &[place, base.by], &[]));
            }
            let moment = base.max(Since { moment: op.invoked, by: place });
            self.now = self.now.max(moment);
            self.stands.push((moment.moment, 2 * group + 2, place));
            at += 1;
        }
        Ok(at)
    }

    /// An element's operations, of which `add` puts it in.
    fn stand(&mut self, element: &Element, add: u32, moment: u32, group: u32) {
        self.stands.push((moment, 2 * group + 1, add));
        let again = element.adds.iter().filter(|other| other.place != add && other.to != NEVER);
        let after = again.chain(&element.found);
        self.stands.extend(after.map(|op| (moment.max(op.from), NEVER, op.place)));
        let before = element.missed.iter();
        self.stands.extend(before.map(|op| (op.from, 0, op.place)));
    }
}

fn shown_value(elements: &Elements<'_>, place: u32, value: u32) -> bool {
    shown(elements, place).is_some_and(|values| values.binary_search(&value).is_ok())
}

/// When an element can go in by what single operations say; none if nobody adds it.
fn window(element: &Element) -> Option<Window> {
    let add = element.adds.iter().min_by_key(|add| add.from)?;
    let missed = element.missed.iter().max_by_key(|missed| missed.from);
    let from = Since { moment: add.from, by: add.place };
    let missed = missed.map(|missed| Since { moment: missed.from, by: missed.place });
    let ends = element.adds.iter().chain(&element.found);
    let end = ends.min_by_key(|end| end.to)?;
    Some(Window {
        from: missed.map_or(from, |missed| missed.max(from)),
        to: end.to,
        by: end.place,
        add: add.place,
    })
}
