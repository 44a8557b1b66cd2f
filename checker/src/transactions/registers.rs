//! `rw-register`: which of a key's versions came first has to be inferred, from what the workload
//! guarantees (Kingsbury and Alvaro, Elle, VLDB 2020, section 4.3).
//!
//! The initial version precedes all others. Beyond that, as asked for: a transaction's write follows
//! what it read of that key; each process sees a key's versions in order; or each key is
//! linearizable. The last one relates nearly all pairs of versions, yet two moments of each version
//! say everything: version a precedes b when some transaction that ended with a had completed before
//! some transaction that began with b was invoked ([`moments::Moments`]). So one sweep over versions
//! in the order of these moments replaces all pairs.

mod key_order;
mod moments;
mod touches;

use rayon::prelude::*;

use super::{
    extract::{INITIAL, Kind, NOBODY, Transactions},
    fan::Fan,
    graph::{DataEdges, Edge},
    lists::Why,
    names,
    tally::{Found, Tally},
};
use crate::{
    Exhausted, VersionOrder,
    meter::{Meter, Share},
};
use key_order::{KeyOrder, Known};
use moments::Moments;
pub(crate) use touches::Touch;
use touches::Touches;

/// What is known of the order of all keys' versions.
pub(crate) struct Orders<'t> {
    all: &'t Transactions,
    assumed: Vec<VersionOrder>,
    touches: Touches,
    moments: Moments,
    /// By version: whether others may see it, and it was certainly written or somebody saw
    /// something of its transaction.
    seen: Vec<bool>,
    keys: Vec<KeyOrder>,
    /// By key: who wrote it, for the readers of the initial version.
    writers: Vec<Fan>,
    /// By key: the first helper of its versions, and of its row.
    first_helpers: Vec<(u32, u32)>,
    helpers: u32,
    reader_starts: Vec<u32>,
    readers: Vec<u32>,
}

impl<'t> Orders<'t> {
    /// Infers what can be; versions that precede each other in a circle are an anomaly, and what
    /// made the circle is not used for that key. O(n log n), n micro-operations.
    pub(crate) fn infer(
        all: &'t Transactions,
        assumed: &[VersionOrder],
        is_preferred: &impl Fn(u32) -> bool,
        tally: &mut Tally,
        meter: &Meter<'_>,
    ) -> Result<Self, Exhausted> {
        let mut share = meter.share();
        // A touch takes about as much as the micro-operation that it is of.
        share.hold(32 * all.ops.len() + 16 * all.writers.len())?;
        let touches = Touches::of(all, &mut share)?;
        let moments = Moments::of(all, &touches);
        let seen = seen_writes(all, &touches);
        let edges = touches.version_edges(all, assumed);
        let known = Known { all, edges: &edges, moments: &moments, seen: &seen };
        let numbers = (0..all.key_count() as u32).into_par_iter();
        let keys = numbers.map(|key| KeyOrder::infer(&known, key, assumed, meter));
        let keys = keys.collect::<Result<Vec<_>, Exhausted>>()?;
        let mut orders = Self {
            all,
            assumed: assumed.to_vec(),
            touches,
            moments,
            seen,
            keys: Vec::with_capacity(keys.len()),
            writers: Vec::with_capacity(keys.len()),
            first_helpers: Vec::with_capacity(keys.len()),
            helpers: 0,
            reader_starts: Vec::new(),
            readers: Vec::new(),
        };
        for (key, (order, cyclic)) in (0..).zip(keys) {
            for versions in cyclic {
                let written = versions.iter().find(|version| **version != INITIAL);
                let writer =
                    written.map_or(0, |&version| all.writers[version as usize].transaction);
                let shows = if writer == NOBODY { 0 } else { writer };
                let found = || Found::CyclicVersions { key, versions };
                tally.add(names::CYCLIC_VERSIONS, shows, is_preferred, found);
            }
            orders.number(order);
        }
        orders.find_readers(&mut share)?;
        Ok(orders)
    }

    fn number(&mut self, order: KeyOrder) {
        let key = self.keys.len() as u32;
        let transactions = self.all.all.len() as u32;
        let writers = order.row.iter().map(|&version| self.writer(version)).collect();
        let mut fan = Fan::new(writers);
        let versions = fan.number(transactions + self.helpers);
        let row = versions + self.all.versions_of(key).len() as u32;
        let end = if order.by_moments { row + order.row.len() as u32 } else { row };
        self.helpers = end - transactions;
        self.first_helpers.push((versions, row));
        self.writers.push(fan);
        self.keys.push(order);
    }

    fn writer(&self, version: u32) -> u32 {
        self.all.writers[version as usize].transaction
    }

    /// A counting sort of reads by version.
    fn find_readers(&mut self, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let all = self.all;
        let mut starts = vec![0_u32; all.writers.len() + 1];
        let reads = || {
            (0..all.all.len() as u32).flat_map(|transaction| {
                let ops = all.ops_of(transaction).iter();
                let reads = ops.filter(|op| op.kind == Kind::Read && op.value != INITIAL);
                reads.map(move |op| (transaction, op.value as usize))
            })
        };
        for (_, version) in reads() {
            share.step()?;
            starts[version + 1] += 1;
        }
        for version in 1..starts.len() {
            starts[version] += starts[version - 1];
        }
        let mut ends = starts.clone();
        self.readers = vec![0; reads().count()];
        for (transaction, version) in reads() {
            share.step()?;
            self.readers[ends[version] as usize] = transaction;
            ends[version] += 1;
        }
        self.reader_starts = starts;
        Ok(())
    }

    fn readers_of(&self, version: u32) -> &[u32] {
        let version = version as usize;
        let starts = &self.reader_starts;
        &self.readers[starts[version] as usize..starts[version + 1] as usize]
    }

    /// What a transaction has to do with each key, seen from outside.
    pub(crate) fn touches_of(&self, transaction: u32) -> &[Touch] {
        self.touches.of_transaction(transaction)
    }

    /// Whether a transaction has to be explained: it certainly took effect, or somebody saw it.
    pub(crate) fn counts(&self, transaction: u32) -> bool {
        let touches = self.touches.of_transaction(transaction);
        let mut written = touches.iter().filter_map(|touch| touch.written);
        self.all.all[transaction as usize].is_certain()
            || written.any(|version| self.seen[version as usize])
    }

    /// Whether the order of every key's versions is known completely.
    pub(crate) fn are_total(&self) -> bool {
        self.keys.iter().all(|key| key.is_total)
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        let keys: usize = self.keys.iter().map(KeyOrder::bytes).sum();
        keys + self.touches.bytes()
            + self.moments.bytes()
            + self.seen.len()
            + 4 * (self.reader_starts.len() + self.readers.len())
    }

    /// All dependencies that follow. Each version has a helper that leads to who wrote what comes
    /// after it; the row of a key leads to all its writers from a place on.
    pub(crate) fn edges(&self, share: &mut Share<'_>) -> Result<DataEdges, Exhausted> {
        let nodes = self.all.all.len() + self.helpers as usize;
        let mut data = DataEdges::with_capacity(nodes, 4 * self.all.ops.len());
        share.hold(data.bytes())?;
        for transaction in 0..self.all.all.len() as u32 {
            share.step()?;
            for op in self.all.ops_of(transaction).iter().filter(|op| op.kind == Kind::Write) {
                for &reader in self.readers_of(op.value).iter().filter(|&&it| it != transaction) {
                    data.push(reader, Edge::Wr);
                }
            }
            for touch in self.touches.of_transaction(transaction) {
                self.after(transaction, touch, &mut data);
            }
            data.next_node();
        }
        for key in 0..self.all.key_count() as u32 {
            self.writers[key as usize].fill(&mut data);
            self.fill_versions(key, &mut data, share)?;
            self.fill_row(key, &mut data);
        }
        Ok(data)
    }

    fn helper(&self, key: u32, version: u32) -> u32 {
        self.first_helpers[key as usize].0 + version - self.all.versions_of(key).start
    }

    fn after(&self, transaction: u32, touch: &Touch, data: &mut DataEdges) {
        match (touch.read, touch.written) {
            (Some(INITIAL), _) => {
                self.writers[touch.key as usize].lead(transaction, Edge::Rw, data);
            }
            (Some(version), None) => data.push(self.helper(touch.key, version), Edge::Rw),
            (Some(version), Some(own)) => {
                self.lead(touch.key, version, own, |target| data.push(target, Edge::Rw));
            }
            (None, _) => {}
        }
        if let Some(version) = touch.written {
            data.push(self.helper(touch.key, version), Edge::Ww);
        }
    }

    /// Where a version's helper leads; `spared` is a later version whose writer must not be reached.
    fn lead(&self, key: u32, version: u32, spared: u32, mut visit: impl FnMut(u32)) {
        let order = &self.keys[key as usize];
        for &later in order.after(version).iter().filter(|&&later| later != spared) {
            if self.seen[later as usize] {
                visit(self.writer(later));
            }
        }
        if !order.by_moments {
            return;
        }
        let row = &order.row;
        let first = row.partition_point(|&later| {
            self.moments.last_begun(later) <= self.moments.first_ended(version)
        });
        // Only what is open at the same time can stand between the two.
        let place = |wanted: u32| {
            let begun = self.moments.last_begun(wanted);
            let near = row.partition_point(|&later| self.moments.last_begun(later) < begun);
            let same = row[near..].iter().take_while(|&&l| self.moments.last_begun(l) == begun);
            same.enumerate().find(|(_, later)| **later == wanted).map(|(more, _)| near + more)
        };
        let places = [place(version), place(spared)];
        let rest = places.iter().flatten().map(|place| place + 1).fold(first, usize::max);
        for (at, &later) in (first..).zip(&row[first..rest]) {
            if !places.contains(&Some(at)) {
                visit(self.writer(later));
            }
        }
        if rest < row.len() {
            visit(self.first_helpers[key as usize].1 + rest as u32);
        }
    }

    fn fill_versions(
        &self,
        key: u32,
        data: &mut DataEdges,
        share: &mut Share<'_>,
    ) -> Result<(), Exhausted> {
        for version in self.all.versions_of(key) {
            share.step()?;
            self.lead(key, version, version, |target| data.push(target, Edge::Onward));
            data.next_node();
        }
        Ok(())
    }

    fn fill_row(&self, key: u32, data: &mut DataEdges) {
        let order = &self.keys[key as usize];
        if !order.by_moments {
            return;
        }
        let first = self.first_helpers[key as usize].1;
        for (place, &version) in (1..).zip(&order.row) {
            data.push(self.writer(version), Edge::Onward);
            if place < order.row.len() {
                data.push(first + place as u32, Edge::Onward);
            }
            data.next_node();
        }
    }
}

fn seen_writes(all: &Transactions, touches: &Touches) -> Vec<bool> {
    let mut counts: Vec<bool> = all.all.iter().map(|one| one.is_certain()).collect();
    for op in all.ops.iter().filter(|op| op.kind == Kind::Read && op.value != INITIAL) {
        let writer = all.writers[op.value as usize].transaction;
        if writer != NOBODY {
            counts[writer as usize] = true;
        }
    }
    let mut seen = vec![false; all.writers.len()];
    for transaction in (0..all.all.len() as u32).filter(|&one| counts[one as usize]) {
        for version in touches.of_transaction(transaction).iter().filter_map(|one| one.written) {
            seen[version as usize] = true;
        }
    }
    seen
}

/// Why one version of a key precedes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedes {
    /// It is the initial one.
    Initial,
    /// The writer of the other had read it.
    WritesFollowReads,
    /// One process met the one in one transaction and the other in a later one.
    Sequential(u32, u32),
    /// A transaction that ended with the one had completed before another began with the other.
    Linearizable(u32, u32),
}

impl Orders<'_> {
    /// What an edge of [`Orders::edges`] stands for.
    pub(crate) fn why(&self, from: u32, to: u32, edge: Edge) -> Option<Why> {
        let fitting = |one: &Touch, other: &Touch| match edge {
            Edge::Rw => {
                let (read, written) = (one.read?, other.written?);
                self.precedes(one.key, read, written)?;
                Some(Why { key: one.key, from: one.read_at, to: other.written_at })
            }
            Edge::Ww => {
                self.precedes(one.key, one.written?, other.written?)?;
                Some(Why { key: one.key, from: one.written_at, to: other.written_at })
            }
            _ => None,
        };
        if edge == Edge::Wr {
            return self.read_from(from, to);
        }
        let mine = self.touches.of_transaction(from).iter();
        let mut pairs = mine.flat_map(|one| {
            let theirs = self.touches.of_transaction(to).iter();
            theirs.filter(|other| other.key == one.key).map(move |other| (one, other))
        });
        pairs.find_map(|(one, other)| fitting(one, other))
    }

    fn read_from(&self, from: u32, to: u32) -> Option<Why> {
        let mut reads = self.all.places_of(to).filter(|&place| {
            let op = self.all.ops[place];
            op.kind == Kind::Read && op.value != INITIAL && self.writer(op.value) == from
        });
        let place = reads.next()?;
        let op = self.all.ops[place];
        let from = self.all.writers[op.value as usize].op;
        Some(Why { key: op.key, from, to: place as u32 })
    }

    /// Why a version directly precedes another; none if that is not used.
    fn precedes(&self, key: u32, version: u32, later: u32) -> Option<Precedes> {
        let is_used = self.is_before(key, version, later);
        self.reason(key, version, later).filter(|_| is_used)
    }

    /// Whether a version directly precedes another. Takes log(versions).
    fn is_before(&self, key: u32, version: u32, later: u32) -> bool {
        let order = &self.keys[key as usize];
        version != later
            && (version == INITIAL
                || order.after(version).contains(&later)
                || order.by_moments && self.moments.precedes(version, later))
    }

    /// Whether one transaction must come before another, by what the two read and wrote.
    pub(crate) fn depends(&self, from: u32, to: u32, edge: Edge) -> bool {
        let mine = self.touches.of_transaction(from).iter();
        let mut pairs = mine.flat_map(|one| {
            let theirs = self.touches.of_transaction(to).iter();
            theirs.filter(|other| other.key == one.key).map(move |other| (one, other))
        });
        pairs.any(|(one, other)| match (edge, other.written) {
            (Edge::Wr, _) => one.written.is_some() && other.read == one.written,
            (Edge::Rw, Some(later)) => {
                one.read.is_some_and(|version| self.is_before(one.key, version, later))
            }
            (Edge::Ww, Some(later)) => {
                one.written.is_some_and(|version| self.is_before(one.key, version, later))
            }
            _ => false,
        })
    }

    /// What there is to say for one version preceding another, whether it is used or not.
    pub(crate) fn reason(&self, key: u32, version: u32, later: u32) -> Option<Precedes> {
        if version == later {
            return None;
        }
        if version == INITIAL {
            return Some(Precedes::Initial);
        }
        if self.is_assumed(VersionOrder::WritesFollowReads)
            && self.follows_read(key, version, later)
        {
            return Some(Precedes::WritesFollowReads);
        }
        if self.is_assumed(VersionOrder::Sequential)
            && let Some((one, other)) = self.touches.in_one_process(self.all, key, version, later)
        {
            return Some(Precedes::Sequential(one, other));
        }
        if self.is_assumed(VersionOrder::Linearizable) {
            return self.at_moments(key, version, later);
        }
        None
    }

    pub(crate) fn is_assumed(&self, order: VersionOrder) -> bool {
        self.assumed.contains(&order)
    }

    fn follows_read(&self, key: u32, version: u32, later: u32) -> bool {
        if later == INITIAL || self.writer(later) == NOBODY {
            return false;
        }
        let mut touches = self.touches.of_transaction(self.writer(later)).iter();
        touches.any(|touch| {
            touch.key == key && touch.read == Some(version) && touch.written == Some(later)
        })
    }

    /// The transactions that show that one version was there before another.
    fn at_moments(&self, key: u32, version: u32, later: u32) -> Option<Precedes> {
        let (version_state, later_state) =
            (self.moments.state(key, version), self.moments.state(key, later));
        let ended = self.moments.first_ended(version_state);
        let begun = self.moments.last_begun(later_state);
        let touching = || {
            (0..self.all.all.len() as u32).flat_map(move |transaction| {
                let touches = self.touches.of_transaction(transaction).iter();
                touches.filter(move |touch| touch.key == key).map(move |touch| (transaction, touch))
            })
        };
        let one = touching().find(|(transaction, touch)| {
            self.all.all[*transaction as usize].completed == ended && touch.last() == version
        })?;
        let other = touching().find(|(transaction, touch)| {
            self.all.all[*transaction as usize].invoked == begun && touch.first() == later
        })?;
        (ended < begun).then_some(Precedes::Linearizable(one.0, other.0))
    }
}
