//! What is no collection: strings, characters, keywords, symbols, numbers.

use std::io::BufRead;

use serde_json::{Number, Value};

use super::{Reader, is_space};
use crate::history::import::source::Broken;

impl<R: BufRead> Reader<R> {
    pub(super) fn scalar(&mut self, first: u8) -> Result<Value, Broken> {
        match first {
            b'"' => self.string().map(Value::String),
            b'\\' => self.character().map(Value::String),
            b':' => {
                self.source.pass();
                let name = self.token()?;
                match name.trim_start_matches(':') {
                    "" => Err(self.source.broken("`:` without a name")),
                    name => Ok(Value::String(name.to_owned())),
                }
            }
            _ => {
                let at = self.source.place();
                let token = self.token()?;
                word(&token).map_err(|what| Broken { at, what, ended: false })
            }
        }
    }

    /// Everything up to white space or a bracket.
    pub(super) fn token(&mut self) -> Result<String, Broken> {
        let mut bytes = Vec::new();
        while let Some(byte) = self.source.peek()? {
            if is_space(byte) || b",;\"()[]{}".contains(&byte) {
                break;
            }
            bytes.push(byte);
            self.source.pass();
        }
        self.text(bytes)
    }

    fn text(&self, bytes: Vec<u8>) -> Result<String, Broken> {
        String::from_utf8(bytes).map_err(|_| self.source.broken("this is no UTF-8"))
    }

    fn string(&mut self) -> Result<String, Broken> {
        self.source.pass();
        let mut bytes = Vec::new();
        loop {
            match self.quoted()? {
                b'"' => return self.text(bytes),
                b'\\' => {
                    let escaped = self.escape()?;
                    bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => bytes.push(byte),
            }
        }
    }

    /// Escapes stay as they are: they are the expression's own.
    pub(super) fn regex(&mut self) -> Result<String, Broken> {
        self.source.pass();
        let mut bytes = Vec::new();
        loop {
            match self.quoted()? {
                b'"' => return self.text(bytes),
                b'\\' => bytes.extend([b'\\', self.quoted()?]),
                byte => bytes.push(byte),
            }
        }
    }

    /// The next byte inside quotes.
    fn quoted(&mut self) -> Result<u8, Broken> {
        let ended = Broken { ended: true, ..self.source.broken("the file ends inside a string") };
        self.source.take()?.ok_or(ended)
    }

    fn escape(&mut self) -> Result<char, Broken> {
        Ok(match self.quoted()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'u' => return self.unicode(),
            other => {
                let what = format!("`\\{}` is no escape", other.escape_ascii());
                return Err(self.source.broken(what));
            }
        })
    }

    /// Four digits of UTF-16, and four more where they are half of a pair.
    fn unicode(&mut self) -> Result<char, Broken> {
        let first = self.four_digits()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) {
            let follows = [self.quoted()?, self.quoted()?] == *b"\\u";
            units.push(if follows { self.four_digits()? } else { 0 });
        }
        match char::decode_utf16(units).next() {
            Some(Ok(found)) => Ok(found),
            _ => Err(self.source.broken("half of a UTF-16 pair stands alone")),
        }
    }

    fn four_digits(&mut self) -> Result<u16, Broken> {
        let digits = [self.quoted()?, self.quoted()?, self.quoted()?, self.quoted()?];
        let text = std::str::from_utf8(&digits).ok().filter(|text| !text.starts_with('+'));
        let parsed = text.and_then(|text| u16::from_str_radix(text, 16).ok());
        parsed.ok_or_else(|| self.source.broken("`\\u` takes four hexadecimal digits"))
    }

    /// `\a`, `\newline`, `\u00e9`; a bracket or a quote may be a character too.
    fn character(&mut self) -> Result<String, Broken> {
        self.source.pass();
        let at = self.source.place();
        let Some(first) = self.source.take()? else {
            return Err(Broken {
                ended: true,
                ..self.source.broken("the file ends behind a `\\`")
            });
        };
        let mut bytes = vec![first];
        if !b",;\"()[]{}".contains(&first) && !is_space(first) {
            bytes.extend(self.token()?.into_bytes());
        }
        let name = self.text(bytes)?;
        named(&name).ok_or_else(|| Broken {
            at,
            what: format!("`\\{name}` is no character"),
            ended: false,
        })
    }
}

fn named(name: &str) -> Option<String> {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return Some(letter.to_string());
    }
    let letter = match name {
        "newline" => '\n',
        "space" => ' ',
        "tab" => '\t',
        "return" => '\r',
        "backspace" => '\u{8}',
        "formfeed" => '\u{c}',
        _ => {
            let (radix, digits) = match name.split_at_checked(1)? {
                ("u", digits) if digits.len() == 4 => (16, digits),
                ("o", digits) => (8, digits),
                _ => return None,
            };
            char::from_u32(u32::from_str_radix(digits, radix).ok()?)?
        }
    };
    Some(letter.to_string())
}

/// A symbol or a number.
fn word(token: &str) -> Result<Value, String> {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    match token {
        "nil" => Ok(Value::Null),
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "" => Err("this is no EDN".to_owned()),
        _ if unsigned.starts_with(|first: char| first.is_ascii_digit()) => {
            number(token).ok_or_else(|| format!("`{token}` is no number"))
        }
        symbol if symbol.starts_with(['@', '\'', '`', '~', '^']) => {
            Err(format!("`{symbol}` is no EDN: it is for Clojure's reader"))
        }
        symbol => Ok(Value::String(symbol.to_owned())),
    }
}

fn number(token: &str) -> Option<Value> {
    if let Some(digits) = token.strip_prefix("0x").or_else(|| token.strip_prefix("0X")) {
        return u64::from_str_radix(digits, 16).ok().map(Value::from);
    }
    if let Some((above, below)) = token.split_once('/') {
        let (above, below): (i64, u64) = (above.parse().ok()?, below.parse().ok()?);
        return Number::from_f64(above as f64 / below as f64).map(Value::Number);
    }
    let digits = token.strip_suffix(['N', 'M']).unwrap_or(token);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let whole = digits.strip_prefix('-').unwrap_or(digits).bytes().all(|b| b.is_ascii_digit());
    if whole {
        let small = digits.parse::<i64>().map(Value::from);
        let large = || digits.parse::<u64>().map(Value::from);
        return Some(small.or_else(|_| large()).unwrap_or_else(|_| digits.into()));
    }
    Number::from_f64(digits.parse().ok()?).map(Value::Number)
}
