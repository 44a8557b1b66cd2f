//! Random small histories: mostly plausible, often wrong.

use super::notation::{Op, Tiny};
use crate::register::random::Random;

/// What histories should look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) sessions: u32,
    pub(super) transactions: u32,
    /// Operations of a transaction at most; 1: single operations.
    pub(super) ops: u32,
    pub(super) keys: u32,
    /// Percent of reads that find something else than the latest value.
    pub(super) wrong: u32,
}

/// A history, and the order in which the sessions act.
pub(super) fn history(random: &mut Random, shape: Shape) -> (Tiny, Vec<usize>) {
    let mut tiny = Tiny(vec![Vec::new(); shape.sessions as usize]);
    let mut order = Vec::new();
    let mut written: Vec<Vec<u32>> = vec![vec![0]; shape.keys as usize];
    let mut fresh = 0;
    for _ in 0..shape.transactions {
        let session = random.below(shape.sessions) as usize;
        let count = random.below(shape.ops) + 1;
        let mut ops = Vec::new();
        for _ in 0..count {
            let key = random.below(shape.keys) as u8;
            let values = &mut written[key as usize];
            let writes = random.chance(50);
            let value = if writes {
                fresh += 1;
                values.push(fresh);
                fresh
            } else {
                values[values.len() - 1]
            };
            ops.push(Op { writes, key, value });
        }
        tiny.0[session].push(ops);
        order.push(session);
    }
    for op in tiny.0.iter_mut().flatten().flatten().filter(|op| !op.writes) {
        if random.chance(shape.wrong) {
            let values = &written[op.key as usize];
            op.value = values[random.below(values.len() as u32) as usize];
        }
    }
    (tiny, order)
}

/// How replicas settle concurrent writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settle {
    /// Each keeps what it applied last: causal memory.
    LastApplied,
    /// The greatest Lamport clock wins everywhere: causal convergence.
    LastWriter,
}

#[derive(Clone)]
struct Message {
    key: u8,
    value: u32,
    clock: (u32, usize),
    from: usize,
    /// By session: how many of its writes the writer had applied.
    after: Vec<u32>,
}

struct Replica {
    applied: Vec<u32>,
    values: Vec<((u32, usize), u32)>,
    clock: u32,
    waiting: Vec<Message>,
}

impl Replica {
    fn apply(&mut self, message: &Message, settle: Settle) {
        self.applied[message.from] += 1;
        self.clock = self.clock.max(message.clock.0);
        let present = &mut self.values[message.key as usize];
        if settle == Settle::LastApplied || present.0 < message.clock {
            *present = (message.clock, message.value);
        }
    }

    /// Applies some of the writes that it may apply, in a random order.
    fn receive(&mut self, random: &mut Random, settle: Settle, percent: u32) {
        while random.chance(percent) {
            let ready: Vec<usize> = (0..self.waiting.len())
                .filter(|&place| {
                    let after = &self.waiting[place].after;
                    after.iter().zip(&self.applied).all(|(needed, applied)| needed <= applied)
                })
                .collect();
            if ready.is_empty() {
                return;
            }
            let message = self.waiting.remove(ready[random.below(ready.len() as u32) as usize]);
            self.apply(&message, settle);
        }
    }
}

/// A history of single operations on causal replicas, one for each session.
pub(super) fn replicated(random: &mut Random, shape: Shape, settle: Settle) -> (Tiny, Vec<usize>) {
    let sessions = shape.sessions as usize;
    let replica = || Replica {
        applied: vec![0; sessions],
        values: vec![((0, 0), 0); shape.keys as usize],
        clock: 0,
        waiting: Vec::new(),
    };
    let mut replicas: Vec<Replica> = (0..sessions).map(|_| replica()).collect();
    let mut tiny = Tiny(vec![Vec::new(); sessions]);
    let mut order = Vec::new();
    for fresh in 1..=shape.transactions {
        let session = random.below(shape.sessions) as usize;
        let key = random.below(shape.keys) as u8;
        replicas[session].receive(random, settle, 60);
        let writes = random.chance(45);
        let mut value = replicas[session].values[key as usize].1;
        if writes {
            value = fresh;
            let mine = &mut replicas[session];
            let clock = (mine.clock + 1, session);
            let after = mine.applied.clone();
            let message = Message { key, value, clock, from: session, after };
            mine.apply(&message, settle);
            for (other, replica) in replicas.iter_mut().enumerate() {
                if other != session {
                    replica.waiting.push(message.clone());
                }
            }
        }
        tiny.0[session].push(vec![Op { writes, key, value }]);
        order.push(session);
    }
    (tiny, order)
}
