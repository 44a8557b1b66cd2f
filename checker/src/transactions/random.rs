//! Random small histories of transactions, from stores that keep more or fewer promises.

use super::oracle::{Ended, Micro, Txn};
use crate::register::random::Random;

/// What a store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// All of a transaction at one moment.
    Serial,
    /// Reads from a snapshot, writes at the end; conflicts are not looked for.
    Snapshot,
    /// Each micro-operation at a moment of its own.
    Loose,
}

/// What a history should look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) store: Store,
    pub(crate) lists: bool,
    pub(crate) transactions: u32,
    pub(crate) clients: u32,
    pub(crate) keys: u32,
    /// Percent of transactions whose outcome is unknown, or that fail.
    pub(crate) unclear: u32,
    /// Percent of reads that are made up.
    pub(crate) wrong: u32,
}

/// The shapes that between them reach every rule.
pub(crate) fn shapes(lists: bool) -> impl Iterator<Item = Shape> {
    let stores = [Store::Serial, Store::Snapshot, Store::Loose];
    let sizes = [(3, 2, 1), (4, 2, 2), (5, 3, 2), (5, 5, 3)];
    let faults = [(0, 0), (0, 8), (25, 0), (25, 8)];
    stores.into_iter().flat_map(move |store| {
        sizes.into_iter().flat_map(move |(transactions, clients, keys)| {
            faults.into_iter().map(move |(unclear, wrong)| Shape {
                store,
                lists,
                transactions,
                clients,
                keys,
                unclear,
                wrong,
            })
        })
    })
}

/// A transaction in flight.
struct Open {
    place: usize,
    snapshot: Option<Vec<Vec<u32>>>,
    /// How many micro-operations are done.
    done: usize,
    own: Vec<(usize, u32)>,
}

struct Making<'r> {
    random: &'r mut Random,
    shape: Shape,
    state: Vec<Vec<u32>>,
    next: u32,
    event: u32,
    processes: u64,
    idle: Vec<u64>,
    open: Vec<Open>,
    made: Vec<Txn>,
}

/// A history; reads of registers hold the last value alone.
pub(crate) fn history(random: &mut Random, shape: Shape) -> Vec<Txn> {
    let clients = u64::from(shape.clients);
    let mut making = Making {
        random,
        shape,
        state: vec![Vec::new(); 3],
        next: 1,
        event: 0,
        processes: clients,
        idle: (0..clients).collect(),
        open: Vec::new(),
        made: Vec::new(),
    };
    loop {
        let all = making.made.len() as u32 == shape.transactions;
        if all && making.open.is_empty() {
            return making.made;
        }
        let begin = !all && !making.idle.is_empty();
        if begin && (making.open.is_empty() || making.random.chance(40)) {
            making.begin();
        } else {
            making.advance();
        }
    }
}

impl Making<'_> {
    fn tick(&mut self) -> u32 {
        self.event += 1;
        self.event - 1
    }

    fn begin(&mut self) {
        let at = self.random.below(self.idle.len() as u32) as usize;
        let process = self.idle.swap_remove(at);
        let micro = (0..=self.random.below(3))
            .map(|_| {
                let key = self.random.below(self.shape.keys) as usize;
                if self.random.chance(50) {
                    self.next += 1;
                    Micro::Write(key, self.next - 1)
                } else {
                    Micro::Read(key, Vec::new())
                }
            })
            .collect();
        let invoked = self.tick();
        self.open.push(Open { place: self.made.len(), snapshot: None, done: 0, own: Vec::new() });
        self.made.push(Txn { process, invoked, completed: 0, ended: Ended::Ok, micro });
    }

    fn advance(&mut self) {
        let at = self.random.below(self.open.len() as u32) as usize;
        let place = self.open[at].place;
        let length = self.made[place].micro.len();
        if self.open[at].done > length {
            return self.end(at);
        }
        if self.shape.unclear > 0 && self.random.chance(self.shape.unclear / 3) {
            return self.give_up(at);
        }
        match self.shape.store {
            Store::Snapshot if self.open[at].snapshot.is_none() => {
                self.open[at].snapshot = Some(self.state.clone());
            }
            Store::Serial | Store::Snapshot => self.take_effect(at, length),
            Store::Loose => self.take_effect(at, 1),
        }
        if self.open[at].done == length {
            self.open[at].done = length + 1;
        }
    }

    /// Does the next so many micro-operations.
    fn take_effect(&mut self, at: usize, count: usize) {
        let open = &mut self.open[at];
        let micro = &mut self.made[open.place].micro;
        let state = &mut self.state;
        for micro in micro.iter_mut().skip(open.done).take(count) {
            match micro {
                Micro::Write(key, value) => {
                    open.own.push((*key, *value));
                    state[*key].push(*value);
                }
                Micro::Read(key, found) => {
                    let mut seen = match &open.snapshot {
                        None => state[*key].clone(),
                        Some(snapshot) => {
                            let own = open.own.iter().filter(|(other, _)| other == key);
                            let own = own.map(|(_, value)| *value);
                            snapshot[*key].iter().copied().chain(own).collect()
                        }
                    };
                    if self.random.chance(self.shape.wrong) {
                        seen = falsified(self.random, seen, self.next);
                    }
                    if !self.shape.lists {
                        seen = seen.last().copied().into_iter().collect();
                    }
                    *found = seen;
                }
            }
        }
        open.done += count;
    }

    fn end(&mut self, at: usize) {
        let open = self.open.swap_remove(at);
        let completed = self.tick();
        self.made[open.place].completed = completed;
        self.idle.push(self.made[open.place].process);
    }

    /// An unknown outcome, after some, all or nothing was done; or a failure that is one.
    fn give_up(&mut self, at: usize) {
        let open = self.open.swap_remove(at);
        let completed = self.tick();
        let fails = open.done == 0 && self.random.chance(50);
        let txn = &mut self.made[open.place];
        txn.completed = completed;
        txn.ended = if fails { Ended::Fail } else { Ended::Info };
        let process = if fails { txn.process } else { self.processes };
        self.processes += u64::from(!fails);
        self.idle.push(process);
    }
}

fn falsified(random: &mut Random, mut seen: Vec<u32>, next: u32) -> Vec<u32> {
    match random.below(3) {
        0 => {
            seen.pop();
        }
        1 => seen.push(1 + random.below(next)),
        _ => {
            let length = seen.len() as u32;
            if length > 1 {
                seen.swap(random.below(length) as usize, random.below(length) as usize);
            }
        }
    }
    seen
}
