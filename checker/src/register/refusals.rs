//! Puts refused cas into an order that was found without them.
//!
//! Each goes to the earliest gap at which the register does not hold its value; where the order
//! as it stands has none, an otherwise useless write with an unknown outcome may provide one. This
//! does not find everything (the order itself could have been another): what it finds,
//! [`super::replay`] proves, and what it does not find, the general engine decides.

use super::{Effect, NEVER, RegisterOp, ValueNumber, operations::INITIAL};
use crate::meter::Meter;

/// A place between two operations of an order; what shares a gap is in the order of the second
/// number.
type Gap = (usize, usize);

/// The order with all refused cas in it; none if that did not come about.
pub(crate) fn place(ops: &[RegisterOp], order: &[u32], meter: &Meter<'_>) -> Option<Vec<u32>> {
    let mut refused: Vec<u32> = (0..ops.len() as u32)
        .filter(|&place| matches!(ops[place as usize].effect, Effect::Differs(_)))
        .collect();
    if refused.is_empty() {
        return Some(order.to_vec());
    }
    refused.sort_unstable_by_key(|&place| ops[place as usize].invoked);
    let mut placing = Placing::new(ops, order);
    let mut by_return = refused.clone();
    by_return.sort_unstable_by_key(|&place| ops[place as usize].returned);
    let mut returned = by_return.into_iter().peekable();
    let mut gaps: Vec<Gap> = vec![(0, 0); ops.len()];
    let mut floor = (0, 0);
    for place in meter.paced(refused) {
        let op = &ops[place as usize];
        while let Some(other) = returned.next_if(|&other| ops[other as usize].returned < op.invoked)
        {
            floor = floor.max(gaps[other as usize]);
        }
        gaps[place as usize] = placing.place(place, floor)?;
    }
    Some(placing.merged())
}

struct Placing<'a> {
    ops: &'a [RegisterOp],
    order: &'a [u32],
    /// The latest invocation among the operations before each gap.
    latest_before: Vec<u32>,
    /// The earliest return among the operations after each gap.
    earliest_after: Vec<u32>,
    /// The register's value at each gap.
    values: Vec<ValueNumber>,
    /// The gap after the next write or cas, for each gap; past the end if there is none.
    next_change: Vec<usize>,
    /// Uncertain operations that are not in the order.
    unused: Vec<u32>,
    /// The value that an extra write leaves, for the gaps that have one (sorted by gap).
    extra: Vec<(usize, ValueNumber)>,
    placed: Vec<(Gap, u32)>,
}

impl<'a> Placing<'a> {
    fn new(ops: &'a [RegisterOp], order: &'a [u32]) -> Self {
        let gaps = order.len() + 1;
        let mut placing = Self {
            ops,
            order,
            latest_before: vec![0; gaps],
            earliest_after: vec![NEVER; gaps],
            values: vec![INITIAL; gaps],
            next_change: vec![gaps; gaps],
            unused: Vec::new(),
            extra: Vec::new(),
            placed: Vec::new(),
        };
        let mut used = vec![false; ops.len()];
        for (gap, &place) in order.iter().enumerate() {
            let op = &ops[place as usize];
            used[place as usize] = true;
            placing.latest_before[gap + 1] = placing.latest_before[gap].max(op.invoked);
            placing.values[gap + 1] = op.effect.written().unwrap_or(placing.values[gap]);
        }
        for (gap, &place) in order.iter().enumerate().rev() {
            let op = &ops[place as usize];
            placing.earliest_after[gap] = placing.earliest_after[gap + 1].min(op.returned);
            let changes = op.effect.written().is_some();
            placing.next_change[gap] = if changes { gap + 1 } else { placing.next_change[gap + 1] };
        }
        placing.unused = (0..ops.len() as u32)
            .filter(|&place| !used[place as usize] && !ops[place as usize].certain())
            .collect();
        placing
    }

    /// Finds a gap for a refused cas, not before `floor`.
    fn place(&mut self, place: u32, floor: Gap) -> Option<Gap> {
        let op = &self.ops[place as usize];
        let unwanted = op.effect.tested()?;
        let first = self.earliest_after.partition_point(|&earliest| earliest < op.invoked);
        let last = self.latest_before.partition_point(|&latest| latest < op.returned) - 1;
        let start = floor.max((first, 0));
        let gap = if self.value_at(start) == unwanted {
            self.after_change(start, unwanted, last, op)?
        } else {
            start
        };
        if gap.0 > last {
            return None;
        }
        self.placed.push((gap, place));
        Some(gap)
    }

    fn extra_at(&self, gap: usize) -> Option<ValueNumber> {
        let found = self.extra.binary_search_by_key(&gap, |&(gap, _)| gap);
        found.ok().map(|place| self.extra[place].1)
    }

    /// Before an extra write the gap's own value, after it the write's.
    fn value_at(&self, (gap, after): Gap) -> ValueNumber {
        let extra = self.extra_at(gap).filter(|_| after > 0);
        extra.unwrap_or(self.values[gap])
    }

    /// The next gap from here at which the value is another.
    fn after_change(
        &mut self,
        start: Gap,
        unwanted: ValueNumber,
        last: usize,
        op: &RegisterOp,
    ) -> Option<Gap> {
        let next = self.next_change[start.0];
        // An extra write can only stand where nobody sees the old value any more.
        let end = next - 1;
        if end <= last
            && self.extra_at(end).is_some_and(|value| value != unwanted)
            && start <= (end, 1)
        {
            return Some((end, 1));
        }
        if next <= last {
            return Some((next, 0));
        }
        let at_end = next > self.order.len();
        let overwritten =
            at_end || matches!(self.ops[self.order[end] as usize].effect, Effect::Write(_));
        if end > last || !overwritten || self.extra_at(end).is_some() || start.1 > 0 {
            return None;
        }
        let bound = op.returned.min(self.earliest_after[end]);
        let fits = |&place: &u32| {
            let write = &self.ops[place as usize];
            let possible = write.effect.demanded().is_none_or(|old| old == unwanted);
            possible && write.invoked < bound
        };
        let found = self.unused.iter().position(fits)?;
        let write = self.unused.swap_remove(found);
        let value = self.ops[write as usize].effect.written()?;
        let at = self.extra.partition_point(|&(gap, _)| gap < end);
        self.extra.insert(at, (end, value));
        self.placed.push(((end, 1), write));
        Some((end, 1))
    }

    /// The order with everything that was placed; what shares a gap keeps the order of placing.
    fn merged(mut self) -> Vec<u32> {
        self.placed.sort_by_key(|&(gap, _)| gap);
        let mut placed = self.placed.into_iter().peekable();
        let mut merged = Vec::with_capacity(self.order.len() + self.ops.len());
        for gap in 0..=self.order.len() {
            while let Some((_, place)) = placed.next_if(|&((at, _), _)| at == gap) {
                merged.push(place);
            }
            merged.extend(self.order.get(gap));
        }
        merged
    }
}
