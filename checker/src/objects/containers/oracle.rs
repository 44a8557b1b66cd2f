//! The definition itself, tried out by brute force, and a replay of orders.

use std::collections::HashSet;

use super::{Act, Contained, Kind, NEVER};

/// Lets an operation happen; false where it cannot.
pub(super) fn apply(kind: Kind, inside: &mut Vec<u32>, act: Act) -> bool {
    let next = |inside: &[u32]| match kind {
        _ if inside.is_empty() => None,
        Kind::Queue => Some(0),
        Kind::Stack => Some(inside.len() - 1),
        Kind::Priority => (0..inside.len()).max_by_key(|&at| inside[at]),
    };
    match act {
        Act::Insert(value) => inside.push(value),
        Act::Empty => return inside.is_empty(),
        Act::Remove(_) | Act::RemoveAny => {
            let Some(at) = next(inside) else { return false };
            if act != Act::RemoveAny && act != Act::Remove(inside[at]) {
                return false;
            }
            inside.remove(at);
        }
    }
    true
}

/// Whether a legal order exists. Exponential.
pub(super) fn linearizable(kind: Kind, ops: &[Contained]) -> bool {
    search(kind, ops, 0, &[], &mut HashSet::new())
}

fn search(
    kind: Kind,
    ops: &[Contained],
    done: u64,
    inside: &[u32],
    dead: &mut HashSet<(u64, Vec<u32>)>,
) -> bool {
    let left = || (0..ops.len()).filter(|&place| done & (1 << place) == 0);
    let deadline = left().map(|place| ops[place].returned).min().unwrap_or(NEVER);
    if deadline == NEVER {
        return true;
    }
    if !dead.insert((done, inside.to_vec())) {
        return false;
    }
    left().filter(|&place| ops[place].invoked < deadline).any(|place| {
        let mut next = inside.to_vec();
        apply(kind, &mut next, ops[place].effect)
            && search(kind, ops, done | 1 << place, &next, dead)
    })
}

/// Whether this order proves that there is one.
pub(super) fn accepts(kind: Kind, ops: &[Contained], order: &[u32]) -> bool {
    let (mut inside, mut latest, mut used) = (Vec::new(), 0, vec![false; ops.len()]);
    for &place in order {
        let op = &ops[place as usize];
        let again = std::mem::replace(&mut used[place as usize], true);
        if again || op.returned < latest || !apply(kind, &mut inside, op.effect) {
            return false;
        }
        latest = latest.max(op.invoked);
    }
    ops.iter().zip(used).all(|(op, used)| used || op.returned == NEVER)
}
