//! Lost updates and updates of what never was: two passes over writes.

use super::{
    extract::{INITIAL, Kind, Model, NOBODY, Transactions},
    names,
    tally::{Found, Tally},
};
use crate::{Exhausted, meter::Share};

/// Two transactions that read the same version of a key and then wrote it: one of them overwrote
/// what it had not seen (Berenson et al., A Critique of ANSI SQL Isolation Levels, 1995, P4; found
/// as Elle does). O(micro-operations).
///
/// Only the first read of a key counts, and only before the transaction writes it. Lists that
/// contradict the longest one are left out: they are an anomaly of their own.
pub(crate) fn lost_updates(
    all: &Transactions,
    is_preferred: &impl Fn(u32) -> bool,
    tally: &mut Tally,
    share: &mut Share<'_>,
) -> Result<(), Exhausted> {
    let mut updaters = vec![NOBODY; all.writers.len() + all.key_count()];
    // By key: the last transaction that read it, and what it found; none once it wrote there.
    let mut reads: Vec<(u32, Option<u32>)> = vec![(NOBODY, None); all.key_count()];
    for transaction in 0..all.all.len() as u32 {
        share.step()?;
        if !all.all[transaction as usize].is_certain() {
            continue;
        }
        for op in all.ops_of(transaction) {
            let known = &mut reads[op.key as usize];
            let is_first = known.0 != transaction;
            match op.kind {
                Kind::Read if is_first => *known = (transaction, state(all, op.key, op.value)),
                Kind::Read => {}
                Kind::Write if is_first => *known = (transaction, None),
                Kind::Write => {
                    let Some(state) = known.1.take() else { continue };
                    let first = &mut updaters[state as usize];
                    if *first == NOBODY {
                        *first = transaction;
                        continue;
                    }
                    let (key, first, second) = (op.key, *first, transaction);
                    let found = || Found::LostUpdate { key, first, second };
                    tally.add(names::LOST_UPDATE, transaction, is_preferred, found);
                }
            }
        }
    }
    Ok(())
}

/// What a read found, as a number: a version, or the initial state of a key.
fn state(all: &Transactions, key: u32, value: u32) -> Option<u32> {
    let initial = all.writers.len() as u32 + key;
    match all.model {
        Model::RwRegister if value == INITIAL => Some(initial),
        Model::RwRegister => Some(value),
        Model::ListAppend if !all.is_prefix(value, key) => None,
        Model::ListAppend => Some(all.list(value).last().copied().unwrap_or(initial)),
    }
}

/// Elements of failed transactions that stand in a list before one of a transaction that took
/// effect: the later one changed what never was (Elle's `dirty-update`). One pass over the lists of
/// the keys that something failed for.
pub(crate) fn dirty_updates(
    all: &Transactions,
    is_preferred: &impl Fn(u32) -> bool,
    tally: &mut Tally,
    share: &mut Share<'_>,
) -> Result<(), Exhausted> {
    let takes_effect = |version: u32| {
        let writer = all.writers[version as usize].transaction;
        writer != NOBODY && all.all[writer as usize].is_certain()
    };
    let mut keys: Vec<u32> = all.failed.iter().map(|failed| all.key_of(failed.version)).collect();
    keys.dedup();
    for key in keys {
        // The first failed one since the last that took effect: one find for each such run.
        let mut failed = None;
        // Versions are numbered in the order of the list: a lower number has been there.
        let mut next = 0;
        for &version in all.order(key) {
            share.step()?;
            if takes_effect(version) {
                if let Some(failed) = failed.take() {
                    let writer = all.writers[version as usize].transaction;
                    let found = || Found::DirtyUpdate { failed, later: version };
                    tally.add(names::DIRTY_UPDATE, writer, is_preferred, found);
                }
            } else if version >= next && all.failed_writer(version).is_some() {
                failed = failed.or(Some(version));
            }
            next = next.max(version + 1);
        }
    }
    Ok(())
}

/// Elements of one transaction that the longest list holds in another order than it appended them.
/// The graph has no edge from a transaction to itself, so it cannot show this.
pub(crate) fn reordered_appends(
    all: &Transactions,
    is_preferred: &impl Fn(u32) -> bool,
    tally: &mut Tally,
    share: &mut Share<'_>,
) -> Result<(), Exhausted> {
    if all.model == Model::RwRegister {
        return Ok(());
    }
    let last_shown = |key: u32| all.order(key).iter().max().copied();
    let last_shown: Vec<Option<u32>> = (0..all.key_count() as u32).map(last_shown).collect();
    // By key: the transaction that wrote it last, and where.
    let mut latest = vec![(NOBODY, 0_u32); all.key_count()];
    for transaction in 0..all.all.len() as u32 {
        share.step()?;
        for place in all.places_of(transaction) {
            let op = all.ops[place];
            if op.kind == Kind::Read || last_shown[op.key as usize] < Some(op.value) {
                continue;
            }
            let place = place as u32;
            let (writer, first) =
                std::mem::replace(&mut latest[op.key as usize], (transaction, place));
            if writer == transaction && all.ops[first as usize].value > op.value {
                let found = || Found::Reordered { first, second: place };
                tally.add(names::INCOMPATIBLE_ORDER, transaction, is_preferred, found);
            }
        }
    }
    Ok(())
}
