//! What has to be put in order: moments, and what is known of their order.
//!
//! Serially each transaction has one moment; with snapshots it has two, its snapshot and its
//! commit. Further nodes are helpers, which stand for no moment: an edge to a helper goes on where
//! the helper leads. With snapshots there are two of each, for edges to snapshots and to commits.

use crate::{
    Exhausted,
    meter::Meter,
    transactions::{
        classify::Order,
        extract::{INITIAL, NEVER, NOBODY, Transaction, Transactions},
        graph::{Edge, Graph},
        registers::{Orders, Touch},
    },
};

/// How transactions see each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// Each at one moment.
    Serial,
    /// Reads at one moment, writes at a later one, and nobody else writes the same in between.
    Snapshots,
}

/// Transactions are numbered from 0, those that never took effect included.
pub(crate) struct Problem {
    pub(crate) isolation: Isolation,
    pub(crate) order: Order,
    pub(crate) transactions: Vec<Transaction>,
    /// Whether a transaction has to be explained: it certainly took effect, or somebody saw it.
    pub(crate) counts: Vec<bool>,
    pub(crate) keys: u32,
    pub(crate) versions: u32,
    /// By version: who wrote it, or [`NOBODY`].
    pub(crate) writers: Vec<u32>,
    starts: Vec<u32>,
    touches: Vec<Touch>,
    /// How many nodes there are, helpers included.
    pub(crate) nodes: u32,
    /// Edges between nodes, by the one they leave, and by the one they enter.
    pub(crate) leaving: Lists,
    pub(crate) entering: Lists,
    /// By node: when it should have happened at the latest, so that all that follows could happen
    /// before it was answered; a guess where real time does not count.
    pub(crate) due: Vec<u32>,
    /// The names of the transactions, where they are a part of a history.
    names: Option<Vec<u32>>,
}

/// A list of targets for each node.
pub(crate) struct Lists {
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Lists {
    /// A counting sort by source.
    pub(crate) fn of(nodes: u32, edges: &[(u32, u32)]) -> Self {
        let mut starts = vec![0_u32; nodes as usize + 1];
        for (from, _) in edges {
            starts[*from as usize + 1] += 1;
        }
        for node in 0..nodes as usize {
            starts[node + 1] += starts[node];
        }
        let mut ends = starts.clone();
        let mut targets = vec![0; edges.len()];
        for &(from, to) in edges {
            let end = &mut ends[from as usize];
            targets[*end as usize] = to;
            *end += 1;
        }
        Self { starts, targets }
    }

    pub(crate) fn at(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.targets[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// The same edges the other way round: again a counting sort.
    fn reversed(&self) -> Self {
        let nodes = self.starts.len() - 1;
        let mut starts = vec![0_u32; nodes + 1];
        for &target in &self.targets {
            starts[target as usize + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut ends = starts.clone();
        let mut targets = vec![0; self.targets.len()];
        for from in 0..nodes as u32 {
            for &to in self.at(from) {
                let end = &mut ends[to as usize];
                targets[*end as usize] = from;
                *end += 1;
            }
        }
        Self { starts, targets }
    }

    pub(crate) fn bytes(&self) -> usize {
        4 * (self.starts.len() + self.targets.len())
    }
}

impl Problem {
    /// A whole history. O(edges of the graph).
    pub(crate) fn whole(
        all: &Transactions,
        orders: &Orders<'_>,
        graph: &Graph,
        isolation: Isolation,
        order: Order,
    ) -> Self {
        let mut problem = Self::without_edges(all, orders, isolation, order);
        let allowed = order.edges_of(crate::transactions::classify::Family::G1c).and(Edge::Rw);
        let nodes = crate::transactions::components::Adjacency::node_count(graph);
        let mut edges = Vec::new();
        for node in 0..nodes {
            graph.for_each(node, |target, edge| {
                if allowed.contains(edge) {
                    problem.edge(node, edge, target, &mut edges);
                }
            });
        }
        problem.finish(nodes, edges);
        problem
    }

    /// Some transactions of a history alone, and what is known of them. O(n²).
    pub(crate) fn part(
        all: &Transactions,
        orders: &Orders<'_>,
        isolation: Isolation,
        order: Order,
        members: &[u32],
        meter: &Meter<'_>,
    ) -> Result<Self, Exhausted> {
        let mut share = meter.share();
        let mut problem = Self::without_edges_of(all, orders, isolation, order, members);
        let mut edges = Vec::new();
        for (one, from) in (0..).zip(members) {
            share.hold(8 * edges.len())?;
            for (other, to) in (0..).zip(members).filter(|(other, _)| *other != one) {
                for edge in known(all, orders, order, *from, *to) {
                    problem.edge(one, edge, other, &mut edges);
                }
            }
        }
        problem.names = Some(members.to_vec());
        problem.finish(members.len() as u32, edges);
        Ok(problem)
    }

    fn without_edges(
        all: &Transactions,
        orders: &Orders<'_>,
        isolation: Isolation,
        order: Order,
    ) -> Self {
        let members: Vec<u32> = (0..all.all.len() as u32).collect();
        Self::without_edges_of(all, orders, isolation, order, &members)
    }

    fn without_edges_of(
        all: &Transactions,
        orders: &Orders<'_>,
        isolation: Isolation,
        order: Order,
        members: &[u32],
    ) -> Self {
        let mut writers = vec![NOBODY; all.writers.len()];
        let (mut starts, mut touches) = (vec![0], Vec::new());
        for (number, &member) in (0..).zip(members) {
            for touch in orders.touches_of(member) {
                touches.push(*touch);
                if let Some(version) = touch.written {
                    writers[version as usize] = number;
                }
            }
            starts.push(touches.len() as u32);
        }
        // What was read from a transaction that is not looked at says nothing here.
        for touch in &mut touches {
            let known = |&version: &u32| version == INITIAL || writers[version as usize] != NOBODY;
            touch.read = touch.read.filter(known);
        }
        Self {
            isolation,
            order,
            transactions: members.iter().map(|&member| all.all[member as usize]).collect(),
            counts: members.iter().map(|&member| orders.counts(member)).collect(),
            keys: all.key_count() as u32,
            versions: all.writers.len() as u32,
            writers,
            starts,
            touches,
            nodes: 0,
            leaving: Lists::of(0, &[]),
            entering: Lists::of(0, &[]),
            due: Vec::new(),
            names: None,
        }
    }

    fn edge(&self, from: u32, edge: Edge, to: u32, edges: &mut Vec<(u32, u32)>) {
        match (self.isolation, edge) {
            (Isolation::Serial, _) => edges.push((from, to)),
            (Isolation::Snapshots, Edge::Rw) => edges.push((2 * from, 2 * to + 1)),
            (Isolation::Snapshots, Edge::Onward) => {
                edges.extend([(2 * from, 2 * to), (2 * from + 1, 2 * to + 1)]);
            }
            (Isolation::Snapshots, _) => edges.push((2 * from + 1, 2 * to)),
        }
    }

    fn finish(&mut self, nodes: u32, mut edges: Vec<(u32, u32)>) {
        self.nodes = nodes;
        if self.isolation == Isolation::Snapshots {
            self.nodes = 2 * nodes;
            edges.extend((0..self.transactions.len() as u32).map(|one| (2 * one, 2 * one + 1)));
        }
        self.leaving = Lists::of(self.nodes, &edges);
        drop(edges);
        self.entering = self.leaving.reversed();
        self.set_due();
    }

    /// Backwards along the edges. O(nodes + edges).
    fn set_due(&mut self) {
        let mut after: Vec<u32> =
            (0..self.nodes).map(|node| self.leaving.at(node).len() as u32).collect();
        let ended = |node| {
            let completed =
                self.transaction(node).map(|one| self.transactions[one as usize].completed);
            completed.unwrap_or(NEVER)
        };
        self.due = (0..self.nodes).map(ended).collect();
        let mut done: Vec<u32> =
            (0..self.nodes).filter(|&node| after[node as usize] == 0).collect();
        while let Some(node) = done.pop() {
            let due = self.due[node as usize];
            for &before in self.entering.at(node) {
                self.due[before as usize] = due.min(self.due[before as usize]);
                after[before as usize] -= 1;
                if after[before as usize] == 0 {
                    done.push(before);
                }
            }
        }
    }

    /// The moment at which a transaction reads.
    pub(crate) fn first(&self, transaction: u32) -> u32 {
        match self.isolation {
            Isolation::Serial => transaction,
            Isolation::Snapshots => 2 * transaction,
        }
    }

    /// The moment at which it writes.
    pub(crate) fn last(&self, transaction: u32) -> u32 {
        match self.isolation {
            Isolation::Serial => transaction,
            Isolation::Snapshots => 2 * transaction + 1,
        }
    }

    /// The transaction whose moment a node is; none for helpers and for what does not count.
    pub(crate) fn transaction(&self, node: u32) -> Option<u32> {
        let transaction = match self.isolation {
            Isolation::Serial => node,
            Isolation::Snapshots => node / 2,
        };
        self.counts.get(transaction as usize).copied().unwrap_or(false).then_some(transaction)
    }

    pub(crate) fn is_moment(&self, node: u32) -> bool {
        self.transaction(node).is_some()
    }

    /// Whether a moment is the one at which its transaction reads; serially it is both.
    pub(crate) fn reads_at(&self, node: u32) -> bool {
        self.isolation == Isolation::Serial || node.is_multiple_of(2)
    }

    /// Whether a moment is the one at which its transaction writes.
    pub(crate) fn writes_at(&self, node: u32) -> bool {
        self.isolation == Isolation::Serial || !node.is_multiple_of(2)
    }

    /// What a transaction has to do with each key.
    pub(crate) fn touches(&self, transaction: u32) -> &[Touch] {
        let transaction = transaction as usize;
        &self.touches[self.starts[transaction] as usize..self.starts[transaction + 1] as usize]
    }

    /// The transactions that have to be explained.
    pub(crate) fn counting(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.counts).filter(|(_, counts)| **counts).map(|(number, _)| number)
    }

    /// What a transaction is called in the whole history.
    pub(crate) fn name(&self, transaction: u32) -> u32 {
        self.names.as_ref().map_or(transaction, |names| names[transaction as usize])
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.leaving.bytes()
            + self.entering.bytes()
            + 4 * self.due.len()
            + std::mem::size_of_val(&self.transactions[..])
            + std::mem::size_of_val(&self.touches[..])
            + 4 * (self.writers.len() + self.starts.len())
    }
}

/// What is known of two transactions alone.
pub(crate) fn known(
    all: &Transactions,
    orders: &Orders<'_>,
    order: Order,
    from: u32,
    to: u32,
) -> Vec<Edge> {
    let mut edges = Vec::new();
    let (one, other) = (all.all[from as usize], all.all[to as usize]);
    let before = one.completed != NEVER && one.completed < other.invoked;
    match order {
        Order::Process if before && one.session == other.session => edges.push(Edge::Process),
        Order::Realtime if before => edges.push(Edge::Realtime),
        _ => {}
    }
    let data = [Edge::Wr, Edge::Ww, Edge::Rw];
    edges.extend(data.into_iter().filter(|edge| orders.depends(from, to, *edge)));
    edges
}
