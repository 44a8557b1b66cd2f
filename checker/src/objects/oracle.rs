//! The definition itself, tried out by brute force: what every other algorithm has to agree with.

use std::collections::HashSet;

use super::{
    model::Model,
    timed::{NEVER, Timed},
};

/// Whether some order of some of the uncertain and all of the certain operations respects real
/// time and the object's meaning. Exponential; for at most 64 operations, better twelve.
pub(crate) fn linearizable<M: Model>(model: &M, ops: &[Timed<M::Effect>]) -> bool {
    assert!(ops.len() <= 64, "the oracle is for small histories");
    search(model, ops, 0, &model.initial(), &mut HashSet::new())
}

fn search<M: Model>(
    model: &M,
    ops: &[Timed<M::Effect>],
    done: u64,
    state: &M::State,
    dead: &mut HashSet<(u64, M::State)>,
) -> bool {
    let left = || (0..ops.len()).filter(|&place| done & (1 << place) == 0);
    let Some(deadline) = left().map(|place| ops[place].returned).filter(|&at| at != NEVER).min()
    else {
        return true;
    };
    if !dead.insert((done, state.clone())) {
        return false;
    }
    left().filter(|&place| ops[place].invoked < deadline).any(|place| {
        let next = model.step(state, &ops[place].effect);
        next.is_some_and(|next| search(model, ops, done | 1 << place, &next, dead))
    })
}
