//! Priority queues: the greatest comes out, in O(n log n).
//!
//! A value can be removed at a moment at which no greater value was certainly inside; a look at the
//! empty queue is the removal of something smaller than all. A legal order exists exactly if there
//! is such a moment for each removal (Lee and Mathur, "Efficient decrease-and-conquer
//! linearizability monitoring", arXiv 2410.04581).
//!
//! That is enough, and gives the order: moments are chosen from the smallest value on. A value that
//! was inside by a moment chosen for a smaller one has to be removed by then, and can be then: no
//! value greater than the smaller one was certainly inside. Otherwise any free moment will do, and
//! the insert goes just after the last moment chosen before.

use super::{
    Conflict, NEVER,
    cover::chain,
    lives::{Life, Look},
    positions::Positions,
};
use crate::meter::Meter;

/// An order of inserts, removals and looks, by their places.
pub(super) fn arrange(
    lives: &[Life],
    looks: &[Look],
    events: u32,
    meter: &Meter<'_>,
) -> Result<Vec<u32>, Conflict> {
    let mut ascending: Vec<u32> = (0..lives.len() as u32).collect();
    ascending.sort_unstable_by_key(|&number| lives[number as usize].value);
    let free = free_moments(lives, &ascending, looks, events, meter)?;
    if meter.in_time().is_err() {
        return Ok(Vec::new());
    }
    Ok(order(lives, &ascending, looks, &free, events))
}

/// For each life and then for each look a moment of its removal at which nothing greater was
/// certainly inside; [`NEVER`] without a removal. A moment is named by the event just before it.
fn free_moments(
    lives: &[Life],
    ascending: &[u32],
    looks: &[Look],
    events: u32,
    meter: &Meter<'_>,
) -> Result<Vec<u32>, Conflict> {
    let mut free = Free::all(events);
    let mut moments = vec![NEVER; lives.len() + looks.len()];
    for (done, &number) in meter.paced(ascending.iter().rev().enumerate()) {
        let life = &lives[number as usize];
        if life.c != NEVER {
            let moment = free.next(life.c);
            if moment >= life.d {
                let greater = &ascending[ascending.len() - done..];
                let greater = greater.iter().map(|&number| &lives[number as usize]);
                let (insert, removal) = (life.insert, life.removal);
                let held = chain(greater, life.c, life.d);
                return Err(Conflict::NotGreatest { insert, removal, held });
            }
            moments[number as usize] = moment;
        }
        if life.is_held() {
            free.cover(life.b, life.c.min(events));
        }
    }
    for (look, found) in looks.iter().zip(&mut moments[lives.len()..]) {
        *found = free.next(look.from);
        if *found >= look.to {
            let held = chain(lives.iter(), look.from, look.to);
            return Err(Conflict::NotEmpty { empty: look.place, held });
        }
    }
    Ok(moments)
}

/// Moments at which nothing so far was certainly inside: disjoint sets, each with its free moment
/// at the end (Tarjan 1975, with path halving).
struct Free {
    next: Vec<u32>,
}

impl Free {
    /// The last one, after all events, is never covered.
    fn all(events: u32) -> Self {
        Self { next: (0..=events).collect() }
    }

    fn next(&mut self, from: u32) -> u32 {
        let mut at = from as usize;
        while self.next[at] as usize != at {
            let above = self.next[at] as usize;
            self.next[at] = self.next[above];
            at = self.next[at] as usize;
        }
        at as u32
    }

    fn cover(&mut self, from: u32, to: u32) {
        let mut at = self.next(from);
        while at < to {
            self.next[at as usize] = at + 1;
            at = self.next(at);
        }
    }
}

/// Everything at its moment. At one moment: first inserts that were invoked there, then removals,
/// the greatest first, then looks, then inserts that have to follow those.
fn order(lives: &[Life], ascending: &[u32], looks: &[Look], free: &[u32], events: u32) -> Vec<u32> {
    let mut chosen = Positions::below(events as usize + 1);
    let mut stands: Vec<(u64, u32)> = Vec::with_capacity(2 * lives.len() + looks.len());
    for (look, &moment) in looks.iter().zip(&free[lives.len()..]) {
        chosen.insert(moment);
        stands.push((stand(moment, LOOK, 0), look.place));
    }
    for (rank, &number) in (0..).zip(ascending) {
        let life = &lives[number as usize];
        let bound = chosen.next(life.b).unwrap_or(NEVER);
        let moment = if bound < life.d { bound } else { free[number as usize] };
        let last = if moment == NEVER { Some(events) } else { moment.checked_sub(1) };
        let before = last.and_then(|last| chosen.previous(last));
        let insert = match before.filter(|&before| before >= life.a) {
            Some(before) => stand(before, FOLLOWS, 0),
            None => stand(life.a, INVOKED, 0),
        };
        stands.push((insert, life.insert));
        if life.removal != NEVER {
            chosen.insert(moment);
            stands.push((stand(moment, REMOVAL, NEVER - rank), life.removal));
        }
    }
    stands.sort_unstable();
    stands.into_iter().map(|(_, place)| place).collect()
}

const INVOKED: u64 = 0;
const REMOVAL: u64 = 1;
const LOOK: u64 = 2;
const FOLLOWS: u64 = 3;

/// A moment, what happens there, and the order among those.
fn stand(moment: u32, what: u64, order: u32) -> u64 {
    (u64::from(moment) << 34) | (what << 32) | u64::from(order)
}
