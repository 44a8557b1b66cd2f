//! Strongly connected components (Tarjan, Depth-First Search and Linear Graph Algorithms, SIAM
//! J. Comput. 1972), without recursion: a history is deeper than any stack.

use crate::{Exhausted, meter::Share};

/// A directed graph whose edges are listed on demand.
pub(crate) trait Adjacency {
    /// Nodes are numbered from 0.
    fn node_count(&self) -> u32;

    /// The target of the edge at the cursor, which moves on; none after the last one. A cursor
    /// begins at 0.
    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32>;
}

/// Steps between two questions to the budget.
const STEPS: u32 = 1 << 16;

const UNSEEN: u32 = 0;
/// Of nodes whose component is complete: higher than all that still count.
const DONE: u32 = u32::MAX;

/// All components of two nodes or more, each in no particular order; the components themselves
/// come in reverse topological order. O(nodes + edges) time, 8 bytes a node.
///
/// Roots are tried from the highest number down: where most edges lead to higher numbers, as in a
/// history in the order of time, nearly everything below a node is then done already, and the
/// stacks stay short.
pub(crate) fn components(
    graph: &impl Adjacency,
    share: &mut Share<'_>,
) -> Result<Vec<Vec<u32>>, Exhausted> {
    let mut search = Search {
        graph,
        low: vec![UNSEEN; graph.node_count() as usize],
        next: 1,
        path: Vec::new(),
        open: Vec::new(),
        found: Vec::new(),
        finished: None,
    };
    search.run(share)?;
    Ok(search.found)
}

/// All nodes, such that every edge between different components leads to an earlier place.
pub(crate) fn finishing_order(
    graph: &impl Adjacency,
    share: &mut Share<'_>,
) -> Result<Vec<u32>, Exhausted> {
    let mut search = Search {
        graph,
        low: vec![UNSEEN; graph.node_count() as usize],
        next: 1,
        path: Vec::new(),
        open: Vec::new(),
        found: Vec::new(),
        finished: Some(Vec::with_capacity(graph.node_count() as usize)),
    };
    search.run(share)?;
    Ok(search.finished.unwrap_or_default())
}

/// A node on the path of the search.
struct Visit {
    node: u32,
    cursor: u32,
    /// Its number in the order of discovery.
    number: u32,
}

struct Search<'g, G> {
    graph: &'g G,
    /// The lowest number known to be reachable.
    low: Vec<u32>,
    next: u32,
    path: Vec<Visit>,
    /// Nodes whose component is not complete, except those that are alone.
    open: Vec<u32>,
    found: Vec<Vec<u32>>,
    finished: Option<Vec<u32>>,
}

impl<G: Adjacency> Search<'_, G> {
    fn run(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let bytes = self.low.len() * 8;
        for root in (0..self.graph.node_count()).rev() {
            if root.is_multiple_of(STEPS) {
                share.hold(bytes)?;
            }
            if self.low[root as usize] == UNSEEN {
                self.discover(root);
                self.search(share, bytes)?;
            }
        }
        Ok(())
    }

    fn discover(&mut self, node: u32) {
        self.low[node as usize] = self.next;
        self.path.push(Visit { node, cursor: 0, number: self.next });
        self.next += 1;
    }

    fn search(&mut self, share: &mut Share<'_>, bytes: usize) -> Result<(), Exhausted> {
        let mut steps = 0_u32;
        while let Some(visit) = self.path.last_mut() {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(STEPS) {
                share.hold(bytes)?;
            }
            let node = visit.node;
            match self.graph.next(node, &mut visit.cursor) {
                Some(target) if self.low[target as usize] == UNSEEN => self.discover(target),
                Some(target) => {
                    let reached = self.low[target as usize];
                    let low = &mut self.low[node as usize];
                    *low = reached.min(*low);
                }
                None => self.leave(),
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        let Some(Visit { node, number, .. }) = self.path.pop() else { return };
        let low = self.low[node as usize];
        if let (Some(parent), true) = (self.path.last(), low < number) {
            let above = &mut self.low[parent.node as usize];
            *above = low.min(*above);
        }
        if low < number {
            self.open.push(node);
            return;
        }
        // All that is open and was discovered after this node belongs to its component.
        let members = self.open.iter().rev().take_while(|&&open| self.low[open as usize] >= number);
        let first = self.open.len() - members.count();
        let mut component = self.open.split_off(first);
        component.push(node);
        for &member in &component {
            self.low[member as usize] = DONE;
        }
        if let Some(finished) = &mut self.finished {
            finished.extend(&component);
        }
        if component.len() > 1 {
            self.found.push(component);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Unlimited, meter::Meter, register::random::Random};

    struct Pairs(u32, Vec<(u32, u32)>);

    impl Adjacency for Pairs {
        fn node_count(&self) -> u32 {
            self.0
        }

        fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
            while let Some(&(from, to)) = self.1.get(*cursor as usize) {
                *cursor += 1;
                if from == node {
                    return Some(to);
                }
            }
            None
        }
    }

    fn by_closure(graph: &Pairs) -> Vec<Vec<u32>> {
        let n = graph.0 as usize;
        let mut reach = vec![vec![false; n]; n];
        graph.1.iter().for_each(|&(from, to)| reach[from as usize][to as usize] = true);
        for via in 0..n {
            for from in 0..n {
                for to in 0..n {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        let mut found: Vec<Vec<u32>> = (0..n)
            .map(|a| {
                let members = (0..n).filter(|&b| a == b || reach[a][b] && reach[b][a]);
                members.map(|member| member as u32).collect()
            })
            .collect();
        found.sort();
        found.dedup();
        found.retain(|members: &Vec<u32>| members.len() > 1);
        found
    }

    #[test]
    fn components_are_those_of_the_closure() {
        let mut random = Random::new(3);
        for _ in 0..3_000 {
            let n = 1 + random.below(8);
            let edges = (0..random.below(16)).map(|_| (random.below(n), random.below(n))).collect();
            let graph = Pairs(n, edges);
            let meter = Meter::new(&Unlimited);
            let mut found = components(&graph, &mut meter.share()).unwrap();
            for members in &mut found {
                members.sort_unstable();
            }
            found.sort();
            assert_eq!(found, by_closure(&graph), "{:?}", graph.1);
            let order = finishing_order(&graph, &mut meter.share()).unwrap();
            let place = |node: u32| order.iter().position(|&other| other == node).unwrap();
            let together = |a, b| found.iter().any(|one| one.contains(&a) && one.contains(&b));
            for &(from, to) in &graph.1 {
                assert!(from == to || together(from, to) || place(to) < place(from));
            }
        }
    }
}
