//! Lines parsed side by side: a block of them, with names and values of its own, so that threads
//! share nothing. [`Builder`](super::build::Builder) takes the sheets in the order of the file and
//! makes their names and values its own; what comes out says the same as if it had read every line
//! itself. Pairing events is not this module's business.

use super::{
    blocks::Lines,
    build::described,
    ids::ValueId,
    line::{Line, parse},
    names::{Names, Renamed},
    scan::Scanner,
    values::Values,
};

/// What one line says.
pub(super) enum Said {
    Event(Line),
    /// It is the last one and stops short.
    Torn,
    Wrong(String),
}

/// Reads a line that is no header; none if it says nothing of clients.
pub(super) fn read_line(
    scanner: &mut Scanner,
    bytes: &[u8],
    names: &mut Names,
    values: &mut Values,
) -> Option<Said> {
    if let Some(line) = scanner.scan(bytes, names, values) {
        return Some(Said::Event(line));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    match parse(bytes, names, values) {
        Ok(line) => Some(Said::Event(line)),
        Err(_) if !bytes.ends_with(b"\n") && is_torn(bytes) => Some(Said::Torn),
        Err(_) if is_of_no_client(bytes) => None,
        Err(error) => Some(Said::Wrong(described(&error))),
    }
}

/// Whether a last line stops short: a recorder was killed while it wrote.
fn is_torn(bytes: &[u8]) -> bool {
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(bytes);
    parsed.is_err()
}

/// Whether a line that is no event of ours is one of a process that is no client.
fn is_of_no_client(bytes: &[u8]) -> bool {
    let parsed: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
    parsed.is_ok_and(|value| value["process"].is_string())
}

/// What a block of whole lines says.
pub(super) struct Sheet {
    names: Names,
    values: Values,
    /// With the number of the line in the block, from 0.
    lines: Vec<(u64, Said)>,
    /// How many lines there are, blank ones included.
    pub(super) count: u64,
}

impl Sheet {
    /// Parses a block.
    pub(super) fn of(block: &[u8]) -> Self {
        let (mut names, mut values) = (Names::default(), Values::default());
        let (mut lines, mut count) = (Vec::new(), 0);
        let mut scanner = Scanner::default();
        for line in Lines(block) {
            let said = read_line(&mut scanner, line, &mut names, &mut values);
            lines.extend(said.map(|said| (count, said)));
            count += 1;
        }
        Self { names, values, lines, count }
    }

    /// What the lines say, in these names and values. O(lines + values).
    pub(super) fn told_in(
        self,
        names: &mut Names,
        values: &mut Values,
    ) -> impl Iterator<Item = (u64, Said)> + use<> {
        let renamed = names.adopt(&self.names);
        let places = values.adopt(&self.values);
        self.lines.into_iter().map(move |(number, said)| match said {
            Said::Event(line) => (number, Said::Event(line.renamed(&renamed, &places))),
            other => (number, other),
        })
    }
}

impl Line {
    fn renamed(mut self, names: &Renamed, places: &[ValueId]) -> Self {
        self.f = self.f.map(|f| names.functions[f.index()]);
        self.key = self.key.map(|key| names.keys[key.index()]);
        self.node = self.node.map(|node| names.nodes[node.index()]);
        self.error = self.error.map(|error| names.errors[error.index()]);
        self.value = self.value.at_home(places);
        self
    }
}
