//! Histories that others wrote: Jepsen's EDN, Jepsen-shaped JSON, and what their flags mean.
//!
//! Each format's reader turns an event into JSON, and [`event`] reads that. What an importer adds
//! to a file is nothing: where it stays unclear what was meant, it is an error with its line.

mod edn;
pub(in crate::history) mod event;
mod json;
mod source;

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use super::{History, HistoryErrors, build::Builder};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// By content: how the file begins.
    #[default]
    Auto,
    /// JSON Lines, as runs store them.
    JsonLines,
    /// One JSON array of events, as Jepsen's are exported.
    Json,
    /// Jepsen's `history.edn`: maps or records one after another, or one vector of them.
    Edn,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportOptions {
    /// How it is written.
    pub format: Format,
    /// Every value is a `[key, value]` tuple, as `jepsen.independent` makes them.
    pub independent: bool,
    /// A `fail` of a `cas` says that the value was another one: it counts as refused.
    pub cas_fail_refused: bool,
}

impl History {
    /// Reads a history in any of the formats. All mistakes come at once, with their line numbers;
    /// where the text itself is broken, EDN and JSON arrays end there.
    pub fn import(
        mut reader: impl BufRead,
        options: &ImportOptions,
    ) -> Result<Self, HistoryErrors> {
        let mut builder = Builder::with(*options);
        let format = match options.format {
            Format::Auto => match reader.fill_buf() {
                Ok(beginning) => format_of(beginning),
                Err(error) => {
                    return Err(HistoryErrors::of_file(format!("cannot be read: {error}")));
                }
            },
            given => given,
        };
        match format {
            Format::Auto | Format::JsonLines => builder.lines(reader),
            Format::Json => json::read(reader, &mut builder),
            Format::Edn => edn::read(reader, &mut builder),
        }
        builder.finish()
    }

    /// Imports a file; one that cannot be opened is an error like the others.
    pub fn import_file(path: &Path, options: &ImportOptions) -> Result<Self, HistoryErrors> {
        Self::import(open(path)?, options)
    }
}

/// Opens a history; the buffer's size is what [`Format::Auto`] sees of it.
pub(super) fn open(path: &Path) -> Result<BufReader<File>, HistoryErrors> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::with_capacity(1 << 20, file)),
        Err(error) => {
            Err(HistoryErrors::of_file(format!("{}: cannot be opened: {error}", path.display())))
        }
    }
}

/// What begins like this. JSON's maps begin with a quoted key, EDN's do not; only EDN has
/// comments, tags and lists.
fn format_of(beginning: &[u8]) -> Format {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let mut signs = beginning.iter().filter(|byte| !blank(byte));
    match (signs.next(), signs.next(), signs.next()) {
        (Some(b';' | b'#' | b'('), ..)
        | (Some(b'{'), Some(b':' | b';' | b'#'), _)
        | (Some(b'['), Some(b';' | b'#'), _)
        | (Some(b'['), Some(b'{'), Some(b':' | b';' | b'#')) => Format::Edn,
        (Some(b'['), ..) => Format::Json,
        _ => Format::JsonLines,
    }
}

#[cfg(test)]
mod tests;
