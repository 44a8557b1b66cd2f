//! Identifiers: no two answers are the same. O(n).

use std::collections::{HashMap, hash_map::Entry};

use temblor_history::ValueId;

use super::{
    Examined,
    object::Object,
    story::{Story, Told},
};
use crate::{Exhausted, meter::Share, words::counted};

/// Judges all identifiers together.
pub(super) fn examine(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let mut given: HashMap<ValueId, u32> = HashMap::new();
    let mut again: Vec<(u32, u32)> = Vec::new();
    let mut count = 0_usize;
    for (source, generate) in object.answered("generate") {
        if count.is_multiple_of(4096) {
            share.hold(given.len() * 16 + again.len() * 8)?;
        }
        count += 1;
        match given.entry(generate.result) {
            Entry::Vacant(entry) => drop(entry.insert(source)),
            Entry::Occupied(entry) => again.push((*entry.get(), source)),
        }
    }
    let clearest =
        again.iter().min_by_key(|(_, second)| object.operation(*second).complete_index).copied();
    let findings = clearest.map(|(first, second)| {
        let story = Story::new(object, &[first, second], &[]);
        let id = story.value(object.operation(first).result);
        let mut sentence = format!(
            "{id} was given out twice: to {} and to {}",
            story.who(first),
            story.who(second)
        );
        if again.len() > 1 {
            sentence += &format!(" ({} were not new)", counted(again.len(), "answer"));
        }
        let returned = |source: u32| {
            format!("{} returned {id}{}.", story.number(source), story.completed_at(source))
        };
        story.finding(Told {
            kind: "duplicate-id",
            sentence,
            proof: vec![returned(first), returned(second)],
            culprit: second,
            legal: Some(format!("for {} to return an identifier of its own", story.number(second))),
        })
    });
    let facts = vec![format!("{}, {} different", counted(count, "answer"), given.len())];
    Ok(Examined { findings: findings.into_iter().collect(), facts, ..Examined::default() })
}
