//! The independent judge of a pass: it accepts an order, or it does not. Linear.

use super::{Effect, RegisterOp, operations::INITIAL};

/// Whether this order (places in the list of operations) proves the history linearizable: every
/// certain operation stands in it once, no operation twice, each one finds the value that it
/// reports, and none stands before one that had returned before it was invoked.
pub(crate) fn accepts(ops: &[RegisterOp], order: impl IntoIterator<Item = u32>) -> bool {
    let mut used = vec![false; ops.len()];
    let mut value = INITIAL;
    let mut latest_invocation = 0;
    for place in order {
        let Some(op) = ops.get(place as usize) else {
            return false;
        };
        if std::mem::replace(&mut used[place as usize], true) || op.returned < latest_invocation {
            return false;
        }
        latest_invocation = latest_invocation.max(op.invoked);
        let legal = match op.effect {
            Effect::Read(seen) => seen == value,
            Effect::Differs(other) => other != value,
            Effect::Write(_) => true,
            Effect::Cas { old, .. } => old == value,
        };
        if !legal {
            return false;
        }
        value = op.effect.written().unwrap_or(value);
    }
    ops.iter().zip(&used).all(|(op, used)| *used || !op.certain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{
        Effect::{Cas, Differs, Read, Write},
        NEVER,
    };

    fn history(effects: &[(Effect, u32, u32)]) -> Vec<RegisterOp> {
        let op = |&(effect, invoked, returned): &(Effect, u32, u32)| RegisterOp {
            effect,
            invoked,
            returned,
            source: 0,
        };
        effects.iter().map(op).collect()
    }

    #[test]
    fn accepts_a_legal_order_and_no_other() {
        let ops = history(&[
            (Write(1), 0, 3),
            (Cas { old: 1, new: 2 }, 1, 4),
            (Differs(1), 2, 5),
            (Read(2), 6, 7),
            (Write(3), 8, NEVER),
        ]);
        let table: [(&[u32], bool); 9] = [
            (&[0, 1, 2, 3], true),
            (&[0, 1, 2, 3, 4], true),
            (&[2, 0, 1, 3], true),
            (&[0, 2, 1, 3], false),    // the refused cas finds its value
            (&[1, 0, 2, 3], false),    // the cas does not
            (&[0, 1, 3, 2], false),    // against real time
            (&[0, 1, 2], false),       // the read is missing
            (&[0, 1, 2, 3, 3], false), // twice
            (&[0, 1, 2, 3, 5], false), // no such operation
        ];
        for (order, expected) in table {
            assert_eq!(accepts(&ops, order.iter().copied()), expected, "{order:?}");
        }
    }
}
