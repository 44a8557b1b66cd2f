//! The few operations that a conflict of the fast path is about.

use super::{
    Effect, RegisterOp, ValueNumber,
    operations::INITIAL,
    zones::{Conflict, Zone},
};

/// The operations that a conflict rests on, in the order of invocations. They are in conflict
/// without the others too: every value among them keeps its only write, and every cas between two
/// of them is here. A cas that only provides a value is reduced to the write in it.
pub(crate) fn involved(ops: &[RegisterOp], conflict: &Conflict) -> Vec<RegisterOp> {
    let mut gathering = Gathering::new(ops);
    match *conflict {
        Conflict::TwoCas { value, first, second } => {
            gathering.chain(value, value);
            gathering.kept.extend([first, second]);
        }
        Conflict::Rootless { value } => gathering.rootless(value),
        Conflict::Inside { earlier, later } => {
            gathering.chain(gathering.segment(earlier), gathering.segment(later));
            gathering.kept.extend([earlier, later]);
        }
        Conflict::Between { stale, fresh } => {
            gathering.zone(&stale);
            gathering.zone(&fresh);
        }
    }
    gathering.finish()
}

struct Gathering<'a> {
    ops: &'a [RegisterOp],
    writers: Vec<Option<u32>>,
    kept: Vec<u32>,
    /// Operations of which the write alone is kept.
    roots: Vec<u32>,
}

impl<'a> Gathering<'a> {
    fn new(ops: &'a [RegisterOp]) -> Self {
        let values = ops.iter().filter_map(|op| op.effect.tested().max(op.effect.written()));
        let highest = values.max().unwrap_or(INITIAL);
        let mut writers = vec![None; highest as usize + 1];
        for (place, op) in (0..).zip(ops) {
            if let Some(value) = op.effect.written() {
                writers[value as usize] = Some(place);
            }
        }
        Self { ops, writers, kept: Vec::new(), roots: Vec::new() }
    }

    fn writer(&self, value: ValueNumber) -> Option<u32> {
        self.writers[value as usize]
    }

    /// The value in whose part of a chain an operation stands.
    fn segment(&self, place: u32) -> ValueNumber {
        let effect = self.ops[place as usize].effect;
        effect.written().or(effect.demanded()).unwrap_or(INITIAL)
    }

    /// The value that a value was made of by a cas.
    fn before(&self, value: ValueNumber) -> Option<ValueNumber> {
        let writer = self.writer(value)?;
        self.ops[writer as usize].effect.demanded()
    }

    /// Whether `value` comes from `from` by cas.
    fn descends(&self, value: ValueNumber, from: ValueNumber) -> bool {
        let mut at = Some(value);
        while let Some(value) = at {
            if value == from {
                return true;
            }
            at = self.before(value);
        }
        false
    }

    /// The cas that lead from one value to another, and the write of the first.
    fn chain(&mut self, from: ValueNumber, to: ValueNumber) {
        let mut value = to;
        while value != from {
            let Some(before) = self.before(value) else {
                break;
            };
            self.kept.extend(self.writer(value));
            value = before;
        }
        self.roots.extend(self.writer(value));
    }

    fn zone(&mut self, zone: &Zone) {
        let of = |place: Option<u32>| place.map_or(INITIAL, |place| self.segment(place));
        let (first, last) = (of(zone.first), of(zone.last));
        let forth = self.descends(last, first);
        let (from, to) = if forth { (first, last) } else { (last, first) };
        self.chain(from, to);
        self.kept.extend(zone.first);
        self.kept.extend(zone.last);
    }

    /// All writers back from a value that has no first one, and somebody who certainly saw it.
    fn rootless(&mut self, value: ValueNumber) {
        let demands = |op: &RegisterOp| op.certain() && op.effect.demanded() == Some(value);
        let witness = self.ops.iter().position(demands);
        self.kept.extend(witness.map(|place| place as u32));
        let mut at = Some(value);
        while let Some(writer) = at.and_then(|value| self.writer(value)) {
            if self.kept.contains(&writer) && Some(writer as usize) != witness {
                break;
            }
            self.kept.push(writer);
            at = self.ops[writer as usize].effect.demanded();
        }
    }

    fn finish(mut self) -> Vec<RegisterOp> {
        self.kept.extend(&self.roots);
        self.kept.sort_unstable();
        self.kept.dedup();
        let op = |&place: &u32| {
            let mut op = self.ops[place as usize];
            if let Effect::Cas { new, .. } = op.effect
                && self.roots.contains(&place)
            {
                op.effect = Effect::Write(new);
            }
            op
        };
        self.kept.iter().map(op).collect()
    }
}
