//! The shortest cycle of a kind: breadth first from each edge that it could begin with.

use std::collections::VecDeque;

use crate::{Exhausted, meter::Share};

use super::{
    classify::{Cycles, Family},
    graph::{Edge, Edges},
    part::{Nonadjacent, Part},
};

/// One step of a cycle, by numbers of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) edge: Edge,
    pub(crate) to: u32,
}

/// A cycle: each step begins where the one before ended, the first where the last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) steps: Vec<Step>,
    /// Whether no cycle of this kind is shorter, in its region.
    pub(crate) shortest: bool,
}

/// After this many edges the shortest cycle so far has to do.
const ENOUGH: u64 = 8 << 20;

/// The shortest cycle in a region of these cycles.
pub(crate) fn shortest(
    part: &Part,
    cycles: &Cycles,
    region: &[u32],
    share: &mut Share<'_>,
) -> Result<Option<Cycle>, Exhausted> {
    let mut search = Search::new(part, cycles, region);
    let mut best: Option<Cycle> = None;
    for (number, &start) in search.starts(region).iter().enumerate() {
        if number.is_multiple_of(64) {
            share.hold(part.bytes() + 40 * part.len())?;
        }
        let limit = best.as_ref().map_or(u32::MAX, |best| best.steps.len() as u32);
        // Two transactions are the least.
        if limit == 2 {
            break;
        }
        if search.work > ENOUGH && best.is_some() {
            return Ok(best.map(|best| Cycle { shortest: false, ..best }));
        }
        if let Some(steps) = search.from(start, limit) {
            best = Some(Cycle { steps, shortest: true });
        }
    }
    Ok(best)
}

/// The edge that a cycle begins with.
#[derive(Debug, Clone, Copy)]
struct Start {
    from: u32,
    edge: Edge,
    to: u32,
}

/// States are places in the component, twice: see [`Nonadjacent`].
struct Search<'p> {
    part: &'p Part,
    family: Family,
    edges: Edges,
    inside: Vec<bool>,
    /// By state: the round in which it was reached, how far away, and from where.
    rounds: Vec<u32>,
    distances: Vec<u32>,
    parents: Vec<(u32, Edge)>,
    round: u32,
    queue: VecDeque<u32>,
    work: u64,
}

impl<'p> Search<'p> {
    fn new(part: &'p Part, cycles: &Cycles, region: &[u32]) -> Self {
        let states = 2 * part.len();
        let mut edges = cycles.order.edges_of(cycles.family);
        if cycles.family == Family::G2 {
            edges = edges.and(Edge::Rw);
        }
        let mut search = Self {
            part,
            family: cycles.family,
            edges,
            inside: vec![false; states],
            rounds: vec![0; states],
            distances: vec![0; states],
            parents: vec![(0, Edge::Onward); states],
            round: 0,
            queue: VecDeque::new(),
            work: 0,
        };
        for &node in region {
            let state = if search.has_product_states() { node } else { 2 * node };
            search.inside[state as usize] = true;
        }
        search
    }

    fn has_product_states(&self) -> bool {
        matches!(self.family, Family::Single | Family::Nonadjacent)
    }

    fn starts(&self, region: &[u32]) -> Vec<Start> {
        let halved = if self.has_product_states() { 2 } else { 1 };
        let mut places: Vec<u32> = region.iter().map(|node| node / halved).collect();
        places.sort_unstable();
        places.dedup();
        let needs_rw = self.family > Family::G1c;
        let begins = |edge: Edge| match edge {
            Edge::Onward => false,
            Edge::Rw => needs_rw,
            other => !needs_rw && self.edges.contains(other),
        };
        let edges = places.iter().flat_map(|&from| {
            let leaving = self.part.edges_of(from).iter().filter(move |(_, edge)| begins(*edge));
            leaving.map(move |&(to, edge)| Start { from, edge, to })
        });
        edges.filter(|start| self.inside[self.first_state(*start) as usize]).collect()
    }

    fn first_state(&self, start: Start) -> u32 {
        2 * start.to + u32::from(self.has_product_states())
    }

    /// Where an edge leads.
    fn step(&self, state: u32, target: u32, edge: Edge) -> Option<u32> {
        let next = match self.family {
            Family::Nonadjacent => {
                let walks = Nonadjacent { part: self.part, edges: self.edges };
                walks.step(state % 2, target, edge)?
            }
            // The one `rw` edge is behind us; the flag only marks helpers that continue it.
            Family::Single if edge == Edge::Onward => 2 * target + state % 2,
            _ if self.edges.contains(edge) => 2 * target,
            _ => return None,
        };
        self.inside[next as usize].then_some(next)
    }

    /// The shortest way back that makes a cycle of less than `limit` steps.
    fn from(&mut self, start: Start, limit: u32) -> Option<Vec<Step>> {
        let (first, goal) = (self.first_state(start), 2 * start.from);
        self.round += 1;
        self.reach(first, 1, (goal, start.edge));
        self.queue.clear();
        self.queue.push_back(first);
        while let Some(state) = self.queue.pop_front() {
            if state == goal {
                return Some(self.way(goal));
            }
            let distance = self.distances[state as usize];
            let part = self.part;
            for &(target, edge) in part.edges_of(state / 2) {
                self.work += 1;
                let further = distance + u32::from(edge != Edge::Onward);
                let Some(next) = self.step(state, target, edge) else { continue };
                let seen = self.rounds[next as usize] == self.round;
                if further >= limit || seen && self.distances[next as usize] <= further {
                    continue;
                }
                self.reach(next, further, (state, edge));
                if edge == Edge::Onward {
                    self.queue.push_front(next);
                } else {
                    self.queue.push_back(next);
                }
            }
        }
        None
    }

    fn reach(&mut self, state: u32, distance: u32, parent: (u32, Edge)) {
        self.rounds[state as usize] = self.round;
        self.distances[state as usize] = distance;
        self.parents[state as usize] = parent;
    }

    /// The cycle through `goal`, with helpers left out.
    fn way(&self, goal: u32) -> Vec<Step> {
        let node = |state: u32| self.part.node(state / 2);
        let mut steps = Vec::new();
        let (mut to, mut state) = (goal, goal);
        loop {
            let (parent, edge) = self.parents[state as usize];
            if edge != Edge::Onward {
                steps.push(Step { from: node(parent), edge, to: node(to) });
                to = parent;
            }
            state = parent;
            if state == goal {
                break;
            }
        }
        steps.reverse();
        steps
    }
}
