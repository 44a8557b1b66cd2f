//! Stacks: last in, first out, in O(n log n).
//!
//! Only values that were certainly inside for a while matter: the others go in and out at one
//! moment. Where one of the former was certainly inside at every moment of a stretch, and none just
//! before and after it, one value lies below all others of the stretch: it went in before it began
//! and came out after it ended. Any value that can have done so will do, since the others stay legal
//! without it; once it is taken away, moments at which only it was inside are free, and the stretch
//! may fall apart. (The decrease-and-conquer of Lee and Mathur, arXiv 2410.04581, and the segments
//! of Grahn et al., arXiv 2509.17795, made to yield an order, and a small conflict.)
//!
//! Time is counted in positions: the gaps between the returns of those values' inserts and the
//! invocations of their removals. No position inside a stretch is free.

mod layers;
mod touched;

use super::{
    Conflict, Held, NEVER,
    cover::Cover,
    lives::{Life, Look},
    positions::Positions,
};
use crate::meter::Meter;
use layers::Layers;
use touched::Touched;

/// An order of inserts, removals and looks, by their places.
pub(super) fn arrange(
    lives: &[Life],
    looks: &[Look],
    events: u32,
    meter: &Meter<'_>,
) -> Result<Vec<u32>, Conflict> {
    let moments = Cover::of(lives, events).moments(lives, looks)?;
    let mut nesting = Nesting::of(lives, events);
    nesting.take_all(meter);
    if nesting.order.len() < nesting.held.len() {
        return Err(Conflict::Crossed { chain: nesting.shortest_chain() });
    }
    let mut stands = nesting.stands();
    for (moment, look) in moments {
        stands.push((stand(moment, BETWEEN, 2), looks[look as usize].place));
    }
    for life in lives.iter().filter(|life| !life.is_held()) {
        stands.push((stand(life.c, BETWEEN, 0), life.insert));
        stands.push((stand(life.c, BETWEEN, 1), life.removal));
    }
    stands.sort_unstable();
    Ok(stands.into_iter().map(|(_, place)| place).collect())
}

const REMOVALS: u64 = 0;
const BETWEEN: u64 = 1;
const INSERTS: u64 = 2;

/// A moment, named by the event just before it, what happens there, and the order among those.
fn stand(moment: u32, what: u64, order: u32) -> u64 {
    (u64::from(moment) << 34) | (what << 32) | u64::from(order)
}

/// A value that is certainly inside for a while, in positions.
#[derive(Debug, Clone, Copy)]
struct HeldLife<'a> {
    life: &'a Life,
    /// The insert can stand in positions `push.0..=push.1`; the value is inside after the last one.
    push: (u32, u32),
    /// The removal can stand in positions `pop.0..=pop.1`; the value is inside before the first.
    pop: (u32, u32),
}

/// Takes away one outermost value after another.
struct Nesting<'a> {
    /// In the order of `push.1`.
    held: Vec<HeldLife<'a>>,
    /// The event before each position's end; of the last one, the number of events.
    ends: Vec<u32>,
    layers: Layers,
    free: Positions,
    touched: Touched,
    /// Taken values, outer ones before inner ones: (held, position of push, position of pop).
    order: Vec<(u32, u32, u32)>,
    taken: Vec<bool>,
}

impl<'a> Nesting<'a> {
    fn of(lives: &'a [Life], events: u32) -> Self {
        let (held, ends) = in_positions(lives, events);
        let positions = ends.len() as u32;
        let layers = Layers::of(positions, held.iter().map(|held| (held.push.1 + 1, held.pop.0)));
        Self {
            touched: Touched::of(positions, &held),
            free: Positions::below(positions as usize),
            order: Vec::with_capacity(held.len()),
            taken: vec![false; held.len()],
            held,
            ends,
            layers,
        }
    }

    fn take_all(&mut self, meter: &Meter<'_>) {
        let (mut freed, mut ready) = (Vec::new(), Vec::new());
        self.layers.freed(0, self.ends.len() as u32, &mut freed);
        for () in meter.paced(std::iter::repeat(())) {
            for &position in &freed {
                self.free.insert(position);
            }
            // An insert that can stand at a free position can stand at the last one before the
            // value is inside, a removal at the first one after.
            for position in freed.drain(..) {
                if !self.is_free(position + 1) {
                    self.touched.push_at(position, &mut ready);
                }
                if position == 0 || !self.is_free(position - 1) {
                    self.touched.pop_at(position, &mut ready);
                }
            }
            let Some(number) = ready.pop() else { return };
            self.take(number, &mut freed);
        }
    }

    fn is_free(&self, position: u32) -> bool {
        (position as usize) < self.ends.len() && self.free.next(position) == Some(position)
    }

    fn take(&mut self, number: u32, freed: &mut Vec<u32>) {
        let held = self.held[number as usize];
        let push = self.free.previous(held.push.1).unwrap_or(held.push.0);
        let pop = self.free.next(held.pop.0).unwrap_or(held.pop.1);
        self.order.push((number, push, pop));
        self.taken[number as usize] = true;
        self.layers.remove(held.push.1 + 1, held.pop.0);
        self.layers.freed(held.push.1 + 1, held.pop.0, freed);
    }

    /// Where each insert and removal stands: removals at the beginning of their position, the
    /// innermost first, inserts at its end, the outermost first.
    fn stands(&self) -> Vec<(u64, u32)> {
        let mut stands = Vec::with_capacity(2 * self.order.len());
        for (depth, &(number, push, pop)) in (0..).zip(&self.order) {
            let life = self.held[number as usize].life;
            stands.push((stand(self.ends[push as usize], INSERTS, depth), life.insert));
            if life.removal != NEVER {
                let begin = self.ends[pop as usize - 1] + 1;
                stands.push((stand(begin, REMOVALS, NEVER - depth), life.removal));
            }
        }
        stands
    }

    /// Of the stretches that are left, the one that shows the conflict with the fewest values: those
    /// that lead from its first insert to its last removal, each overlapping the next.
    fn shortest_chain(&self) -> Vec<Held> {
        let left = self.held.iter().zip(&self.taken).filter(|(_, taken)| !**taken);
        let mut left = left.map(|(held, _)| held).peekable();
        let mut shortest: Vec<&HeldLife<'_>> = Vec::new();
        while let Some(first) = left.next() {
            let mut chain = vec![first];
            let mut longest = first;
            while let Some(next) = left.next_if(|next| next.push.1 < longest.pop.0) {
                let reached = chain.last().is_none_or(|last| next.push.1 < last.pop.0);
                if !reached {
                    chain.push(longest);
                }
                if next.pop.0 > longest.pop.0 {
                    longest = next;
                }
            }
            let complete = chain.last().is_some_and(|last| last.push.1 == longest.push.1);
            chain.extend((!complete).then_some(longest));
            if shortest.is_empty() || chain.len() < shortest.len() {
                shortest = chain;
            }
        }
        shortest.into_iter().map(|held| Held::of(held.life)).collect()
    }
}

/// The values that are certainly inside for a while, and the end of each position.
fn in_positions(lives: &[Life], events: u32) -> (Vec<HeldLife<'_>>, Vec<u32>) {
    let mut bounds = vec![false; events as usize + 1];
    for life in lives.iter().filter(|life| life.is_held()) {
        bounds[life.b as usize] = true;
        bounds[life.c.min(events) as usize] = true;
    }
    // By event, the position that it lies in, or that ends just before it.
    let mut position_of = Vec::with_capacity(bounds.len() + 1);
    let mut ends = Vec::new();
    for (event, bound) in (0..).zip(bounds) {
        position_of.push(ends.len() as u32);
        if bound {
            ends.push(u32::checked_sub(event, 1).unwrap_or(0));
        }
    }
    ends.push(events);
    position_of.push(ends.len() as u32 - 1);
    let position = |event: u32| position_of[event.min(events + 1) as usize];
    let held = lives.iter().filter(|life| life.is_held()).map(|life| HeldLife {
        life,
        push: (position(life.a), position(life.b)),
        pop: (position(life.c.min(events)) + 1, position(life.d)),
    });
    let mut held: Vec<HeldLife<'_>> = held.collect();
    held.sort_unstable_by_key(|held| held.push.1);
    (held, ends)
}
