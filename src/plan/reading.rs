//! Reads values by their shapes, and reports everything that does not fit.
//!
//! What can't be read is left out and remembered as unread, so that one mistake neither hides
//! others nor brings about new ones ("`for` is missing" where it was only misspelt).

use super::{
    diagnostic::Diagnostic,
    form::{Field, Fields, Form, Formed},
    leaf::expected,
    nearest::nearest,
    scalar,
    shape::{Key, Presence, Shape, Variant},
    source::Span,
    value::{Content, Entry, Value},
};

/// Reads one file.
#[derive(Debug)]
pub(crate) struct Reader {
    /// What was wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether the whole text was read; if not, nothing is reported as missing.
    pub(crate) whole: bool,
}

impl Reader {
    /// The value, if it has the shape.
    pub(crate) fn read(&mut self, shape: &Shape, value: &Value) -> Option<Formed> {
        let form = match shape {
            Shape::Leaf(leaf) => self.keep((leaf.read)(value)),
            Shape::Count(range) => self.count(range, value),
            Shape::Word(what, choices) => {
                let words: Vec<&str> = choices.iter().map(|choice| choice.word.as_str()).collect();
                self.word(what, &words, value)
            }
            Shape::List(of) => self.list(of, value),
            Shape::Map(keys) => self.map(keys, value).map(Form::Fields),
            Shape::AnyKeys(of) => self.any_keys(of, value),
            Shape::Variants(what, variants) => self.variant(what, variants, value),
        };
        let span = value.span.clone();
        form.map(|form| Formed { span, form })
    }

    fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.diagnostics.push(diagnostic)).ok()
    }

    fn count(&mut self, range: &std::ops::RangeInclusive<u64>, value: &Value) -> Option<Form> {
        let example = range.start().to_string();
        let text = match &value.content {
            Content::Scalar { text, quoted: false } if !text.is_empty() => text,
            Content::Scalar { text, quoted: true } => {
                let message = "expected a whole number, found a text in quotes";
                let diagnostic = Diagnostic::error(&value.span, message);
                self.diagnostics.push(diagnostic.help(format!("write `{text}`")));
                return None;
            }
            _ => return self.keep(Err(expected(value, "a whole number", &example))),
        };
        let count = match scalar::count(text) {
            Ok(count) => count,
            Err(misread) => {
                let diagnostic = Diagnostic::error(&value.span, misread.message);
                self.diagnostics.push(diagnostic.help(misread.help));
                return None;
            }
        };
        if range.contains(&count) {
            return Some(Form::Count(count));
        }
        let message = if count < *range.start() {
            format!("`{count}` is too small: the least is {}", range.start())
        } else {
            format!("`{count}` is too large: the most is {}", range.end())
        };
        self.diagnostics.push(Diagnostic::error(&value.span, message));
        None
    }

    fn word(&mut self, what: &str, words: &[&str], value: &Value) -> Option<Form> {
        let Some(text) = value.scalar().filter(|_| !value.is_nothing()) else {
            let example = words.first().copied().unwrap_or_default();
            return self.keep(Err(expected(value, &format!("a {what}"), example)));
        };
        if words.contains(&text) {
            return Some(Form::Text(text.to_owned()));
        }
        let message = format!("there is no {what} `{text}`");
        let diagnostic = Diagnostic::error(&value.span, message);
        self.diagnostics.push(diagnostic.did_you_mean(text, words.iter().copied()));
        None
    }

    fn list(&mut self, of: &Shape, value: &Value) -> Option<Form> {
        let items = match &value.content {
            Content::List(items) => items.as_slice(),
            _ if value.is_nothing() => {
                return self.keep(Err(expected(value, "a list", "")));
            }
            _ => std::slice::from_ref(value),
        };
        let read: Vec<Formed> = items.iter().filter_map(|item| self.read(of, item)).collect();
        let unread = read.len() < items.len();
        Some(Form::List { items: read, unread })
    }

    fn any_keys(&mut self, of: &Shape, value: &Value) -> Option<Form> {
        let Content::Map(entries) = &value.content else {
            return self.keep(Err(expected(value, "a map of names to values", "{ name: value }")));
        };
        let mut fields = Fields::default();
        for entry in entries {
            self.field(&mut fields, of, entry);
        }
        Some(Form::Fields(fields))
    }

    fn field(&mut self, fields: &mut Fields, shape: &Shape, entry: &Entry) {
        match self.read(shape, &entry.value) {
            Some(value) => {
                let key = Some(entry.key_span.clone());
                fields.entries.insert(entry.key.clone(), Field { key, value });
            }
            None => fields.unread.push(entry.key.clone()),
        }
    }

    fn map(&mut self, keys: &[Key], value: &Value) -> Option<Fields> {
        let entries = match &value.content {
            Content::Map(entries) => entries.as_slice(),
            _ if value.is_nothing() => &[],
            _ => {
                let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).take(3).collect();
                let example = format!("{{ {}: … }}", names.first().copied().unwrap_or_default());
                return self.keep(Err(expected(value, "a map", &example)));
            }
        };
        Some(self.fields(keys, entries, &value.span))
    }

    /// Reads named values; `owner` is where a missing one is reported.
    fn fields(&mut self, keys: &[Key], entries: &[Entry], owner: &Span) -> Fields {
        let mut fields = Fields::default();
        for entry in entries {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) if matches!(key.presence, Presence::Later) => {
                    self.not_yet(&entry.key, &entry.key_span);
                    fields.unread.push(entry.key.clone());
                }
                Some(key) => self.field(&mut fields, &key.shape, entry),
                None => {
                    // What was meant is not missing.
                    let meant = self.unknown_key(keys, entry);
                    fields.unread.push(meant.unwrap_or_else(|| entry.key.clone()));
                }
            }
        }
        for key in keys {
            self.absent(&mut fields, key, owner);
        }
        fields
    }

    fn unknown_key(&mut self, keys: &[Key], entry: &Entry) -> Option<String> {
        let names = || keys.iter().map(|key| key.name.as_str());
        let can = |key: &&Key| !matches!(key.presence, Presence::Later);
        let usable = keys.iter().filter(can).map(|key| key.name.as_str());
        let diagnostic = Diagnostic::error(&entry.key_span, format!("unknown key `{}`", entry.key));
        self.diagnostics.push(diagnostic.did_you_mean(&entry.key, usable));
        nearest(&entry.key, names()).map(str::to_owned)
    }

    fn absent(&mut self, fields: &mut Fields, key: &Key, owner: &Span) {
        if fields.entries.contains_key(&key.name) || fields.unread.contains(&key.name) {
            return;
        }
        match &key.presence {
            Presence::Needed if self.whole => {
                let message = format!("`{}` is missing", key.name);
                let diagnostic = Diagnostic::error(owner, message);
                self.diagnostics.push(diagnostic.help(format!("{}: {}", key.name, key.about)));
                fields.unread.push(key.name.clone());
            }
            Presence::Needed => fields.unread.push(key.name.clone()),
            Presence::Default(default) => {
                if let Some(value) = self.read(&key.shape, default) {
                    let field = Field { key: None, value };
                    fields.entries.insert(key.name.clone(), field);
                }
            }
            Presence::Optional | Presence::Later => {}
        }
    }

    fn not_yet(&mut self, name: &str, at: &Span) {
        let message = format!("`{name}` is not available yet");
        let help = "this version of temblor cannot do it; nothing is ever left out silently";
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
    }

    fn variant(&mut self, what: &str, variants: &[Variant], value: &Value) -> Option<Form> {
        let empty: &[Entry] = &[];
        let (name, name_span, entries, owner) = match &value.content {
            Content::Scalar { text, .. } if !value.is_nothing() => {
                (text, &value.span, Some(empty), &value.span)
            }
            Content::Map(entries) if entries.len() == 1 => {
                let entry = &entries[0];
                let inner = match &entry.value.content {
                    Content::Map(inner) => Some(inner.as_slice()),
                    _ if entry.value.is_nothing() => Some(empty),
                    _ => None,
                };
                (&entry.key, &entry.key_span, inner, &entry.value.span)
            }
            Content::Map(entries) if entries.len() > 1 => {
                return self.several_variants(what, variants, entries);
            }
            _ => return self.keep(Err(expected(value, &format!("a {what}"), ""))),
        };
        let Some(variant) = variants.iter().find(|variant| variant.name == *name) else {
            let names = variants.iter().map(|variant| variant.name.as_str());
            let message = format!("there is no {what} `{name}`");
            let diagnostic = Diagnostic::error(name_span, message);
            self.diagnostics.push(diagnostic.did_you_mean(name, names));
            return None;
        };
        let Some(entries) = entries else {
            let message = format!("expected a map of what `{name}` does");
            let first = variant.keys.first().map_or("…", |key| key.name.as_str());
            let help = format!("write `{name}: {{ {first}: … }}`");
            self.diagnostics.push(Diagnostic::error(owner, message).help(help));
            return None;
        };
        let owner = if owner.bytes.is_empty() { name_span } else { owner };
        Some(Form::Variant {
            name: name.clone(),
            name_span: name_span.clone(),
            fields: self.fields(&variant.keys, entries, owner),
        })
    }

    /// `- kill:` with its keys not indented reads as a map with several names.
    fn several_variants(
        &mut self,
        what: &str,
        variants: &[Variant],
        entries: &[Entry],
    ) -> Option<Form> {
        let known = |entry: &&Entry| variants.iter().any(|variant| variant.name == entry.key);
        let named: Vec<&Entry> = entries.iter().filter(known).collect();
        let other = entries.iter().find(|entry| !known(entry));
        let (at, help) = match (named.as_slice(), other) {
            ([one], Some(other)) => (
                &other.key_span,
                format!("put it under `{}`: `{0}: {{ {}: … }}`", one.key, other.key),
            ),
            ([], Some(other)) => (&other.key_span, format!("one of them must name a {what}")),
            _ => (&entries[1].key_span, "give each its own line with a dash".to_owned()),
        };
        let message = format!("expected one {what}, found several keys");
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
        None
    }
}
