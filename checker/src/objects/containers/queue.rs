//! Queues: first in, first out, in O(n).
//!
//! A value has to precede another one if its insert had returned before the other's was invoked, or
//! its removal before the other's. A legal order exists exactly if no two values have to precede
//! each other (Henzinger, Sezgin and Vafeiadis, "Aspect-oriented linearizability proofs", 2013):
//! both demands are interval orders, which are free of 2+2, so that any cycle has one of two values
//! in it. The values are taken one at a time, always one that nothing left has to precede; the same
//! idea as fastlin's scan (Lee and Mathur, "Efficient decrease-and-conquer linearizability
//! monitoring", arXiv 2410.04581), made to yield the order. A look at the empty queue goes to a
//! moment at which nothing was certainly inside, and is then a value of length zero: no value has
//! to precede and to follow it.

use super::{
    Conflict, Held, NEVER,
    cover::Cover,
    lives::{Life, Look},
};
use crate::meter::Meter;

/// An order of inserts, removals and looks, by their places.
pub(super) fn arrange(
    lives: &[Life],
    looks: &[Look],
    events: u32,
    meter: &Meter<'_>,
) -> Result<Vec<u32>, Conflict> {
    let moments = Cover::of(lives, events).moments(lives, looks)?;
    let mut scan = Scan::of(lives, looks, moments, events);
    for () in meter.paced(std::iter::repeat(())) {
        if !scan.advance() {
            break;
        }
    }
    scan.finish().map_err(|(overtaken, overtaker)| {
        let (first, second) = (&lives[overtaken as usize], &lives[overtaker as usize]);
        let (insert, removal) = (second.insert, second.removal);
        Conflict::Overtaken { overtaken: Held::of(first), insert, removal }
    })
}

/// Lives by one of their times, looked through from the earliest on.
struct Timeline {
    /// By event, the life; [`NEVER`] where there is none.
    at: Vec<u32>,
    next: u32,
}

impl Timeline {
    fn of(lives: &[Life], events: u32, time: impl Fn(&Life) -> u32) -> Self {
        let mut at = vec![NEVER; events as usize];
        for (number, life) in (0..).zip(lives) {
            if let Some(slot) = at.get_mut(time(life) as usize) {
                *slot = number;
            }
        }
        Self { at, next: 0 }
    }

    /// The first life from here on for which this holds; the time is then [`Self::next`].
    fn skip_to(&mut self, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        while let Some(&life) = self.at.get(self.next as usize) {
            if life != NEVER && wanted(life) {
                return Some(life);
            }
            self.next += 1;
        }
        None
    }

    /// The next life up to this event.
    fn take_until(&mut self, until: u32) -> Option<u32> {
        while self.next <= until {
            let life = *self.at.get(self.next as usize)?;
            self.next += 1;
            if life != NEVER {
                return Some(life);
            }
        }
        None
    }
}

/// Takes one value after another.
struct Scan<'a> {
    lives: &'a [Life],
    looks: &'a [Look],
    /// (moment, look), the earliest first: it stands just after that event.
    moments: Vec<(u32, u32)>,
    looked: usize,
    /// How many of a life's two demands are met: its insert and its removal can come next.
    met: Vec<u8>,
    taken: usize,
    a: Timeline,
    b: Timeline,
    c: Timeline,
    d: Timeline,
    merge: Merge,
}

const TAKEN: u8 = 3;

impl<'a> Scan<'a> {
    fn of(lives: &'a [Life], looks: &'a [Look], moments: Vec<(u32, u32)>, events: u32) -> Self {
        Self {
            lives,
            looks,
            moments,
            looked: 0,
            met: vec![0; lives.len()],
            taken: 0,
            a: Timeline::of(lives, events, |life| life.a),
            b: Timeline::of(lives, events, |life| life.b),
            c: Timeline::of(lives, events, |life| life.c),
            d: Timeline::of(lives, events, |life| life.d),
            merge: Merge::with_room_for(2 * lives.len() + looks.len()),
        }
    }

    /// Takes what can come next; false if nothing can.
    fn advance(&mut self) -> bool {
        let met = &self.met;
        let left = |life: u32| met[life as usize] != TAKEN;
        let first_b = self.b.skip_to(left).map_or(NEVER, |_| self.b.next);
        let first_d = self.d.skip_to(left).map_or(NEVER, |_| self.d.next);
        let look = self.moments.get(self.looked).copied();
        // A look just after an event comes before what is invoked by a later one.
        let moment = look.map_or(NEVER, |(moment, _)| moment);
        let mut found = false;
        while let Some(life) = self.a.take_until(first_b.min(moment)) {
            found = true;
            self.meet(life);
        }
        while let Some(life) = self.c.take_until(first_d.min(moment)) {
            found = true;
            self.meet(life);
        }
        let Some((moment, look)) = look.filter(|_| moment < first_b.min(first_d)) else {
            return found;
        };
        self.merge.look(self.looks[look as usize].place, moment);
        self.looked += 1;
        true
    }

    fn meet(&mut self, number: u32) {
        let met = &mut self.met[number as usize];
        *met += 1;
        if *met == 2 {
            *met = TAKEN;
            self.taken += 1;
            let life = &self.lives[number as usize];
            self.merge.life(life);
        }
    }

    /// Values that nobody removed come last, in the order of their inserts. If others are left:
    /// the one whose insert returned first, and the one whose removal did.
    fn finish(mut self) -> Result<Vec<u32>, (u32, u32)> {
        let met = &self.met;
        let left = |life: u32| met[life as usize] != TAKEN;
        let removed = |life: &u32| left(*life) && self.lives[*life as usize].removal != NEVER;
        let overtaker = self.d.skip_to(left);
        if let Some(overtaker) = overtaker.or_else(|| (0..met.len() as u32).find(removed)) {
            return Err((self.b.skip_to(left).unwrap_or(overtaker), overtaker));
        }
        for (life, met) in self.lives.iter().zip(&self.met) {
            if *met != TAKEN {
                self.merge.life(life);
            }
        }
        Ok(self.merge.finish())
    }
}

/// Merges the inserts and the removals of values in a given order: each as early as it can be.
struct Merge {
    /// Removals that wait for inserts of later values which come before them: (moment, place).
    waiting: std::collections::VecDeque<(u32, u32)>,
    insert_from: u32,
    remove_from: u32,
    order: Vec<u32>,
}

impl Merge {
    fn with_room_for(operations: usize) -> Self {
        let order = Vec::with_capacity(operations);
        Self { waiting: [].into(), insert_from: 0, remove_from: 0, order }
    }

    /// Lets removals happen that can happen by this moment.
    fn remove_until(&mut self, moment: u32) {
        while let Some(&(_, place)) = self.waiting.front().filter(|(from, _)| *from <= moment) {
            self.waiting.pop_front();
            self.order.push(place);
        }
    }

    fn life(&mut self, life: &Life) {
        self.insert_from = self.insert_from.max(life.a);
        self.remove_until(self.insert_from);
        self.order.push(life.insert);
        if life.removal != NEVER {
            self.remove_from = self.remove_from.max(life.c).max(self.insert_from);
            self.waiting.push_back((self.remove_from, life.removal));
        }
    }

    fn look(&mut self, place: u32, moment: u32) {
        self.remove_until(NEVER);
        self.insert_from = self.insert_from.max(moment);
        self.remove_from = self.remove_from.max(moment);
        self.order.push(place);
    }

    fn finish(mut self) -> Vec<u32> {
        self.remove_until(NEVER);
        self.order
    }
}
