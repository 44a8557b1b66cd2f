//! Sets: what was added stays, and stands in a read once.
//!
//! **Definition** (after Jepsen's `set-full`). An element is *known* once an add of it was acknowledged
//! or a read returned it. Of the reads that began after that, take the last that lacks it and the
//! last that holds it, by their invocations. It is *lost* if the one that lacks it began later,
//! or none holds it; *stale* if one that lacks it was followed by one that holds it; *never read* if
//! there is neither: that leaves the set undecided. Elements that somebody removed, or may
//! have, are no evidence. An element that was read and whose every add failed is `G1a`, one that
//! nobody added `thin-air`.
//!
//! O(elements + sum of the sizes of all reads): reads are gone through from the last to the
//! first, and an element leaves the list of those to look for at the first read that lacks it.

use std::collections::HashMap;

use temblor_history::{Completion, Operation, ValueId};

use super::{
    Examined,
    object::{Object, possible},
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, moments::span, words::counted};

const NEVER: u32 = u32::MAX;

/// What became of one element.
#[derive(Debug, Clone)]
struct Element {
    value: ValueId,
    /// An add that may have taken effect.
    attempted: bool,
    /// An add that was acknowledged, the first.
    added: Option<u32>,
    /// An add that failed.
    failed: Option<u32>,
    removed: bool,
    /// The completion by which it was known, and of which operation.
    known: u32,
    known_by: u32,
    /// The read that holds it and began last.
    present: Option<u32>,
    /// The read that lacks it, began after it was known, and began last of those.
    absent: Option<u32>,
    /// The first read that returned it.
    seen: Option<u32>,
}

#[derive(Default)]
struct Elements {
    list: Vec<Element>,
    numbers: HashMap<ValueId, u32>,
}

impl Elements {
    fn of(&mut self, value: ValueId) -> &mut Element {
        let list = &mut self.list;
        let number = *self.numbers.entry(value).or_insert_with(|| {
            list.push(Element {
                value,
                attempted: false,
                added: None,
                failed: None,
                removed: false,
                known: NEVER,
                known_by: 0,
                present: None,
                absent: None,
                seen: None,
            });
            list.len() as u32 - 1
        });
        &mut list[number as usize]
    }

    fn bytes(&self) -> usize {
        self.list.len() * (size_of::<Element>() + 16)
    }
}

/// What a read says: everything that is there, or whether one element is.
enum Seen<'h> {
    All(&'h [ValueId]),
    One(ValueId, bool),
}

/// The reads in the order of their invocations.
fn reads<'h>(object: &Object<'h>) -> Vec<(u32, &'h Operation, Seen<'h>)> {
    let all = object.answered("read");
    let mut reads: Vec<(u32, &Operation, Seen<'_>)> = all
        .map(|(source, operation)| {
            (source, operation, Seen::All(object.elements(operation.result)))
        })
        .collect();
    let one = object.answered("contains").filter_map(|(source, operation)| {
        let &[value, held] = object.elements(operation.result) else { return None };
        Some((source, operation, Seen::One(value, held == ValueId::TRUE)))
    });
    reads.extend(one);
    reads.sort_unstable_by_key(|(source, ..)| *source);
    reads
}

/// Judges whether what was added is still there.
pub(super) fn no_lost_writes(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    let reads = reads(object);
    let mut elements = changes(object);
    for (source, read, seen) in &reads {
        share.hold(elements.bytes())?;
        let present: &[ValueId] = match seen {
            Seen::All(list) => list,
            Seen::One(value, true) => std::slice::from_ref(value),
            Seen::One(_, false) => &[],
        };
        for &value in present {
            let element = elements.of(value);
            element.seen.get_or_insert(*source);
            let completed = read.complete_index.unwrap_or(NEVER);
            if completed < element.known {
                (element.known, element.known_by) = (completed, *source);
            }
        }
    }
    look_back(&mut elements, &reads, share)?;
    Ok(conclusion(object, &elements.list))
}

/// The elements that adds and removes name.
fn changes(object: &Object<'_>) -> Elements {
    let mut elements = Elements::default();
    for (source, add) in object.calls("add") {
        let element = elements.of(add.argument);
        element.attempted |= possible(add);
        match (add.outcome, add.complete_index) {
            (Completion::Ok, Some(completed)) => {
                element.added.get_or_insert(source);
                if completed < element.known {
                    (element.known, element.known_by) = (completed, source);
                    element.added = Some(source);
                }
            }
            (Completion::Fail | Completion::Refused, _) => element.failed = Some(source),
            _ => {}
        }
    }
    for (_, remove) in object.calls("remove").filter(|(_, remove)| possible(remove)) {
        elements.of(remove.argument).removed = true;
    }
    elements
}

/// Finds each element's last read that holds it, and the last that lacks it.
fn look_back(
    elements: &mut Elements,
    reads: &[(u32, &Operation, Seen<'_>)],
    share: &mut Share<'_>,
) -> Result<(), Exhausted> {
    let mut wanted: Vec<u32> = (0..elements.list.len() as u32).collect();
    let mut marks = vec![NEVER; elements.list.len()];
    for (source, read, seen) in reads.iter().rev() {
        share.hold(elements.bytes() + marks.len() * 8)?;
        let lacks = |element: &mut Element| {
            if element.known < read.invoke_index && element.absent.is_none() {
                element.absent = Some(*source);
            }
        };
        match seen {
            Seen::All(list) => {
                for &value in *list {
                    let number = elements.numbers[&value];
                    marks[number as usize] = *source;
                    elements.list[number as usize].present.get_or_insert(*source);
                }
                wanted.retain(|&number| {
                    let held = marks[number as usize] == *source;
                    if !held {
                        lacks(&mut elements.list[number as usize]);
                    }
                    held
                });
            }
            Seen::One(value, true) => {
                elements.of(*value).present.get_or_insert(*source);
            }
            Seen::One(value, false) => {
                if let Some(&number) = elements.numbers.get(value) {
                    lacks(&mut elements.list[number as usize]);
                }
            }
        }
    }
    Ok(())
}

impl Element {
    /// Whether reads can be held against it.
    fn counts(&self) -> bool {
        self.known != NEVER && !self.removed
    }

    /// Reads stand in the order of their invocations.
    fn is_lost(&self) -> bool {
        self.counts()
            && self.absent.is_some_and(|absent| self.present.is_none_or(|held| held < absent))
    }

    fn is_stale(&self) -> bool {
        self.counts() && self.absent.is_some() && !self.is_lost()
    }

    fn is_unread(&self) -> bool {
        self.counts() && self.absent.is_none() && self.present.is_none()
    }
}

fn conclusion(object: &Object<'_>, elements: &[Element]) -> Examined {
    let lost: Vec<&Element> = elements.iter().filter(|element| element.is_lost()).collect();
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(
        lost.iter()
            .max_by_key(|element| element.known)
            .map(|element| tell_lost(object, element, lost.len())),
    );
    findings.extend(unwritten(object, elements));
    let unread = elements.iter().filter(|element| element.is_unread()).count();
    Examined {
        findings,
        undecided: (unread > 0)
            .then(|| format!("no read began after {}", counted(unread, "acknowledged add"))),
        facts: vec![facts(object, elements)],
        mistakes: Vec::new(),
    }
}

/// Elements that were read and cannot have been there.
fn unwritten(object: &Object<'_>, elements: &[Element]) -> Vec<Finding> {
    let wrong = |element: &&Element| element.seen.is_some() && !element.attempted;
    let thin = elements.iter().filter(wrong).find(|element| element.failed.is_none());
    let aborted = elements.iter().filter(wrong).find(|element| element.failed.is_some());
    [thin, aborted].into_iter().flatten().map(|element| tell_unwritten(object, element)).collect()
}

fn tell_unwritten(object: &Object<'_>, element: &Element) -> Finding {
    let read = element.seen.expect("it was read");
    let sources: Vec<u32> = [Some(read), element.failed].into_iter().flatten().collect();
    let story = Story::new(object, &sources, &[element.value]);
    let (value, who) = (story.value(element.value), story.who(read));
    let key = story.of_key();
    let (kind, why) = match element.failed {
        Some(add) => ("G1a", format!("every add of {value} failed, such as {}", story.number(add))),
        None => ("thin-air", format!("nobody ever began to add {value}")),
    };
    let proof = vec![
        format!("{} returned {value}{}.", story.number(read), story.completed_at(read)),
        format!("In the whole history, {why}."),
    ];
    story.finding(Told {
        kind,
        sentence: format!("read{key} by {who} returned {value}, although {why}"),
        proof,
        culprit: read,
        legal: Some(format!("for {} not to hold {value}", story.number(read))),
    })
}

fn tell_lost(object: &Object<'_>, element: &Element, lost: usize) -> Finding {
    let absent = element.absent.expect("a lost element is missed by a read");
    let known = element.known_by;
    let sources: Vec<u32> =
        [Some(known), Some(absent), element.present].into_iter().flatten().collect();
    let story = Story::new(object, &sources, &[element.value]);
    let (value, key) = (story.value(element.value), story.of_key());
    let (k, a) = (story.number(known), story.number(absent));
    let (was, shows) = if element.added == Some(known) {
        (
            format!("the add of {value} ({}){key} was acknowledged and", story.who(known)),
            format!("{k} added {value} and was acknowledged{}.", story.completed_at(known)),
        )
    } else {
        (
            format!("{value}{key} had been read ({}) and", story.who(known)),
            format!("{k} had returned {value}{}.", story.completed_at(known)),
        )
    };
    let mut sentence = format!(
        "{was} is lost: the read by {}, which began {}later, lacks it",
        story.who(absent),
        story.between(known, absent)
    );
    if lost > 1 {
        sentence += &format!(" ({lost} elements{key} are lost)");
    }
    let mut proof = vec![shows];
    proof.extend(element.present.map(|held| {
        let at = story.invoked_at(held);
        format!("{} is the last read that holds {value}; it began{at}.", story.number(held))
    }));
    proof.push(format!(
        "{a} began{}, after all that, and lacks {value}; no read that began later holds it.",
        story.invoked_at(absent)
    ));
    proof.push(format!("Nobody removed {value}, or tried to."));
    story.finding(Told {
        kind: "lost-write",
        sentence,
        proof,
        culprit: absent,
        legal: Some(format!("for {a} to hold {value}")),
    })
}

/// What became of all elements, in numbers.
fn facts(object: &Object<'_>, elements: &[Element]) -> String {
    let count =
        |what: fn(&Element) -> bool| elements.iter().filter(|element| what(element)).count();
    let recovered =
        count(|element| element.attempted && element.added.is_none() && element.seen.is_some());
    let mut words = format!(
        "of {}, {} lost, {} stale, {recovered} recovered (added with an unknown outcome, and read), \
         {} never read",
        counted(elements.len(), "element"),
        count(Element::is_lost),
        count(Element::is_stale),
        count(Element::is_unread),
    );
    let known =
        |element: &Element| object.operation(element.known_by).completed.unwrap_or_default();
    let from_known = |element: &Element, read: Option<u32>| {
        read.map(|read| (object.operation(read).invoked - known(element)).max(0))
    };
    if object.history.has_times() {
        let stale = elements.iter().filter(|element| element.is_stale());
        let stable = stale.filter_map(|element| from_known(element, element.absent)).max();
        words += &stable.map_or(String::new(), |ns| format!("; stable after {} at most", span(ns)));
        let lost = elements.iter().filter(|element| element.is_lost());
        let seen = lost.map(|element| from_known(element, element.present).unwrap_or(0)).max();
        words += &seen.map_or(String::new(), |ns| {
            format!("; lost elements were seen for {} at most", span(ns))
        });
    }
    words
}

/// Judges whether each read holds every element once.
pub(super) fn no_duplicates(
    object: &Object<'_>,
    share: &mut Share<'_>,
) -> Result<Examined, Exhausted> {
    let mut last: HashMap<ValueId, u32> = HashMap::new();
    let mut found: Option<(u32, ValueId)> = None;
    let mut count = 0;
    for (source, read) in object.answered("read") {
        share.hold(last.len() * 16)?;
        for &value in object.elements(read.result) {
            if last.insert(value, source) == Some(source) {
                found.get_or_insert((source, value));
                count += 1;
            }
        }
    }
    let findings = found.map(|(read, value)| {
        let story = Story::new(object, &[read], &[value]);
        let (key, who, value) = (story.of_key(), story.who(read), story.value(value));
        let mut sentence = format!("read{key} by {who} returned {value} twice");
        if count > 1 {
            sentence += &format!(" ({count} elements stand in a read again)");
        }
        story.finding(Told {
            kind: "duplicate",
            sentence,
            proof: vec![format!("A set holds {value} once, however often it is added.")],
            culprit: read,
            legal: None,
        })
    });
    Ok(Examined { findings: findings.into_iter().collect(), ..Examined::default() })
}
