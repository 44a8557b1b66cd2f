//! Sequential consistency of registers: one order of all operations that contains each session's
//! order, and in which each read finds the last write of its key (Lamport 1979).
//!
//! Deciding it is NP-complete even where it is known who read from whom (Gibbons and Korach, SIAM
//! Journal on Computing 1997). So the levels below come first: what contradicts causal memory or
//! causal convergence contradicts it; then what every order must contain ([`super::saturation`]).
//! What is left is searched for an order, depth first, from the earliest invocations on, under the
//! budget. Three rules keep the search small; none loses an order:
//!
//! - a read whose value is there is taken at once: it changes nothing, and later is not better;
//! - a write that nobody found is taken as soon as nobody waits for what it overwrites;
//! - a write is only tried if nobody waits for what it overwrites (found values are unique, so a
//!   read that comes too late never comes), and if all that must come before it came.
//!
//! As nobody waits for any value but the present ones, how far each session has come says all about
//! the future: a place that led nowhere is remembered by that alone.

use std::collections::HashSet;

use super::{
    Stopped, causality,
    clocks::{self, Writers},
    guarantees,
    levels::{self, Contradictions, Level},
    saturation::saturate,
    sessions::{INITIAL, Sessions},
    views::View,
};
use crate::{
    Exhausted,
    meter::{Meter, Share},
};

/// A history without such an order, although the weaker levels hold.
pub(super) const NON_SEQUENTIAL: &str = "non-sequential";

/// Decides it, weaker levels first.
pub(super) fn decide(sessions: &Sessions, meter: &Meter<'_>) -> Result<Contradictions, Stopped> {
    let found = levels::decide(sessions, Level::Convergent, meter)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let found = guarantees::decide(sessions, View::CausalMemory, meter)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let order = order(sessions, usize::MAX, meter)
        .map_err(|(exhausted, ordered)| Stopped { exhausted, ordered: Some(ordered) })?;
    let mut found = Contradictions::default();
    match order {
        Some(order) => assert!(replays(sessions, &order), "the order found is one"),
        None => found.without_order(core(sessions, meter)),
    }
    Ok(found)
}

/// Operations looked at to make a history small.
const WORK: usize = 10_000_000;

/// Steps of a search whose answer is only wanted to leave something out.
const PATIENCE: usize = 200_000;

/// A small part of a history without an order that has none either: operations are left out as
/// long as that holds; a write only with all that found it, so that a legal history would stay
/// legal. Whether nothing more can be left out. It gives up after a while.
fn core(sessions: &Sessions, meter: &Meter<'_>) -> (Vec<u32>, bool) {
    let mut kept: Vec<u32> = (0..sessions.len() as u32).collect();
    let mut portion = kept.len().div_ceil(2);
    let (mut work, mut sure) = (0, true);
    loop {
        let mut start = 0;
        let mut fewer = false;
        while start < kept.len() {
            work += kept.len();
            if work > WORK {
                return (kept, false);
            }
            let out = &kept[start..(start + portion).min(kept.len())];
            let rest = without(sessions, &kept, out);
            let part = sessions.restricted(&rest);
            let order = order(&part, PATIENCE, meter);
            if order == Ok(None) {
                kept = rest;
                fewer = true;
            } else {
                sure &= order.is_ok() || portion > 1;
                start += portion;
            }
        }
        if portion == 1 && !fewer {
            return (kept, sure);
        }
        portion = portion.div_ceil(2).min(kept.len().max(1));
    }
}

fn without(sessions: &Sessions, kept: &[u32], out: &[u32]) -> Vec<u32> {
    let gone = |op: u32| out.binary_search(&op).is_ok();
    let stays = |&op: &u32| {
        !gone(op)
            && !sessions.reads(op).iter().any(|read| read.writer != INITIAL && gone(read.writer))
    };
    kept.iter().copied().filter(stays).collect()
}

/// An order of all operations, if there is one; an error after this many steps, or when the budget
/// is exhausted, with the most operations that were put in order.
fn order(
    sessions: &Sessions,
    patience: usize,
    meter: &Meter<'_>,
) -> Result<Option<Vec<u32>>, (Exhausted, usize)> {
    let Ok(causality) = causality::sort(sessions) else { return Ok(None) };
    let writers = Writers::of(sessions);
    let mut edges =
        clocks::edges(sessions, &causality, &writers, meter).map_err(|stop| (stop, 0))?;
    if edges.iter().any(|edge| edge.after == INITIAL) {
        return Ok(None);
    }
    let mut share = meter.share();
    if !saturate(sessions, &writers, &mut edges, &mut share).map_err(|stop| (stop, 0))? {
        return Ok(None);
    }
    edges.sort_unstable_by_key(|edge| (edge.after, edge.before));
    let demanded = edges.into_iter().map(|edge| (edge.after, edge.before)).collect();
    Search::new(sessions, demanded, share).run(patience)
}

/// Whether an order is one: an independent replay.
fn replays(sessions: &Sessions, order: &[u32]) -> bool {
    let mut next: Vec<u32> = sessions.starts[..sessions.session_count()].to_vec();
    let mut present = vec![INITIAL; sessions.keys as usize];
    for &op in order {
        let turn = &mut next[sessions.session[op as usize] as usize];
        if *turn != op
            || sessions.reads(op).iter().any(|read| present[read.key as usize] != read.writer)
        {
            return false;
        }
        *turn += 1;
        for &key in sessions.writes(op) {
            present[key as usize] = op;
        }
    }
    order.len() == sessions.len()
}

struct Search<'a> {
    sessions: &'a Sessions,
    /// What must come before what: (later, earlier), sorted.
    demanded: Vec<(u32, u32)>,
    /// By session: the next operation.
    next: Vec<u32>,
    /// By operation: its place among the invocations.
    invoked: Vec<u32>,
    /// By key: the last write.
    present: Vec<u32>,
    /// By write: reads that are still to find it.
    waiting: Vec<u32>,
    /// By key: the same for the initial value.
    waiting_initial: Vec<u32>,
    order: Vec<u32>,
    /// By place in the order: what a write there overwrote.
    overwritten: Vec<u32>,
    /// Where sessions stood when there was no way on.
    dead: HashSet<Box<[u32]>>,
    /// How far the search came.
    furthest: usize,
    share: Share<'a>,
}

/// A choice: what was tried at a place of the order, and what is left to try.
struct Choice {
    place: usize,
    left: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(sessions: &'a Sessions, demanded: Vec<(u32, u32)>, share: Share<'a>) -> Self {
        let mut invoked = vec![0; sessions.len()];
        for (place, &op) in (0..).zip(&sessions.by_time) {
            invoked[op as usize] = place;
        }
        let mut waiting = vec![0; sessions.len()];
        let mut waiting_initial = vec![0; sessions.keys as usize];
        for op in 0..sessions.len() as u32 {
            for read in sessions.reads(op) {
                if read.writer == INITIAL {
                    waiting_initial[read.key as usize] += 1;
                } else {
                    waiting[read.writer as usize] += 1;
                }
            }
        }
        Self {
            sessions,
            demanded,
            next: sessions.starts[..sessions.session_count()].to_vec(),
            invoked,
            present: vec![INITIAL; sessions.keys as usize],
            waiting,
            waiting_initial,
            order: Vec::with_capacity(sessions.len()),
            overwritten: Vec::with_capacity(sessions.len()),
            dead: HashSet::new(),
            furthest: 0,
            share,
        }
    }

    fn run(mut self, patience: usize) -> Result<Option<Vec<u32>>, (Exhausted, usize)> {
        let mut choices: Vec<Choice> = Vec::new();
        let (mut since_asked, mut steps) = (0_usize, 0_usize);
        loop {
            self.settle();
            self.furthest = self.furthest.max(self.order.len());
            if self.order.len() == self.sessions.len() {
                return Ok(Some(self.order));
            }
            steps += 1;
            if steps > patience {
                return Err((Exhausted::Deadline, self.furthest));
            }
            since_asked += self.sessions.session_count();
            if since_asked > 1 << 14 {
                since_asked = 0;
                self.share.hold(self.bytes()).map_err(|stop| (stop, self.furthest))?;
            }
            let left =
                if self.dead.contains(&self.next[..]) { Vec::new() } else { self.candidates() };
            choices.push(Choice { place: self.order.len(), left });
            if !self.advance(&mut choices) {
                return Ok(None);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.sessions.len() * 24 + self.dead.capacity() * (16 + self.next.len() * 4)
    }

    /// Goes on to the next untried choice; whether there is one.
    fn advance(&mut self, choices: &mut Vec<Choice>) -> bool {
        while let Some(choice) = choices.last_mut() {
            let next = choice.left.pop();
            self.undo(choice.place);
            if let Some(op) = next {
                self.take(op);
                return true;
            }
            self.dead.insert(self.next.clone().into_boxed_slice());
            choices.pop();
        }
        false
    }

    fn front(&self, session: usize) -> Option<u32> {
        let next = self.next[session];
        (next < self.sessions.starts[session + 1]).then_some(next)
    }

    /// Takes all operations that may come at once without any loss.
    fn settle(&mut self) {
        let mut quiet = 0;
        let mut session = 0;
        while quiet < self.next.len() {
            if let Some(op) = self.front(session).filter(|&op| self.is_free(op)) {
                self.take(op);
                quiet = 0;
            } else {
                quiet += 1;
                session = (session + 1) % self.next.len();
            }
        }
    }

    fn is_free(&self, op: u32) -> bool {
        let reads = self.sessions.reads(op);
        if reads.is_empty() {
            return self.waiting[op as usize] == 0 && self.is_possible(op);
        }
        reads.iter().all(|read| self.present[read.key as usize] == read.writer)
    }

    /// Whether a write may come: nobody waits for what it overwrites, and what must come before it
    /// came.
    fn is_possible(&self, write: u32) -> bool {
        let came =
            |earlier: u32| self.next[self.sessions.session[earlier as usize] as usize] > earlier;
        let start = self.demanded.partition_point(|&(later, _)| later < write);
        self.sessions.writes(write).iter().all(|&key| self.waited_for(key) == 0)
            && self.demanded[start..]
                .iter()
                .take_while(|&&(later, _)| later == write)
                .all(|&(_, earlier)| came(earlier))
    }

    fn waited_for(&self, key: u32) -> u32 {
        match self.present[key as usize] {
            INITIAL => self.waiting_initial[key as usize],
            write => self.waiting[write as usize],
        }
    }

    /// The writes that may come now, the earliest invoked one last.
    fn candidates(&self) -> Vec<u32> {
        let fronts = (0..self.next.len()).filter_map(|session| self.front(session));
        let is_write = |op: &u32| self.sessions.reads(*op).is_empty() && self.is_possible(*op);
        let mut candidates: Vec<u32> = fronts.filter(is_write).collect();
        candidates.sort_by_key(|&op| std::cmp::Reverse(self.invoked[op as usize]));
        candidates
    }

    fn take(&mut self, op: u32) {
        let mut overwritten = INITIAL;
        for read in self.sessions.reads(op) {
            match read.writer {
                INITIAL => self.waiting_initial[read.key as usize] -= 1,
                writer => self.waiting[writer as usize] -= 1,
            }
        }
        for &key in self.sessions.writes(op) {
            overwritten = std::mem::replace(&mut self.present[key as usize], op);
        }
        self.next[self.sessions.session[op as usize] as usize] += 1;
        self.order.push(op);
        self.overwritten.push(overwritten);
    }

    fn undo(&mut self, place: usize) {
        while self.order.len() > place {
            let (Some(op), Some(overwritten)) = (self.order.pop(), self.overwritten.pop()) else {
                return;
            };
            for read in self.sessions.reads(op) {
                match read.writer {
                    INITIAL => self.waiting_initial[read.key as usize] += 1,
                    writer => self.waiting[writer as usize] += 1,
                }
            }
            for &key in self.sessions.writes(op) {
                self.present[key as usize] = overwritten;
            }
            self.next[self.sessions.session[op as usize] as usize] -= 1;
        }
    }
}
