//! The independent judge of a pass: it accepts an order, or it does not. One step an operation.

use super::{model::Model, timed::Timed};

/// Whether this order (places in the list of operations) proves the history linearizable: every
/// certain operation stands in it once, no operation twice, each one is legal where it stands, and
/// none stands before one that had returned before it was invoked.
pub(crate) fn accepts<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    order: impl IntoIterator<Item = u32>,
) -> bool {
    let mut used = vec![false; ops.len()];
    let mut state = model.initial();
    let mut latest_invocation = 0;
    for place in order {
        let Some(op) = ops.get(place as usize) else {
            return false;
        };
        if std::mem::replace(&mut used[place as usize], true) || op.returned < latest_invocation {
            return false;
        }
        latest_invocation = latest_invocation.max(op.invoked);
        if !model.apply(&mut state, &op.effect) {
            return false;
        }
    }
    ops.iter().zip(&used).all(|(op, used)| *used || !op.certain())
}
