//! The depth-first engine: one legal order after the other, from the first operation on (Wing and
//! Gong, "Testing and verifying concurrent objects", 1993), never twice from the same place (Lowe,
//! "Testing for linearizability", 2017).
//!
//! It knows of one order at a time where the [`sweep`](super::sweep) knows of all configurations of
//! one moment: so it comes through wide moments in which almost any order will do, and is lost where
//! a mistake is noticed late. The two race. Beyond the papers:
//!
//! 1. *Observations at once.* One that holds is placed, and no other way is tried from there: it
//!    changes nothing, so whatever works without it works after it.
//! 2. *Same effect, first come first.* Of operations alike with unknown outcome the one that was
//!    invoked first is used first.
//! 3. *Operations of no use* are left out ([`Model::serves`](super::model::Model::serves)).
//!
//! Places are remembered by fingerprints of 128 bits, not in full: 10⁹ of them collide with a
//! probability below 10⁻²⁰. An order found owes nothing to them, since it is replayed; a violation
//! is made small and decided again before it is told.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hash},
};

use super::{Timed, model::Model, replay};
use crate::{
    decision::Verdict,
    hashing::{Quick, fingerprint},
};

/// Nowhere in the list of events.
const END: u32 = u32::MAX;

/// A step that was taken, to be taken back.
struct Taken<S> {
    /// The operation.
    place: u32,
    /// The state before.
    before: S,
    /// Whether nothing else has to be tried there.
    forced: bool,
}

/// A search that can be continued.
pub(crate) struct Depth<'a, M: Model> {
    model: &'a M,
    ops: &'a [Timed<M::Effect>],
    /// Of an operation with unknown outcome, the one like it that is to be used before it.
    before: Vec<Option<u32>>,
    /// Events of operations that are not placed, in the order of time: the invocation of the
    /// operation at `place` is entry `2 * place`, its return the next one.
    next: Vec<u32>,
    previous: Vec<u32>,
    first: u32,
    placed: Vec<bool>,
    /// Certain operations that are not placed.
    left: usize,
    state: M::State,
    /// The fingerprint of what is placed.
    print: u128,
    seen: HashSet<u128, BuildHasherDefault<Quick>>,
    way: Vec<Taken<M::State>>,
    at: u32,
    /// The latest return that no way led past.
    furthest: u32,
}

impl<'a, M: Model> Depth<'a, M> {
    pub(crate) fn new(model: &'a M, ops: &'a [Timed<M::Effect>]) -> Self {
        let mut search = Self {
            model,
            ops,
            before: Vec::new(),
            next: vec![END; ops.len() * 2],
            previous: vec![END; ops.len() * 2],
            first: END,
            placed: vec![false; ops.len()],
            left: ops.iter().filter(|op| op.certain()).count(),
            state: model.initial(),
            print: 0,
            seen: HashSet::default(),
            way: Vec::new(),
            at: END,
            furthest: 0,
        };
        let serves = model.serves(ops);
        search.before = before(ops, &serves);
        let mut events: Vec<(u32, u32)> = Vec::with_capacity(ops.len() * 2);
        for (place, op) in (0..).zip(ops) {
            if op.certain() {
                events.push((op.returned, 2 * place + 1));
            }
            if op.certain() || serves[place as usize] {
                events.push((op.invoked, 2 * place));
            }
        }
        events.sort_unstable();
        let mut last = END;
        for (_, entry) in events {
            search.link(last, entry, END);
            last = entry;
        }
        search.at = search.first;
        search
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.seen.capacity() * (size_of::<u128>() + 1)
            + self.way.len() * (size_of::<Taken<M::State>>() + M::bytes(&self.state))
            + self.ops.len() * 28
    }

    /// Goes on for so many steps; none if that did not decide.
    pub(crate) fn advance(&mut self, steps: usize) -> Option<Verdict> {
        for _ in 0..steps {
            if self.left == 0 {
                let order = self.way.iter().map(|taken| taken.place);
                let accepted = replay::accepts(self.model, self.ops, order);
                assert!(accepted, "an order was found that a replay does not accept");
                return Some(Verdict::Linearizable);
            }
            let place = self.at / 2;
            let dead = if self.at % 2 == 1 {
                self.furthest = self.furthest.max(self.ops[place as usize].returned);
                true
            } else {
                self.try_place(place)
            };
            if dead && !self.go_back() {
                return Some(Verdict::Violation { event: self.furthest });
            }
        }
        None
    }

    /// Places the operation if that is possible and new, else passes it over; true if nothing can
    /// come of what is placed.
    fn try_place(&mut self, place: u32) -> bool {
        let op = &self.ops[place as usize];
        let waits = self.before[place as usize].is_some_and(|other| !self.placed[other as usize]);
        let after = if waits { None } else { self.model.step(&self.state, &op.effect) };
        let Some(after) = after else {
            self.at = self.next[self.at as usize];
            return false;
        };
        let forced = M::observes(&op.effect);
        let print = self.print ^ fingerprint(&place);
        if !self.seen.insert(print ^ fingerprint(&after).rotate_left(1)) {
            self.at = self.next[self.at as usize];
            return forced;
        }
        self.print = print;
        self.placed[place as usize] = true;
        self.left -= usize::from(op.certain());
        let before = std::mem::replace(&mut self.state, after);
        self.way.push(Taken { place, before, forced });
        self.unlink(2 * place);
        if op.certain() {
            self.unlink(2 * place + 1);
        }
        self.at = self.first;
        false
    }

    /// Back to the last step with another way; false if there is none.
    fn go_back(&mut self) -> bool {
        while let Some(taken) = self.way.pop() {
            let op = &self.ops[taken.place as usize];
            self.state = taken.before;
            self.print ^= fingerprint(&taken.place);
            self.placed[taken.place as usize] = false;
            if op.certain() {
                self.left += 1;
                self.relink(2 * taken.place + 1);
            }
            self.relink(2 * taken.place);
            if !taken.forced {
                self.at = self.next[2 * taken.place as usize];
                return true;
            }
        }
        false
    }

    fn link(&mut self, previous: u32, entry: u32, next: u32) {
        (self.previous[entry as usize], self.next[entry as usize]) = (previous, next);
        self.relink(entry);
    }

    fn unlink(&mut self, entry: u32) {
        let (previous, next) = (self.previous[entry as usize], self.next[entry as usize]);
        self.join(previous, next, previous, next);
    }

    /// Takes the last unlinking of this entry back (Knuth, "Dancing links", 2000).
    fn relink(&mut self, entry: u32) {
        let (previous, next) = (self.previous[entry as usize], self.next[entry as usize]);
        self.join(previous, entry, entry, next);
    }

    /// Lets `after` follow `previous`, and `before` precede `next`.
    fn join(&mut self, previous: u32, after: u32, before: u32, next: u32) {
        if previous == END {
            self.first = after;
        } else {
            self.next[previous as usize] = after;
        }
        if next != END {
            self.previous[next as usize] = before;
        }
    }
}

/// Of each operation with unknown outcome, the one of the same effect before it.
fn before<E: Hash + Eq>(ops: &[Timed<E>], serves: &[bool]) -> Vec<Option<u32>> {
    let mut last: HashMap<&E, u32> = HashMap::new();
    let mut before = Vec::with_capacity(ops.len());
    for (place, op) in (0..).zip(ops) {
        let counts = !op.certain() && serves[place as usize];
        before.push(if counts { last.insert(&op.effect, place) } else { None });
    }
    before
}
