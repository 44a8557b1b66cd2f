//! The fast path of several registers: each one by itself, in n·log n where its values are unique.
//!
//! What a transaction finds and leaves in one register is a read, a write or a cas of it, so each
//! register has the zones of a register ([`zones`]). Without a legal order for one there is none for
//! all. With one for each, they are merged: an order that keeps all of them and real time is legal
//! for all. There may be none, since the order of a register is one of several: then nothing is
//! decided here.
//!
//! A transaction with an unknown outcome that somebody saw anywhere took effect everywhere.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use super::{Effect, INITIAL, Micro};
use crate::{
    Exhausted,
    meter::Meter,
    objects::{NEVER, Timed, model::Fast, numbers::ValueNumber},
    register::{
        self, RegisterOp,
        involved::involved,
        zones::{self, Arrangement},
    },
};

/// The return of an operation that took effect and never returned: after all events.
const LAST: u32 = NEVER - 1;

/// Decides where it can.
pub(super) fn decide(
    registers: usize,
    ops: &[Timed<Effect>],
    meter: &Meter<'_>,
) -> Result<Option<Fast<Effect>>, Exhausted> {
    let Some(needed) = Needed::of(ops) else { return Ok(None) };
    let mut orders = Vec::with_capacity(registers);
    for (register, alone) in (0..).zip(apart(registers, ops, &needed)) {
        meter.ask(ops.len())?;
        let alone = match alone {
            Ok(alone) => alone,
            Err(place) => return Ok(Some(Fast::Reduced(parts(register, ops, &[place])))),
        };
        let arrangement = zones::arrange(&alone, meter);
        meter.in_time()?;
        match arrangement {
            Arrangement::Repeated => return Ok(None),
            Arrangement::Order(order) => {
                let places = order.into_iter().map(|at| alone[at as usize].source);
                orders.push(places.collect::<Vec<u32>>());
            }
            Arrangement::Conflicts(conflicts) => {
                let conflicts = conflicts.iter().map(|conflict| involved(&alone, conflict));
                let Some(conflict) = conflicts.min_by_key(Vec::len) else { return Ok(None) };
                return Ok(shown(ops, &conflict, register));
            }
        }
    }
    meter.ask(ops.len())?;
    Ok(merged(ops, &needed, &orders, meter).map(Fast::Pass))
}

/// Which operations took effect.
struct Needed(Vec<bool>);

impl Needed {
    /// The certain ones, and those of which somebody found a value. None where a value of a
    /// register was written twice, or its initial one was: then that is open.
    fn of(ops: &[Timed<Effect>]) -> Option<Self> {
        let mut writers: Vec<(u32, ValueNumber, u32)> = Vec::new();
        for (place, op) in (0..).zip(ops) {
            for part in op.effect.iter() {
                match *part {
                    Micro::Write(_, INITIAL) => return None,
                    Micro::Write(register, value) => writers.push((register, value, place)),
                    Micro::Read(..) => {}
                }
            }
        }
        writers.sort_unstable();
        if writers.windows(2).any(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
            return None;
        }
        let mut needed: Vec<bool> = ops.iter().map(Timed::certain).collect();
        for part in ops.iter().flat_map(|op| op.effect.iter()) {
            if let Micro::Read(register, value) = *part {
                let at = writers.partition_point(|&(r, v, _)| (r, v) < (register, value));
                let writer = writers.get(at).filter(|&&(r, v, _)| (r, v) == (register, value));
                if let Some(&(.., place)) = writer {
                    needed[place as usize] = true;
                }
            }
        }
        Some(Self(needed))
    }

    /// When an operation had certainly taken effect.
    fn returned(&self, place: u32, op: &Timed<Effect>) -> u32 {
        if self.0[place as usize] { op.returned.min(LAST) } else { NEVER }
    }
}

/// A conflict of one register in the terms of transactions. None if it rests on transactions with
/// unknown outcomes that somebody saw elsewhere: then the whole history has to speak.
fn shown(ops: &[Timed<Effect>], conflict: &[RegisterOp], register: u32) -> Option<Fast<Effect>> {
    let places: Vec<u32> = conflict.iter().map(|op| op.source).collect();
    let found = |value| {
        let part = Micro::Read(register, value);
        places.iter().any(|&place| ops[place as usize].effect.contains(&part))
    };
    let seen_here = |op: &RegisterOp| op.effect.written().is_some_and(found);
    let certain = |op: &RegisterOp| ops[op.source as usize].certain() || seen_here(op);
    conflict.iter().all(certain).then(|| Fast::Reduced(parts(register, ops, &places)))
}

/// What these operations say of one register, with all that wrote what they found.
fn parts(register: u32, ops: &[Timed<Effect>], places: &[u32]) -> Vec<Timed<Effect>> {
    let touches = |part: &&Micro| {
        let (Micro::Read(of, _) | Micro::Write(of, _)) = **part;
        of == register
    };
    let mut found = Vec::new();
    for part in places.iter().flat_map(|&place| ops[place as usize].effect.iter()) {
        if let Micro::Read(of, value) = *part
            && of == register
        {
            found.push(Micro::Write(register, value));
        }
    }
    let mut parts = Vec::new();
    for (place, op) in (0..).zip(ops) {
        let writes = || op.effect.iter().any(|part| found.contains(part));
        let effect: Effect = if places.contains(&place) {
            op.effect.iter().filter(touches).copied().collect()
        } else if writes() {
            // What it found is not asked here.
            let writes = |part: &&Micro| touches(part) && matches!(part, Micro::Write(..));
            op.effect.iter().filter(writes).copied().collect()
        } else {
            continue;
        };
        parts.push(Timed { effect, ..*op });
    }
    parts
}

/// The operations of each register; an operation that contradicts itself instead.
fn apart(
    registers: usize,
    ops: &[Timed<Effect>],
    needed: &Needed,
) -> Vec<Result<Vec<RegisterOp>, u32>> {
    let mut apart: Vec<Result<Vec<RegisterOp>, u32>> = vec![Ok(Vec::new()); registers];
    let mut touched: Vec<(u32, Option<ValueNumber>, Option<ValueNumber>)> = Vec::new();
    for (source, op) in (0..).zip(ops) {
        touched.clear();
        for part in op.effect.iter() {
            let (Micro::Read(register, _) | Micro::Write(register, _)) = *part;
            let known = touched.iter().position(|&(of, ..)| of == register);
            let at = known.unwrap_or_else(|| {
                touched.push((register, None, None));
                touched.len() - 1
            });
            let (_, found, left) = &mut touched[at];
            match *part {
                Micro::Write(_, value) => *left = Some(value),
                Micro::Read(_, value) if left.or(*found).is_none_or(|now| now == value) => {
                    *found = found.or(left.is_none().then_some(value));
                }
                Micro::Read(..) => apart[register as usize] = Err(source),
            }
        }
        for &(register, found, left) in &touched {
            let effect = match (found, left) {
                // It found what only it writes, later.
                (Some(old), Some(new)) if old == new => {
                    apart[register as usize] = Err(source);
                    continue;
                }
                (Some(old), Some(new)) => register::Effect::Cas { old, new },
                (Some(value), None) => register::Effect::Read(value),
                (None, Some(value)) => register::Effect::Write(value),
                (None, None) => continue,
            };
            let returned = needed.returned(source, op);
            if let Ok(alone) = &mut apart[register as usize] {
                alone.push(RegisterOp { effect, invoked: op.invoked, returned, source });
            }
        }
    }
    apart
}

/// An order that keeps these and real time: always the operation next that was invoked first, of
/// those that nothing else has to precede. None if there is none.
fn merged(
    ops: &[Timed<Effect>],
    needed: &Needed,
    orders: &[Vec<u32>],
    meter: &Meter<'_>,
) -> Option<Vec<u32>> {
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); ops.len()];
    let mut waits = vec![0_u32; ops.len()];
    for pair in meter.paced(orders.iter().flat_map(|order| order.windows(2))) {
        after[pair[0] as usize].push(pair[1]);
        waits[pair[1] as usize] += 1;
    }
    let stands = |place: u32| needed.0[place as usize];
    let places = || (0..ops.len() as u32).filter(|&place| stands(place));
    let mut open: BTreeSet<(u32, u32)> =
        places().map(|place| (ops[place as usize].returned, place)).collect();
    let mut ready: BinaryHeap<Reverse<(u32, u32)>> = places()
        .filter(|&place| waits[place as usize] == 0)
        .map(|place| Reverse((ops[place as usize].invoked, place)))
        .collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse((invoked, place))) = ready.pop() {
        // The one that was invoked first: if it comes too soon, so do all.
        if open.first().is_some_and(|&(returned, _)| returned < invoked) {
            return None;
        }
        open.remove(&(ops[place as usize].returned, place));
        order.push(place);
        for &next in &after[place as usize] {
            waits[next as usize] -= 1;
            if waits[next as usize] == 0 {
                ready.push(Reverse((ops[next as usize].invoked, next)));
            }
        }
    }
    open.is_empty().then_some(order)
}
