//! Random small histories of containers: mostly plausible, often wrong.

use super::{Act, Contained, Kind, NEVER, oracle::apply};
use crate::register::random::Random;

/// What histories should look like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) ops: u32,
    pub(super) clients: u32,
    /// Percent of operations that insert.
    pub(super) inserts: u32,
    /// Percent of inserts with an unknown outcome.
    pub(super) unknown_inserts: u32,
    /// Percent of removals with an unknown outcome.
    pub(super) unknown_removals: u32,
    /// Percent of answers that are made up.
    pub(super) wrong: u32,
    /// Percent of steps that start an operation, if one can start.
    pub(super) eager: u32,
}

struct Pending {
    place: usize,
    op: Contained,
    insert: bool,
    done: bool,
}

/// A history of a container that is sometimes wrong. Every operation takes effect at a random
/// moment of its interval; what it would have answered is then falsified now and then.
pub(super) fn history(random: &mut Random, shape: Shape) -> Vec<Contained> {
    let mut values: Vec<u32> = (0..shape.ops).collect();
    for place in 1..values.len() {
        values.swap(place, random.below(place as u32 + 1) as usize);
    }
    let mut making = Making {
        random,
        shape,
        values,
        inside: Vec::new(),
        pending: Vec::new(),
        ops: vec![None; shape.ops as usize],
        event: 0,
    };
    let mut started = 0;
    while started < shape.ops as usize || !making.pending.is_empty() {
        let can_start =
            started < shape.ops as usize && making.pending.len() < shape.clients as usize;
        if can_start && (making.pending.is_empty() || making.random.chance(shape.eager)) {
            making.invoke(started);
            started += 1;
        } else {
            making.advance();
        }
    }
    making.ops.into_iter().flatten().collect()
}

struct Making<'a> {
    random: &'a mut Random,
    shape: Shape,
    values: Vec<u32>,
    inside: Vec<u32>,
    pending: Vec<Pending>,
    ops: Vec<Option<Contained>>,
    event: u32,
}

impl Making<'_> {
    fn invoke(&mut self, place: usize) {
        let insert = self.random.chance(self.shape.inserts);
        let act = if insert { Act::Insert(self.values[place]) } else { Act::RemoveAny };
        let op =
            Contained { effect: act, invoked: self.event, returned: NEVER, source: place as u32 };
        self.pending.push(Pending { place, op, insert, done: false });
        self.event += 1;
    }

    /// Lets a pending operation take effect, or return if it has.
    fn advance(&mut self) {
        let at = self.random.below(self.pending.len() as u32) as usize;
        let unknown = if self.pending[at].insert {
            self.shape.unknown_inserts
        } else {
            self.shape.unknown_removals
        };
        if self.random.chance(unknown) {
            let mut pending = self.pending.swap_remove(at);
            if !pending.done && self.random.chance(50) {
                self.take_effect(&mut pending.op);
            }
            if !pending.insert {
                pending.op.effect = Act::RemoveAny;
            }
            self.ops[pending.place] = Some(pending.op);
        } else if self.pending[at].done {
            let mut pending = self.pending.swap_remove(at);
            pending.op.returned = self.event;
            self.event += 1;
            self.ops[pending.place] = self.told(pending.op);
        } else {
            let mut op = self.pending[at].op;
            self.take_effect(&mut op);
            self.pending[at].op = op;
            self.pending[at].done = true;
        }
    }

    fn take_effect(&mut self, op: &mut Contained) {
        if op.effect != Act::RemoveAny {
            apply(self.shape.kind, &mut self.inside, op.effect);
            return;
        }
        let before = self.inside.clone();
        op.effect = Act::Empty;
        if apply(self.shape.kind, &mut self.inside, Act::RemoveAny) {
            let gone = before.iter().find(|value| !self.inside.contains(value));
            op.effect = gone.map_or(Act::Empty, |&value| Act::Remove(value));
        }
    }

    fn told(&mut self, op: Contained) -> Option<Contained> {
        if !self.random.chance(self.shape.wrong) {
            return Some(op);
        }
        match op.effect {
            // An insert that is not recorded at all: somebody may have taken its value.
            Act::Insert(_) if self.random.chance(30) => None,
            Act::Insert(_) => Some(op),
            _ if self.random.chance(20) => Some(Contained { effect: Act::Empty, ..op }),
            _ => {
                let value = self.values[self.random.below(self.shape.ops) as usize];
                Some(Contained { effect: Act::Remove(value), ..op })
            }
        }
    }
}

/// The shapes that between them reach every rule.
pub(super) fn shapes(kind: Kind) -> impl Iterator<Item = Shape> {
    let sizes = [(4, 3), (6, 6), (8, 3), (8, 5), (10, 4)];
    sizes.into_iter().flat_map(move |(ops, clients)| {
        [(0, 0), (20, 0), (0, 20), (10, 10), (30, 40)].into_iter().flat_map(
            move |(unknown_inserts, unknown_removals)| {
                [(0, 50), (10, 50), (10, 75), (40, 60)].into_iter().flat_map(
                    move |(wrong, eager)| {
                        [50, 65].into_iter().map(move |inserts| Shape {
                            kind,
                            ops,
                            clients,
                            inserts,
                            unknown_inserts,
                            unknown_removals,
                            wrong,
                            eager,
                        })
                    },
                )
            },
        )
    })
}
