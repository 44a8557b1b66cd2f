//! Whether there is an order that respects session order, reads-from and the edges that a level
//! demands; and a shortest cycle where there is none.

use super::{
    causality::{Causality, Dependency, dependency},
    edges::Edge,
    sessions::{INITIAL, Sessions},
};

/// Why one transaction must come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// It is earlier in the same session.
    Session,
    /// The later one read what it wrote.
    ReadsFrom,
    /// The level demands it.
    Demanded,
}

/// One step of a cycle or a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) why: Why,
}

/// Dependencies with the demanded ones, which are sorted by what they come before.
pub(super) struct Dependencies<'a> {
    sessions: &'a Sessions,
    starts: Vec<u32>,
    before: Vec<u32>,
}

impl<'a> Dependencies<'a> {
    /// A counting sort.
    pub(super) fn new(sessions: &'a Sessions, edges: &[Edge]) -> Self {
        let edges = || edges.iter().filter(|edge| edge.after != INITIAL);
        let mut starts = vec![0_u32; sessions.len() + 2];
        for edge in edges() {
            starts[edge.after as usize + 2] += 1;
        }
        for place in 2..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut before = vec![0; starts[sessions.len() + 1] as usize];
        for edge in edges() {
            let place = &mut starts[edge.after as usize + 1];
            before[*place as usize] = edge.before;
            *place += 1;
        }
        starts.pop();
        Self { sessions, starts, before }
    }

    /// What the level demands to come before a transaction.
    fn demanded(&self, transaction: u32) -> &[u32] {
        let t = transaction as usize;
        &self.before[self.starts[t] as usize..self.starts[t + 1] as usize]
    }

    /// What comes before a transaction, by number.
    pub(super) fn get(&self, transaction: u32, number: u32) -> Dependency {
        let demanded = self.demanded(transaction);
        match demanded.get(number as usize) {
            Some(&before) => Dependency::On(before),
            None => dependency(self.sessions, transaction, number - demanded.len() as u32),
        }
    }
}

/// Whether the causal order itself respects all edges: the usual case.
pub(super) fn respects(causality: &Causality, edges: &[Edge]) -> bool {
    let rank = |transaction: u32| causality.rank[transaction as usize];
    edges.iter().all(|edge| edge.after != INITIAL && rank(edge.before) < rank(edge.after))
}

/// The strongly connected components of more than one transaction (Tarjan 1972, without
/// recursion). O(transactions + reads + edges).
pub(super) fn components(dependencies: &Dependencies<'_>) -> Vec<Vec<u32>> {
    let count = dependencies.sessions.len();
    let mut tarjan = Tarjan {
        index: vec![0; count],
        low: vec![0; count],
        on_stack: vec![false; count],
        stack: Vec::new(),
        next: 1,
        components: Vec::new(),
    };
    for &root in &dependencies.sessions.by_time {
        if tarjan.index[root as usize] == 0 {
            tarjan.explore(dependencies, root);
        }
    }
    tarjan.components
}

struct Tarjan {
    /// In the order of visits, from 1; 0: not visited.
    index: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
    stack: Vec<u32>,
    next: u32,
    components: Vec<Vec<u32>>,
}

impl Tarjan {
    fn open(&mut self, transaction: u32, path: &mut Vec<(u32, u32)>) {
        let t = transaction as usize;
        (self.index[t], self.low[t], self.on_stack[t]) = (self.next, self.next, true);
        self.next += 1;
        self.stack.push(transaction);
        path.push((transaction, 0));
    }

    fn explore(&mut self, dependencies: &Dependencies<'_>, root: u32) {
        let mut path = Vec::new();
        self.open(root, &mut path);
        while let Some((top, number)) = path.last_mut() {
            let top = *top;
            *number += 1;
            match dependencies.get(top, *number - 1) {
                Dependency::On(before) if self.index[before as usize] == 0 => {
                    self.open(before, &mut path);
                }
                Dependency::On(before) if self.on_stack[before as usize] => {
                    let index = self.index[before as usize];
                    self.low[top as usize] = self.low[top as usize].min(index);
                }
                Dependency::On(_) | Dependency::Nothing => {}
                Dependency::End => {
                    path.pop();
                    self.close(top);
                    if let Some(&(below, _)) = path.last() {
                        let low = self.low[top as usize];
                        self.low[below as usize] = self.low[below as usize].min(low);
                    }
                }
            }
        }
    }

    fn close(&mut self, top: u32) {
        if self.low[top as usize] != self.index[top as usize] {
            return;
        }
        let place = self.stack.iter().rposition(|&other| other == top).unwrap_or_default();
        let component = self.stack.split_off(place);
        for &member in &component {
            self.on_stack[member as usize] = false;
        }
        if component.len() > 1 {
            self.components.push(component);
        }
    }
}

/// Searches of paths backwards, one after the other.
pub(super) struct Paths<'a> {
    dependencies: &'a Dependencies<'a>,
    /// By transaction: the search that reached it, and the next step towards its end.
    reached: Vec<u32>,
    next: Vec<(u32, Why)>,
    search: u32,
    /// By session: the search, and one after the highest transaction of which all earlier ones
    /// were reached.
    swept: Vec<(u32, u32)>,
    /// By transaction: the last component that it was a member of; searches stay in the present
    /// one, if there is one.
    member: Vec<u32>,
    component: u32,
}

impl<'a> Paths<'a> {
    pub(super) fn new(dependencies: &'a Dependencies<'a>) -> Self {
        let sessions = dependencies.sessions;
        Self {
            dependencies,
            reached: vec![0; sessions.len()],
            next: vec![(0, Why::Session); sessions.len()],
            search: 0,
            swept: vec![(0, 0); sessions.session_count()],
            member: vec![0; sessions.len()],
            component: 0,
        }
    }

    /// Keeps searches within a component, where all its circles are. The number is
    /// not 0, and no other component's.
    fn stay_within(&mut self, component: &[u32], number: u32) {
        self.component = number;
        for &member in component {
            self.member[member as usize] = number;
        }
    }

    /// A shortest path; any number of places in a session counts as one step. At most `longest`
    /// steps. With `demanded` it may use what the level demands. O(transactions + reads + edges).
    pub(super) fn shortest(
        &mut self,
        from: u32,
        to: u32,
        demanded: bool,
        longest: usize,
    ) -> Option<Vec<Step>> {
        self.search += 1;
        let mut level = vec![to];
        for _ in 0..longest {
            let mut further = Vec::new();
            for &end in &level {
                self.spread(end, demanded, &mut further);
            }
            if self.reached[from as usize] == self.search {
                return Some(self.path(from, to));
            }
            if further.is_empty() {
                return None;
            }
            level = further;
        }
        None
    }

    fn spread(&mut self, end: u32, demanded: bool, further: &mut Vec<u32>) {
        let dependencies = self.dependencies;
        let sessions = dependencies.sessions;
        for read in sessions.reads(end).iter().filter(|read| read.writer != INITIAL) {
            self.reach(read.writer, end, Why::ReadsFrom, further);
        }
        let session = sessions.session[end as usize] as usize;
        let (search, swept) = self.swept[session];
        let start = if search == self.search { swept } else { sessions.starts[session] };
        for earlier in start..end {
            self.reach(earlier, end, Why::Session, further);
        }
        self.swept[session] = (self.search, start.max(end));
        if demanded {
            for &before in dependencies.demanded(end) {
                self.reach(before, end, Why::Demanded, further);
            }
        }
    }

    fn reach(&mut self, transaction: u32, towards: u32, why: Why, further: &mut Vec<u32>) {
        let outside = self.component > 0 && self.member[transaction as usize] != self.component;
        if !outside && self.reached[transaction as usize] != self.search {
            self.reached[transaction as usize] = self.search;
            self.next[transaction as usize] = (towards, why);
            further.push(transaction);
        }
    }

    fn path(&self, from: u32, to: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = from;
        loop {
            let (next, why) = self.next[at as usize];
            steps.push(Step { from: at, to: next, why });
            if next == to {
                return steps;
            }
            at = next;
        }
    }
}

/// How many searches a component is worth.
const SEARCHES: usize = 12;

/// A short cycle of a component: the shortest through one of its demanded edges, among the first
/// of them; one with a single demanded edge is preferred to a shorter one with several.
pub(super) fn cycle(paths: &mut Paths<'_>, component: &[u32], edges: &[Edge]) -> Option<Vec<Step>> {
    paths.stay_within(component, component[0] + 1);
    let inside = |edge: &&Edge| {
        let is_member = |transaction: u32| paths.member[transaction as usize] == paths.component;
        edge.after != INITIAL && is_member(edge.before) && is_member(edge.after)
    };
    let mut within: Vec<Edge> = edges.iter().filter(inside).copied().collect();
    within.sort_unstable();
    within.dedup_by_key(|edge| (edge.before, edge.after));
    let apart = |edge: &Edge| edge.before.abs_diff(edge.after);
    within.sort_by_key(apart);
    let spread = within.len().div_ceil(SEARCHES);
    let tried: Vec<Edge> = within.into_iter().step_by(spread.max(1)).collect();
    let single = shortest_of(paths, &tried, false);
    let found = single.or_else(|| shortest_of(paths, &tried, true));
    paths.component = 0;
    found
}

fn shortest_of(paths: &mut Paths<'_>, edges: &[Edge], demanded: bool) -> Option<Vec<Step>> {
    let mut best: Option<Vec<Step>> = None;
    for edge in edges {
        let longest = best.as_ref().map_or(usize::MAX, |steps| steps.len() - 2);
        if let Some(mut steps) = paths.shortest(edge.after, edge.before, demanded, longest) {
            steps.push(Step { from: edge.before, to: edge.after, why: Why::Demanded });
            best = Some(steps);
        }
    }
    best
}

/// A shortest cycle of session order and reads-from through one of these transactions.
pub(super) fn causal_cycle(paths: &mut Paths<'_>, component: &[u32]) -> Option<Vec<Step>> {
    paths.stay_within(component, component[0] + 1);
    let mut best: Option<Vec<Step>> = None;
    let spread = component.len().div_ceil(SEARCHES).max(1);
    for &through in component.iter().step_by(spread) {
        let longest = best.as_ref().map_or(usize::MAX, |steps| steps.len() - 1);
        best = paths.shortest(through, through, false, longest).or(best);
    }
    paths.component = 0;
    best
}
