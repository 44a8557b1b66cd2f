//! Acknowledged writes that the final reads do not show.
//!
//! **Definition.** Let `W` be a write or cas of `x` that was acknowledged. Let `F` be the final reads
//! of its key that succeeded, began after `W` was acknowledged, and returned a value that
//! somebody may have written (others are `thin-air` or `G1a`, and no evidence here). `W` is *lost*
//! if `F` is not empty and every value in `F` was *certainly in effect before* `W` was invoked, and
//! is not `x`. A value `u` was certainly in effect before an event if
//! - it is the initial value, and nobody writes that; or
//! - it has one writer, and this writer or anyone who found `u` had returned by then; or
//! - it has several writers, and all of them had returned by then.
//!
//! Then `u` was there, `W` took effect later, and `u` was not written again: the final reads ought
//! to show `x` or something that overwrote it. No alarm is raised for a write that overlaps what
//! the final reads show, or whose rival has an unknown outcome and was not seen in time: it may
//! have been overwritten. Every lost write also violates linearizability.
//!
//! A key with acknowledged writes and no final read after some of them is undecided.

use std::collections::BTreeMap;

use temblor_history::{History, Witness};

use super::{
    Effect, NEVER, RegisterOp, ValueNumber,
    extract::Register,
    linearizable::unwritten,
    operations::INITIAL,
    story::{Story, Told},
};
use crate::findings::Finding;

/// An acknowledged write that no final read shows.
pub(crate) const LOST_WRITE: &str = "lost-write";

/// What the final reads of one register say.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Survival {
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// Acknowledged writes after which no final read began.
    pub(crate) unread: usize,
}

/// Judges a register by its final reads alone.
pub(crate) fn survival(history: &History, register: &Register) -> Survival {
    let (mut findings, ops) = unwritten(history, register);
    let (lost, unread) = lost_write(history, register, &ops);
    findings.extend(lost);
    Survival { findings, unread }
}

/// The clearest lost write of a register, and how many writes no final read can speak of.
pub(crate) fn lost_write(
    history: &History,
    register: &Register,
    ops: &[RegisterOp],
) -> (Option<Finding>, usize) {
    let finals = final_reads(history, ops);
    let effects = in_effect(ops);
    let mut lost: Vec<&RegisterOp> = Vec::new();
    let mut unread = 0;
    for write in ops.iter().filter(|op| op.certain() && op.effect.written().is_some()) {
        let mut after = finals.iter().filter(|read| read.invoked > write.returned).peekable();
        if after.peek().is_none() {
            unread += 1;
        } else if after.all(|read| misses(read, write, &effects)) {
            lost.push(write);
        }
    }
    // The one acknowledged last: what it was missing from is the least.
    let clearest = lost.iter().max_by_key(|write| write.returned);
    let finding = clearest.map(|write| {
        let read = finals.iter().find(|read| read.invoked > write.returned);
        let read = read.expect("a lost write has a final read after it");
        tell(history, register, ops, write, read, lost.len())
    });
    (finding, unread)
}

/// For each value that a final read returned, the one that began last: it speaks for all of them.
fn final_reads(history: &History, ops: &[RegisterOp]) -> Vec<RegisterOp> {
    let is_final = |op: &&RegisterOp| {
        let operation = &history.operations()[op.source as usize];
        matches!(op.effect, Effect::Read(_)) && operation.final_read && is_read(history, op)
    };
    let mut last: BTreeMap<ValueNumber, RegisterOp> = BTreeMap::new();
    for op in ops.iter().filter(is_final) {
        last.insert(op.effect.tested().unwrap_or(INITIAL), *op);
    }
    let mut finals: Vec<RegisterOp> = last.into_values().collect();
    finals.sort_unstable_by_key(|op| op.invoked);
    finals
}

/// A cas from a value to itself reads, but is no final read.
fn is_read(history: &History, op: &RegisterOp) -> bool {
    let f = history.operations()[op.source as usize].f;
    history.function_name(f) == "read"
}

/// For each value, the event by which it was certainly in effect, and whether that was by a read
/// of a value with one writer; [`NEVER`] if that is not certain.
fn in_effect(ops: &[RegisterOp]) -> Vec<u32> {
    let values = ops.iter().filter_map(|op| op.effect.tested().max(op.effect.written()));
    let count = values.max().unwrap_or(INITIAL) as usize + 1;
    let mut writers = vec![0_u32; count];
    let mut by_writers = vec![0_u32; count];
    let mut by_readers = vec![NEVER; count];
    for op in ops {
        if let Some(value) = op.effect.written() {
            writers[value as usize] += 1;
            by_writers[value as usize] = by_writers[value as usize].max(op.returned);
        }
        if let Some(value) = op.effect.demanded() {
            by_readers[value as usize] = by_readers[value as usize].min(op.returned);
        }
    }
    let effect = |value: usize| match writers[value] {
        1 if value != INITIAL as usize => by_writers[value].min(by_readers[value]),
        _ => by_writers[value],
    };
    (0..count).map(effect).collect()
}

fn misses(read: &RegisterOp, write: &RegisterOp, effects: &[u32]) -> bool {
    let found = read.effect.tested().unwrap_or(INITIAL);
    let nobody_wrote_it = effects[found as usize] == 0;
    let before = nobody_wrote_it || effects[found as usize] < write.invoked;
    before && write.effect.written() != Some(found)
}

/// The operations of the witness: the lost write, a final read, and what shows that the value
/// read is older.
fn evidence(ops: &[RegisterOp], write: &RegisterOp, read: &RegisterOp) -> Vec<RegisterOp> {
    let found = read.effect.tested();
    let writers = ops.iter().filter(|op| op.effect.written() == found);
    let mut shown: Vec<RegisterOp> = writers.copied().collect();
    if shown.iter().any(|writer| writer.returned > write.invoked) {
        let readers = ops.iter().filter(|op| op.effect.demanded() == found);
        shown.extend(readers.min_by_key(|op| op.returned));
    }
    shown.extend([*write, *read]);
    for op in &mut shown {
        // What these found themselves is no part of the argument.
        if let (Effect::Cas { new, .. }, true) = (op.effect, op.effect.demanded() != found) {
            op.effect = Effect::Write(new);
        }
    }
    shown.sort_unstable_by_key(|op| op.invoked);
    shown.dedup_by_key(|op| op.source);
    shown
}

fn tell(
    history: &History,
    register: &Register,
    ops: &[RegisterOp],
    write: &RegisterOp,
    read: &RegisterOp,
    lost: usize,
) -> Finding {
    let shown = evidence(ops, write, read);
    let story = Story::new(history, register, &shown);
    Finding {
        kind: LOST_WRITE,
        definite: story.is_definite(),
        witness: words(&story, &shown, write, read, lost),
        moments: story.moments(),
    }
}

fn words(
    story: &Story<'_>,
    shown: &[RegisterOp],
    write: &RegisterOp,
    read: &RegisterOp,
    lost: usize,
) -> Witness {
    let found = read.effect.tested().unwrap_or(INITIAL);
    let (old, key) = (story.value(found), story.of_key());
    let new = story.value(write.effect.written().unwrap_or(INITIAL));
    let (w, r) = (story.number(write.source), story.number(read.source));
    let mut sentence = format!(
        "{}{key} was acknowledged and is lost: the final reads returned {old}, which is older",
        story.change(write)
    );
    if lost > 1 {
        sentence += &format!(" ({lost} acknowledged writes{key} are lost)");
    }
    let early = shown.iter().find(|op| {
        op.returned < write.invoked
            && (op.effect.written() == Some(found) || op.effect.demanded() == Some(found))
    });
    let first = match early {
        Some(early) => format!(
            "{}, before {w} began{}: so {old} was there before {new}.",
            story.shows(early),
            story.invoked_at(write)
        ),
        None => format!("{old} is the initial value, and nobody ever wrote it."),
    };
    let proof = vec![
        first,
        format!("{}.", story.shows(write)),
        format!(
            "{r} began{}, later, and returned {old}; so did every final read{key} after {w}, or a \
             value as old.",
            story.invoked_at(read)
        ),
    ];
    story.witness(Told {
        sentence,
        proof,
        culprit: read.source,
        legal: Some(format!("for {r} to find {new}, or a value written at the same time or later")),
        minimal: true,
    })
}
