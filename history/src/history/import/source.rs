//! Bytes of a text one by one, with the place where each stands.

use std::io::BufRead;

/// Where something stands, both from 1; columns count bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: u64,
}

/// What is wrong with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) at: Place,
    pub(super) what: String,
    /// Whether the text ended too early: it may be torn.
    pub(super) ended: bool,
}

/// A text that is read once, from its beginning.
pub(super) struct Source<R> {
    reader: R,
    chunk: Vec<u8>,
    next: usize,
    line: u64,
    /// Bytes of this line before the chunk; negative where the line begins inside it.
    before: i64,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, chunk: Vec::new(), next: 0, line: 1, before: 0 }
    }

    /// Where the next byte stands.
    pub(super) fn place(&self) -> Place {
        Place { line: self.line, column: (self.before + self.next as i64 + 1) as u64 }
    }

    /// The next byte, which stays.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Broken> {
        if self.next == self.chunk.len() && !self.refill()? {
            return Ok(None);
        }
        Ok(Some(self.chunk[self.next]))
    }

    /// Passes over the byte that was peeked at.
    pub(super) fn pass(&mut self) {
        if self.chunk[self.next] == b'\n' {
            self.line += 1;
            self.before = -(self.next as i64 + 1);
        }
        self.next += 1;
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self) -> Result<Option<u8>, Broken> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.pass();
        }
        Ok(byte)
    }

    /// What is left of this line, its break included; none if that is not at hand.
    pub(super) fn rest_of_line(&self) -> Option<&[u8]> {
        let rest = &self.chunk[self.next..];
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        Some(&rest[..=end])
    }

    /// Passes over [`Source::rest_of_line`].
    pub(super) fn pass_line(&mut self) {
        self.next += self.rest_of_line().map_or(0, <[u8]>::len);
        self.line += 1;
        self.before = -(self.next as i64);
    }

    pub(super) fn broken(&self, what: impl Into<String>) -> Broken {
        Broken { at: self.place(), what: what.into(), ended: false }
    }

    fn refill(&mut self) -> Result<bool, Broken> {
        self.before += self.chunk.len() as i64;
        self.chunk.clear();
        self.next = 0;
        let filled = self.reader.fill_buf().map(|bytes| self.chunk.extend_from_slice(bytes));
        self.reader.consume(self.chunk.len());
        match filled {
            Ok(()) => Ok(!self.chunk.is_empty()),
            Err(error) => Err(self.broken(format!("cannot be read: {error}"))),
        }
    }
}
