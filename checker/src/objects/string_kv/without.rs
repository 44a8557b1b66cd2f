//! What can honestly be left out of a string's operations, text by text.
//!
//! Strings are made of texts in one way only. So a text that is only appended can be deleted: its
//! appends, and it itself from all that was found; whatever order explained the rest still does,
//! with each string what is left of it. A text that is only put can go with all that was found to
//! begin with it: what then is appended to the string before, nobody sees.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{Effect, Known, StringKv, texts::TextId};
use crate::objects::{Timed, reduce::Unit};

/// What is done with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Put,
    Append,
    Both,
}

/// Of each text that somebody puts in how, and when the last operation on it was over.
struct Uses(BTreeMap<TextId, (Use, u32)>);

impl Uses {
    fn of(known: &Known, ops: &[Timed<Effect>]) -> Self {
        let mut uses = BTreeMap::new();
        for op in ops {
            let (piece, how) = match &op.effect {
                Effect::Get(_) => continue,
                Effect::Put(piece) => (piece, Use::Put),
                Effect::Append(piece) => (piece, Use::Append),
            };
            let Some(text) = known.texts.find(piece) else { continue };
            let (known, last) = uses.entry(text).or_insert((how, op.returned));
            *known = if *known == how { how } else { Use::Both };
            *last = op.returned.max(*last);
        }
        Self(uses)
    }
}

/// The texts that can be left out.
pub(super) fn units(model: &StringKv, known: &Known, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
    let Some(initial) = known.texts.whole(&model.initial) else { return Vec::new() };
    let uses = Uses::of(known, ops).0.into_iter();
    uses.filter(|(text, (how, _))| *how != Use::Both && !initial.contains(text))
        .map(|(text, (_, last))| (last, Unit::Value(text)))
        .collect()
}

/// The operations without these texts; none if that would not be honest.
pub(super) fn leave_out(
    model: &StringKv,
    known: &Known,
    ops: Vec<Timed<Effect>>,
    gone: &HashSet<Unit>,
) -> Option<Vec<Timed<Effect>>> {
    let Gone { texts, forbidden } = Gone::of(model, known, &ops, gone)?;
    if texts.is_empty() && forbidden.is_empty() {
        return Some(ops);
    }
    let kept = |op: Timed<Effect>| match &op.effect {
        Effect::Put(piece) | Effect::Append(piece) => {
            let text = known.texts.find(piece);
            text.is_none_or(|text| !texts.contains_key(&text)).then_some(op)
        }
        Effect::Get(found) => {
            let found = left(known, found, &texts, &forbidden)?;
            Some(Timed { effect: Effect::Get(found), ..op })
        }
    };
    Some(ops.into_iter().filter_map(kept).collect())
}

/// What is to be left out.
struct Gone {
    texts: BTreeMap<TextId, Use>,
    /// What nobody puts in: gets that found it say nothing more.
    forbidden: HashSet<u32>,
}

impl Gone {
    fn of(
        model: &StringKv,
        known: &Known,
        ops: &[Timed<Effect>],
        gone: &HashSet<Unit>,
    ) -> Option<Self> {
        let (mut texts, mut forbidden) = (BTreeMap::new(), HashSet::new());
        let mut asked = gone.iter().filter_map(|unit| match unit {
            Unit::Value(text) => Some(*text),
            _ => None,
        });
        let Some(first) = asked.next() else { return Some(Self { texts, forbidden }) };
        let initial = known.texts.whole(&model.initial)?;
        let uses = Uses::of(known, ops).0;
        for text in std::iter::once(first).chain(asked) {
            match uses.get(&text) {
                None => drop(forbidden.insert(text)),
                Some((Use::Both, _)) => return None,
                Some(_) if initial.contains(&text) => return None,
                Some((how, _)) => drop(texts.insert(text, *how)),
            }
        }
        Some(Self { texts, forbidden })
    }
}

/// What is left of a string that was found, if anything.
fn left(
    known: &Known,
    found: &Arc<str>,
    gone: &BTreeMap<TextId, Use>,
    forbidden: &HashSet<u32>,
) -> Option<Arc<str>> {
    if let Some((unit, _)) = known.invented.get(found) {
        return (!forbidden.contains(unit)).then(|| found.clone());
    }
    let (mut left, mut split) = (String::new(), known.texts.split(found));
    for text in split.by_ref() {
        match gone.get(&text) {
            _ if forbidden.contains(&text) => return None,
            Some(Use::Put | Use::Both) => return None,
            Some(Use::Append) => {}
            None => left.push_str(known.texts.text(text)),
        }
    }
    left.push_str(split.rest);
    Some(left.into())
}
