//! Logs: each offset has one value, each value one offset, and nobody reads past what is there.
//!
//! **Definition** (names after Jepsen's `kafka`). Sends that succeeded and polls say which value stands at
//! which offset. `inconsistent-offsets`: two values at one offset. `duplicate`: a value that was sent once, at
//! two offsets. Within one poll, `int-nonmonotonic-poll`: offsets that do not grow; `int-poll-skip`: one poll
//! passes over an offset at which something stands. Where consumers go on from where they were (`params.polls-advance` is true),
//! the same between two polls of one process that follow each other: `nonmonotonic-poll` and `poll-skip`.
//! `nonmonotonic-send`: a later send of a process got a smaller offset. `G1a` and `thin-air`: a poll of a value whose every send failed, or that nobody
//! sent. Offsets at which nothing ever stands are no mistake. O(n log n), n with the records of all polls.

use std::collections::{BTreeMap, HashMap};

use temblor_history::{Completion, ValueId};

use super::{
    Examined,
    object::{Object, possible},
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// A value at an offset, and the first who said so.
#[derive(Debug, Clone, Copy)]
struct Record {
    value: ValueId,
    source: u32,
    /// When it was certainly there: the completion of who said so first.
    known: u32,
}

/// What is wrong: its kind, the operations, the values that matter, the sentence and the proof.
struct Wrong {
    kind: &'static str,
    sources: Vec<u32>,
    matter: Vec<ValueId>,
    what: String,
}

#[derive(Default)]
struct Log {
    records: BTreeMap<i64, Record>,
    offsets: HashMap<ValueId, (i64, u32)>,
    /// By value: how many sends may have happened, and one that failed.
    sent: HashMap<ValueId, (usize, Option<u32>)>,
    wrong: Vec<Wrong>,
}

/// Judges one log.
pub(super) fn examine(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let mut log = Log::default();
    for (source, send) in object.calls("send") {
        let sent = log.sent.entry(send.argument).or_default();
        if possible(send) {
            sent.0 += 1;
        } else {
            sent.1 = Some(source);
        }
    }
    let mut polled = 0;
    for &source in &object.sources {
        let operation = object.operation(source);
        if operation.outcome != Completion::Ok {
            continue;
        }
        if object.history.function_name(operation.f) == "send" {
            log.record(object, source, operation.result);
        } else {
            for &record in object.elements(operation.result) {
                log.record(object, source, record);
                polled += 1;
            }
        }
        share.hold((log.records.len() + log.offsets.len()) * 64)?;
    }
    log.progress(object, share)?;
    let facts = vec![format!(
        "{}, {} read in polls",
        counted(log.records.len(), "offset"),
        counted(polled, "record")
    )];
    let mut findings: Vec<Finding> = Vec::new();
    for kind in super::KINDS {
        let of_kind = log.wrong.iter().filter(|wrong| wrong.kind == kind);
        let count = of_kind.clone().count();
        findings.extend(of_kind.take(1).map(|wrong| tell(object, wrong, count)).next());
    }
    Ok(Examined { findings, facts, ..Examined::default() })
}

fn record_of(object: &Object<'_>, id: ValueId) -> Option<(i64, ValueId)> {
    match *object.elements(id) {
        [offset, value] => Some((object.integer(offset)?, value)),
        _ => None,
    }
}

impl Log {
    /// Somebody says that a value stands at an offset.
    fn record(&mut self, object: &Object<'_>, source: u32, id: ValueId) {
        let Some((offset, value)) = record_of(object, id) else { return };
        let quoted = object.history.value(value);
        let known = object.operation(source).complete_index.unwrap_or(u32::MAX);
        let record = self.records.entry(offset).or_insert(Record { value, source, known });
        if known < record.known && record.value == value {
            (record.source, record.known) = (source, known);
        }
        if record.value != value {
            let other = object.history.value(record.value);
            self.wrong.push(Wrong {
                kind: "inconsistent-offsets",
                sources: vec![record.source, source],
                matter: vec![value, record.value],
                what: format!("offset {offset} holds {other} for one and {quoted} for another"),
            });
        }
        let sent = self.sent.get(&value).copied().unwrap_or_default();
        let (first, other) = *self.offsets.entry(value).or_insert((offset, source));
        if first != offset && sent.0 <= 1 {
            self.wrong.push(Wrong {
                kind: "duplicate",
                sources: vec![other, source],
                matter: vec![value],
                what: format!(
                    "{quoted} stands at the offsets {first} and {offset}, although it was sent once"
                ),
            });
        }
        if sent.0 == 0 {
            let (kind, why) = match sent.1 {
                Some(_) => ("G1a", "every send of it failed"),
                None => ("thin-air", "nobody ever began to send it"),
            };
            let sources = std::iter::once(source).chain(sent.1).collect();
            let what = format!("{quoted} was read at offset {offset}, although {why}");
            self.wrong.push(Wrong { kind, sources, matter: vec![value], what });
        }
    }

    /// How each process goes through the log.
    fn progress(&mut self, object: &Object<'_>, share: &mut Share<'_>) -> Result<(), Exhausted> {
        let mut polled: HashMap<u64, (i64, u32)> = HashMap::new();
        let mut sent: HashMap<u64, (i64, u32)> = HashMap::new();
        let advance = object.param("polls-advance") == Some(&serde_json::Value::Bool(true));
        for &source in &object.sources {
            let operation = object.operation(source);
            if operation.outcome != Completion::Ok {
                continue;
            }
            if object.history.function_name(operation.f) == "send" {
                let Some((offset, _)) = record_of(object, operation.result) else { continue };
                let last = sent.insert(operation.process, (offset, source));
                if let Some((before, earlier)) = last.filter(|(before, _)| *before >= offset) {
                    let what = format!(
                        "{} was sent to offset {offset} after the same process had sent to {before}",
                        object.history.value(operation.argument)
                    );
                    self.wrong.push(Wrong {
                        kind: "nonmonotonic-send",
                        sources: vec![earlier, source],
                        matter: Vec::new(),
                        what,
                    });
                }
                continue;
            }
            share.hold((self.records.len() + polled.len()) * 64)?;
            if !advance {
                polled.clear();
            }
            for &record in object.elements(operation.result) {
                let Some((offset, value)) = record_of(object, record) else { continue };
                let last = polled.insert(operation.process, (offset, source));
                let Some((before, earlier)) = last else { continue };
                self.step(object, (before, earlier), (offset, source), value);
            }
        }
        Ok(())
    }

    /// From one record to the next that a process read.
    fn step(&mut self, object: &Object<'_>, from: (i64, u32), to: (i64, u32), value: ValueId) {
        let ((before, earlier), (offset, source)) = (from, to);
        let within = earlier == source;
        if offset <= before {
            let kind = if within { "int-nonmonotonic-poll" } else { "nonmonotonic-poll" };
            let what = format!("a poll went from offset {before} back to {offset}");
            self.wrong.push(Wrong {
                kind,
                sources: vec![earlier, source],
                matter: vec![value],
                what,
            });
            return;
        }
        // Only what was certainly there before the poll began was passed over.
        let begun = object.operation(source).invoke_index;
        let passed =
            self.records.range(before + 1..offset).find(|(_, record)| record.known < begun);
        if let Some((&offset_between, record)) = passed {
            let kind = if within { "int-poll-skip" } else { "poll-skip" };
            let skipped = object.history.value(record.value);
            self.wrong.push(Wrong {
                kind,
                sources: vec![record.source, earlier, source],
                matter: vec![value, record.value],
                what: format!(
                    "a poll went from offset {before} to {offset} past {offset_between}, where {skipped} stands"
                ),
            });
        }
    }
}

fn tell(object: &Object<'_>, wrong: &Wrong, count: usize) -> Finding {
    let story = Story::new(object, &wrong.sources, &wrong.matter);
    let culprit = *wrong.sources.last().expect("somebody said it");
    let culprit = if matches!(wrong.kind, "G1a" | "thin-air") { wrong.sources[0] } else { culprit };
    let (key, who) = (story.of_key(), story.who(culprit));
    let mut sentence = format!("{}{key} ({who})", wrong.what);
    if count > 1 {
        sentence += &format!(" ({count} times)");
    }
    let mut told: Vec<u32> = wrong.sources.clone();
    told.sort_unstable();
    told.dedup();
    let proof = told.iter().map(|&source| {
        let name = object.history.function_name(object.operation(source).f);
        format!(
            "{} is the {name} that completed{}.",
            story.number(source),
            story.completed_at(source)
        )
    });
    let mut proof: Vec<String> = proof.collect();
    proof.push(format!("So {}.", wrong.what));
    story.finding(Told { kind: wrong.kind, sentence, proof, culprit, legal: None })
}
