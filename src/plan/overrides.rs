//! `--set PATH=VALUE`: one value of a plan, replaced or added, in the tree and in the text.

use std::sync::Arc;

use super::{
    diagnostic::Diagnostic,
    source::{Source, Span},
    value::{Content, Entry, Value},
    yaml,
};

/// A value of a plan that the command line gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Names with dots between, such as `settings.bug`; a place in a list is its number or the
    /// name of its first key (`phases.chaos`).
    pub path: String,
    /// The value, as a plan would write it.
    pub value: String,
}

impl Override {
    /// Parses `PATH=VALUE`.
    ///
    /// # Errors
    /// In words, when there is no `=` or no path.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((path, value)) if !path.is_empty() => {
                Ok(Self { path: path.to_owned(), value: value.to_owned() })
            }
            _ => Err(format!("`{text}` is not PATH=VALUE, such as `settings.bug=ack-early`")),
        }
    }

    /// Where it stands, for diagnostics: the command line is a text like others.
    pub(crate) fn source(&self) -> Arc<Source> {
        Arc::new(Source { name: "--set".to_owned(), text: format!("{}={}", self.path, self.value) })
    }
}

/// What a path leads to.
enum Found<'v> {
    /// The value itself.
    Value(&'v mut Value),
    /// A map that has no such key, and what is left of the path.
    Missing(&'v mut Value, usize),
    /// A value that has no inside, or a place outside of a list; the component's number.
    Astray(usize, String),
}

/// Sets the value in a tree; the rest of the tree stays.
pub(crate) fn apply(
    root: &mut Value,
    change: &Override,
    source: &Arc<Source>,
) -> Result<(), Diagnostic> {
    let start = change.path.len() + 1;
    let value = yaml::value(source, start..source.text.len());
    let components: Vec<&str> = change.path.split('.').collect();
    let span = |component: usize| component_span(source, &components, component);
    match find(root, &components, 0) {
        Found::Value(place) => *place = value,
        Found::Missing(map, from) => {
            let nested = nest(value, &components, from + 1, &span);
            let entry =
                Entry { key: components[from].to_owned(), key_span: span(from), value: nested };
            match &mut map.content {
                Content::Map(entries) => entries.push(entry),
                _ => map.content = Content::Map(vec![entry]),
            }
        }
        Found::Astray(component, message) => {
            return Err(Diagnostic::error(&span(component), message));
        }
    }
    Ok(())
}

fn component_span(source: &Arc<Source>, components: &[&str], number: usize) -> Span {
    let start = components[..number].iter().map(|component| component.len() + 1).sum();
    Span { source: Arc::clone(source), bytes: start..start + components[number].len() }
}

/// Wraps a value into maps for what is left of a path.
fn nest(value: Value, components: &[&str], from: usize, span: &impl Fn(usize) -> Span) -> Value {
    let mut nested = value;
    for number in (from..components.len()).rev() {
        let entry =
            Entry { key: components[number].to_owned(), key_span: span(number), value: nested };
        nested = Value { span: span(number), content: Content::Map(vec![entry]) };
    }
    nested
}

/// Follows a path from its component `number` on.
fn find<'v>(value: &'v mut Value, components: &[&str], number: usize) -> Found<'v> {
    let Some(component) = components.get(number) else { return Found::Value(value) };
    // `workload: register` is short for a map with nothing in it.
    if value.scalar() == Some(component) && !value.is_nothing() {
        value.content = Content::Map(vec![Entry {
            key: (*component).to_owned(),
            key_span: value.span.clone(),
            value: yaml::scalar(""),
        }]);
    }
    if value.is_nothing()
        || matches!(&value.content, Content::Map(_)) && value.get(component).is_none()
    {
        return Found::Missing(value, number);
    }
    match &mut value.content {
        Content::Map(entries) => match entries.iter_mut().find(|entry| entry.key == *component) {
            Some(entry) => find(&mut entry.value, components, number + 1),
            None => Found::Astray(number, String::new()),
        },
        Content::List(items) => match place_in(items, component) {
            Some((place, true)) => find(&mut items[place], components, number + 1),
            Some((place, false)) => find(&mut items[place], components, number),
            None => Found::Astray(number, format!("the list has no `{component}`")),
        },
        Content::Scalar { .. } => {
            let message = format!("there is no `{component}` inside of a single value");
            Found::Astray(number, message)
        }
    }
}

/// The place in a list that a component names, and whether it is all that it names: a number is,
/// the name of a key is not.
fn place_in(items: &[Value], component: &str) -> Option<(usize, bool)> {
    if let Ok(place) = component.parse::<usize>() {
        return (place < items.len()).then_some((place, true));
    }
    let named = |item: &Value| item.get(component).is_some() || item.scalar() == Some(component);
    items.iter().position(named).map(|place| (place, false))
}

/// The plan's text with the changes in it: what a run keeps, so that it can be run again.
///
/// Comments and layout stay as they are where the text can be edited; where it can't (the value
/// stands behind an alias, say) the whole plan is written anew.
pub(crate) fn edited(source: &Arc<Source>, wanted: &Value, changes: &[Override]) -> String {
    let mut text = source.text.clone();
    for change in changes {
        text = edit(&text, change).unwrap_or(text);
    }
    let again = yaml::read(&Arc::new(Source { name: source.name.clone(), text: text.clone() }));
    match again.root {
        Some(root) if outline(&root) == outline(wanted) => text,
        _ => {
            let about: Vec<&str> =
                source.text.lines().take_while(|line| line.starts_with('#')).collect();
            format!("{}\n{}\n", about.join("\n"), outline(wanted)).trim_start().to_owned()
        }
    }
}

/// One change, made in a text.
fn edit(text: &str, change: &Override) -> Option<String> {
    let source = Arc::new(Source { name: String::new(), text: text.to_owned() });
    let mut root = yaml::read(&source).root?;
    let components: Vec<&str> = change.path.split('.').collect();
    let (bytes, new) = match find(&mut root, &components, 0) {
        Found::Value(value) | Found::Missing(value, _) if value.span.source != source => {
            return None;
        }
        Found::Value(value) if value.span.bytes.is_empty() => {
            (value.span.bytes.clone(), format!(" {}", change.value))
        }
        Found::Value(value) => (value.span.bytes.clone(), change.value.clone()),
        Found::Missing(map, from) => {
            insertion(map, &nested_text(&components[from..], &change.value))
        }
        Found::Astray(..) => return None,
    };
    let mut edited = text.to_owned();
    edited.replace_range(bytes, &new);
    Some(edited)
}

/// `a: { b: value }`.
fn nested_text(components: &[&str], value: &str) -> String {
    match components {
        [last] => format!("{last}: {value}"),
        [first, rest @ ..] => format!("{first}: {{ {} }}", nested_text(rest, value)),
        [] => value.to_owned(),
    }
}

/// Where and how to write an entry into a map: before its first one, in its own style.
fn insertion(map: &Value, entry: &str) -> (std::ops::Range<usize>, String) {
    let flow = map.span.text().starts_with('{');
    let Content::Map(entries) = &map.content else {
        let end = map.span.bytes.end;
        return (end..end, format!(" {{ {entry} }}"));
    };
    match entries.first() {
        Some(first) if flow => {
            let start = first.key_span.bytes.start;
            (start..start, format!("{entry}, "))
        }
        Some(first) => {
            let start = first.key_span.bytes.start;
            let (_, column) = first.key_span.line_and_column();
            (start..start, format!("{entry}\n{}", " ".repeat(column - 1)))
        }
        None => {
            let start = map.span.bytes.start + 1;
            (start..start, format!(" {entry} "))
        }
    }
}

/// The whole tree in one line of YAML.
fn outline(value: &Value) -> String {
    match &value.content {
        Content::Scalar { text, quoted } => {
            let plain = |c: char| c.is_alphanumeric() || "-_./% ".contains(c);
            let safe = text.chars().all(plain) && text.trim() == text && !text.starts_with('-');
            if safe && (!quoted || text.parse::<f64>().is_err()) && !text.is_empty() {
                text.clone()
            } else if text.is_empty() && !quoted {
                String::new()
            } else {
                serde_json::Value::String(text.clone()).to_string()
            }
        }
        Content::List(items) => {
            let items: Vec<String> = items.iter().map(outline).collect();
            format!("[{}]", items.join(", "))
        }
        Content::Map(entries) => {
            let mut entries: Vec<String> = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key, outline(&entry.value)))
                .collect();
            entries.sort();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}
