//! What each transaction has to do with each key, seen from outside: its first read, if it did not
//! write before, and its last write.

use crate::{
    Exhausted, VersionOrder,
    meter::Share,
    transactions::extract::{INITIAL, Kind, NOBODY, Transactions},
};

/// One transaction and one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Touch {
    pub(crate) key: u32,
    /// A version or [`INITIAL`].
    pub(crate) read: Option<u32>,
    pub(super) read_at: u32,
    pub(crate) written: Option<u32>,
    pub(super) written_at: u32,
}

impl Touch {
    /// The version that it met first.
    pub(crate) fn first(&self) -> u32 {
        self.read.or(self.written).unwrap_or(INITIAL)
    }

    /// The version that it left.
    pub(crate) fn last(&self) -> u32 {
        self.written.or(self.read).unwrap_or(INITIAL)
    }
}

/// All of them, by transaction.
#[derive(Debug)]
pub(super) struct Touches {
    starts: Vec<u32>,
    touches: Vec<Touch>,
}

/// One version that precedes another: (key, version, later version); [`INITIAL`] may be the later.
pub(super) type VersionEdge = (u32, u32, u32);

/// Version edges by where they come from, each sorted.
#[derive(Debug, Default)]
pub(super) struct VersionEdges {
    pub(super) writes_follow_reads: Vec<VersionEdge>,
    pub(super) sequential: Vec<VersionEdge>,
}

impl Touches {
    pub(super) fn of(all: &Transactions, share: &mut Share<'_>) -> Result<Self, Exhausted> {
        let mut touches = Self {
            starts: Vec::with_capacity(all.all.len() + 1),
            touches: Vec::with_capacity(all.ops.len()),
        };
        // By key: the transaction that touched it last, and where.
        let mut latest = vec![(NOBODY, 0_usize); all.key_count()];
        for transaction in 0..all.all.len() as u32 {
            share.step()?;
            touches.starts.push(touches.touches.len() as u32);
            for place in all.places_of(transaction) {
                let op = all.ops[place];
                let latest = &mut latest[op.key as usize];
                let is_first = latest.0 != transaction;
                if is_first {
                    *latest = (transaction, touches.touches.len());
                    touches.touches.push(Touch {
                        key: op.key,
                        read: None,
                        read_at: NOBODY,
                        written: None,
                        written_at: NOBODY,
                    });
                }
                let touch = &mut touches.touches[latest.1];
                if op.kind == Kind::Write {
                    (touch.written, touch.written_at) = (Some(op.value), place as u32);
                } else if is_first {
                    (touch.read, touch.read_at) = (Some(op.value), place as u32);
                }
            }
        }
        touches.starts.push(touches.touches.len() as u32);
        Ok(touches)
    }

    pub(super) fn bytes(&self) -> usize {
        4 * self.starts.len() + size_of_val(&self.touches[..])
    }

    pub(super) fn of_transaction(&self, transaction: u32) -> &[Touch] {
        let transaction = transaction as usize;
        &self.touches[self.starts[transaction] as usize..self.starts[transaction + 1] as usize]
    }

    /// What single transactions and single processes say of the order of versions.
    pub(super) fn version_edges(
        &self,
        all: &Transactions,
        assumed: &[VersionOrder],
    ) -> VersionEdges {
        let mut edges = VersionEdges::default();
        if assumed.contains(&VersionOrder::WritesFollowReads) {
            let pairs = self
                .touches
                .iter()
                .filter_map(|touch| Some((touch.key, touch.read?, touch.written?)));
            edges.writes_follow_reads = pairs.filter(|edge| edge.1 != INITIAL).collect();
        }
        if assumed.contains(&VersionOrder::Sequential) {
            edges.sequential = self.process_edges(all).map(|(edge, _)| edge).collect();
        }
        for edges in [&mut edges.writes_follow_reads, &mut edges.sequential] {
            edges.sort_unstable();
            edges.dedup();
        }
        edges
    }

    /// For each process and key: what it left, and what it met next; with the two transactions.
    fn process_edges(&self, all: &Transactions) -> impl Iterator<Item = (VersionEdge, (u32, u32))> {
        let mut left = std::collections::HashMap::new();
        (0..all.all.len() as u32)
            .flat_map(|transaction| {
                self.of_transaction(transaction).iter().map(move |touch| (transaction, touch))
            })
            .filter_map(move |(transaction, touch)| {
                let session = all.all[transaction as usize].session;
                let before = left.insert((session, touch.key), (transaction, touch.last()));
                let (earlier, version) = before?;
                let edge = (touch.key, version, touch.first());
                (version != touch.first()).then_some((edge, (earlier, transaction)))
            })
    }

    /// Two transactions of one process that show one version before another.
    pub(super) fn in_one_process(
        &self,
        all: &Transactions,
        key: u32,
        version: u32,
        later: u32,
    ) -> Option<(u32, u32)> {
        let mut edges = self.process_edges(all);
        edges.find(|(edge, _)| *edge == (key, version, later)).map(|(_, shown)| shown)
    }
}
