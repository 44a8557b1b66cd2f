//! What is wrong with a history file: everything at once, up to a limit.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryError {
    /// The line, from 1; none for the file as a whole.
    pub line: Option<u64>,
    /// What is wrong, lower case, without a full stop.
    pub what: String,
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// The mistakes of a file, in the order of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryErrors {
    kept: Vec<HistoryError>,
    total: u64,
}

impl HistoryErrors {
    /// How many mistakes are kept in words: who sees a hundred knows what is wrong.
    pub const KEPT: usize = 100;

    /// A mistake of the file as a whole.
    pub fn of_file(what: String) -> Self {
        let mut errors = Self::default();
        errors.push(HistoryError { line: None, what });
        errors
    }

    /// Adds a mistake; beyond [`HistoryErrors::KEPT`] it is only counted.
    pub fn push(&mut self, error: HistoryError) {
        self.total += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(error);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The first of them, as many as are kept.
    pub fn kept(&self) -> &[HistoryError] {
        &self.kept
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// One string each, and one for those that were not kept.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.kept.iter().map(ToString::to_string).collect();
        let rest = self.total - self.kept.len() as u64;
        if rest > 0 {
            lines.push(format!("and {rest} more"));
        }
        lines
    }
}

impl fmt::Display for HistoryErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for HistoryErrors {}
