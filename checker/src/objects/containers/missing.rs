//! Removals with unknown outcomes: which values they took.
//!
//! A value that nobody is known to have removed, and that something else shows to be gone by some
//! event, was taken by a removal with an unknown outcome that was invoked before that event. Each
//! removal takes one value at most, so that the values, the earliest deadline first, are matched to
//! the removals in the order of their invocations: where that fails for one value, it and those
//! before it are more than the removals that may have taken them (Hall's condition for deadlines).
//! In a queue nothing more is asked; elsewhere, what this leaves open is not decided here.

use super::{
    Conflict, Found, Kind, Missing, NEVER, arrange,
    deadlines::{self, Deadline},
    lives::{Life, Lived},
};
use crate::meter::Meter;

/// Decides a container with unknown removals, of which it is known that there is no legal order if
/// they all did nothing.
pub(super) fn decide(kind: Kind, lived: &mut Lived, meter: &Meter<'_>) -> Option<Found> {
    let known: Vec<Life> =
        lived.lives.iter().filter(|life| life.removal != NEVER).copied().collect();
    let found = arrange(kind, &known, &lived.looks, lived.events, meter);
    if matches!(found, Found::Conflict(_)) {
        return Some(found);
    }
    if let Err(conflict) = assign(kind, lived) {
        return Some(Found::Conflict(conflict));
    }
    let found = arrange(kind, &lived.lives, &lived.looks, lived.events, meter);
    matches!(found, Found::Order(_)).then_some(found)
}

/// Gives each missing value an unknown removal, or says that there are too few.
fn assign(kind: Kind, lived: &mut Lived) -> Result<(), Conflict> {
    let alone: Vec<u32> = (0..)
        .zip(&lived.lives)
        .filter(|(_, life)| life.removal == NEVER)
        .map(|(number, _)| number)
        .collect();
    let deadlines = deadlines::of(kind, lived, &alone);
    let missing = alone.iter().zip(deadlines);
    let mut missing: Vec<(u32, Deadline)> =
        missing.filter_map(|(&number, deadline)| Some((number, deadline?))).collect();
    missing.sort_by_key(|(_, deadline)| deadline.event);
    for at in 0..missing.len() {
        let (number, deadline) = missing[at];
        let taker = lived.unknown.get(at).copied();
        let Some((removal, invoked)) = taker.filter(|&(_, invoked)| invoked < deadline.event)
        else {
            return Err(too_few(lived, &missing[..=at]));
        };
        let life = &mut lived.lives[number as usize];
        life.removal = removal;
        life.c = invoked.max(life.a);
    }
    Ok(())
}

fn too_few(lived: &Lived, missing: &[(u32, Deadline)]) -> Conflict {
    let last = missing.last().map_or(0, |(_, deadline)| deadline.event);
    let removals = lived.unknown.iter().filter(|&&(_, invoked)| invoked < last);
    let missing = missing.iter().map(|&(number, deadline)| {
        let shown = deadline.shown as usize;
        let (shown, shown_insert) = if deadline.is_look {
            (lived.looks[shown].place, None)
        } else {
            (lived.lives[shown].removal, Some(lived.lives[shown].insert))
        };
        Missing { insert: lived.lives[number as usize].insert, shown, shown_insert }
    });
    Conflict::TooFewRemovals {
        missing: missing.collect(),
        removals: removals.map(|&(place, _)| place).collect(),
    }
}
