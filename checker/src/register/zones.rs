//! The fast path: registers whose written values are all different, in n·log n.
//!
//! Gibbons and Korach ("Testing shared memories", 1997) group a write with the reads of its value.
//! Each group has to stand together in any legal order, and two groups can stand in an order only
//! if the first one's latest invocation comes before the second one's earliest return. The same
//! holds with cas: a cas ties the group of its old value to the group of its new one, with nothing
//! between them, so a whole chain of them is one [`Block`].
//!
//! What is exact here, and what is not:
//! - Writes and cas with an unknown outcome took effect if somebody saw their value; then they
//!   count, with a return that never comes. The others are left out: a legal order stays legal
//!   without writes whose values nobody saw.
//! - Refused cas are left out altogether (they are observations, so an order that does not exist
//!   without them does not exist with them). [`super::refusals`] puts them into an order found.

use super::{Effect, RegisterOp, ValueNumber, operations::INITIAL};
use crate::meter::Meter;

/// What the fast path finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arrangement {
    /// An order of all operations that have to be in it, by their places. Not proven yet: that is
    /// for [`super::replay`].
    Order(Vec<u32>),
    /// There is none, for each of these reasons (at most [`CONFLICTS`] of them).
    Conflicts(Vec<Conflict>),
    /// A value is written twice, or the initial one is written: not for this algorithm.
    Repeated,
}

/// Why no order exists. Operations by their places in the list given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    /// Two cas found the same value, which was there once.
    TwoCas {
        /// The value.
        value: ValueNumber,
        /// The one that was invoked first.
        first: u32,
        /// The other.
        second: u32,
    },
    /// Whoever wrote this value took it from a cas, and so on back, without an end: nobody wrote
    /// the first of them.
    Rootless {
        /// The value.
        value: ValueNumber,
    },
    /// In one chain of values, `earlier` has to come before `later`, which returned before
    /// `earlier` was invoked.
    Inside {
        /// Earlier in the chain, and invoked too late for it.
        earlier: u32,
        /// Later in the chain, and returned too soon.
        later: u32,
    },
    /// Each of two blocks has to come before the other. The last operation of `stale` was invoked
    /// after the last one of `fresh`: it is the one that is out of place.
    Between {
        /// The block that came back.
        stale: Zone,
        /// The block that should have replaced it.
        fresh: Zone,
    },
}

/// Where a block can stand: it is there by the time that `first` returns, and still there when
/// `last` is invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zone {
    /// The operation that returned first; none for the initial value, which is there at once.
    pub(crate) first: Option<u32>,
    /// The operation that was invoked last; none for the initial value that nobody saw.
    pub(crate) last: Option<u32>,
    /// When `first` returned; -1 for none.
    returned: i64,
    /// When `last` was invoked; -2 for none.
    invoked: i64,
}

impl Zone {
    /// The block holds the register from its first return to its last invocation.
    fn is_forward(&self) -> bool {
        self.returned < self.invoked
    }

    fn has_to_precede(&self, other: &Self) -> bool {
        self.returned < other.invoked
    }

    fn include(&mut self, place: u32, op: &RegisterOp) {
        if i64::from(op.returned) < self.returned {
            (self.first, self.returned) = (Some(place), i64::from(op.returned));
        }
        if i64::from(op.invoked) > self.invoked {
            (self.last, self.invoked) = (Some(place), i64::from(op.invoked));
        }
    }
}

/// Operations that have to stand together, in this order.
#[derive(Debug)]
struct Block {
    ops: Vec<u32>,
    zone: Zone,
}

/// How many conflicts are offered, to choose the clearest one from.
pub(crate) const CONFLICTS: usize = 64;

/// Finds an order of the operations, or why there is none: if that was [in time](Meter::in_time).
pub(crate) fn arrange(ops: &[RegisterOp], meter: &Meter<'_>) -> Arrangement {
    let Some(mut clusters) = Clusters::of(ops, meter) else {
        return Arrangement::Repeated;
    };
    clusters.find_needed(ops, meter);
    let mut conflicts = clusters.link(ops, meter);
    let blocks = clusters.blocks(ops, &mut conflicts, meter);
    if conflicts.is_empty() {
        conflicts = conflicts_between(&blocks, meter);
    }
    if conflicts.is_empty() {
        Arrangement::Order(in_order(blocks))
    } else {
        Arrangement::Conflicts(conflicts)
    }
}

/// What belongs to one value.
#[derive(Debug, Clone, Default)]
struct Cluster {
    writer: Option<u32>,
    /// Somebody certainly saw or wrote it.
    needed: bool,
    reads: Vec<u32>,
    /// The cas that took it.
    taken_by: Option<u32>,
    placed: bool,
}

struct Clusters(Vec<Cluster>);

impl Clusters {
    /// Writers and reads by value; none if a value has two writers.
    fn of(ops: &[RegisterOp], meter: &Meter<'_>) -> Option<Self> {
        let values = ops.iter().filter_map(|op| op.effect.tested().max(op.effect.written()));
        let highest = values.max().unwrap_or(INITIAL) as usize;
        let mut clusters = vec![Cluster::default(); highest + 1];
        for (place, op) in meter.paced((0..).zip(ops)) {
            if let Some(value) = op.effect.written() {
                let writer = &mut clusters[value as usize].writer;
                if value == INITIAL || writer.replace(place).is_some() {
                    return None;
                }
            }
            if let Effect::Read(value) = op.effect {
                clusters[value as usize].reads.push(place);
            }
        }
        Some(Self(clusters))
    }

    fn get(&mut self, value: ValueNumber) -> &mut Cluster {
        &mut self.0[value as usize]
    }

    /// A value is needed if it was certainly written or seen, or if the writer of a needed value
    /// took it: that writer took effect, whatever its client learned.
    fn find_needed(&mut self, ops: &[RegisterOp], meter: &Meter<'_>) {
        let certain = meter.paced(ops).filter(|op| op.certain());
        let mut needed: Vec<ValueNumber> =
            certain.flat_map(|op| [op.effect.written(), op.effect.demanded()]).flatten().collect();
        while let Some(value) = needed.pop() {
            let cluster = self.get(value);
            if !std::mem::replace(&mut cluster.needed, true) {
                let writer = cluster.writer.map(|place| &ops[place as usize]);
                needed.extend(writer.and_then(|op| op.effect.demanded()));
            }
        }
        self.get(INITIAL).needed = true;
    }

    /// Ties each value to the one that a cas made of it.
    fn link(&mut self, ops: &[RegisterOp], meter: &Meter<'_>) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        for value in meter.paced(0..self.0.len() as ValueNumber) {
            let cluster = self.get(value);
            let Some(second) = cluster.writer.filter(|_| cluster.needed) else {
                continue;
            };
            let Some(value) = ops[second as usize].effect.demanded() else {
                continue;
            };
            match self.get(value).taken_by.replace(second) {
                Some(other) if conflicts.len() < CONFLICTS => conflicts.push(Conflict::TwoCas {
                    value,
                    first: other.min(second),
                    second: other.max(second),
                }),
                _ => {}
            }
        }
        conflicts
    }

    /// One block from each write, and one from the initial value.
    fn blocks(
        &mut self,
        ops: &[RegisterOp],
        conflicts: &mut Vec<Conflict>,
        meter: &Meter<'_>,
    ) -> Vec<Block> {
        let mut blocks = Vec::new();
        for value in meter.paced(0..self.0.len() as ValueNumber) {
            let cluster = self.get(value);
            let writer = cluster.writer.map(|place| ops[place as usize].effect);
            let is_root = value == INITIAL || matches!(writer, Some(Effect::Write(_)));
            if is_root && cluster.needed {
                let block = self.block(ops, value);
                conflicts.extend(conflict_inside(ops, &block));
                conflicts.truncate(CONFLICTS);
                blocks.push(block);
            }
        }
        let rootless = (0..).zip(&self.0).find(|(_, cluster)| cluster.needed && !cluster.placed);
        if let Some((value, _)) = rootless.filter(|_| conflicts.is_empty()) {
            conflicts.push(Conflict::Rootless { value });
        }
        blocks
    }

    fn block(&mut self, ops: &[RegisterOp], root: ValueNumber) -> Block {
        let mut block = Block {
            ops: Vec::new(),
            zone: Zone {
                first: None,
                last: None,
                returned: if root == INITIAL { -1 } else { i64::MAX },
                invoked: -2,
            },
        };
        let mut value = Some(root);
        while let Some(now) = value {
            let cluster = self.get(now);
            cluster.placed = true;
            block.ops.extend(cluster.writer);
            // In the order of their invocations, which is the order of the list.
            block.ops.append(&mut cluster.reads);
            let next = cluster.taken_by.map(|cas| ops[cas as usize].effect);
            value = next.and_then(Effect::written);
        }
        for &place in &block.ops {
            block.zone.include(place, &ops[place as usize]);
        }
        block
    }
}

/// Two operations of a block whose real order is not the block's.
fn conflict_inside(ops: &[RegisterOp], block: &Block) -> Option<Conflict> {
    let mut latest: Option<u32> = None;
    for &place in &block.ops {
        let op = &ops[place as usize];
        if let Some(earlier) = latest.filter(|&latest| ops[latest as usize].invoked > op.returned) {
            return Some(Conflict::Inside { earlier, later: place });
        }
        if latest.is_none_or(|latest| ops[latest as usize].invoked < op.invoked) {
            latest = Some(place);
        }
    }
    None
}

/// Pairs of blocks that each have to precede the other. Any cycle of such demands has one of two:
/// the block of a cycle whose last invocation is the latest is forward, and in conflict with the
/// block that it has to precede in the cycle.
fn conflicts_between(blocks: &[Block], meter: &Meter<'_>) -> Vec<Conflict> {
    let forward = Forward::of(blocks);
    let mut conflicts = Vec::new();
    for (place, block) in meter.paced(blocks.iter().enumerate()) {
        let Some(holder) = forward.holder(place, &block.zone) else {
            continue;
        };
        let (zone, other) = (block.zone, blocks[holder].zone);
        if zone.has_to_precede(&other) && other.has_to_precede(&zone) {
            let back = zone.invoked > other.invoked;
            let (stale, fresh) = if back { (zone, other) } else { (other, zone) };
            conflicts.push((fresh.returned, Conflict::Between { stale, fresh }));
        }
    }
    // The newest values are those that were missed last.
    conflicts.sort_unstable_by_key(|&(returned, _)| std::cmp::Reverse(returned));
    conflicts.truncate(CONFLICTS);
    conflicts.into_iter().map(|(_, conflict)| conflict).collect()
}

/// Forward zones in the order of their beginnings.
struct Forward {
    /// (first return, block).
    begins: Vec<(i64, usize)>,
    /// The block that holds the register longest, among those up to here.
    longest: Vec<(i64, usize)>,
}

impl Forward {
    fn of(blocks: &[Block]) -> Self {
        let zones = blocks.iter().map(|block| &block.zone).enumerate();
        let mut begins: Vec<(i64, usize)> = zones
            .filter(|(_, zone)| zone.is_forward())
            .map(|(place, zone)| (zone.returned, place))
            .collect();
        begins.sort_unstable();
        let mut longest: Vec<(i64, usize)> = Vec::with_capacity(begins.len());
        for &(_, place) in &begins {
            let this = (blocks[place].zone.invoked, place);
            longest.push(longest.last().map_or(this, |&last| this.max(last)));
        }
        Self { begins, longest }
    }

    /// The block that holds the register longest among those that began before this one: before
    /// its zone if it is forward, else before the whole time in which it could stand.
    fn holder(&self, place: usize, zone: &Zone) -> Option<usize> {
        let bound = zone.returned.min(zone.invoked);
        let before = self.begins.partition_point(|&(begin, _)| begin < bound);
        let (_, holder) = *self.longest[..before].last()?;
        (holder != place).then_some(holder)
    }
}

/// All operations: each forward block where its zone is, each other one as soon as it can stand
/// without being inside a forward zone.
fn in_order(mut blocks: Vec<Block>) -> Vec<u32> {
    let forward = Forward::of(&blocks);
    let stand = |place: usize, zone: &Zone| {
        if zone.is_forward() {
            return zone.returned;
        }
        let holder = forward.holder(place, zone);
        let held = holder.map_or(i64::MIN, |holder| blocks[holder].zone.invoked);
        zone.invoked.max(held)
    };
    let mut order: Vec<(i64, usize)> = blocks
        .iter()
        .enumerate()
        .map(|(place, block)| (stand(place, &block.zone), place))
        .collect();
    order.sort_unstable();
    order.into_iter().flat_map(|(_, place)| std::mem::take(&mut blocks[place].ops)).collect()
}
