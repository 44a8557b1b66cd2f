//! Bounds of counters, in O(n log n): no read finds less than what was certainly added, nor more
//! than what may have been. They decide that there is no legal order, never that there is one.
//!
//! When a read has returned, all that was added before it was invoked is in it, and nothing that was
//! invoked after its return. What overlaps with it may be in it or not, whatever its outcome:
//! that adds to the upper bound if it is positive, else to the lower one.

use super::Effect;
use crate::{
    meter::Meter,
    objects::{Timed, model::Fast},
};

/// The first read that is out of bounds, with all adds that may be in it.
pub(super) fn decide(
    initial: i64,
    ops: &[Timed<Effect>],
    meter: &Meter<'_>,
) -> Option<Fast<Effect>> {
    let (mut certain, mut begun) = (Sums::default(), Sums::default());
    for op in meter.paced(ops) {
        if let Effect::Add(amount) = op.effect {
            begun.add(op.invoked, amount);
            if op.certain() {
                certain.add(op.returned, amount);
            }
        }
    }
    certain.sum_up();
    begun.sum_up();
    let outside = |read: &&Timed<Effect>| {
        let Effect::Read(found) = read.effect else { return false };
        let (found, initial) = (i128::from(found), i128::from(initial));
        let (sure_up, sure_down) = certain.before(read.invoked);
        let (may_up, may_down) = begun.before(read.returned);
        found < initial + sure_up + may_down || found > initial + may_up + sure_down
    };
    let read = meter.paced(ops).filter(outside).min_by_key(|read| read.returned)?;
    let matters = |op: &Timed<Effect>| {
        let adds = matches!(op.effect, Effect::Add(_)) && op.invoked < read.returned;
        // Earlier reads may show what the counter was.
        adds || op.returned <= read.returned
    };
    let places = (0..).zip(ops).filter(|(_, op)| matters(op)).map(|(place, _)| place);
    Some(Fast::Violation(vec![places.collect()]))
}

/// What was added by each event: positive amounts and negative ones.
#[derive(Default)]
struct Sums(Vec<(u32, i128, i128)>);

impl Sums {
    fn add(&mut self, event: u32, amount: i64) {
        let amount = i128::from(amount);
        self.0.push((event, amount.max(0), amount.min(0)));
    }

    fn sum_up(&mut self) {
        self.0.sort_unstable();
        let (mut up, mut down) = (0, 0);
        for (_, more, less) in &mut self.0 {
            up += *more;
            down += *less;
            (*more, *less) = (up, down);
        }
    }

    /// The sums of what was added before this event.
    fn before(&self, event: u32) -> (i128, i128) {
        let count = self.0.partition_point(|&(at, ..)| at < event);
        self.0[..count].last().map_or((0, 0), |&(_, up, down)| (up, down))
    }
}
