//! `list-append`: the order of a key's versions is in the lists that were read, and dependencies
//! follow from it (Adya, Weak Consistency, 1999, section 3; Kingsbury and Alvaro, Elle, VLDB 2020,
//! section 4).
//!
//! An element that no list shows was appended after all that the longest list shows: otherwise it
//! would be in it. Elements that only lists show which contradict the longest one have no place.

use super::{
    extract::{Kind, NOBODY, Transactions},
    fan::Fan,
    graph::{DataEdges, Edge},
};
use crate::{Exhausted, meter::Share};

/// What follows from the orders of all keys.
pub(crate) struct Orders<'t> {
    transactions: &'t Transactions,
    /// By key: the end of the versions whose place in the order is known.
    placed: Vec<u32>,
    /// By version with a place: the transaction that wrote it, or else the next one after it that
    /// somebody wrote; [`NOBODY`] at the end.
    next_writer: Vec<u32>,
    /// By key: those who appended what nobody read.
    unread: Vec<Fan>,
    /// Transactions by the state that they read: version v is the last element, or the list of key
    /// k is empty (versions + k).
    reader_starts: Vec<u32>,
    readers: Vec<u32>,
    helpers: u32,
}

impl<'t> Orders<'t> {
    /// O(versions + micro-operations).
    pub(crate) fn of(
        transactions: &'t Transactions,
        share: &mut Share<'_>,
    ) -> Result<Self, Exhausted> {
        let placed: Vec<u32> = (0..transactions.key_count() as u32)
            .map(|key| {
                let shown = transactions.order(key).iter().max();
                shown.map_or(transactions.versions_of(key).start, |last| last + 1)
            })
            .collect();
        let mut orders = Self {
            transactions,
            next_writer: next_writers(transactions, &placed),
            placed,
            unread: Vec::new(),
            reader_starts: Vec::new(),
            readers: Vec::new(),
            helpers: 0,
        };
        share.hold(12 * transactions.writers.len() + 4 * transactions.ops.len())?;
        orders.find_unread(share)?;
        orders.find_readers(share)?;
        Ok(orders)
    }

    fn find_unread(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let all = self.transactions;
        let mut shown = vec![false; all.writers.len()];
        for op in all.ops.iter().filter(|op| op.kind == Kind::Read) {
            share.step()?;
            if !all.is_prefix(op.value, op.key) {
                all.list(op.value).iter().for_each(|&version| shown[version as usize] = true);
            }
        }
        let mut next = all.all.len() as u32;
        for key in 0..all.key_count() as u32 {
            let rest = self.placed[key as usize]..all.versions_of(key).end;
            let writers = rest
                .filter(|&version| !shown[version as usize])
                .map(|version| all.writers[version as usize].transaction)
                .filter(|&writer| writer != NOBODY);
            let mut fan = Fan::new(writers.collect());
            next = fan.number(next);
            self.unread.push(fan);
        }
        self.helpers = next - all.all.len() as u32;
        Ok(())
    }

    /// A counting sort of reads by what they found.
    fn find_readers(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let all = self.transactions;
        let states = all.writers.len() + all.key_count();
        let mut starts = vec![0_u32; states + 1];
        let mut reads = |visit: &mut dyn FnMut(u32, usize)| {
            for transaction in 0..all.all.len() as u32 {
                share.step()?;
                for op in all.ops_of(transaction).iter().filter(|op| op.kind == Kind::Read) {
                    visit(transaction, self.state(op.key, all.list(op.value)) as usize);
                }
            }
            Ok(())
        };
        reads(&mut |_, state| starts[state + 1] += 1)?;
        for state in 0..states {
            starts[state + 1] += starts[state];
        }
        let mut readers = vec![0; starts[states] as usize];
        let mut ends = starts.clone();
        reads(&mut |transaction, state| {
            readers[ends[state] as usize] = transaction;
            ends[state] += 1;
        })?;
        self.reader_starts = starts;
        self.readers = readers;
        Ok(())
    }

    fn state(&self, key: u32, list: &[u32]) -> u32 {
        let empty = self.transactions.writers.len() as u32 + key;
        list.last().copied().unwrap_or(empty)
    }

    fn readers_of(&self, state: u32) -> &[u32] {
        let state = state as usize;
        &self.readers[self.reader_starts[state] as usize..self.reader_starts[state + 1] as usize]
    }

    /// Who appended what nobody read of a key.
    pub(crate) fn unread(&self, key: u32) -> &[u32] {
        self.unread[key as usize].targets()
    }

    /// Whether the place of a version in its key's order is known.
    pub(crate) fn is_placed(&self, key: u32, version: u32) -> bool {
        version < self.placed[key as usize]
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        let all = [&self.placed, &self.next_writer, &self.reader_starts, &self.readers];
        all.iter().map(|list| 4 * list.len()).sum()
    }

    /// All dependencies: of each version on the one before it, and of what was read.
    pub(crate) fn edges(&self, share: &mut Share<'_>) -> Result<DataEdges, Exhausted> {
        let all = self.transactions;
        let nodes = all.all.len() + self.helpers as usize;
        let mut data = DataEdges::with_capacity(nodes, 3 * all.ops.len());
        share.hold(data.bytes())?;
        for transaction in 0..all.all.len() as u32 {
            share.step()?;
            for op in all.ops_of(transaction) {
                match op.kind {
                    Kind::Read => self.after_read(transaction, op.key, op.value, &mut data),
                    Kind::Write => self.after_write(transaction, op.key, op.value, &mut data),
                }
            }
            data.next_node();
        }
        self.unread.iter().for_each(|fan| fan.fill(&mut data));
        Ok(data)
    }

    fn after_read(&self, transaction: u32, key: u32, list: u32, data: &mut DataEdges) {
        let all = self.transactions;
        if !all.is_prefix(list, key) {
            return;
        }
        let last = all.list(list).last();
        let next = last.map_or(all.versions_of(key).start, |version| version + 1);
        self.before(transaction, key, next, Edge::Rw, data);
    }

    fn after_write(&self, transaction: u32, key: u32, version: u32, data: &mut DataEdges) {
        if self.is_placed(key, version) {
            self.before(transaction, key, version + 1, Edge::Ww, data);
        }
        for &reader in self.readers_of(version) {
            if reader != transaction {
                data.push(reader, Edge::Wr);
            }
        }
    }

    /// An edge to who wrote a version, or the next one that somebody wrote.
    fn before(&self, transaction: u32, key: u32, version: u32, edge: Edge, data: &mut DataEdges) {
        let writer =
            if self.is_placed(key, version) { self.next_writer[version as usize] } else { NOBODY };
        if writer == NOBODY {
            self.unread[key as usize].lead(transaction, edge, data);
        } else if writer != transaction {
            data.push(writer, edge);
        }
    }
}

/// Why one transaction comes before another: micro-operations of the two, by place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) key: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// What an edge of [`Orders::edges`] stands for.
impl Orders<'_> {
    /// None for edges that the data do not say.
    pub(crate) fn why(&self, from: u32, to: u32, edge: Edge) -> Option<Why> {
        let all = self.transactions;
        let mine = || all.places_of(from).map(|place| (place as u32, all.ops[place]));
        let theirs = || all.places_of(to).map(|place| (place as u32, all.ops[place]));
        let pairs = mine().flat_map(|one| theirs().map(move |other| (one, other)));
        let mut fitting = pairs.filter(|((_, one), (_, other))| one.key == other.key);
        let found = fitting.find(|((_, one), (_, other))| match (edge, one.kind, other.kind) {
            (Edge::Wr, Kind::Write, Kind::Read) => all.list(other.value).last() == Some(&one.value),
            (Edge::Ww, Kind::Write, Kind::Write) => self.precedes(one.value, other.value, one.key),
            (Edge::Rw, Kind::Read, Kind::Write) => {
                all.is_prefix(one.value, one.key)
                    && self.is_overwritten_by(all.list(one.value), other.value, one.key)
            }
            _ => false,
        });
        found.map(|((from, op), (to, _))| Why { key: op.key, from, to })
    }

    /// Whether a version comes after another.
    fn precedes(&self, version: u32, later: u32, key: u32) -> bool {
        let is_placed = self.is_placed(key, version);
        is_placed && version < later && (self.is_placed(key, later) || self.is_unread(key, later))
    }

    fn is_overwritten_by(&self, list: &[u32], later: u32, key: u32) -> bool {
        match list.last() {
            Some(&last) => self.precedes(last, later, key),
            None => self.is_placed(key, later) || self.is_unread(key, later),
        }
    }

    fn is_unread(&self, key: u32, version: u32) -> bool {
        let writer = self.transactions.writers[version as usize].transaction;
        !self.is_placed(key, version) && self.unread(key).contains(&writer)
    }
}

fn next_writers(transactions: &Transactions, placed: &[u32]) -> Vec<u32> {
    let mut next_writer = vec![NOBODY; transactions.writers.len()];
    for (key, &end) in (0..).zip(placed) {
        let mut next = NOBODY;
        for version in (transactions.versions_of(key).start..end).rev() {
            let writer = transactions.writers[version as usize].transaction;
            if writer != NOBODY {
                next = writer;
            }
            next_writer[version as usize] = next;
        }
    }
    next_writer
}
