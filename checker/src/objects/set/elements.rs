//! The fast path of sets without whole-set reads: every element is an object of its own.
//!
//! An element that is added once, or added but never removed, is in the set from one moment until
//! another. All that is open is which: the moment of the add is tried just after its invocation and
//! after that of each operation that could come before it, and the remove that ends it is the first
//! that can. Sorting apart, this is linear in the operations on the element.

use super::by_element::Element;
use crate::objects::NEVER;

/// One operation on an element, in moments: it takes effect at one of `from..to`, each named by the
/// event just before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) from: u32,
    /// [`NEVER`] if it may also not have taken effect.
    pub(super) to: u32,
    pub(super) place: u32,
}

/// When things happen: (moment, order at that moment, place).
pub(super) type Stands = Vec<(u32, u32, u32)>;

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its operations stand in a legal order.
    Placed,
    /// There is none.
    Conflict,
    /// Added more than once and removed: not for this algorithm.
    Open,
}

const BEFORE: u32 = 0;
const ADD: u32 = 1;
const WITHIN: u32 = 2;
const REMOVE: u32 = 3;
const AFTER: u32 = 4;

/// Places the operations on one element.
pub(super) fn place(element: &Element, stands: &mut Stands) -> Outcome {
    if element.adds.len() > 1 && !element.removes.is_empty() {
        return Outcome::Open;
    }
    let Some(add) = element.adds.iter().copied().min_by_key(|add| add.from) else {
        return never_added(element, stands);
    };
    let certain = element.adds.iter().map(|add| add.to).min().unwrap_or(NEVER);
    let seen = element.found.iter().map(|found| found.to).min().unwrap_or(NEVER);
    let latest = certain.min(seen);
    if latest == NEVER {
        return never_added(element, stands);
    }
    let Some((added, removed)) = Tried::of(element, add, latest).times() else {
        return Outcome::Conflict;
    };
    stand(element, add, added, removed, stands);
    Outcome::Placed
}

/// Without an add, nobody can have found it.
fn never_added(element: &Element, stands: &mut Stands) -> Outcome {
    let absent = element.removes.iter().filter(|remove| remove.to != NEVER).chain(&element.missed);
    stands.extend(absent.map(|op| (op.from, BEFORE, op.place)));
    if element.found.is_empty() { Outcome::Placed } else { Outcome::Conflict }
}

/// The moments that are tried for one add.
struct Tried<'a> {
    element: &'a Element,
    add: Interval,
    /// The add has happened before this event.
    latest: u32,
    /// Operations that find or leave the element absent, by invocation.
    absent: Vec<Interval>,
    /// The last moment at which somebody who found it was invoked.
    found_until: u32,
}

impl<'a> Tried<'a> {
    fn of(element: &'a Element, add: Interval, latest: u32) -> Self {
        let mut absent: Vec<Interval> =
            element.removes.iter().chain(&element.missed).copied().collect();
        absent.sort_unstable_by_key(|op| op.from);
        let found_until = element.found.iter().map(|found| found.from).max().unwrap_or(0);
        Self { element, add, latest, absent, found_until }
    }

    /// When the add happens, and when which remove ends it.
    fn times(&self) -> Option<(u32, Option<(u32, u32)>)> {
        let mut returns: Vec<u32> = self.absent.iter().map(|op| op.to).collect();
        for at in (1..returns.len()).rev() {
            returns[at - 1] = returns[at - 1].min(returns[at]);
        }
        let mut ends = Ends::of(&self.element.removes);
        let invoked = self.absent.iter().map(|op| op.from);
        let later = invoked.filter(|&from| from > self.add.from);
        let tried = [self.add.from].into_iter().chain(later);
        for added in tried.take_while(|&added| added < self.latest) {
            let after = self.absent.partition_point(|op| op.from <= added);
            let bound = returns.get(after).copied().unwrap_or(NEVER);
            if bound == NEVER {
                return Some((added, None));
            }
            let removed = ends.first_from(added.max(self.found_until));
            if let Some((moment, by)) = removed.filter(|&(moment, _)| moment < bound) {
                return Some((added, Some((moment, by))));
            }
        }
        None
    }
}

/// Removes, asked for the first moment at which one can happen, from later and later moments on.
struct Ends {
    /// By invocation, the last first.
    removes: Vec<Interval>,
    /// Of those invoked so far, the one that returns last.
    longest: Option<Interval>,
}

impl Ends {
    fn of(removes: &[Interval]) -> Self {
        let mut removes = removes.to_vec();
        removes.sort_unstable_by_key(|remove| std::cmp::Reverse(remove.from));
        Self { removes, longest: None }
    }

    fn first_from(&mut self, moment: u32) -> Option<(u32, u32)> {
        while let Some(remove) = self.removes.pop_if(|remove| remove.from <= moment) {
            self.longest = self.longest.filter(|longest| longest.to >= remove.to).or(Some(remove));
        }
        let now = self.longest.filter(|longest| longest.to > moment);
        let now = now.map(|remove| (moment, remove.place));
        now.or_else(|| self.removes.last().map(|remove| (remove.from, remove.place)))
    }
}

/// Everything on one element at its moment.
fn stand(
    element: &Element,
    add: Interval,
    added: u32,
    removed: Option<(u32, u32)>,
    stands: &mut Stands,
) {
    let (until, by) = removed.unwrap_or((NEVER, NEVER));
    stands.push((added, ADD, add.place));
    for other in element.adds.iter().filter(|other| other.place != add.place) {
        if other.to != NEVER {
            stands.push((added.max(other.from), WITHIN, other.place));
        }
    }
    for found in &element.found {
        stands.push((added.max(found.from), WITHIN, found.place));
    }
    for absent in element.removes.iter().chain(&element.missed) {
        if absent.place == by {
            stands.push((until, REMOVE, absent.place));
        } else if absent.from <= added && absent.to != NEVER {
            stands.push((absent.from, BEFORE, absent.place));
        } else if absent.to != NEVER {
            stands.push((until.max(absent.from), AFTER, absent.place));
        }
    }
}
