//! What must come before what: the graph of transactions.
//!
//! Nodes are the transactions, in the order of their invocations, and helpers that stand for no
//! transaction: an edge from a helper continues the edge that led there. Real time needs one
//! helper for each transaction, its *barrier*: everything that had completed before the
//! transaction was invoked leads to its barrier or an earlier one, and barriers lead to their
//! transaction and the next barrier. So n transactions need 3n edges for what are n² pairs.

use super::{
    components::Adjacency,
    extract::{NEVER, NOBODY, Transactions},
};

/// Why one transaction must come before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Edge {
    /// The other overwrote what the one wrote.
    Ww = 1,
    /// The other read what the one wrote.
    Wr = 2,
    /// The other overwrote what the one read.
    Rw = 4,
    /// The same process ran the one and then the other.
    Process = 8,
    /// The one completed before the other was invoked.
    Realtime = 16,
    /// From a helper: continues the edge that led there.
    Onward = 32,
}

impl Edge {
    /// The name that reports use.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ww => "ww",
            Self::Wr => "wr",
            Self::Rw => "rw",
            Self::Process => "process",
            Self::Realtime => "realtime",
            Self::Onward => "onward",
        }
    }

    fn of_bits(bits: u32) -> Self {
        match bits {
            0 => Self::Ww,
            1 => Self::Wr,
            2 => Self::Rw,
            _ => Self::Onward,
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Ww => 0,
            Self::Wr => 1,
            Self::Rw => 2,
            _ => 3,
        }
    }
}

/// A set of [`Edge`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Edges(u8);

impl Edges {
    pub(crate) fn of(edges: &[Edge]) -> Self {
        Self(edges.iter().fold(Edge::Onward as u8, |set, &edge| set | edge as u8))
    }

    pub(crate) fn contains(self, edge: Edge) -> bool {
        self.0 & edge as u8 != 0
    }

    pub(crate) fn and(self, edge: Edge) -> Self {
        Self(self.0 | edge as u8)
    }
}

/// Dependencies under construction: nodes are filled in order.
#[derive(Debug)]
pub(crate) struct DataEdges {
    starts: Vec<u32>,
    /// Target and kind in one word.
    targets: Vec<u32>,
}

impl DataEdges {
    pub(crate) fn with_capacity(nodes: usize, edges: usize) -> Self {
        let mut starts = Vec::with_capacity(nodes + 1);
        starts.push(0);
        Self { starts, targets: Vec::with_capacity(edges) }
    }

    /// Adds an edge from the node that is being filled.
    pub(crate) fn push(&mut self, target: u32, edge: Edge) {
        self.targets.push(target << 2 | edge.bits());
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        4 * (self.starts.capacity() + self.targets.capacity())
    }

    /// Ends the node that is being filled.
    pub(crate) fn next_node(&mut self) {
        self.starts.push(self.targets.len() as u32);
    }

    /// The transactions that a transaction leads to, through helpers or not.
    #[cfg(test)]
    pub(crate) fn reached(&self, node: u32, transactions: u32) -> Vec<u32> {
        let targets = self.of(node).iter().map(|word| word >> 2);
        let (mut reached, mut helpers): (Vec<u32>, Vec<u32>) =
            targets.partition(|&target| target < transactions);
        while let Some(helper) = helpers.pop() {
            reached.extend(self.reached(helper, transactions));
        }
        reached
    }

    fn of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.targets[self.starts[node] as usize..self.starts[node + 1] as usize]
    }
}

/// The whole graph: transactions 0..n, then helpers of dependencies, then the n barriers.
#[derive(Debug)]
pub(crate) struct Graph {
    transactions: u32,
    /// Where barriers begin.
    barriers: u32,
    data: DataEdges,
    /// By transaction: the next one of its process, or [`NOBODY`].
    successor: Vec<u32>,
    /// By transaction: the first one invoked after its completion, or [`NOBODY`].
    followed_by: Vec<u32>,
}

impl Graph {
    pub(crate) fn new(transactions: &Transactions, data: DataEdges) -> Self {
        Self {
            transactions: transactions.all.len() as u32,
            barriers: data.starts.len() as u32 - 1,
            successor: successors(transactions),
            followed_by: followed_by(transactions),
            data,
        }
    }

    pub(crate) fn is_transaction(&self, node: u32) -> bool {
        node < self.transactions
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.data.bytes() + 8 * self.successor.len()
    }

    /// Calls back for every edge of a node.
    pub(crate) fn for_each(&self, node: u32, mut visit: impl FnMut(u32, Edge)) {
        if node >= self.barriers {
            let transaction = node - self.barriers;
            visit(transaction, Edge::Onward);
            if transaction + 1 < self.transactions {
                visit(node + 1, Edge::Onward);
            }
            return;
        }
        for &word in self.data.of(node) {
            visit(word >> 2, Edge::of_bits(word & 3));
        }
        if !self.is_transaction(node) {
            return;
        }
        if self.successor[node as usize] != NOBODY {
            visit(self.successor[node as usize], Edge::Process);
        }
        if self.followed_by[node as usize] != NOBODY {
            visit(self.barriers + self.followed_by[node as usize], Edge::Realtime);
        }
    }
}

/// All edges; those of processes are left out, since real time has them too.
impl Adjacency for Graph {
    fn node_count(&self) -> u32 {
        self.barriers + self.transactions
    }

    fn next(&self, node: u32, cursor: &mut u32) -> Option<u32> {
        let at = *cursor;
        *cursor += 1;
        if node >= self.barriers {
            let transaction = node - self.barriers;
            return match at {
                0 => Some(transaction),
                1 if transaction + 1 < self.transactions => Some(node + 1),
                _ => None,
            };
        }
        let data = self.data.of(node);
        if let Some(word) = data.get(at as usize) {
            return Some(word >> 2);
        }
        if at as usize > data.len() || !self.is_transaction(node) {
            return None;
        }
        let followed_by = self.followed_by[node as usize];
        (followed_by != NOBODY).then(|| self.barriers + followed_by)
    }
}

fn successors(transactions: &Transactions) -> Vec<u32> {
    let mut last = vec![NOBODY; transactions.sessions as usize];
    let mut successors = vec![NOBODY; transactions.all.len()];
    for (number, transaction) in (0..).zip(&transactions.all) {
        let before = std::mem::replace(&mut last[transaction.session as usize], number);
        if before != NOBODY && transactions.all[before as usize].is_certain() {
            successors[before as usize] = number;
        }
    }
    successors
}

/// One sweep: transactions stand in the order of their invocations.
fn followed_by(transactions: &Transactions) -> Vec<u32> {
    let all = &transactions.all;
    let ends = all.iter().map(|one| one.completed).filter(|&end| end != NEVER);
    let events = ends.chain(all.last().map(|last| last.invoked)).max().map_or(0, |last| last + 1);
    // By event: how many transactions had been invoked until then, this event included.
    let mut begun = vec![0; events as usize];
    for transaction in all {
        begun[transaction.invoked as usize] = 1;
    }
    let mut sum = 0;
    for count in &mut begun {
        sum += *count;
        *count = sum;
    }
    let first_after = |completed: u32| begun[completed as usize];
    all.iter()
        .map(|one| match one.completed {
            NEVER => NOBODY,
            completed if first_after(completed) as usize == all.len() => NOBODY,
            completed => first_after(completed),
        })
        .collect()
}
