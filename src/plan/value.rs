//! YAML as a tree of values that know where they stand.
//!
//! Scalars keep their raw text: whether `no`, `03` or `1e3` is a number, a word or a mistake is
//! for whoever reads the value to say, not for YAML.

use super::source::Span;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    /// Where it stands. A map or list in block style reaches to the start of what follows it.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Text as written, quotes and escapes resolved.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stood in quotes or in a block (`|`, `>`).
        quoted: bool,
    },
    /// `[a, b]` or lines with dashes.
    List(Vec<Value>),
    /// `{a: b}` or lines with colons, in order, keys distinct.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key stands.
    pub(crate) key_span: Span,
    /// Its value.
    pub(crate) value: Value,
}

impl Value {
    /// The text of a scalar.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, .. } => Some(text),
            Content::List(_) | Content::Map(_) => None,
        }
    }

    /// Whether nothing was written (`key:` and no more).
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, quoted: false } if text.is_empty())
    }

    /// The entry of a map.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Content::List(_) | Content::Scalar { .. } => None,
        }
    }

    /// The value of a map's entry.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// What a reader would call it.
    pub(crate) fn described(&self) -> &'static str {
        match &self.content {
            _ if self.is_nothing() => "nothing",
            Content::Scalar { .. } => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}
