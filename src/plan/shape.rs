//! What files may say: shapes of values, as tables. The parser, the JSON Schema and the
//! explanations all read the same tables, so they can't drift apart.

use std::ops::RangeInclusive;

use super::{diagnostic::Diagnostic, form::Form, value::Value};

/// What a value has to look like.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// A single value, or a small structure that reads as one.
    Leaf(&'static Leaf),
    /// A whole number between two others.
    Count(RangeInclusive<u64>),
    /// One of these words; and what such a word is, for "there is no …".
    Word(&'static str, Vec<Choice>),
    /// Several of a kind; one may stand without brackets.
    List(Box<Shape>),
    /// Named values, each name known.
    Map(Vec<Key>),
    /// Named values, all names allowed.
    AnyKeys(Box<Shape>),
    /// Exactly one name out of a table, with the values that belong to it: `kill: { … }`.
    Variants(&'static str, Vec<Variant>),
}

/// A kind of single value.
pub(crate) struct Leaf {
    /// What it is called in the catalogue's files.
    pub(crate) name: &'static str,
    /// What it is, for "expected …".
    pub(crate) what: &'static str,
    /// An example, as a plan writes it.
    pub(crate) example: &'static str,
    /// Reads it.
    pub(crate) read: fn(&Value) -> Result<Form, Diagnostic>,
    /// Its JSON Schema, as JSON.
    pub(crate) schema: &'static str,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A word that may stand somewhere, and what it means.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The word.
    pub(crate) word: String,
    /// What it means.
    pub(crate) about: String,
}

/// A name in a map.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The name.
    pub(crate) name: String,
    /// What it says, in one sentence.
    pub(crate) about: String,
    /// What its value looks like.
    pub(crate) shape: Shape,
    /// Whether it has to be there.
    pub(crate) presence: Presence,
}

/// Whether a name has to be there.
#[derive(Debug, Clone)]
pub(crate) enum Presence {
    /// It has to.
    Needed,
    /// It may be left out.
    Optional,
    /// It may be left out and is then this.
    Default(Value),
    /// It is part of the language, but this version can't do it.
    Later,
}

/// A name out of a table.
#[derive(Debug, Clone)]
pub(crate) struct Variant {
    /// The name.
    pub(crate) name: String,
    /// What it is, in one sentence.
    pub(crate) about: String,
    /// The values that belong to it.
    pub(crate) keys: Vec<Key>,
}

impl Key {
    pub(crate) fn needed(name: &str, shape: Shape, about: &str) -> Self {
        Self::new(name, shape, about, Presence::Needed)
    }

    pub(crate) fn optional(name: &str, shape: Shape, about: &str) -> Self {
        Self::new(name, shape, about, Presence::Optional)
    }

    pub(crate) fn later(name: &str, shape: Shape, about: &str) -> Self {
        Self::new(name, shape, about, Presence::Later)
    }

    fn new(name: &str, shape: Shape, about: &str, presence: Presence) -> Self {
        Self { name: name.to_owned(), about: about.to_owned(), shape, presence }
    }
}

impl Shape {
    pub(crate) fn list(of: Shape) -> Self {
        Self::List(Box::new(of))
    }

    pub(crate) fn words(what: &'static str, words: &[(&str, &str)]) -> Self {
        let choice = |(word, about): &(&str, &str)| Choice {
            word: (*word).to_owned(),
            about: (*about).to_owned(),
        };
        Self::Word(what, words.iter().map(choice).collect())
    }
}
