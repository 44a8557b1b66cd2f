//! One strongly connected component of the graph, with numbers of its own.

use super::{
    components::Adjacency,
    graph::{Edge, Edges, Graph},
};

/// A component: its nodes from 0, and the edges among them.
#[derive(Debug)]
pub(crate) struct Part {
    /// The nodes' numbers in the whole graph.
    nodes: Vec<u32>,
    starts: Vec<u32>,
    edges: Vec<(u32, Edge)>,
}

impl Part {
    /// Cuts a component out. `places` is scratch: one [`u32::MAX`] for each node of the graph,
    /// before and after.
    pub(crate) fn cut(graph: &Graph, mut nodes: Vec<u32>, places: &mut [u32]) -> Self {
        // In the order of time: most edges then lead to higher numbers.
        nodes.sort_unstable();
        for (place, &node) in (0..).zip(&nodes) {
            places[node as usize] = place;
        }
        let (mut starts, mut edges) = (vec![0], Vec::new());
        for &node in &nodes {
            graph.for_each(node, |target, edge| {
                let place = places[target as usize];
                if place != u32::MAX {
                    edges.push((place, edge));
                }
            });
            starts.push(edges.len() as u32);
        }
        for &node in &nodes {
            places[node as usize] = u32::MAX;
        }
        Self { nodes, starts, edges }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        8 * self.nodes.len() + 8 * self.edges.len()
    }

    /// A node's number in the whole graph.
    pub(crate) fn node(&self, place: u32) -> u32 {
        self.nodes[place as usize]
    }

    pub(crate) fn edges_of(&self, place: u32) -> &[(u32, Edge)] {
        let place = place as usize;
        &self.edges[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// A component with some kinds of edges only.
pub(crate) struct Filtered<'p> {
    pub(crate) part: &'p Part,
    pub(crate) edges: Edges,
}

impl Adjacency for Filtered<'_> {
    fn node_count(&self) -> u32 {
        self.part.len() as u32
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let all = self.part.edges_of(node);
        while let Some(&(target, edge)) = all.get(*cursor as usize) {
            *cursor += 1;
            if self.edges.contains(edge) {
                return Some(target);
            }
        }
        None
    }
}

/// The component's walks without two `rw` edges in a row: node 2p + 1 stands for being at p after
/// an `rw` edge, 2p for being there after any other. A closed walk here that visits a transaction
/// twice can be cut there into two, of which at least one is without adjacent `rw` edges too, so
/// there is such a walk exactly if there is such a cycle.
pub(crate) struct Nonadjacent<'p> {
    pub(crate) part: &'p Part,
    /// The other kinds.
    pub(crate) edges: Edges,
}

impl Nonadjacent<'_> {
    /// Where an edge leads from a place after `rw` (1) or another edge (0).
    pub(crate) fn step(&self, after_rw: u32, target: u32, edge: Edge) -> Option<u32> {
        match edge {
            Edge::Onward => Some(2 * target + after_rw),
            Edge::Rw if after_rw == 0 => Some(2 * target + 1),
            Edge::Rw => None,
            other if self.edges.contains(other) => Some(2 * target),
            _ => None,
        }
    }
}

impl Adjacency for Nonadjacent<'_> {
    fn node_count(&self) -> u32 {
        2 * self.part.len() as u32
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let all = self.part.edges_of(node / 2);
        while let Some(&(target, edge)) = all.get(*cursor as usize) {
            *cursor += 1;
            if let Some(next) = self.step(node % 2, target, edge) {
                return Some(next);
            }
        }
        None
    }
}
