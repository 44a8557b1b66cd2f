//! Numbers that never go down: what somebody found, nobody who begins later finds less than.
//!
//! **Definition.** In real time: an answer that is smaller than one that had been given before its
//! operation began. In sessions: smaller than an earlier answer to the same process. Reads of
//! registers and counters may repeat a number; identifiers have to grow. A read of null is less
//! than every number. O(n): one pass over the events, with the greatest answer so far.

use std::collections::HashMap;

use temblor_history::{Completion, Operation, ValueId};

use super::{
    Examined,
    object::Object,
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// Judges by real time.
pub(super) fn in_real_time(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    examine(object, share, |_| 0)
}

/// Judges each process by itself.
pub(super) fn in_sessions(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    examine(object, share, |operation| operation.process)
}

/// An answer and the operation that got it.
type Answer = (Option<i64>, u32);

fn examine(
    object: &Object<'_>,
    share: &mut Share<'_>,
    line: fn(&Operation) -> u64,
) -> Result<Examined, Exhausted> {
    let generate = object.history.function_id("generate");
    let asks = |operation: &Operation| {
        let read = object.history.function_name(operation.f) == "read";
        operation.outcome == Completion::Ok && (read || Some(operation.f) == generate)
    };
    let events = object.events();
    let mut greatest: HashMap<u64, Answer> = HashMap::new();
    let mut begun: HashMap<u32, Option<Answer>> = HashMap::new();
    let mut smaller: Vec<(u32, u32)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        if number.is_multiple_of(4096) {
            share.hold(events.len() * 12 + (greatest.len() + begun.len()) * 40)?;
        }
        let operation = object.operation(event.source);
        if !asks(operation) {
            continue;
        }
        if !event.completes {
            begun.insert(event.source, greatest.get(&line(operation)).copied());
            continue;
        }
        let found = match number_of(object, operation.result) {
            Ok(found) => found,
            Err(what) => return Ok(Examined { mistakes: vec![what], ..Examined::default() }),
        };
        if let Some((before, earlier)) = begun.remove(&event.source).flatten() {
            let repeats = Some(operation.f) == generate && found == before;
            if found < before || repeats {
                smaller.push((earlier, event.source));
            }
        }
        let latest = greatest.entry(line(operation)).or_insert((found, event.source));
        if found > latest.0 {
            *latest = (found, event.source);
        }
    }
    let findings = told(object, &smaller).into_iter().collect();
    Ok(Examined { findings, ..Examined::default() })
}

/// The first answer that is smaller than one before it.
fn told(object: &Object<'_>, smaller: &[(u32, u32)]) -> Option<Finding> {
    smaller.first().map(|&(earlier, later)| {
        let story = Story::new(object, &[earlier, later], &[]);
        let value = |source: u32| story.value(object.operation(source).result);
        let (first, second, key) = (value(earlier), value(later), story.of_key());
        let mut sentence = format!(
            "{}{key} by {} returned {second}, although {} had got {first} before it began",
            object.history.function_name(object.operation(later).f),
            story.who(later),
            story.who(earlier)
        );
        if smaller.len() > 1 {
            sentence += &format!(" ({} go down)", counted(smaller.len(), "answer"));
        }
        let numbers = (story.number(earlier), story.number(later));
        story.finding(Told {
            kind: "nonmonotonic",
            sentence,
            proof: vec![
                format!("{} returned {first}{}.", numbers.0, story.completed_at(earlier)),
                format!(
                    "{} began{}, later, and returned {second}.",
                    numbers.1,
                    story.invoked_at(later)
                ),
            ],
            culprit: later,
            legal: Some(format!("{first} or more")),
        })
    })
}

/// None, for null, is less than every number.
fn number_of(object: &Object<'_>, id: ValueId) -> Result<Option<i64>, String> {
    match object.integer(id) {
        None if id != ValueId::NULL => Err(format!(
            "{} has no place in an order: only whole numbers can be monotonic",
            object.history.value(id)
        )),
        number => Ok(number),
    }
}
