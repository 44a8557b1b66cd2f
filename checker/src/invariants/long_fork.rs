//! Long fork: two readers see two writes in different orders.
//!
//! **Definition** (after Jepsen's `long-fork`). Of the keys that are written once in the whole history, at
//! most, a read of several shows which of their writes had happened. Two reads of the same keys
//! are comparable if one shows everything that the other shows; parallel snapshot isolation
//! allows others, snapshot isolation does not. Reads are grouped by their keys, and sorted by how
//! many writes they show: all of a group are comparable exactly when neighbours are.
//! O(micro-operations + reads · log reads).

use std::collections::{BTreeMap, HashMap, HashSet};

use temblor_history::{ValueId, ValueView};

use super::{
    Examined,
    object::{Object, possible},
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// What a transaction read before it wrote the key itself: (key, value).
fn reads_of(object: &Object<'_>, transaction: ValueId) -> Vec<(ValueId, ValueId)> {
    let mut written: Vec<ValueId> = Vec::new();
    let mut reads: Vec<(ValueId, ValueId)> = Vec::new();
    for &micro in object.elements(transaction) {
        let &[f, key, value] = object.elements(micro) else { continue };
        if object.history.view(f) == ValueView::Text("w") {
            written.push(key);
        } else if !written.contains(&key) && !reads.iter().any(|(known, _)| *known == key) {
            reads.push((key, value));
        }
    }
    reads.sort_unstable();
    reads
}

/// The only write of each key that may have taken effect; none for keys written again.
fn only_writes(object: &Object<'_>) -> HashMap<ValueId, Option<(ValueId, u32)>> {
    let mut writes: HashMap<ValueId, Option<(ValueId, u32)>> = HashMap::new();
    for (source, operation) in object.calls("txn").filter(|(_, operation)| possible(operation)) {
        for &micro in object.elements(operation.argument) {
            let &[f, key, value] = object.elements(micro) else { continue };
            if object.history.view(f) == ValueView::Text("w") {
                writes.entry(key).and_modify(|only| *only = None).or_insert(Some((value, source)));
            }
        }
    }
    writes
}

/// One read of a group: which of its keys' writes it shows.
struct Read {
    source: u32,
    shown: Vec<bool>,
    count: usize,
}

/// Judges all groups of keys.
pub(super) fn examine(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let writes = only_writes(object);
    let mut groups: BTreeMap<Vec<ValueId>, Vec<Read>> = BTreeMap::new();
    let mut bytes = 0;
    for (source, operation) in object.answered("txn") {
        let mut keys = Vec::new();
        let mut shown = Vec::new();
        for (key, value) in reads_of(object, operation.result) {
            // A value that the only write did not write is no long fork: others find that.
            match writes.get(&key) {
                Some(Some((written, _))) if value == *written || value == ValueId::NULL => {
                    keys.push(key);
                    shown.push(value != ValueId::NULL);
                }
                _ => {}
            }
        }
        if keys.len() < 2 {
            continue;
        }
        bytes += size_of::<Read>() + keys.len();
        share.hold(bytes)?;
        let count = shown.iter().filter(|shown| **shown).count();
        groups.entry(keys).or_default().push(Read { source, shown, count });
    }
    let reads = groups.values().map(Vec::len).sum();
    let mut forks = Vec::new();
    for (keys, mut reads) in groups {
        share.hold(bytes)?;
        reads.sort_by_key(|read| read.count);
        forks.extend(
            incomparable(&reads).map(|(one, other)| (keys, reads[one].source, reads[other].source)),
        );
    }
    let compared = format!("{} of keys that are written once", counted(reads, "read"));
    let undecided = (reads < 2).then(|| format!("{compared}: there is nothing to compare"));
    let findings: Vec<Finding> = forks
        .first()
        .map(|(keys, one, other)| tell(object, &writes, keys, (*one, *other), forks.len()))
        .into_iter()
        .collect();
    Ok(Examined { findings, undecided, facts: vec![compared], mistakes: Vec::new() })
}

/// The first neighbours of which neither shows all that the other shows.
fn incomparable(reads: &[Read]) -> Option<(usize, usize)> {
    let below = |one: &Read, other: &Read| {
        one.shown.iter().zip(&other.shown).all(|(one, other)| !one || *other)
    };
    (1..reads.len()).find(|&at| !below(&reads[at - 1], &reads[at])).map(|at| (at - 1, at))
}

fn tell(
    object: &Object<'_>,
    writes: &HashMap<ValueId, Option<(ValueId, u32)>>,
    keys: &[ValueId],
    (one, other): (u32, u32),
    groups: usize,
) -> Finding {
    let shown = |source: u32| -> HashSet<ValueId> {
        let reads = reads_of(object, object.operation(source).result).into_iter();
        reads.filter(|(_, value)| *value != ValueId::NULL).map(|(key, _)| key).collect()
    };
    let (first, second) = (shown(one), shown(other));
    let only = |mine: &HashSet<ValueId>, theirs: &HashSet<ValueId>| {
        keys.iter().copied().find(|key| mine.contains(key) && !theirs.contains(key))
    };
    let (x, y) = (only(&first, &second), only(&second, &first));
    let (Some(x), Some(y)) = (x, y) else { unreachable!("the reads are incomparable") };
    let writer = |key: ValueId| writes[&key].expect("a key of a group is written once").1;
    let story = Story::new(object, &[one, other, writer(x), writer(y)], &[]);
    let (p, q) = (story.number(one), story.number(other));
    let (wx, wy) = (story.number(writer(x)), story.number(writer(y)));
    let (x, y) = (story.value(x), story.value(y));
    let mut sentence = format!(
        "{} saw the write of {x} and not that of {y}, {} that of {y} and not that of {x}",
        story.who(one),
        story.who(other)
    );
    if groups > 1 {
        sentence += &format!(" (so in {groups} groups of keys)");
    }
    story.finding(Told {
        kind: "long-fork",
        sentence,
        proof: vec![
            format!("{wx} is the only write of {x}, {wy} the only one of {y}."),
            format!("{p} shows {wx} and not {wy}: in its snapshot {wx} came first."),
            format!("{q} shows {wy} and not {wx}: in its snapshot {wy} came first."),
        ],
        culprit: one.max(other),
        legal: Some("for one of the reads to show everything that the other shows".to_owned()),
    })
}
