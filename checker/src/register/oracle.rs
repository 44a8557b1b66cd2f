//! The definition itself, tried out by brute force: what every other algorithm has to agree with.

use std::collections::HashSet;

use super::{Effect, RegisterOp, ValueNumber, operations::INITIAL};

/// Whether some order of some of the uncertain and all of the certain operations respects real
/// time and a register's meaning. Exponential; for at most 64 operations, better twelve.
pub(crate) fn linearizable(ops: &[RegisterOp]) -> bool {
    assert!(ops.len() <= 64, "the oracle is for small histories");
    search(ops, 0, INITIAL, &mut HashSet::new())
}

fn search(
    ops: &[RegisterOp],
    done: u64,
    value: ValueNumber,
    dead: &mut HashSet<(u64, ValueNumber)>,
) -> bool {
    let left = || (0..ops.len()).filter(|&place| done & (1 << place) == 0);
    let Some(deadline) =
        left().map(|place| ops[place].returned).filter(|&at| at != super::NEVER).min()
    else {
        return true;
    };
    if !dead.insert((done, value)) {
        return false;
    }
    left().filter(|&place| ops[place].invoked < deadline).any(|place| {
        let next = match ops[place].effect {
            Effect::Read(seen) => (seen == value).then_some(value),
            Effect::Differs(other) => (other != value).then_some(value),
            Effect::Write(new) => Some(new),
            Effect::Cas { old, new } => (old == value).then_some(new),
        };
        next.is_some_and(|next| search(ops, done | 1 << place, next, dead))
    })
}
