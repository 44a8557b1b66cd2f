//! The plain form of an event's line, read without a parser: what a recorder writes.
//!
//! Anything unusual (escapes, letters beyond ASCII, objects, fractions, unknown fields, every
//! mistake) is left to [`line`](super::line): this module either says exactly what that one would, or
//! nothing. So there is one place that words errors.

use super::{
    ids::ValueId,
    line::{Line, Who},
    names::Names,
    values::Values,
};
use crate::{EventType, Key};

/// Arrays in arrays, as deep as transactions need it and a little more.
const DEPTH_MAX: usize = 8;

/// Reads lines; keeps what it needs between them.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    elements: Vec<ValueId>,
}

impl Scanner {
    /// What a line says; none if it is not of the plain form. A refused line may leave names and
    /// values behind, but only such that the line quotes.
    pub(super) fn scan(
        &mut self,
        bytes: &[u8],
        names: &mut Names,
        values: &mut Values,
    ) -> Option<Line> {
        self.elements.clear();
        let mut reading = Reading { bytes, at: 0, names, values, elements: &mut self.elements };
        let mut line = Line::of(None);
        reading.expect(b'{')?;
        loop {
            reading.field(&mut line)?;
            match reading.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        reading.blank();
        (reading.at == bytes.len()).then_some(line)
    }
}

/// A line being read.
struct Reading<'a> {
    bytes: &'a [u8],
    at: usize,
    names: &'a mut Names,
    values: &'a mut Values,
    elements: &'a mut Vec<ValueId>,
}

impl<'a> Reading<'a> {
    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank, which stays.
    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.bytes.get(self.at).copied()
    }

    /// The same, passed over.
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn field(&mut self, line: &mut Line) -> Option<()> {
        let name = self.text()?;
        self.expect(b':')?;
        match name {
            b"index" => {
                self.number()?;
            }
            b"time" => line.time = Some(self.number()?),
            b"process" => line.process = Some(Who::Client(u64::try_from(self.number()?).ok()?)),
            b"type" => line.kind = Some(self.kind()?),
            b"f" => {
                let name = ascii(self.text()?)?;
                line.f = Some(self.names.intern_function(name));
            }
            b"value" => line.value = self.value(0, ValueId::NULL)?,
            b"key" => self.key(line)?,
            b"node" => {
                let name = ascii(self.text()?)?;
                line.node = Some(self.names.intern_node(name));
            }
            b"intended" => line.intended = Some(self.number()?),
            b"error" => {
                let text = ascii(self.text()?)?;
                line.error = Some(self.names.intern_error(text));
            }
            b"refused" => line.refused = self.flag()?,
            b"final" => line.final_read = self.flag()?,
            _ => return None,
        }
        Some(())
    }

    /// A string of plain ASCII without escapes.
    fn text(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| !is_plain(byte))?;
        if rest[end] != b'"' {
            return None;
        }
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// A whole number that fits. What follows it must be what ends a number.
    fn number(&mut self) -> Option<i64> {
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let rest = &self.bytes[self.at..];
        let mut value = 0_i64;
        let mut length = 0;
        while let Some(digit @ b'0'..=b'9') = rest.get(length) {
            if length == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            length += 1;
        }
        let zero_first = rest.first() == Some(&b'0') && (length > 1 || negative);
        if length == 0 || zero_first || matches!(rest.get(length), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += length;
        Some(if negative { -value } else { value })
    }

    fn kind(&mut self) -> Option<EventType> {
        match self.text()? {
            b"invoke" => Some(EventType::Invoke),
            b"ok" => Some(EventType::Ok),
            b"fail" => Some(EventType::Fail),
            b"info" => Some(EventType::Info),
            _ => None,
        }
    }

    fn flag(&mut self) -> Option<bool> {
        match self.peek()? {
            b't' => self.word("true").map(|()| true),
            _ => self.word("false").map(|()| false),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.bytes[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }

    fn key(&mut self, line: &mut Line) -> Option<()> {
        let key = if self.peek()? == b'"' {
            let text = ascii(self.text()?)?;
            self.names.intern_text_key(text)
        } else {
            let number = self.number()?;
            self.names.intern_key(&Key::Number(number))
        };
        line.key = Some(key);
        Some(())
    }

    fn value(&mut self, depth: usize, behind: ValueId) -> Option<ValueId> {
        match self.peek()? {
            b'n' => self.word("null").map(|()| ValueId::NULL),
            b't' | b'f' => self.flag().map(Values::bool),
            b'"' => {
                let text = ascii(self.text()?)?;
                Some(self.values.text(text))
            }
            b'[' => {
                self.at += 1;
                self.array(depth, behind)
            }
            b'{' => None,
            _ => {
                let number = self.number()?;
                Some(self.values.integer(number))
            }
        }
    }

    /// An array, from behind its bracket.
    fn array(&mut self, depth: usize, behind: ValueId) -> Option<ValueId> {
        if let Some((list, length)) = self.values.list_by_text(behind, &self.bytes[self.at..]) {
            self.at += length;
            return Some(list);
        }
        if depth == DEPTH_MAX {
            return None;
        }
        let first = self.elements.len();
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            let mut before = ValueId::NULL;
            loop {
                let element = self.value(depth + 1, before)?;
                self.elements.push(element);
                before = element;
                match self.next()? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        let array = self.values.array(behind, &self.elements[first..]);
        self.elements.truncate(first);
        Some(array)
    }
}

fn ascii(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

/// Whether a byte stands for itself in a string.
fn is_plain(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests;
