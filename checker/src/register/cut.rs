//! Cuts a history: off after an event, and off before a write.

use super::{
    Effect, NEVER, RegisterOp,
    judge::{Judgement, judge},
};
use crate::meter::Meter;

/// The shortest beginning of a violation that is one. Its last event is the return of an
/// observation or a cas: to learn that a write took effect rules nothing out by itself.
pub(crate) fn shortest_beginning(ops: &[RegisterOp], meter: &Meter<'_>) -> Vec<RegisterOp> {
    let mut returns: Vec<u32> = ops.iter().map(|op| op.returned).collect();
    returns.retain(|&returned| returned != NEVER);
    returns.sort_unstable();
    let (mut legal, mut violating) = (0, returns.len());
    while legal + 1 < violating && meter.ask(ops.len()).is_ok() {
        let middle = usize::midpoint(legal, violating);
        let candidate = beginning(ops, returns[middle - 1]);
        match judge(&candidate, meter) {
            Judgement::Violation(_) => violating = middle,
            Judgement::Linearizable | Judgement::Undecided(_) => legal = middle,
        }
    }
    returns
        .get(violating.wrapping_sub(1))
        .map_or_else(|| ops.to_vec(), |&last| beginning(ops, last))
}

/// How many returns after the event, and certain writes before it, are looked at first.
const AROUND: usize = 8;

/// A violation around the event at which the general engine knew of it: between a certain write
/// before and a return after, twice as far apart with each attempt. Short histories are quick to
/// judge, so that all attempts together cost hardly more than the last one.
pub(crate) fn around(ops: &[RegisterOp], event: u32, meter: &Meter<'_>) -> Vec<RegisterOp> {
    let mut returns: Vec<u32> = ops.iter().map(|op| op.returned).collect();
    returns.retain(|&returned| returned != NEVER);
    returns.sort_unstable();
    let known = returns.partition_point(|&returned| returned < event);
    let certain = |op: &&RegisterOp| op.certain() && op.effect.written().is_some();
    let writes: Vec<&RegisterOp> =
        ops.iter().filter(certain).filter(|write| write.invoked < event).collect();
    let mut far = AROUND;
    while (known + far < returns.len() || far < writes.len()) && meter.ask(ops.len()).is_ok() {
        let end = returns.get(known + far).map_or_else(|| ops.to_vec(), |&end| beginning(ops, end));
        let write = writes.len().checked_sub(far).map(|at| writes[at]);
        let candidate = write.map_or_else(|| end.clone(), |write| from_write(&end, write));
        if matches!(judge(&candidate, meter), Judgement::Violation(_)) {
            return candidate;
        }
        far *= 2;
    }
    ops.to_vec()
}

/// The history up to and with this event.
pub(crate) fn beginning(ops: &[RegisterOp], last: u32) -> Vec<RegisterOp> {
    let begun = ops.iter().filter(|op| op.invoked <= last);
    let cut = |op: &RegisterOp| {
        if op.returned <= last {
            Some(*op)
        } else {
            let returned = NEVER;
            op.effect.written().map(|_| RegisterOp { returned, ..*op })
        }
    };
    begun.filter_map(cut).collect()
}

/// The history from a certain write on: all that returned before it was invoked is left out, and
/// the write is reduced to what it wrote.
///
/// A legal order stays legal: what is left out comes before the write in any order, and what is
/// kept and comes after it finds only what it or something later wrote. Operations that overlap
/// with it may stand on either side. Their writes are kept, and legal anywhere; what they found is
/// not.
pub(crate) fn from_write(ops: &[RegisterOp], write: &RegisterOp) -> Vec<RegisterOp> {
    let kept = ops.iter().filter(|op| op.returned > write.invoked);
    let reduced = |op: &RegisterOp| {
        if op.invoked > write.returned {
            return Some(*op);
        }
        op.effect.written().map(|value| RegisterOp { effect: Effect::Write(value), ..*op })
    };
    kept.filter_map(reduced).collect()
}
