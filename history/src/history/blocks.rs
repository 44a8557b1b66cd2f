//! A file cut into blocks of whole lines, and blocks into lines.

use std::io::{BufRead, Error, Read};

/// The blocks of a file.
pub(super) struct Blocks<'a, R> {
    reader: &'a mut R,
    /// Bytes of a block, beyond which only its last line goes on.
    size: u64,
    /// What ended the file too early.
    pub(super) error: Option<Error>,
    ended: bool,
}

impl<'a, R: BufRead> Blocks<'a, R> {
    pub(super) fn of(reader: &'a mut R, size: u64) -> Self {
        Self { reader, size, error: None, ended: false }
    }

    /// Whether all have been read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The next block; none at the end. Of a line that cannot be read to its end nothing is kept.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let mut block = Vec::with_capacity(self.size as usize + (1 << 12));
        let mut part = self.reader.by_ref().take(self.size);
        let read = part.read_to_end(&mut block).and_then(|_| match block.last() {
            Some(b'\n') | None => Ok(0),
            _ => self.reader.read_until(b'\n', &mut block),
        });
        self.ended = (block.len() as u64) < self.size;
        if let Err(error) = read {
            block.truncate(block.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1));
            (self.error, self.ended) = (Some(error), true);
        }
        (!block.is_empty()).then_some(block)
    }
}

/// The lines of a block, their breaks included.
pub(super) struct Lines<'b>(pub(super) &'b [u8]);

impl<'b> Iterator for Lines<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let mut rest = self.0;
        let length = rest.skip_until(b'\n').expect("memory can be read");
        let (line, rest) = self.0.split_at(length);
        self.0 = rest;
        (length > 0).then_some(line)
    }
}
