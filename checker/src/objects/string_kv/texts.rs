//! The pieces that strings are made of: what is put, appended, or there at first.

use std::sync::Arc;

/// A text's place among all of them, in the order of the alphabet.
pub(super) type TextId = u32;

/// Different texts of which strings can be made in one way only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    sorted: Vec<Arc<str>>,
    /// Whether a string is one text, since nobody appends.
    single: bool,
}

impl Texts {
    /// None if a string could be made of them in several ways: if one is empty or begins with
    /// another one. O(n log n).
    pub(super) fn new(mut texts: Vec<Arc<str>>, single: bool) -> Option<Self> {
        texts.sort_unstable();
        texts.dedup();
        // What begins with a text stands right after it.
        let apart = |pair: &[Arc<str>]| single || !pair[1].starts_with(&*pair[0]);
        let good = texts.windows(2).all(apart) && texts.first().is_none_or(|text| !text.is_empty());
        good.then_some(Self { sorted: texts, single })
    }

    pub(super) fn count(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn text(&self, id: TextId) -> &Arc<str> {
        &self.sorted[id as usize]
    }

    /// The place of a text.
    pub(super) fn find(&self, text: &str) -> Option<TextId> {
        let found = self.sorted.binary_search_by(|other| (**other).cmp(text));
        found.ok().map(|at| at as TextId)
    }

    /// The text with which a string begins.
    fn first(&self, found: &str) -> Option<TextId> {
        let after = self.sorted.partition_point(|text| **text <= *found);
        let last = after.checked_sub(1)?;
        let text = &*self.sorted[last];
        let begins = if self.single { text == found } else { found.starts_with(text) };
        begins.then_some(last as TextId)
    }

    /// The texts of a string, one after the other; what is left when no text fits ends them.
    pub(super) fn split<'a>(&'a self, found: &'a str) -> Split<'a> {
        Split { texts: self, rest: found }
    }

    /// The texts of a string that is made of nothing else.
    pub(super) fn whole(&self, found: &str) -> Option<Vec<TextId>> {
        let mut split = self.split(found);
        let texts: Vec<TextId> = split.by_ref().collect();
        split.rest.is_empty().then_some(texts)
    }
}

/// What a string is made of.
pub(super) struct Split<'a> {
    texts: &'a Texts,
    /// What has not been looked at, or what no text fits.
    pub(super) rest: &'a str,
}

impl Iterator for Split<'_> {
    type Item = TextId;

    /// O(log n) comparisons.
    fn next(&mut self) -> Option<TextId> {
        let id = self.texts.first(self.rest)?;
        self.rest = &self.rest[self.texts.text(id).len()..];
        Some(id)
    }
}
