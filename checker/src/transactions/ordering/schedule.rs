//! A likely order: everything as early as its edges allow, and such that reads find what they found.
//!
//! Of the moments that may come next it takes, in the order in which they are due, the first that breaks nothing:
//! a read while its version is the latest, a write when nobody still has to read what it replaces
//! and no other write that may come now was read for the last time earlier. If the first few all
//! break something, the very first comes all the same. Nothing hangs on how good an order this is
//! but how often the solver is asked.

use std::collections::BTreeSet;

use super::problem::{Isolation, Lists, Problem};
use crate::{
    Exhausted,
    meter::Share,
    transactions::extract::{INITIAL, NEVER, NOBODY, Transaction},
};

/// How many moments are looked at before one is forced.
const AHEAD: usize = 32;

/// How many nodes are placed between two questions to the budget.
const STEPS: usize = 1 << 12;

/// All nodes in an order that agrees with the problem's edges and with some more; none if they
/// make a circle. O((nodes + edges) log nodes).
pub(crate) fn schedule(
    problem: &Problem,
    more: &[(u32, u32)],
    share: &mut Share<'_>,
) -> Result<Option<Vec<u32>>, Exhausted> {
    let nodes = problem.nodes as usize;
    let bytes = problem.bytes() + 12 * more.len() + 24 * nodes + 8 * problem.versions as usize;
    share.hold(bytes)?;
    let mut making = Making::new(problem, Lists::of(problem.nodes, more));
    let mut order: Vec<u32> = Vec::with_capacity(nodes);
    while let Some(node) = making.next() {
        order.push(node);
        if order.len().is_multiple_of(STEPS) {
            share.hold(bytes)?;
        }
        making.place(node);
    }
    Ok((order.len() == nodes).then_some(order))
}

struct Making<'p> {
    problem: &'p Problem,
    more: Lists,
    /// By node: edges from what is not placed yet.
    waiting: Vec<u32>,
    /// Nodes that wait for nothing, by time; and those without a time.
    ready: BTreeSet<(u32, u32)>,
    helpers: Vec<u32>,
    /// By key: the latest version.
    present: Vec<u32>,
    /// By version, and then by key for the initial ones: who still has to read it.
    unread: Vec<u32>,
    /// By key: who took a snapshot and will write it.
    held_by: Vec<u32>,
    /// By version: when it was read for the last time; if never, when it was written.
    last_read: Vec<u32>,
    /// By key: who may begin to write it now, by when that was read for the last time.
    may_write: Vec<BTreeSet<(u32, u32)>>,
}

impl<'p> Making<'p> {
    fn new(problem: &'p Problem, more: Lists) -> Self {
        let mut making = Self {
            problem,
            more,
            waiting: vec![0; problem.nodes as usize],
            ready: BTreeSet::new(),
            helpers: Vec::new(),
            present: vec![INITIAL; problem.keys as usize],
            unread: vec![0; (problem.versions + problem.keys) as usize],
            held_by: vec![NOBODY; problem.keys as usize],
            last_read: last_read(problem),
            may_write: vec![BTreeSet::new(); problem.keys as usize],
        };
        for node in 0..problem.nodes {
            let targets = problem.leaving.at(node).iter().chain(making.more.at(node));
            targets.for_each(|&target| making.waiting[target as usize] += 1);
        }
        for one in problem.counting() {
            for touch in problem.touches(one) {
                if let Some(version) = touch.read {
                    let state = making.state(touch.key, version);
                    making.unread[state] += 1;
                }
            }
        }
        let free = (0..problem.nodes).filter(|&node| making.waiting[node as usize] == 0);
        free.collect::<Vec<u32>>().into_iter().for_each(|node| making.make_ready(node));
        making
    }

    fn state(&self, key: u32, version: u32) -> usize {
        let initial = self.problem.versions + key;
        if version == INITIAL { initial as usize } else { version as usize }
    }

    fn make_ready(&mut self, node: u32) {
        match self.problem.transaction(node) {
            None => self.helpers.push(node),
            Some(one) => {
                self.ready.insert((self.problem.due[node as usize], node));
                if self.problem.reads_at(node) {
                    for (key, version) in written(self.problem, one) {
                        let last_read = self.last_read[version as usize];
                        self.may_write[key as usize].insert((last_read, node));
                    }
                }
            }
        }
    }

    fn next(&mut self) -> Option<u32> {
        if let Some(helper) = self.helpers.pop() {
            return Some(helper);
        }
        let mut likely = self.ready.iter().take(AHEAD);
        let good = likely.find(|(_, node)| self.breaks_nothing(*node));
        let next = *good.or_else(|| self.ready.first())?;
        self.ready.remove(&next);
        Some(next.1)
    }

    fn breaks_nothing(&self, node: u32) -> bool {
        let Some(one) = self.problem.transaction(node) else { return true };
        let reads = self.problem.reads_at(node);
        let writes = self.problem.writes_at(node);
        self.problem.touches(one).iter().all(|touch| {
            let key = touch.key as usize;
            let present = self.present[key];
            let finds = !reads || touch.read.is_none_or(|version| version == present);
            let holder = self.held_by[key];
            let is_free = touch.written.is_none() || holder == NOBODY || holder == one;
            let own = u32::from(
                self.problem.isolation == Isolation::Serial && touch.read == Some(present),
            );
            let replaces = !writes
                || touch.written.is_none()
                || self.unread[self.state(touch.key, present)] == own;
            let is_first = !reads
                || touch.written.is_none()
                || self.may_write[key].first().is_some_and(|(_, first)| *first == node);
            finds && is_free && replaces && is_first
        })
    }

    fn place(&mut self, node: u32) {
        if let Some(one) = self.problem.transaction(node) {
            self.take_effect(node, one);
        }
        let problem = self.problem;
        for target in problem.leaving.at(node).iter().copied() {
            self.released(target);
        }
        for at in 0..self.more.at(node).len() {
            self.released(self.more.at(node)[at]);
        }
    }

    fn released(&mut self, node: u32) {
        self.waiting[node as usize] -= 1;
        if self.waiting[node as usize] == 0 {
            self.make_ready(node);
        }
    }

    fn take_effect(&mut self, node: u32, one: u32) {
        let problem = self.problem;
        if problem.reads_at(node) {
            for (key, version) in written(problem, one) {
                self.may_write[key as usize].remove(&(self.last_read[version as usize], node));
            }
        }
        for touch in problem.touches(one) {
            let key = touch.key as usize;
            if let (Some(version), true) = (touch.read, problem.reads_at(node)) {
                let state = self.state(touch.key, version);
                self.unread[state] -= 1;
            }
            let Some(version) = touch.written else { continue };
            if problem.writes_at(node) {
                self.present[key] = version;
                if self.held_by[key] == one {
                    self.held_by[key] = NOBODY;
                }
            } else {
                self.held_by[key] = one;
            }
        }
    }
}

/// Keys and versions that a transaction leaves.
fn written(problem: &Problem, transaction: u32) -> impl Iterator<Item = (u32, u32)> {
    let touches = problem.touches(transaction).iter();
    touches.filter_map(|touch| Some((touch.key, touch.written?)))
}

fn last_read(problem: &Problem) -> Vec<u32> {
    let mut last_read = vec![0; problem.versions as usize];
    for one in problem.counting() {
        let Transaction { invoked, completed, .. } = problem.transactions[one as usize];
        let ended = if completed == NEVER { invoked } else { completed };
        for touch in problem.touches(one) {
            if let Some(version) = touch.read.filter(|&version| version != INITIAL) {
                let last = &mut last_read[version as usize];
                *last = ended.max(*last);
            }
            if let Some(version) = touch.written {
                let last = &mut last_read[version as usize];
                *last = ended.max(*last);
            }
        }
    }
    last_read
}
