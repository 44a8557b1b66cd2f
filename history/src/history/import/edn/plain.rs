//! The plain form of an event, one map on one line, as a line of JSON: what Jepsen writes.
//!
//! Anything unusual (tags, sets, escapes, characters, fractions, unknown fields, every mistake) is
//! left to the reader of forms: this module either says exactly what that one would, or nothing.

use super::is_space;

/// Arrays in arrays, as deep as transactions need it and a little more.
const DEPTH_MAX: usize = 8;

/// The fields of an event, as JSON lines call them.
const FIELDS: [(&[u8], &str); 13] = [
    (b"type", "type"),
    (b"f", "f"),
    (b"value", "value"),
    (b"process", "process"),
    (b"time", "time"),
    (b"index", "index"),
    (b"key", "key"),
    (b"error", "error"),
    (b"node", "node"),
    (b"refused", "refused"),
    (b"final", "final"),
    (b"final?", "final"),
    (b"intended", "intended"),
];

/// Translates lines; keeps its memory between them.
#[derive(Debug, Default)]
pub(super) struct Plain {
    json: Vec<u8>,
}

impl Plain {
    /// A line as JSON; none if it is not of the plain form.
    pub(super) fn as_json(&mut self, text: &[u8]) -> Option<&[u8]> {
        self.json.clear();
        let mut reading = Reading { text, at: 0, json: &mut self.json };
        reading.event()?;
        Some(&self.json)
    }
}

/// A line being read.
struct Reading<'a> {
    text: &'a [u8],
    at: usize,
    json: &'a mut Vec<u8>,
}

impl<'a> Reading<'a> {
    fn blank(&mut self) {
        while self.text.get(self.at).is_some_and(|&byte| byte == b',' || is_space(byte)) {
            self.at += 1;
        }
    }

    /// The next byte that is not blank, which stays.
    fn peek(&mut self) -> Option<u8> {
        self.blank();
        self.text.get(self.at).copied()
    }

    /// Takes the next byte if it is this one.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn event(&mut self) -> Option<()> {
        if !self.take(b'{') {
            return None;
        }
        let (mut seen, mut beginning) = (0_u16, b'{');
        while !self.take(b'}') {
            let field = self.field()?;
            let known = FIELDS.iter().position(|(_, name)| *name == field)?;
            if seen & 1 << known != 0 {
                return None;
            }
            seen |= 1 << known;
            self.json.push(beginning);
            beginning = b',';
            self.quote(field.as_bytes());
            self.json.push(b':');
            self.form(0)?;
        }
        self.json.push(b'}');
        // Without a function it takes a look at the value to know it.
        let has_function = seen & 1 << 1 != 0;
        (has_function && self.peek().is_none()).then_some(())
    }

    fn field(&mut self) -> Option<&'static str> {
        if !self.take(b':') {
            return None;
        }
        let name = self.name()?;
        FIELDS.iter().find(|(edn, _)| *edn == name).map(|(_, json)| *json)
    }

    /// A keyword from behind its colon.
    fn name(&mut self) -> Option<&'a [u8]> {
        let rest = &self.text[self.at..];
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_?!./*+<>=&$%".contains(byte);
        let end = rest.iter().position(|byte| !is_plain(byte))?;
        self.at += end;
        (end > 0 && self.ends_here()).then_some(&rest[..end])
    }

    /// Whether what was read is not part of something longer.
    fn ends_here(&self) -> bool {
        let next = self.text.get(self.at);
        next.is_some_and(|&byte| is_space(byte) || b",()[]{}".contains(&byte))
    }

    fn quote(&mut self, text: &[u8]) {
        self.json.push(b'"');
        self.json.extend_from_slice(text);
        self.json.push(b'"');
    }

    fn form(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b':' => {
                self.at += 1;
                let name = self.name()?;
                self.quote(name);
            }
            b'"' => self.string()?,
            b'[' => self.list(b']', depth)?,
            b'(' => self.list(b')', depth)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => self.word()?,
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.at += 1;
        let rest = &self.text[self.at..];
        let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
        let end = rest.iter().position(|&byte| !is_plain(byte))?;
        // Some names lose a colon.
        if rest[end] != b'"' || rest[0] == b':' {
            return None;
        }
        self.quote(&rest[..end]);
        self.at += end + 1;
        Some(())
    }

    fn list(&mut self, close: u8, depth: usize) -> Option<()> {
        if depth == DEPTH_MAX {
            return None;
        }
        self.at += 1;
        let start = self.json.len();
        self.json.push(b'[');
        let mut count = 0;
        while !self.take(close) {
            if count > 0 {
                self.json.push(b',');
            }
            self.form(depth + 1)?;
            count += 1;
        }
        self.json.push(b']');
        // A read without a third part gets one.
        let is_short_read = count == 2 && self.json[start..].starts_with(b"[\"r\",");
        (!is_short_read).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let sign = usize::from(rest[0] == b'-');
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.json.extend_from_slice(&rest[..sign + digits]);
        self.at += sign + digits;
        (digits > 0 && self.ends_here()).then_some(())
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let words: [(&[u8], &[u8]); 3] =
            [(b"nil", b"null"), (b"true", b"true"), (b"false", b"false")];
        let (edn, json) = words.into_iter().find(|(edn, _)| rest.starts_with(edn))?;
        self.json.extend_from_slice(json);
        self.at += edn.len();
        self.ends_here().then_some(())
    }
}
