//! Queues: what was enqueued comes out, once. Order is not judged here (`linearizable` does that).
//!
//! **Definition** (after Jepsen's `total-queue`). For each value, let *acknowledged* and *possible* be the
//! numbers of its enqueues that succeeded, and that succeeded or may have; *out* the number of dequeues
//! that returned it. It is a *duplicate* if out > possible > 0, `G1a` if every enqueue of it failed, `thin-air`
//! if nobody tried. Let `D` be the last dequeue that found the queue empty. A value is *missing* if
//! fewer came out than were acknowledged before `D` began. A dequeue of unknown outcome that began
//! before `D` ended may have taken one: values are *lost* if more are missing than there are such
//! dequeues. Values acknowledged later that did not come out leave the queue undecided.

use std::collections::HashMap;

use temblor_history::{Completion, Operation, ValueId};

use super::{
    Examined,
    object::{Object, possible},
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// One value's way through the queue.
#[derive(Debug, Clone, Default)]
struct Item {
    possible: usize,
    acknowledged: usize,
    /// Those of them that were acknowledged before the last dequeue that found nothing began.
    early: usize,
    /// The last enqueue of those, or the first that may have happened.
    enqueue: Option<u32>,
    failed: Option<u32>,
    out: usize,
    /// The first dequeues that returned it.
    dequeues: Vec<u32>,
}

/// How many dequeues of one value are quoted.
const QUOTED: usize = 4;

fn items(
    object: &Object<'_>,
    empty: Option<&Operation>,
    share: &mut Share<'_>,
) -> Result<Vec<(ValueId, Item)>, Exhausted> {
    let mut places: HashMap<ValueId, usize> = HashMap::new();
    let mut items: Vec<(ValueId, Item)> = Vec::new();
    let mut item = |value: ValueId, items: &mut Vec<(ValueId, Item)>| {
        *places.entry(value).or_insert_with(|| {
            items.push((value, Item::default()));
            items.len() - 1
        })
    };
    for (source, enqueue) in object.calls("enqueue") {
        share.step()?;
        let place = item(enqueue.argument, &mut items);
        let item = &mut items[place].1;
        if !possible(enqueue) {
            item.failed = Some(source);
            continue;
        }
        item.possible += 1;
        item.enqueue.get_or_insert(source);
        if enqueue.outcome == Completion::Ok {
            item.acknowledged += 1;
            let before = |empty: &Operation| enqueue.complete_index < Some(empty.invoke_index);
            if empty.is_some_and(before) {
                item.early += 1;
                item.enqueue = Some(source);
            }
        }
    }
    share.hold(items.len() * size_of::<Item>())?;
    for (source, dequeue) in object.answered("dequeue") {
        share.step()?;
        if dequeue.result == ValueId::NULL {
            continue;
        }
        let place = item(dequeue.result, &mut items);
        let item = &mut items[place].1;
        item.out += 1;
        if item.dequeues.len() < QUOTED {
            item.dequeues.push(source);
        }
    }
    share.hold(items.len() * size_of::<Item>())?;
    Ok(items)
}

/// The last dequeue that found nothing.
fn last_empty<'h>(object: &Object<'h>) -> Option<(u32, &'h Operation)> {
    object.answered("dequeue").rfind(|(_, dequeue)| dequeue.result == ValueId::NULL)
}

/// Judges whether everything comes out.
pub(super) fn no_lost_writes(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    let empty = last_empty(object);
    let items = items(object, empty.map(|(_, empty)| empty), share)?;
    let missing: Vec<&(ValueId, Item)> =
        items.iter().filter(|(_, item)| item.out < item.early).collect();
    let count: usize = missing.iter().map(|(_, item)| item.early - item.out).sum();
    let unknown = empty.map_or(0, |(_, empty)| {
        let may_have = |(_, dequeue): &(u32, &Operation)| {
            dequeue.outcome == Completion::Info && Some(dequeue.invoke_index) < empty.complete_index
        };
        object.calls("dequeue").filter(may_have).count()
    });
    let mut findings = unwritten(object, &items);
    if let Some((empty, _)) = empty.filter(|_| count > unknown) {
        findings.push(tell_lost(object, empty, &missing, count, unknown));
    }
    let late: usize = items
        .iter()
        .map(|(_, item)| {
            (item.acknowledged - item.early).saturating_sub(item.out.saturating_sub(item.early))
        })
        .sum();
    let recovered: usize = items
        .iter()
        .map(|(_, item)| item.out.min(item.possible).saturating_sub(item.acknowledged))
        .sum();
    let mut facts = format!(
        "{} acknowledged, {count} missing, {recovered} recovered (enqueued with an unknown outcome, and \
         dequeued)",
        counted(items.iter().map(|(_, item)| item.acknowledged).sum(), "enqueue"),
    );
    if count > 0 && count <= unknown {
        facts +=
            &format!("; {} of unknown outcome may have taken them", counted(unknown, "dequeue"));
    }
    let undecided = (late > 0).then(|| {
        let late = counted(late, "acknowledged value");
        format!("{late} did not come out, and no later dequeue found the queue empty")
    });
    Ok(Examined { findings, undecided, facts: vec![facts], mistakes: Vec::new() })
}

/// Judges whether everything comes out once.
pub(super) fn no_duplicates(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    let items = items(object, None, share)?;
    let twice = |(_, item): &&(ValueId, Item)| item.possible > 0 && item.out > item.possible;
    let count = items.iter().filter(twice).count();
    let mut findings = unwritten(object, &items);
    findings.extend(
        items.iter().find(twice).map(|(value, item)| tell_twice(object, *value, item, count)),
    );
    Ok(Examined { findings, ..Examined::default() })
}

/// Values that came out and cannot have been in.
fn unwritten(object: &Object<'_>, items: &[(ValueId, Item)]) -> Vec<Finding> {
    let wrong = |(_, item): &&(ValueId, Item)| item.out > 0 && item.possible == 0;
    let thin = items.iter().filter(wrong).find(|(_, item)| item.failed.is_none());
    let aborted = items.iter().filter(wrong).find(|(_, item)| item.failed.is_some());
    let told = |(value, item): &(ValueId, Item)| {
        let dequeue = item.dequeues[0];
        let sources: Vec<u32> = [Some(dequeue), item.failed].into_iter().flatten().collect();
        let story = Story::new(object, &sources, &[*value]);
        let (value, key) = (story.value(*value), story.of_key());
        let (kind, why) = match item.failed {
            Some(failed) => (
                "G1a",
                format!("every enqueue of {value} failed, such as {}", story.number(failed)),
            ),
            None => ("thin-air", format!("nobody ever began to enqueue {value}")),
        };
        let who = story.who(dequeue);
        story.finding(Told {
            kind,
            sentence: format!("dequeue{key} by {who} returned {value}, although {why}"),
            proof: vec![
                format!(
                    "{} returned {value}{}.",
                    story.number(dequeue),
                    story.completed_at(dequeue)
                ),
                format!("In the whole history, {why}."),
            ],
            culprit: dequeue,
            legal: None,
        })
    };
    [thin, aborted].into_iter().flatten().map(told).collect()
}

fn tell_twice(object: &Object<'_>, value: ValueId, item: &Item, count: usize) -> Finding {
    let shown = &item.dequeues[..item.dequeues.len().min(item.possible + 1)];
    let mut sources = shown.to_vec();
    sources.extend(item.enqueue);
    let story = Story::new(object, &sources, &[value]);
    let (value, key) = (story.value(value), story.of_key());
    let who: Vec<String> = shown.iter().map(|&source| story.who(source)).collect();
    let put = if item.possible == 1 {
        "enqueued once".to_owned()
    } else {
        format!("enqueued {} times at most", item.possible)
    };
    let mut sentence =
        format!("{value}{key} was {put} and dequeued {} times ({})", item.out, who.join("; "));
    if count > 1 {
        sentence += &format!(" ({count} values came out too often)");
    }
    let numbers: Vec<String> = shown.iter().map(|&source| story.number(source)).collect();
    story.finding(Told {
        kind: "duplicate",
        sentence,
        proof: vec![
            format!(
                "All enqueues of {value} are counted, those of unknown outcome too: {}.",
                item.possible
            ),
            format!("Each of {} took {value} out of the queue.", numbers.join(", ")),
        ],
        culprit: *shown.last().unwrap_or(&item.dequeues[0]),
        legal: None,
    })
}

/// How many lost values are quoted.
const SHOWN: usize = 8;

fn tell_lost(
    object: &Object<'_>,
    empty: u32,
    missing: &[&(ValueId, Item)],
    count: usize,
    unknown: usize,
) -> Finding {
    // The one acknowledged last comes first: the time that it was missing is the least.
    let mut missing: Vec<(ValueId, u32, &Item)> = missing
        .iter()
        .filter_map(|(value, item)| item.enqueue.map(|enqueue| (*value, enqueue, item)))
        .collect();
    missing.sort_by_key(|(_, enqueue, _)| {
        std::cmp::Reverse(object.operation(*enqueue).complete_index)
    });
    missing.truncate(if unknown == 0 { 1 } else { SHOWN });
    let mut sources: Vec<u32> = missing.iter().map(|(_, enqueue, _)| *enqueue).collect();
    sources.push(empty);
    let story = Story::new(object, &sources, &[]);
    let (value, enqueue, item) = missing[0];
    let value = story.value(value);
    let (key, number) = (story.of_key(), story.number(empty));
    let mut sentence = format!(
        "the enqueue of {value}{key} ({}) was acknowledged and is lost: it did not come out, and the \
         queue was found empty {}later",
        story.who(enqueue),
        story.between(enqueue, empty)
    );
    if count > 1 {
        sentence += &format!(" ({count} values{key} are missing)");
    }
    let mut proof = vec![
        format!(
            "{} enqueued {value} and was acknowledged{}.",
            story.number(enqueue),
            story.completed_at(enqueue)
        ),
        format!("{number} began{}, later, and found the queue empty.", story.invoked_at(empty)),
        match item.out {
            0 => format!("No dequeue in the whole history returned {value}."),
            out => format!(
                "{value} was enqueued {} times by then, and came out {out} times.",
                item.early
            ),
        },
    ];
    if unknown > 0 {
        let taken = if unknown == 1 { "a value" } else { "a value each" };
        proof.push(format!(
            "{} of unknown outcome may have taken {taken} before {number} ended; {count} are \
             missing.",
            counted(unknown, "dequeue")
        ));
    }
    story.finding(Told {
        kind: "lost-write",
        sentence,
        proof,
        culprit: empty,
        legal: Some(format!("for {number} to return {value}, or for a dequeue before it")),
    })
}
