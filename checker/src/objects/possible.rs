//! What an operation that cannot be explained could have found instead.

use std::collections::HashSet;

use super::{engine, reduce::Part, words::Words};
use crate::{decision::Verdict, meter::Meter};

/// How many operations are looked at, and how many states.
const OPERATIONS: usize = 24;
const STATES: usize = 2_000;

/// The states in which the object can be while an operation is open, the others being as they
/// are; in the order of their discovery. None if there are too many.
pub(crate) fn states<M: Words>(part: &Part<M>, culprit: u32) -> Option<Vec<M::State>> {
    let at = part.ops.iter().position(|op| op.source == culprit)?;
    if part.ops.len() > OPERATIONS {
        return None;
    }
    let mut search = Search { part, at, seen: HashSet::new(), found: Vec::new() };
    search.visit(0, &part.model.initial());
    (search.seen.len() <= STATES).then_some(search.found)
}

struct Search<'a, M: Words> {
    part: &'a Part<M>,
    at: usize,
    seen: HashSet<(u32, M::State)>,
    found: Vec<M::State>,
}

impl<M: Words> Search<'_, M> {
    fn visit(&mut self, done: u32, state: &M::State) {
        if self.seen.len() > STATES || !self.seen.insert((done, state.clone())) {
            return;
        }
        let (part, at) = (self.part, self.at);
        let ops = &part.ops;
        let culprit = &ops[at];
        let left = |place: &usize| done & (1 << place) == 0 && *place != at;
        let deadline = (0..ops.len()).filter(left).map(|place| ops[place].returned).min();
        let deadline = deadline.unwrap_or(u32::MAX);
        if culprit.invoked < deadline && !self.found.contains(state) {
            self.found.push(state.clone());
        }
        for place in (0..ops.len()).filter(left) {
            let next = part.model.step(state, &ops[place].effect);
            if let Some(next) = next.filter(|_| ops[place].invoked < deadline) {
                self.visit(done | 1 << place, &next);
            }
        }
    }
}

/// The answers of an operation with which the rest is legal, of those that these states give.
pub(crate) fn answers<M: Words>(
    part: &Part<M>,
    culprit: u32,
    states: &[M::State],
    meter: &Meter<'_>,
) -> Vec<M::Effect> {
    let Some(at) = part.ops.iter().position(|op| op.source == culprit) else {
        return Vec::new();
    };
    let mut offered = Vec::new();
    for state in states {
        let answer = part.model.answer(state, &part.ops[at].effect);
        if let Some(answer) = answer.filter(|answer| !offered.contains(answer)) {
            offered.push(answer);
        }
    }
    let mut ops = part.ops.clone();
    offered.retain(|answer| {
        ops[at].effect = answer.clone();
        engine::decide(&part.model, &ops, meter) == Verdict::Linearizable
    });
    offered
}
