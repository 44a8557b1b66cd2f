//! A table as templates print it.

/// A cell: its text, and whether it says yes, no, or neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// `yes`, `no`, `code`, or nothing.
    pub(crate) class: &'static str,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, class: "" }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Cell {
    /// A mark with its words: the mark alone would be colour and shape only.
    pub(crate) fn holds(holds: bool, text: impl Into<String>) -> Self {
        Self { text: text.into(), class: if holds { "yes" } else { "no" } }
    }

    /// A name that a reader may copy.
    pub(crate) fn code(text: impl Into<String>) -> Self {
        Self { text: text.into(), class: "code" }
    }
}

/// A table; numbers stand to the right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Each column's name, and whether it holds numbers.
    pub(crate) columns: Vec<(&'static str, bool)>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, bool)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cells of a row with their columns' kind; rows may be shorter than the head.
    pub(crate) fn cells<'t>(&'t self, row: &'t [Cell]) -> impl Iterator<Item = (&'t Cell, bool)> {
        row.iter().zip(self.columns.iter().map(|(_, number)| *number))
    }
}
