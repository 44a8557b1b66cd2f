//! Counters: every read lies within what the adds allow.
//!
//! **Definition** (after Jepsen's `counter`, with negative adds too). A read returns at least the initial
//! value, plus all positive adds that were acknowledged before it began, plus all negative adds
//! that began before it ended and may have taken effect; and at most the same with the signs
//! exchanged. Linearizability demands more; this is what it costs O(n) to know.

use std::collections::HashMap;

use temblor_history::{Completion, Operation};

use super::{
    Examined,
    object::{Object, possible},
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// Sums of adds at one moment.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Acknowledged: positive and negative ones.
    certain: (i128, i128),
    /// Begun, and perhaps in effect.
    possible: (i128, i128),
}

/// A read outside its bounds.
#[derive(Debug, Clone, Copy)]
struct Outside {
    read: u32,
    found: i128,
    least: i128,
    most: i128,
    /// The add acknowledged last before it began.
    last_add: Option<u32>,
}

/// Judges all reads of one counter.
pub(super) fn examine(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let initial = match object.param("initial").map(serde_json::Value::as_i64) {
        None => 0,
        Some(Some(initial)) => i128::from(initial),
        Some(None) => {
            let what = "the header's `initial` of a counter is a whole number".to_owned();
            return Ok(Examined { mistakes: vec![what], ..Examined::default() });
        }
    };
    let events = object.events();
    let add = object.history.function_id("add");
    let mut sums = Sums::default();
    let mut last_add = None;
    // By open read: what stood when it began.
    let mut begun: HashMap<u32, (Sums, Option<u32>)> = HashMap::new();
    let (mut reads, mut outside): (usize, Vec<Outside>) = (0, Vec::new());
    for (number, event) in events.iter().enumerate() {
        if number.is_multiple_of(4096) {
            share.hold(events.len() * 12 + begun.len() * 90)?;
        }
        let operation = object.operation(event.source);
        if Some(operation.f) == add {
            sums.add(object, operation, event.completes);
            if event.completes && operation.outcome == Completion::Ok {
                last_add = Some(event.source);
            }
        } else if !event.completes {
            begun.insert(event.source, (sums, last_add));
        } else if let Some((before, last_add)) = begun.remove(&event.source)
            && let (Completion::Ok, Some(found)) =
                (operation.outcome, object.integer(operation.result))
        {
            reads += 1;
            let found = i128::from(found);
            let least = initial + before.certain.0 + sums.possible.1;
            let most = initial + sums.possible.0 + before.certain.1;
            if !(least..=most).contains(&found) {
                outside.push(Outside { read: event.source, found, least, most, last_add });
            }
        }
    }
    let facts = vec![format!("{}, {} outside its bounds", counted(reads, "read"), outside.len())];
    let findings = outside.first().map(|first| tell(object, *first, outside.len()));
    Ok(Examined { findings: findings.into_iter().collect(), facts, ..Examined::default() })
}

impl Sums {
    fn add(&mut self, object: &Object<'_>, operation: &Operation, completes: bool) {
        let amount = i128::from(object.integer(operation.argument).unwrap_or_default());
        let sums = match (completes, operation.outcome) {
            (true, Completion::Ok) => &mut self.certain,
            (false, _) if possible(operation) => &mut self.possible,
            _ => return,
        };
        if amount > 0 { sums.0 += amount } else { sums.1 += amount }
    }
}

fn tell(object: &Object<'_>, outside: Outside, count: usize) -> Finding {
    let Outside { read, found, least, most, last_add } = outside;
    let low = found < least;
    let sources: Vec<u32> = [Some(read), last_add.filter(|_| low)].into_iter().flatten().collect();
    let story = Story::new(object, &sources, &[]);
    let (who, key, number) = (story.who(read), story.of_key(), story.number(read));
    let (bound, side, why) = if low {
        (least, "least", "acknowledged before it began")
    } else {
        (most, "most", "begun before it ended")
    };
    let mut sentence = format!(
        "read{key} by {who} returned {found}, although the adds {why} make it {bound} at {side}"
    );
    if count > 1 {
        sentence += &format!(" ({count} reads{key} lie outside their bounds)");
    }
    let mut proof = vec![format!("{number} began{} and returned {found}.", story.invoked_at(read))];
    if let Some(add) = last_add.filter(|_| low) {
        proof.push(format!(
            "The last add acknowledged before that is {}{}; with all before it, and all negative adds that \
             may have taken effect before {number} ended, the sum is {least}.",
            story.number(add),
            story.completed_at(add)
        ));
    } else {
        proof.push(format!(
            "All adds that {} {number} ended, without those that certainly failed, and the negative ones \
             acknowledged before it began, make {bound}.",
            if low { "may have taken effect before" } else { "began before" }
        ));
    }
    story.finding(Told {
        kind: "out-of-bounds",
        sentence,
        proof,
        culprit: read,
        legal: Some(format!("any number from {least} to {most}")),
    })
}
