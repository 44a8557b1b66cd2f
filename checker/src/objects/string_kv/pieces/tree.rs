//! All strings that gets found, and what each was made of.

use std::{
    collections::{BTreeSet, HashMap},
    hash::BuildHasherDefault,
};

use super::{Conflict, Effect, Pieces, TextId};
use crate::{Exhausted, hashing::Quick, meter::Meter, objects::NEVER, register::ValueNumber};

/// What is there at first.
pub(super) const INITIAL: ValueNumber = 0;

/// What a put makes a string of.
const NOTHING: ValueNumber = ValueNumber::MAX;

/// A string that was found, or the beginning of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// What an append made it of.
    pub(super) parent: ValueNumber,
    /// How it ends.
    pub(super) text: TextId,
    /// A get that showed it.
    shown_by: u32,
}

impl Node {
    /// Whether an append made it.
    pub(super) fn is_appended(&self) -> bool {
        self.parent != NOTHING
    }
}

/// What becomes of the gets.
pub(super) enum Grown {
    Tree(Tree),
    /// A string may have been there twice, or in two ways.
    Open,
    Conflict(Conflict),
}

/// Strings as values of a register: from [`INITIAL`] on, each after the one that it was made of.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    children: HashMap<(ValueNumber, TextId), ValueNumber, BuildHasherDefault<Quick>>,
    /// How many strings end with each text that was appended.
    ends: Vec<u32>,
    /// The string that each get found, by its place.
    found: Vec<ValueNumber>,
}

/// Why a get has no place in the tree.
enum Refused {
    Open,
    Conflict(Conflict),
}

impl Tree {
    pub(super) fn of(pieces: &Pieces<'_>, meter: &Meter<'_>) -> Result<Grown, Exhausted> {
        let initial = Node { parent: NOTHING, text: TextId::MAX, shown_by: NEVER };
        let mut tree = Self {
            nodes: vec![initial],
            children: HashMap::default(),
            ends: vec![0; pieces.texts.count()],
            found: vec![INITIAL; pieces.ops.len()],
        };
        let (mut known, mut passed) = (HashMap::<&str, ValueNumber>::new(), 0);
        for (get, op) in (0..).zip(pieces.ops) {
            let Effect::Get(found) = &op.effect else { continue };
            let string = if let Some(&string) = known.get(&**found) {
                string
            } else {
                meter.ask_after(&mut passed, found.len())?;
                match tree.grow(pieces, get, found) {
                    Ok(string) => string,
                    Err(Refused::Open) => return Ok(Grown::Open),
                    Err(Refused::Conflict(conflict)) => return Ok(Grown::Conflict(conflict)),
                }
            };
            // Where it depends on the moment what a string was made of, each get is asked.
            if !pieces.texts.split(found).next().is_some_and(|first| pieces.is_contested(first)) {
                known.insert(found, string);
            }
            tree.found[get as usize] = string;
        }
        Ok(Grown::Tree(tree))
    }

    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn found(&self, get: u32) -> ValueNumber {
        self.found[get as usize]
    }

    pub(super) fn node(&self, string: ValueNumber) -> &Node {
        &self.nodes[string as usize]
    }

    pub(super) fn shown_by(&self, string: ValueNumber) -> u32 {
        self.node(string).shown_by
    }

    /// The strings but the initial one, each after the one that it was made of.
    pub(super) fn strings(&self) -> impl DoubleEndedIterator<Item = (ValueNumber, &Node)> {
        let numbers = 0..self.nodes.len() as ValueNumber;
        numbers.zip(&self.nodes).skip(1)
    }

    /// The string that a get found.
    fn grow(&mut self, pieces: &Pieces<'_>, get: u32, found: &str) -> Result<ValueNumber, Refused> {
        if found.is_empty() && pieces.initial.is_none() {
            return Ok(INITIAL);
        }
        let mut split = pieces.texts.split(found);
        let mut string: Option<ValueNumber> = None;
        for text in split.by_ref() {
            let next = match string {
                None => self.begin(pieces, get, text)?,
                Some(before) => self.append(pieces, get, before, text)?,
            };
            string = Some(next);
        }
        // What nobody put in follows.
        let whole = string.filter(|_| split.rest.is_empty());
        whole.ok_or_else(|| Refused::Conflict(contradiction(pieces, [get])))
    }

    fn begin(
        &mut self,
        pieces: &Pieces<'_>,
        get: u32,
        text: TextId,
    ) -> Result<ValueNumber, Refused> {
        if pieces.initial == Some(text) {
            return Ok(INITIAL);
        }
        match (pieces.may_be_put(text, get), pieces.may_begin_empty(text, get)) {
            (true, false) if pieces.puts[text as usize].len() == 1 => {
                Ok(self.child(get, NOTHING, text))
            }
            (true, _) => Err(Refused::Open),
            (false, true) => self.append(pieces, get, INITIAL, text),
            (false, false) => Err(Refused::Conflict(contradiction(pieces, [get]))),
        }
    }

    fn append(
        &mut self,
        pieces: &Pieces<'_>,
        get: u32,
        before: ValueNumber,
        text: TextId,
    ) -> Result<ValueNumber, Refused> {
        let count = self.count();
        let string = self.child(get, before, text);
        if self.count() == count {
            return Ok(string);
        }
        self.ends[text as usize] += 1;
        if self.ends[text as usize] as usize <= pieces.appends[text as usize].len() {
            return Ok(string);
        }
        let ends = self.strings().filter(|(_, node)| node.text == text && node.is_appended());
        Err(Refused::Conflict(contradiction(pieces, ends.map(|(_, node)| node.shown_by))))
    }

    fn child(&mut self, get: u32, parent: ValueNumber, text: TextId) -> ValueNumber {
        let next = self.nodes.len() as ValueNumber;
        let string = *self.children.entry((parent, text)).or_insert(next);
        if string == next {
            self.nodes.push(Node { parent, text, shown_by: get });
        }
        string
    }
}

/// Gets that contradict each other, with all that could have made what they found.
fn contradiction(pieces: &Pieces<'_>, gets: impl IntoIterator<Item = u32>) -> Conflict {
    let mut all = BTreeSet::new();
    for get in gets {
        all.insert(get);
        pieces.cause(get, &mut all);
    }
    all.into_iter().collect()
}
