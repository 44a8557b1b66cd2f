//! Locks in n·log n: what a client certainly holds gives the order of everything.
//!
//! A hold is an acquire with the same client's next release. From the answer of its acquire to the
//! beginning of its release a client holds the lock in every legal order; so these zones must not
//! overlap, and where they don't, the holds stand in their order. (Gibbons and Korach's forward
//! zones, with one writer each.) What remains is whether each operation has room in its interval
//! between its neighbours, whether the tokens grow, and whether every refused acquire finds room
//! while the lock is held. An acquire that never returned serves only who was refused: where they
//! cannot do without it, the general engine decides. A refused release says that its client did not
//! hold the lock, and a client does one thing at a time: so that is so all the while, or never.

use std::collections::HashMap;

use super::{Effect, Hold, holds};
use crate::{
    meter::Meter,
    objects::{Timed, model::Fast, timed::NEVER},
};

/// Decides where it can.
pub(super) fn decide(ops: &[Timed<Effect>], meter: &Meter<'_>) -> Option<Fast<Effect>> {
    if let Some(conflict) = orphan(ops).or_else(|| refused_holder(ops)) {
        return Some(Fast::Violation(vec![conflict]));
    }
    let mut holds: Vec<Hold> = holds(ops).filter(|hold| ops[hold.acquire].certain()).collect();
    holds.sort_unstable_by_key(|hold| ops[hold.acquire].returned);
    let mut conflicts = Vec::new();
    for pair in meter.paced(holds.windows(2)) {
        if !follows(ops, &pair[0], &pair[1]) {
            conflicts.push(members(&pair[0]).chain(members(&pair[1])).collect());
        }
    }
    if conflicts.is_empty() {
        conflicts.extend(out_of_place(ops, &holds));
    }
    if !conflicts.is_empty() {
        // Found without those that were refused, and without acquires that never returned: but
        // the latter never help anybody else.
        return Some(Fast::Violation(conflicts));
    }
    let order = order(ops, &holds, meter)?;
    Some(Fast::Pass(with_refused_releases(ops, &order)))
}

/// A refused release of a client that certainly held the lock all the while.
fn refused_holder(ops: &[Timed<Effect>]) -> Option<Vec<u32>> {
    let mut last: HashMap<u32, Hold> = HashMap::new();
    let mut holds = holds(ops).peekable();
    for (place, op) in ops.iter().enumerate() {
        while let Some(hold) = holds.next_if(|hold| hold.acquire < place) {
            if let Effect::Acquire { owner, .. } = ops[hold.acquire].effect {
                last.insert(owner, hold);
            }
        }
        let Effect::NotHeldBy { owner } = op.effect else { continue };
        let held = |hold: &&Hold| {
            let released = hold.release.map_or(NEVER, |release| ops[release].invoked);
            ops[hold.acquire].returned < op.invoked && op.returned < released
        };
        if let Some(hold) = last.get(&owner).filter(held) {
            return Some(vec![hold.acquire as u32, place as u32]);
        }
    }
    None
}

/// The order with every refused release before the first of those that had not returned when it
/// was invoked.
fn with_refused_releases(ops: &[Timed<Effect>], order: &[u32]) -> Vec<u32> {
    let refused = (0..).zip(ops).filter(|(_, op)| matches!(op.effect, Effect::NotHeldBy { .. }));
    let mut refused = refused.map(|(place, _)| place).peekable();
    let mut next_return = vec![NEVER; order.len()];
    let mut earliest = NEVER;
    for (next, &place) in next_return.iter_mut().zip(order).rev() {
        earliest = earliest.min(ops[place as usize].returned);
        *next = earliest;
    }
    let mut all = Vec::with_capacity(ops.len());
    for (&place, next) in order.iter().zip(next_return) {
        // In the order of their invocations.
        while let Some(refused) = refused.next_if(|&place| ops[place as usize].invoked < next) {
            all.push(refused);
        }
        all.push(place);
    }
    all.extend(refused);
    all
}

/// A certain release of a client that had not acquired: it was legal at no time.
fn orphan(ops: &[Timed<Effect>]) -> Option<Vec<u32>> {
    let mut released = vec![false; ops.len()];
    for release in holds(ops).filter_map(|hold| hold.release) {
        released[release] = true;
    }
    let lone = |(place, op): &(usize, &Timed<Effect>)| {
        matches!(op.effect, Effect::Release { .. }) && op.certain() && !released[*place]
    };
    ops.iter().enumerate().find(lone).map(|(place, _)| vec![place as u32])
}

fn members(hold: &Hold) -> impl Iterator<Item = u32> + use<> {
    [Some(hold.acquire), hold.release].into_iter().flatten().map(|place| place as u32)
}

/// Whether the zone of one hold is over when the next begins.
fn follows(ops: &[Timed<Effect>], earlier: &Hold, later: &Hold) -> bool {
    let release = earlier.release.map(|release| ops[release].invoked);
    release.is_some_and(|invoked| invoked < ops[later.acquire].returned)
}

/// Two holds of which the earlier one has an operation that was invoked after one of the later
/// had returned, or a token that is not smaller.
fn out_of_place(ops: &[Timed<Effect>], holds: &[Hold]) -> Option<Vec<u32>> {
    let (mut latest, mut of) = (0, None::<&Hold>);
    let mut token: Option<(u32, &Hold)> = None;
    for hold in holds {
        for place in members(hold) {
            let op = &ops[place as usize];
            if op.returned < latest {
                return of.map(|of| members(of).chain(members(hold)).collect());
            }
            if op.invoked > latest {
                (latest, of) = (op.invoked, Some(hold));
            }
        }
        if let Effect::Acquire { token: Some(next), .. } = ops[hold.acquire].effect {
            if let Some((_, of)) = token.filter(|(last, _)| *last >= next) {
                return Some(members(of).chain(members(hold)).collect());
            }
            token = Some((next, hold));
        }
    }
    None
}

/// The holds in their order with the refused acquires where the lock is held: as early as their own
/// time and that of what stands before allows. None where this way leaves one without a place.
fn order(ops: &[Timed<Effect>], holds: &[Hold], meter: &Meter<'_>) -> Option<Vec<u32>> {
    let mut refused: Vec<usize> =
        (0..ops.len()).filter(|&place| ops[place].effect == Effect::Held).collect();
    // The order in which they have to be placed.
    refused.sort_unstable_by_key(|&place| ops[place].returned);
    let latest = latest(ops, holds);
    let mut order = Vec::with_capacity(ops.len());
    let mut placed = vec![false; refused.len()];
    let (mut time, mut open) = (0, std::collections::BTreeSet::new());
    let mut by_invocation: Vec<usize> = (0..refused.len()).collect();
    by_invocation.sort_unstable_by_key(|&at| ops[refused[at]].invoked);
    let mut coming = by_invocation.into_iter().peekable();
    for (hold, until) in meter.paced(holds.iter().zip(latest)) {
        time = time.max(ops[hold.acquire].invoked);
        order.push(hold.acquire as u32);
        // Everyone who was invoked before the latest moment at which this hold may end, the one who
        // returns first before the others.
        while let Some(at) = coming.next_if(|&at| ops[refused[at]].invoked < until) {
            open.insert(at);
        }
        for at in std::mem::take(&mut open) {
            let op = &ops[refused[at]];
            if op.returned < time {
                return None;
            }
            time = time.max(op.invoked);
            placed[at] = true;
            order.push(refused[at] as u32);
        }
        if let Some(release) = hold.release {
            time = time.max(ops[release].invoked);
            order.push(release as u32);
        }
    }
    placed.into_iter().all(|placed| placed).then_some(order)
}

/// For each hold the latest moment until which it may last: its release's return, and that of all
/// that comes after.
fn latest(ops: &[Timed<Effect>], holds: &[Hold]) -> Vec<u32> {
    let mut latest = vec![NEVER; holds.len()];
    let mut bound = NEVER;
    for (at, hold) in holds.iter().enumerate().rev() {
        if let Some(release) = hold.release {
            bound = bound.min(ops[release].returned);
        }
        latest[at] = bound;
        bound = bound.min(ops[hold.acquire].returned);
    }
    latest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unlimited;
    use crate::objects::{
        judge::{Evidence, Judgement, fast},
        lock::Lock,
        oracle,
        random::{Play, Random, cases, history, shapes},
    };

    /// It may leave a history open; what it decides has to be right, and each conflict a violation
    /// by itself.
    #[test]
    fn the_fast_path_agrees_with_the_definition() {
        let (mut passes, mut violations, mut open) = (0, 0, 0);
        for (number, shape) in (30_000..).zip(shapes()) {
            let mut random = Random::new(number);
            for _ in 0..cases(60) {
                let model = Lock::object(&mut random);
                let ops = history(&model, &mut random, shape);
                match fast(&model, &ops, &Meter::new(&Unlimited)).expect("no budget was set") {
                    Some(Judgement::Violation(Evidence::Conflicts(conflicts))) => {
                        violations += 1;
                        assert!(!oracle::linearizable(&model, &ops), "{ops:#?}");
                        for mut conflict in conflicts {
                            conflict.sort_unstable();
                            let places = conflict.into_iter();
                            let part: Vec<_> = places.map(|at| ops[at as usize]).collect();
                            assert!(!oracle::linearizable(&model, &part), "{part:#?} of {ops:#?}");
                        }
                    }
                    Some(_) => {
                        passes += 1;
                        assert!(oracle::linearizable(&model, &ops), "{ops:#?}");
                    }
                    None => open += 1,
                }
            }
        }
        assert!(passes > 1_000 && violations > 500, "{passes} {violations} {open}");
        assert!(open < 3 * (passes + violations), "{passes} {violations} {open}");
    }
}
