//! A graph that must stay without circles while edges come and go: an argument for the SAT solver.
//!
//! Nodes stand in an order that agrees with all edges. An edge that agrees with it costs nothing;
//! for another one only the nodes between its ends are looked at and moved (Pearce and Kelly, A
//! Dynamic Topological Sort Algorithm for Directed Acyclic Graphs, JEA 2006). Taking edges away
//! never needs a change. Where an edge would close a circle, the choices on one with the fewest of
//! them cannot all hold (as in MonoSAT: Bayless et al., SAT Modulo Monotonic Theories, AAAI 2015).

use std::collections::VecDeque;

use batsat::{Lit, Theory, TheoryArg};

use super::problem::Problem;

/// The end of a list of chosen edges.
const END: u32 = u32::MAX;

/// A chosen edge in the lists of both its ends.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    from: u32,
    to: u32,
    choice: Lit,
    /// The chosen edge before it that leaves the same node.
    leaving: u32,
    /// The one that enters the same node.
    entering: u32,
}

/// What to go back to.
#[derive(Debug, Clone, Copy)]
struct Level {
    edges: usize,
    processed: usize,
}

pub(crate) struct Acyclic<'p> {
    problem: &'p Problem,
    /// By node: its place in the order.
    places: Vec<u32>,
    chosen: Vec<Chosen>,
    last_leaving: Vec<u32>,
    last_entering: Vec<u32>,
    /// By variable: which node comes before which where it is true.
    pairs: Vec<(u32, u32)>,
    levels: Vec<Level>,
    /// How many of the solver's choices are edges here.
    processed: usize,
    clause: Vec<Lit>,
    /// The transactions of all circles found so far.
    on_circles: Vec<bool>,
    search: Search,
}

/// Scratch of a search.
struct Search {
    round: u32,
    /// By node: the round in which it was reached, over how many choices, and from where.
    rounds: Vec<u32>,
    costs: Vec<u32>,
    parents: Vec<(u32, Option<Lit>)>,
    queue: VecDeque<u32>,
    ahead: Vec<u32>,
    behind: Vec<u32>,
}

impl<'p> Acyclic<'p> {
    pub(crate) fn new(problem: &'p Problem) -> Self {
        let nodes = problem.nodes as usize;
        Self {
            problem,
            places: vec![0; nodes],
            chosen: Vec::new(),
            last_leaving: vec![END; nodes],
            last_entering: vec![END; nodes],
            pairs: Vec::new(),
            levels: Vec::new(),
            processed: 0,
            clause: Vec::new(),
            on_circles: vec![false; problem.transactions.len()],
            search: Search {
                round: 0,
                rounds: vec![0; nodes],
                costs: vec![0; nodes],
                parents: vec![(0, None); nodes],
                queue: VecDeque::new(),
                ahead: Vec::new(),
                behind: Vec::new(),
            },
        }
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        36 * self.places.len() + 32 * self.chosen.len() + 8 * self.pairs.len()
    }

    /// Takes an order that agrees with all edges that are there.
    pub(crate) fn follow(&mut self, order: &[u32]) {
        for (place, &node) in (0..).zip(order) {
            self.places[node as usize] = place;
        }
    }

    pub(crate) fn place(&self, node: u32) -> u32 {
        self.places[node as usize]
    }

    /// Says what the next variable means where it is true.
    pub(crate) fn add_pair(&mut self, from: u32, to: u32) {
        self.pairs.push((from, to));
    }

    /// The edge that a choice stands for.
    pub(crate) fn edge(&self, choice: Lit) -> (u32, u32) {
        let (from, to) = self.pairs[choice.var().idx() as usize];
        if choice.sign() { (from, to) } else { (to, from) }
    }

    /// The transactions of all circles found.
    pub(crate) fn on_circles(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.on_circles).filter(|(_, on)| **on).map(|(number, _)| number)
    }

    /// Whether an edge would close a circle with those that are there for good.
    pub(crate) fn forbids(&mut self, from: u32, to: u32) -> bool {
        let found = self.reaches(to, from);
        if found {
            self.trace(to, from);
        }
        found
    }

    fn check(&mut self, acts: &mut TheoryArg<'_>) {
        while let Some(&choice) = acts.model().get(self.processed) {
            self.processed += 1;
            if !self.insert(choice) {
                return acts.raise_conflict(&self.clause, false);
            }
        }
    }

    /// Adds an edge; or fills in the clause of the circle that it would close.
    fn insert(&mut self, choice: Lit) -> bool {
        let (from, to) = self.edge(choice);
        if self.places[from as usize] > self.places[to as usize] {
            if self.reaches(to, from) {
                self.blame(choice, to, from);
                return false;
            }
            self.look_behind(from, to);
            self.reorder();
        }
        let number = self.chosen.len() as u32;
        let leaving = std::mem::replace(&mut self.last_leaving[from as usize], number);
        let entering = std::mem::replace(&mut self.last_entering[to as usize], number);
        self.chosen.push(Chosen { from, to, choice, leaving, entering });
        true
    }

    /// Whether a node reaches one that stands behind it; by the fewest choices. Everything that it
    /// reaches before that place is remembered.
    fn reaches(&mut self, start: u32, goal: u32) -> bool {
        let Self { problem, places, chosen, last_leaving, search, .. } = self;
        let last = places[goal as usize];
        search.begin(start);
        search.ahead.clear();
        while let Some(node) = search.queue.pop_front() {
            // It may have been reached again over fewer choices.
            if !search.settle(node) {
                continue;
            }
            if node == goal {
                return true;
            }
            search.ahead.push(node);
            for &target in problem.leaving.at(node) {
                if places[target as usize] <= last {
                    search.reach(node, target, None);
                }
            }
            let mut next = last_leaving[node as usize];
            while next != END {
                let edge = chosen[next as usize];
                if places[edge.to as usize] <= last {
                    search.reach(node, edge.to, Some(edge.choice));
                }
                next = edge.leaving;
            }
        }
        false
    }

    /// The choices on the way that was found, and the one that would close the circle.
    fn blame(&mut self, choice: Lit, start: u32, goal: u32) {
        self.trace(start, goal);
        self.clause.push(!choice);
    }

    /// Notes who is on the way that was found, and makes a clause of its choices.
    fn trace(&mut self, start: u32, goal: u32) {
        self.clause.clear();
        let mut node = goal;
        loop {
            if let Some(one) = self.problem.transaction(node) {
                self.on_circles[one as usize] = true;
            }
            if node == start {
                return;
            }
            let (parent, choice) = self.search.parents[node as usize];
            self.clause.extend(choice.map(|choice| !choice));
            node = parent;
        }
    }

    /// Everything that reaches a node and stands behind another.
    fn look_behind(&mut self, start: u32, until: u32) {
        let Self { problem, places, chosen, last_entering, search, .. } = self;
        let first = places[until as usize];
        search.round += 1;
        search.behind.clear();
        search.queue.clear();
        search.rounds[start as usize] = search.round;
        search.queue.push_back(start);
        while let Some(node) = search.queue.pop_front() {
            search.behind.push(node);
            let mut visit = |source: u32| {
                if places[source as usize] >= first
                    && search.rounds[source as usize] != search.round
                {
                    search.rounds[source as usize] = search.round;
                    search.queue.push_back(source);
                }
            };
            problem.entering.at(node).iter().for_each(|&source| visit(source));
            let mut next = last_entering[node as usize];
            while next != END {
                let edge = chosen[next as usize];
                visit(edge.from);
                next = edge.entering;
            }
        }
    }

    /// The same places for the same nodes, what reaches the edge before what it reaches.
    fn reorder(&mut self) {
        let Self { places, search, .. } = self;
        search.behind.sort_unstable_by_key(|&node| places[node as usize]);
        search.ahead.sort_unstable_by_key(|&node| places[node as usize]);
        let moved = || search.behind.iter().chain(&search.ahead);
        let mut free: Vec<u32> = moved().map(|&node| places[node as usize]).collect();
        free.sort_unstable();
        for (&node, place) in moved().zip(free) {
            places[node as usize] = place;
        }
    }
}

/// Distances are numbers of choices: 0 or 1 an edge.
impl Search {
    fn begin(&mut self, start: u32) {
        // Two marks a round: reached, and settled.
        self.round += 2;
        self.queue.clear();
        self.rounds[start as usize] = self.round - 1;
        self.costs[start as usize] = 0;
        self.queue.push_back(start);
    }

    fn settle(&mut self, node: u32) -> bool {
        let first = self.rounds[node as usize] != self.round;
        self.rounds[node as usize] = self.round;
        first
    }

    fn reach(&mut self, from: u32, to: u32, choice: Option<Lit>) {
        let cost = self.costs[from as usize] + u32::from(choice.is_some());
        let mark = self.rounds[to as usize];
        let is_known = mark == self.round || mark == self.round - 1;
        if is_known && self.costs[to as usize] <= cost {
            return;
        }
        self.rounds[to as usize] = self.round - 1;
        self.costs[to as usize] = cost;
        self.parents[to as usize] = (from, choice);
        if choice.is_some() {
            self.queue.push_back(to);
        } else {
            self.queue.push_front(to);
        }
    }
}

impl Theory for Acyclic<'_> {
    fn final_check(&mut self, acts: &mut TheoryArg<'_>) {
        self.check(acts);
    }

    fn create_level(&mut self) {
        self.levels.push(Level { edges: self.chosen.len(), processed: self.processed });
    }

    fn pop_levels(&mut self, count: usize) {
        let kept = self.levels.len() - count;
        let Some(&Level { edges, processed }) = self.levels.get(kept) else { return };
        self.levels.truncate(kept);
        self.processed = processed;
        for edge in self.chosen.drain(edges..).rev() {
            self.last_leaving[edge.from as usize] = edge.leaving;
            self.last_entering[edge.to as usize] = edge.entering;
        }
    }

    fn n_levels(&self) -> usize {
        self.levels.len()
    }

    fn partial_check(&mut self, acts: &mut TheoryArg<'_>) {
        self.check(acts);
    }

    fn explain_propagation(&mut self, _choice: Lit) -> &[Lit] {
        unreachable!("nothing is propagated")
    }
}
