//! Extensible Data Notation, as Clojure prints it, turned into JSON event by event.
//!
//! Keywords and symbols become strings, characters too; lists, vectors and sets become arrays; a
//! map's keys become strings (a number by its digits, anything else by its JSON); tags and
//! records (`#jepsen.history.Op{…}`) become what they tag. A ratio becomes the nearest fraction,
//! a whole number beyond 64 bits its digits as a string, so that different ones stay different.
//! Comments from `;` and forms behind `#_` are passed over. Memory is that of one event; nesting
//! is bounded and costs no stack.

mod plain;
mod scalars;

use std::io::BufRead;

use serde_json::{Map, Value};

use super::source::{Broken, Place, Source};
use crate::history::build::Builder;
use plain::Plain;

/// As deep as `serde_json` goes.
const DEPTH_MAX: usize = 128;

/// Reads maps one after another, or vectors or lists of them.
pub(super) fn read(reader: impl BufRead, builder: &mut Builder) {
    let mut events = Reader { source: Source::new(reader), outer: None };
    let mut plain = Plain::default();
    loop {
        match events.next_event(&mut plain, builder) {
            Ok(true) => {}
            Ok(false) => return,
            Err(broken) if broken.ended && events.outer.is_none() => {
                return builder.torn(broken.at.line);
            }
            Err(Broken { at, what, .. }) => {
                return builder.fault(at.line, format!("column {}: {what}", at.column));
            }
        }
    }
}

struct Reader<R> {
    source: Source<R>,
    /// The vector or list around all events, if there is one.
    outer: Option<Open>,
}

/// Where a collection began, and what closes it.
#[derive(Debug, Clone, Copy)]
struct Open {
    at: Place,
    close: u8,
}

/// What is read but not closed yet.
enum Frame {
    List {
        open: Open,
        items: Vec<Value>,
    },
    Map {
        open: Open,
        map: Map<String, Value>,
        key: Option<String>,
    },
    /// Behind `#_`: the next form is passed over.
    Discard,
    /// Behind a tag: the next form stands for it.
    Tag,
}

impl<R: BufRead> Reader<R> {
    /// Reads an event; false at the end. Most are plain and take the short way.
    fn next_event(&mut self, plain: &mut Plain, builder: &mut Builder) -> Result<bool, Broken> {
        self.skip_blank()?;
        let line = self.source.place().line;
        if let Some(text) = self.source.rest_of_line()
            && let Some(json) = plain.as_json(text)
            && builder.plain(line, json)
        {
            self.source.pass_line();
            return Ok(true);
        }
        let Some((place, event)) = self.next_form()? else { return Ok(false) };
        builder.imported(place.line, event);
        Ok(true)
    }

    /// The next form and where it begins; none at the end.
    fn next_form(&mut self) -> Result<Option<(Place, Value)>, Broken> {
        let mut frames: Vec<Frame> = Vec::new();
        let mut start = self.source.place();
        loop {
            self.skip_blank()?;
            if frames.is_empty() {
                start = self.source.place();
            }
            let Some(byte) = self.source.peek()? else {
                return self.at_the_end(&frames, start).map(|()| None);
            };
            if frames.len() > DEPTH_MAX {
                return Err(self.source.broken(format!("nested deeper than {DEPTH_MAX}")));
            }
            let done = match byte {
                b'[' | b'(' => self.begin_list(&mut frames),
                b'{' => self.begin_map(&mut frames),
                b']' | b')' | b'}' => self.end(byte, &mut frames)?,
                b'#' => self.dispatch(&mut frames)?,
                _ => Some(self.scalar(byte)?),
            };
            let Some(value) = done else { continue };
            if let Some(form) = self.deliver(value, &mut frames)? {
                return Ok(Some((start, form)));
            }
        }
    }

    fn at_the_end(&self, frames: &[Frame], start: Place) -> Result<(), Broken> {
        let ended = |at: Place, what| Err(Broken { at, what, ended: true });
        match (frames.is_empty(), self.outer) {
            (true, None) => Ok(()),
            (true, Some(open)) => {
                let what = "the file ends before this is closed".to_owned();
                ended(open.at, what)
            }
            (false, _) => ended(start, "the file ends inside this form".to_owned()),
        }
    }

    /// Passes over white space, commas and comments.
    fn skip_blank(&mut self) -> Result<(), Broken> {
        while let Some(byte) = self.source.peek()? {
            match byte {
                b',' => self.source.pass(),
                b';' => while self.source.take()?.is_some_and(|byte| byte != b'\n') {},
                _ if is_space(byte) => self.source.pass(),
                _ => break,
            }
        }
        Ok(())
    }

    /// The outermost vector or list holds the events; all others are values.
    fn begin_list(&mut self, frames: &mut Vec<Frame>) -> Option<Value> {
        let outermost = frames.is_empty() && self.outer.is_none();
        let open = self.open();
        if outermost {
            self.outer = Some(open);
        } else {
            frames.push(Frame::List { open, items: Vec::new() });
        }
        None
    }

    fn begin_map(&mut self, frames: &mut Vec<Frame>) -> Option<Value> {
        let open = self.open();
        frames.push(Frame::Map { open, map: Map::new(), key: None });
        None
    }

    /// Passes over an opening bracket.
    fn open(&mut self) -> Open {
        let at = self.source.place();
        let close = match self.source.peek() {
            Ok(Some(b'[')) => b']',
            Ok(Some(b'(')) => b')',
            _ => b'}',
        };
        self.source.pass();
        Open { at, close }
    }

    fn end(&mut self, byte: u8, frames: &mut Vec<Frame>) -> Result<Option<Value>, Broken> {
        let wrong = |open: Option<Open>| {
            let what = match open {
                Some(Open { at, close }) => format!(
                    "`{}` where `{}` should close what line {}, column {} opened",
                    byte as char, close as char, at.line, at.column
                ),
                None => format!("`{}` closes nothing", byte as char),
            };
            Err(self.source.broken(what))
        };
        let open = match frames.last() {
            None => self.outer,
            Some(Frame::List { open, .. } | Frame::Map { open, key: None, .. }) => Some(*open),
            Some(Frame::Map { .. }) => {
                return Err(self.source.broken("a map with a key that has no value"));
            }
            Some(Frame::Discard | Frame::Tag) => {
                return Err(self.source.broken("nothing stands behind a `#`"));
            }
        };
        if open.is_none_or(|open| open.close != byte) {
            return wrong(open);
        }
        self.source.pass();
        Ok(match frames.pop() {
            Some(Frame::List { items, .. }) => Some(Value::Array(items)),
            Some(Frame::Map { map, .. }) => Some(Value::Object(map)),
            _ => {
                self.outer = None;
                None
            }
        })
    }

    /// Behind `#`: a set, a discarded form, a regular expression, `##Inf`, or a tag.
    fn dispatch(&mut self, frames: &mut Vec<Frame>) -> Result<Option<Value>, Broken> {
        self.source.pass();
        match self.source.peek()? {
            Some(b'{') => {
                let open = self.open();
                frames.push(Frame::List { open, items: Vec::new() });
            }
            Some(b'_') => {
                self.source.pass();
                frames.push(Frame::Discard);
            }
            Some(b'"') => return Ok(Some(Value::String(self.regex()?))),
            Some(b'#') => {
                self.source.pass();
                return Ok(Some(Value::String(format!("##{}", self.token()?))));
            }
            _ => {
                if self.token()?.is_empty() {
                    return Err(self.source.broken("`#` without a tag"));
                }
                frames.push(Frame::Tag);
            }
        }
        Ok(None)
    }

    /// Puts a complete value where it belongs; gives it back if that is nowhere.
    fn deliver(&self, value: Value, frames: &mut Vec<Frame>) -> Result<Option<Value>, Broken> {
        loop {
            match frames.last_mut() {
                None => return Ok(Some(value)),
                Some(Frame::Discard) => {
                    frames.pop();
                }
                Some(Frame::Tag) => {
                    frames.pop();
                    continue;
                }
                Some(Frame::List { items, .. }) => items.push(value),
                Some(Frame::Map { map, key, .. }) => match key.take() {
                    None => *key = Some(key_of(value)),
                    Some(key) => {
                        if map.contains_key(&key) {
                            let what = format!("the key `{key}` stands twice in one map");
                            return Err(self.source.broken(what));
                        }
                        map.insert(key, value);
                    }
                },
            }
            return Ok(None);
        }
    }
}

fn key_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}
