//! Texts that plans come from, and places in them. No file is read here.

use std::{fmt, ops::Range, sync::Arc};

/// A text with the name that a reader knows it by.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// A path, `demo (catalogue)`, or `--set settings.bug=…`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A stretch of a text.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub source: Arc<Source>,
    /// Bytes of the text.
    pub bytes: Range<usize>,
}

impl Span {
    /// What stands there.
    pub fn text(&self) -> &str {
        self.source.text.get(self.bytes.clone()).unwrap_or("")
    }

    /// Line and column, both from 1; the column counts characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let start = self.bytes.start.min(self.source.text.len());
        let before = self.source.text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The part of this place where `part` stands, if it stands there once; else all of it.
    ///
    /// Escapes and folded lines make a value differ from its raw text, so positions inside a
    /// value are found again by what stands there.
    #[must_use]
    pub fn narrowed_to(&self, part: &str) -> Self {
        let mut found = self.text().match_indices(part);
        match (found.next(), found.next()) {
            (Some((offset, _)), None) if !part.is_empty() => {
                let start = self.bytes.start + offset;
                Self { source: Arc::clone(&self.source), bytes: start..start + part.len() }
            }
            _ => self.clone(),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}
