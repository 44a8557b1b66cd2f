//! Levels at which each session has a view of its own: PRAM, causal memory, and the session
//! guarantees monotonic reads, monotonic writes and writes follow reads.
//!
//! For a session `p` some writes are *visible* to each of its reads, and there is an order of the
//! writes by which a read finds the last visible one of its key. The levels differ in what makes a
//! write visible (the closure of the links below, backwards from the read), and what the order must
//! contain:
//!
//! - monotonic reads: what `p` found before; order: of one session's writes to one key;
//! - monotonic writes: also what the writers of these had written before, in that order (a single
//!   read shows a single write, so that a broken order of writes shows itself only to a session
//!   whose own reads are ordered: the level includes monotonic reads);
//! - writes follow reads: also what the writers of these had read before they wrote; in that order;
//! - PRAM: all that the writers and `p` itself had written before;
//! - causal memory: all that is in the causal past.
//!
//! The session guarantees are Terry et al.'s (Session Guarantees for Weakly Consistent Replicated
//! Data, PDIS 1994), with an order for each session instead of one for all servers, as in
//! Brzeziński, Sobaniec and Wawrzyniak (From Session Causality to Causal Consistency, PDP 2004). In
//! PRAM and causal memory the view is one sequence that holds `p`'s reads as well; so what comes
//! before a write that is visible is visible (Bouajjani et al., POPL 2017, definition of HB_o; their
//! proof needs of causality only that `p`'s reads are in a row, so it serves PRAM too).
//!
//! Where `w` is visible to a read that found `v`, another write of the same key, `w` comes before
//! `v`. The level holds exactly if no write is visible to a read of its key's initial value, and
//! the order is free of circles. In PRAM and causal memory such an edge may make more writes visible
//! to earlier reads, which may demand more edges, until nothing changes. O(n) for each session, and
//! as much again as often as a write becomes visible earlier.

mod circles;

use std::collections::{HashSet, VecDeque};

use super::{
    causality::{Causality, Dependency},
    demands::Demand,
    order::{Step, Why},
    sessions::{INITIAL, Sessions},
};
use crate::{Exhausted, meter::Share};

/// A level with a view for each session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    MonotonicReads,
    MonotonicWrites,
    WritesFollowReads,
    Pram,
    CausalMemory,
}

impl View {
    /// Whether the view is one sequence with the session's own reads in it.
    fn is_sequence(self) -> bool {
        matches!(self, Self::Pram | Self::CausalMemory)
    }
}

/// By operation: the read, the write, and the write of the same key, before it in its session.
#[derive(Debug)]
pub(super) struct Links {
    read: Vec<u32>,
    write: Vec<u32>,
    same_key: Vec<u32>,
}

/// Operations between two questions to the budget.
const SLICE: u32 = 1 << 14;

/// None.
const NONE: u32 = u32::MAX;

impl Links {
    pub(super) fn of(sessions: &Sessions) -> Self {
        let mut links = Self { read: Vec::new(), write: Vec::new(), same_key: Vec::new() };
        let (mut read, mut write) = (NONE, NONE);
        let mut by_key = vec![NONE; sessions.keys as usize];
        for op in 0..sessions.len() as u32 {
            if sessions.previous(op).is_none() {
                (read, write) = (NONE, NONE);
            }
            links.read.push(read);
            links.write.push(write);
            let mut same_key = NONE;
            match sessions.writes(op).first() {
                Some(&key) => {
                    let last = std::mem::replace(&mut by_key[key as usize], op);
                    let is_own = last != NONE
                        && sessions.session[last as usize] == sessions.session[op as usize];
                    same_key = if is_own { last } else { NONE };
                    write = op;
                }
                None => read = op,
            }
            links.same_key.push(same_key);
        }
        links
    }
}

/// `before` comes before `after`, because `reader` found the latter although it saw the former.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Conflict {
    after: u32,
    before: u32,
    reader: u32,
    /// Its own place among the conflicts: it rests on earlier ones only.
    number: u32,
    /// The one added before with the same `after`.
    next: u32,
}

/// What a view contradicts itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clash {
    /// Later ones may rest on earlier ones.
    pub(super) demands: Vec<Demand>,
    /// Empty if the last demand is that a write comes before the initial value.
    pub(super) cycle: Vec<Step>,
}

/// One session's view.
pub(super) struct Viewing<'a> {
    sessions: &'a Sessions,
    links: &'a Links,
    /// An order of everything by causality, if there is one.
    causality: Option<&'a Causality>,
    view: View,
    session: u32,
    /// By operation: the session's first read that it is visible to.
    visible: Vec<u32>,
    touched: Vec<u32>,
    conflicts: Vec<Conflict>,
    /// By operation: the last conflict that puts something before it.
    last: Vec<u32>,
    /// By write: what the last conflict put it before.
    target: Vec<u32>,
    /// The session's reads: key, read, writer; by key.
    reads: Vec<(u32, u32, u32)>,
}

impl<'a> Viewing<'a> {
    pub(super) fn new(
        sessions: &'a Sessions,
        links: &'a Links,
        causality: Option<&'a Causality>,
        view: View,
    ) -> Self {
        Self {
            sessions,
            links,
            causality,
            view,
            session: 0,
            visible: vec![NONE; sessions.len()],
            touched: Vec::new(),
            conflicts: Vec::new(),
            last: vec![NONE; sessions.len()],
            target: vec![NONE; sessions.len()],
            reads: Vec::new(),
        }
    }

    /// Decides one session.
    pub(super) fn clash(
        &mut self,
        session: u32,
        share: &mut Share<'_>,
    ) -> Result<Option<Clash>, Exhausted> {
        self.session = session;
        self.forget();
        self.collect_reads();
        share.hold(self.bytes())?;
        self.see(share)?;
        if let Some(clash) = self.initial_read() {
            return Ok(Some(clash));
        }
        self.compare(share)?;
        if let Some(clash) = self.initial_read() {
            return Ok(Some(clash));
        }
        Ok(self.circle().map(|cycle| self.explained(cycle)))
    }

    fn forget(&mut self) {
        self.conflicts.clear();
        for op in self.touched.drain(..) {
            self.visible[op as usize] = NONE;
            self.last[op as usize] = NONE;
            self.target[op as usize] = NONE;
        }
    }

    fn bytes(&self) -> usize {
        self.visible.len() * 12
            + self.touched.capacity() * 4
            + self.conflicts.capacity() * size_of::<Conflict>()
            + self.reads.capacity() * 12
    }

    fn own(&self) -> std::ops::Range<u32> {
        let session = self.session as usize;
        self.sessions.starts[session]..self.sessions.starts[session + 1]
    }

    fn collect_reads(&mut self) {
        self.reads.clear();
        for op in self.own() {
            let found = self.sessions.reads(op).iter();
            self.reads.extend(found.map(|read| (read.key, op, read.writer)));
        }
        self.reads.sort_unstable();
    }

    /// What makes other operations visible to whom this one is.
    fn link(&self, op: u32, number: u32) -> Dependency {
        let on = |op: u32| if op == NONE { Dependency::Nothing } else { Dependency::On(op) };
        let found = self.sessions.reads(op).first().map(|read| read.writer);
        let is_own = self.own().contains(&op);
        let earlier = || self.sessions.previous(op).unwrap_or(NONE);
        match (number, self.view, found) {
            (0, View::Pram | View::CausalMemory, _) => on(earlier()),
            (0, View::MonotonicWrites, None) => on(self.links.write[op as usize]),
            (0, View::MonotonicReads, None) => Dependency::Nothing,
            (0, _, _) => on(self.links.read[op as usize]),
            (1, View::Pram, _) if !is_own => Dependency::Nothing,
            (1, _, found) => on(found.unwrap_or(INITIAL)),
            _ => Dependency::End,
        }
    }

    /// What conflicts put before an operation, the latest first.
    fn conflicts_before(&self, after: u32) -> impl Iterator<Item = Conflict> {
        let mut place = self.last[after as usize];
        std::iter::from_fn(move || {
            let conflict = *self.conflicts.get(place as usize)?;
            place = conflict.next;
            Some(conflict)
        })
    }

    /// The first conflict between two operations.
    fn conflict(&self, before: u32, after: u32) -> Option<Conflict> {
        self.conflicts_before(after).filter(|conflict| conflict.before == before).last()
    }

    /// Finds out to which reads everything is visible.
    fn see(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let mut since_asked = 0_u32;
        let mut stack = Vec::new();
        for read in self.own() {
            if self.sessions.reads(read).is_empty() {
                continue;
            }
            self.touch(read, read, &mut stack);
            while let Some(op) = stack.pop() {
                since_asked += 1;
                if since_asked.is_multiple_of(SLICE) {
                    share.hold(self.bytes())?;
                }
                for number in 0..2 {
                    if let Dependency::On(before) = self.link(op, number) {
                        self.touch(before, read, &mut stack);
                    }
                }
            }
        }
        Ok(())
    }

    fn touch(&mut self, op: u32, read: u32, stack: &mut Vec<u32>) {
        if self.visible[op as usize] == NONE {
            self.visible[op as usize] = read;
            self.touched.push(op);
            stack.push(op);
        }
    }

    /// The session's reads of a key, in order.
    fn reads_of(&self, key: u32) -> &[(u32, u32, u32)] {
        let start = self.reads.partition_point(|&(other, _, _)| other < key);
        let rest = &self.reads[start..];
        &rest[..rest.partition_point(|&(other, _, _)| other == key)]
    }

    /// A read of the initial value to which a write of the key is visible.
    fn initial_read(&self) -> Option<Clash> {
        let mut first: Option<(u32, u32)> = None;
        for &write in &self.touched {
            let Some(&key) = self.sessions.writes(write).first() else { continue };
            let seen = self.visible[write as usize];
            let reads = self.reads_of(key);
            let after = reads.partition_point(|&(_, read, _)| read < seen);
            let wrong = reads[after..].iter().find(|&&(_, _, writer)| writer == INITIAL);
            if let Some(&(_, read, _)) = wrong {
                first = Some(first.map_or((read, write), |other| other.min((read, write))));
            }
        }
        let (reader, before) = first?;
        let conflict = Conflict { after: INITIAL, before, reader, number: NONE, next: NONE };
        let mut demands = Vec::new();
        self.demand(conflict, &mut demands);
        Some(Clash { demands, cycle: Vec::new() })
    }

    /// Adds all conflicts: what was visible to a read of something else comes before that.
    fn compare(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let mut pending: VecDeque<u32> = self.touched.iter().copied().collect();
        for place in 1..self.reads.len() {
            let ((key, _, before), (other, reader, after)) =
                (self.reads[place - 1], self.reads[place]);
            if key == other && before != after && before != INITIAL && after != INITIAL {
                self.add(before, after, reader, &mut pending);
            }
        }
        let mut since_asked = 0_u32;
        while let Some(write) = pending.pop_front() {
            since_asked += 1;
            if since_asked.is_multiple_of(SLICE) {
                share.hold(self.bytes() + pending.capacity() * 4)?;
            }
            if let Some((reader, after)) = self.first_other(write)
                && std::mem::replace(&mut self.target[write as usize], after) != after
            {
                self.add(write, after, reader, &mut pending);
            }
        }
        Ok(())
    }

    /// The first read of a write's key that found another one although this one was visible.
    fn first_other(&self, write: u32) -> Option<(u32, u32)> {
        let key = *self.sessions.writes(write).first()?;
        let seen = self.visible[write as usize];
        let reads = self.reads_of(key);
        let after = reads.partition_point(|&(_, read, _)| read < seen);
        let is_other = |&&(_, _, writer): &&(u32, u32, u32)| writer != write && writer != INITIAL;
        reads[after..].iter().find(is_other).map(|&(_, reader, writer)| (reader, writer))
    }

    /// Adds a conflict; in a sequence what comes before is visible as early.
    fn add(&mut self, before: u32, after: u32, reader: u32, pending: &mut VecDeque<u32>) {
        let number = self.conflicts.len() as u32;
        let next = std::mem::replace(&mut self.last[after as usize], number);
        self.conflicts.push(Conflict { after, before, reader, number, next });
        let seen = self.visible[after as usize];
        if !self.view.is_sequence() || self.visible[before as usize] <= seen {
            return;
        }
        self.visible[before as usize] = seen;
        let mut stack = vec![before];
        while let Some(op) = stack.pop() {
            pending.push_back(op);
            let links = [self.link(op, 0), self.link(op, 1)];
            for link in links {
                if let Dependency::On(before) = link {
                    self.lower(before, seen, &mut stack);
                }
            }
            let mut place = self.last[op as usize];
            while let Some(&conflict) = self.conflicts.get(place as usize) {
                self.lower(conflict.before, seen, &mut stack);
                place = conflict.next;
            }
        }
    }

    fn lower(&mut self, op: u32, seen: u32, stack: &mut Vec<u32>) {
        if self.visible[op as usize] > seen {
            self.visible[op as usize] = seen;
            stack.push(op);
        }
    }

    /// A circle in the order, if there is one.
    fn circle(&self) -> Option<Vec<Step>> {
        if let Some(causality) = self.causality {
            let rank = |op: u32| causality.rank[op as usize];
            let forward = |conflict: &Conflict| rank(conflict.before) < rank(conflict.after);
            if self.conflicts.iter().all(forward) {
                return None;
            }
        }
        circles::circle(self)
    }

    /// What has to come before an operation in the view's order: why, and by which conflict.
    pub(super) fn before(&self, op: u32, mut f: impl FnMut(u32, Why, u32)) {
        self.seen_before(op, &mut f);
        let own_order = matches!(self.view, View::MonotonicReads | View::WritesFollowReads);
        if let Some(before) = self.same_key_before(op).filter(|_| own_order) {
            f(before, Why::Session, 0);
        }
        if !self.view.is_sequence() {
            self.conflicts_before(op)
                .for_each(|found| f(found.before, Why::Demanded, found.number));
        }
    }

    /// What is visible to whom an operation is visible.
    pub(super) fn seen_before(&self, op: u32, f: &mut impl FnMut(u32, Why, u32)) {
        for number in 0..2 {
            if let Dependency::On(before) = self.link(op, number) {
                let found = self.sessions.reads(op).iter().any(|read| read.writer == before);
                f(before, if found { Why::ReadsFrom } else { Why::Session }, 0);
            }
        }
        if self.view.is_sequence() {
            self.conflicts_before(op)
                .for_each(|found| f(found.before, Why::Demanded, found.number));
        }
    }

    /// The visible write before this one by the same session, to the same key.
    fn same_key_before(&self, op: u32) -> Option<u32> {
        let mut before = self.links.same_key[op as usize];
        while before != NONE && self.visible[before as usize] == NONE {
            before = self.links.same_key[before as usize];
        }
        Some(before).filter(|&before| before != NONE)
    }

    /// The operations that the view is about.
    pub(super) fn touched(&self) -> &[u32] {
        &self.touched
    }

    /// How many operations there are at all.
    pub(super) fn op_count(&self) -> usize {
        self.sessions.len()
    }

    fn explained(&self, cycle: Vec<Step>) -> Clash {
        let mut demands = Vec::new();
        for step in cycle.iter().filter(|step| step.why == Why::Demanded) {
            if let Some(conflict) = self.conflict(step.from, step.to) {
                self.demand(conflict, &mut demands);
            }
        }
        Clash { demands, cycle }
    }

    /// Adds a conflict as a demand, after those that it rests on.
    fn demand(&self, conflict: Conflict, demands: &mut Vec<Demand>) {
        let mut open = vec![(conflict, false)];
        let mut done: HashSet<(u32, u32)> =
            demands.iter().map(|demand| (demand.before, demand.after)).collect();
        while let Some((conflict, expanded)) = open.pop() {
            let Conflict { after, before, reader, number, .. } = conflict;
            if done.contains(&(before, after)) {
                continue;
            }
            let path = circles::seeing(self, before, reader, number).unwrap_or_default();
            if expanded {
                done.insert((before, after));
                let key = self.sessions.reads(reader)[0].key;
                demands.push(Demand { before, after, reader, key, path });
                continue;
            }
            open.push((conflict, true));
            for step in path.iter().filter(|step| step.why == Why::Demanded) {
                let earlier = self.conflict(step.from, step.to);
                open.extend(earlier.map(|conflict| (conflict, false)));
            }
        }
    }
}
