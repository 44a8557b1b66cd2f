//! YAML in: text to a tree of [`Value`]s with positions, mistakes to [`Diagnostic`]s.
//!
//! The only module that calls the YAML parser (serde-saphyr's own, `granit-parser`), so that it
//! can be exchanged. It takes the plain part of YAML: maps, lists, scalars, anchors and aliases.
//! Tags, merge keys and several documents are refused with a word on what to write instead. What
//! the values mean is nobody's business here.

use std::{collections::HashMap, ops::Range, sync::Arc};

use serde_saphyr::granit_parser::{
    ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span as ParserSpan, StructureStyle,
    Tag,
};

use super::{
    diagnostic::Diagnostic,
    source::{Source, Span},
    value::{Content, Entry, Value},
};

/// Larger files are no plans.
const MOST_BYTES: usize = 1 << 20;
/// Values after aliases are expanded; bounds what a few nested aliases can blow up to.
const MOST_VALUES: usize = 100_000;
/// How often a broken text is read again without the line that broke it.
const MOST_SYNTAX_ERRORS: usize = 20;

/// What was read.
#[derive(Debug)]
pub(crate) struct Document {
    /// The tree; none when there is nothing, or nothing that could be read.
    pub(crate) root: Option<Value>,
    /// Every mistake found.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether all of the text was read; if not, what seems missing may be there.
    pub(crate) whole: bool,
}

/// Reads one YAML document.
///
/// A syntax error ends a parser's work, so the line where the trouble begins is blanked (bytes
/// keep their places) and the rest is read again: one unclosed quote doesn't hide the other
/// mistakes.
pub(crate) fn read(source: &Arc<Source>) -> Document {
    if source.text.len() > MOST_BYTES {
        let at = place(source, 0, 0);
        let message = format!("the file is larger than {MOST_BYTES} bytes");
        return unread(vec![Diagnostic::error(&at, message)]);
    }
    let mut text = source.text.clone();
    let mut syntax: Vec<Diagnostic> = Vec::new();
    loop {
        let mut builder = Builder::new(source);
        let Err(error) = builder.build(&text) else {
            let whole = syntax.is_empty();
            syntax.append(&mut builder.diagnostics);
            return Document { root: builder.root, diagnostics: syntax, whole };
        };
        let offset = error.marker().byte_offset().unwrap_or(text.len());
        let opened = opening(&builder, &error, &text, offset);
        syntax.push(syntax_error(source, &error, offset, opened.as_ref()));
        let line = line_around(&text, opened.map_or(offset, |span| span.bytes.start));
        if !blank(&mut text, line) || syntax.len() >= MOST_SYNTAX_ERRORS {
            return unread(syntax);
        }
    }
}

/// Where the quote, bracket or brace stands that is still open at an error.
fn opening(builder: &Builder<'_>, error: &ScanError, text: &str, offset: usize) -> Option<Span> {
    let in_quotes = matches!(
        error.kind(),
        ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar
    );
    if !in_quotes {
        return builder.innermost_flow();
    }
    let before = &text[..offset.min(text.len())];
    let mut start = before.len();
    for line in before.split_inclusive('\n').rev() {
        start -= line.len();
        for quote in ['"', '\''] {
            if let (1, Some(at)) = (line.matches(quote).count() % 2, line.rfind(quote)) {
                return Some(place(builder.source, start + at, start + at + 1));
            }
        }
    }
    None
}

/// A value that stands in no file: a default, an override. Text that is no YAML stays text.
pub(crate) fn scalar(text: &str) -> Value {
    let source = Arc::new(Source { name: "default".to_owned(), text: text.to_owned() });
    value(&source, 0..text.len())
}

/// The value that a stretch of a text stands for, if the text is no plan but, say, an override.
pub(crate) fn value(source: &Arc<Source>, bytes: Range<usize>) -> Value {
    let text = source.text[bytes.clone()].to_owned();
    let mut padded = " ".repeat(bytes.start);
    padded.push_str(&text);
    let mut builder = Builder::new(source);
    let read = builder.build(&padded);
    match builder.root {
        Some(root) if read.is_ok() && builder.diagnostics.is_empty() => root,
        _ => Value {
            span: place(source, bytes.start, bytes.end),
            content: Content::Scalar { text, quoted: false },
        },
    }
}

fn unread(diagnostics: Vec<Diagnostic>) -> Document {
    Document { root: None, diagnostics, whole: false }
}

fn place(source: &Arc<Source>, start: usize, end: usize) -> Span {
    Span { source: Arc::clone(source), bytes: start..end.max(start) }
}

/// The bytes of the last line that is not empty, up to the one that holds `offset`.
fn line_around(text: &str, offset: usize) -> Range<usize> {
    let up_to = offset.min(text.len());
    let end = text[up_to..].find('\n').map_or(text.len(), |newline| up_to + newline);
    let upper = text[..end].trim_end();
    let start = upper.rfind('\n').map_or(0, |newline| newline + 1);
    start..upper.len()
}

/// Overwrites a line with spaces; false when there was nothing to overwrite.
fn blank(text: &mut String, line: Range<usize>) -> bool {
    let something = text[line.clone()].bytes().any(|byte| byte != b' ');
    let spaces = " ".repeat(line.len());
    text.replace_range(line, &spaces);
    something
}

fn syntax_error(
    source: &Arc<Source>,
    error: &ScanError,
    offset: usize,
    opened: Option<&Span>,
) -> Diagnostic {
    let start = offset.min(source.text.len());
    let width = source.text[start..].chars().next().map_or(0, char::len_utf8);
    let at = place(source, start, start + width);
    let message = format!("this is no YAML: {}", error.info());
    let diagnostic = Diagnostic::error(&at, message);
    match opened {
        Some(opened) => diagnostic.also(opened, "opened here"),
        None => diagnostic,
    }
}

/// A list or map that is being read.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    content: Content,
    key: Option<(String, Span)>,
}

struct Builder<'s> {
    source: &'s Arc<Source>,
    diagnostics: Vec<Diagnostic>,
    anchors: HashMap<usize, Value>,
    open: Vec<Open>,
    root: Option<Value>,
    documents: usize,
    values: usize,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Arc<Source>) -> Self {
        Self {
            source,
            diagnostics: Vec::new(),
            anchors: HashMap::new(),
            open: Vec::new(),
            root: None,
            documents: 0,
            values: 0,
        }
    }

    fn build(&mut self, text: &str) -> Result<(), ScanError> {
        let mut options = Options::default();
        options.emit_unresolved_aliases = true;
        for next in Parser::new_from_str_with_options(text, options) {
            let (event, span) = next?;
            if self.documents > 1 || self.values > MOST_VALUES {
                break;
            }
            self.take(event, span);
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: ParserSpan) {
        let at = self.span(span);
        match event {
            Event::DocumentStart(..) => self.document(&at),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &at);
                let quoted = style != ScalarStyle::Plain;
                // The parser says `~` for what is not there at all.
                let absent = !quoted && at.bytes.is_empty();
                let text = if absent { String::new() } else { text.into_owned() };
                let content = Content::Scalar { text, quoted };
                self.complete(Value { span: at, content }, anchor);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &at);
                self.enter(&at, style, anchor, Content::List(Vec::new()));
            }
            Event::MappingStart(style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), &at);
                self.enter(&at, style, anchor, Content::Map(Vec::new()));
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(&at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::UnresolvedAlias(name) => self.unresolved(&name, at),
            _ => {}
        }
    }

    fn span(&self, span: ParserSpan) -> Span {
        let bytes = span.byte_range().unwrap_or(0..0);
        place(self.source, bytes.start, bytes.end)
    }

    fn document(&mut self, at: &Span) {
        self.documents += 1;
        if self.documents > 1 {
            let message = "a second document begins here";
            let help = "one file holds one document: remove the `---`";
            self.diagnostics.push(Diagnostic::error(at, message).help(help));
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, at: &Span) {
        if let Some(tag) = tag {
            let message = format!("YAML tags such as `{}` are not used here", tag.original());
            let help = "remove the tag: what a value is follows from its key";
            self.diagnostics.push(Diagnostic::error(at, message).help(help));
        }
    }

    fn enter(&mut self, at: &Span, style: StructureStyle, anchor: usize, content: Content) {
        self.open.push(Open {
            start: at.bytes.start,
            flow: style == StructureStyle::Flow,
            anchor,
            content,
            key: None,
        });
    }

    fn leave(&mut self, at: &Span) {
        let Some(open) = self.open.pop() else { return };
        let end =
            if open.flow { at.bytes.end } else { end_of(&open.content).unwrap_or(at.bytes.start) };
        let span = place(self.source, open.start, end);
        let content = open.content;
        self.complete(Value { span, content }, open.anchor);
    }

    fn alias(&mut self, anchor: usize, at: Span) {
        let Some(value) = self.anchors.get(&anchor).cloned() else {
            let message = "an alias inside the value that it stands for";
            let help = "write the value out";
            self.diagnostics.push(Diagnostic::error(&at, message).help(help));
            return self.complete(nothing(at), 0);
        };
        self.values += count(&value);
        if self.values > MOST_VALUES {
            let message = format!("aliases expand to more than {MOST_VALUES} values");
            self.diagnostics.push(Diagnostic::error(&at, message));
            return;
        }
        self.complete(value, 0);
    }

    fn unresolved(&mut self, name: &str, at: Span) {
        let message = format!("no anchor `&{name}` stands before this");
        let help = format!("write the value here, or mark the first one with `&{name}`");
        self.diagnostics.push(Diagnostic::error(&at, message).help(help));
        self.complete(nothing(at), 0);
    }

    fn complete(&mut self, value: Value, anchor: usize) {
        self.values += 1;
        if anchor != 0 {
            self.anchors.insert(anchor, value.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(value);
            return;
        };
        match &mut open.content {
            Content::List(items) => items.push(value),
            Content::Map(entries) => match open.key.take() {
                Some((key, key_span)) => {
                    add_entry(entries, &mut self.diagnostics, key, key_span, value);
                }
                None => open.key = Some(read_key(&mut self.diagnostics, value)),
            },
            Content::Scalar { .. } => {}
        }
    }

    fn innermost_flow(&self) -> Option<Span> {
        let open = self.open.last().filter(|open| open.flow)?;
        Some(place(self.source, open.start, open.start + 1))
    }
}

fn nothing(span: Span) -> Value {
    let content = Content::Scalar { text: String::new(), quoted: false };
    Value { span, content }
}

fn end_of(content: &Content) -> Option<usize> {
    match content {
        Content::List(items) => items.last().map(|item| item.span.bytes.end),
        Content::Map(entries) => {
            entries.last().map(|entry| entry.value.span.bytes.end.max(entry.key_span.bytes.end))
        }
        Content::Scalar { .. } => None,
    }
}

fn count(value: &Value) -> usize {
    match &value.content {
        Content::Scalar { .. } => 1,
        Content::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Content::Map(entries) => {
            1 + entries.iter().map(|entry| 1 + count(&entry.value)).sum::<usize>()
        }
    }
}

/// A key is a word. A merge key would hide where a value comes from.
fn read_key(diagnostics: &mut Vec<Diagnostic>, value: Value) -> (String, Span) {
    let span = value.span;
    match value.content {
        Content::Scalar { text, quoted } => {
            if text == "<<" && !quoted {
                let message = "merge keys (`<<`) are not supported";
                let help = "write the keys out, or give the whole value by an alias";
                diagnostics.push(Diagnostic::error(&span, message).help(help));
            }
            (text, span)
        }
        Content::List(_) | Content::Map(_) => {
            let message = "a key must be a word";
            let help = "if this is a template such as `{node}`, put it in quotes";
            diagnostics.push(Diagnostic::error(&span, message).help(help));
            ("?".to_owned(), span)
        }
    }
}

fn add_entry(
    entries: &mut Vec<Entry>,
    diagnostics: &mut Vec<Diagnostic>,
    key: String,
    key_span: Span,
    value: Value,
) {
    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
        let message = format!("`{key}` is given twice");
        diagnostics.push(
            Diagnostic::error(&key_span, message)
                .label("given again here")
                .also(&first.key_span, "first given here")
                .help("remove one of the two"),
        );
        return;
    }
    entries.push(Entry { key, key_span, value });
}

#[cfg(test)]
mod tests;
