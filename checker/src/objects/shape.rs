//! What arguments and results look like, and whether a value of a history does.

use serde_json::Value;
use temblor_history::{History, ValueId, ValueView};

/// The shape of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Whatever it is, it says nothing.
    Anything,
    /// A number, a string, a boolean or null.
    Simple,
    /// A number, a string or a boolean.
    Element,
    /// A whole number.
    Integer,
    /// A whole number from 1 on.
    Count,
    /// A number.
    Number,
    /// A number or null.
    NumberOrNull,
    /// A string.
    Text,
    /// `[v, true]` or `[v, false]`.
    Membership,
    /// `[v, …]`.
    Elements,
    /// `[offset, v]`.
    Record,
    /// `[[offset, v], …]`.
    Records,
    /// `[["r", k, v], ["w", k, v], …]`.
    Transaction,
}

impl Shape {
    /// What a reader of an error is told to write.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Anything => "anything",
            Self::Simple => "a number, a string, a boolean or null",
            Self::Element => "a number, a string or a boolean",
            Self::Integer => "a whole number",
            Self::Count => "a whole number from 1 on",
            Self::Number => "a number",
            Self::NumberOrNull => "a number or null",
            Self::Text => "a string",
            Self::Membership => "[v, true] or [v, false]",
            Self::Elements => "a list of simple values",
            Self::Record => "[offset, v]",
            Self::Records => "a list of [offset, v]",
            Self::Transaction => "a list of [\"r\", k, v] and [\"w\", k, v]",
        }
    }

    /// Whether a value has this shape.
    pub(crate) fn fits(self, history: &History, id: ValueId) -> bool {
        let view = history.view(id);
        match self {
            Self::Anything => true,
            Self::Simple => simple(&view),
            Self::Element => simple(&view) && view != ValueView::Null,
            Self::Integer => matches!(view, ValueView::Integer(_)),
            Self::Count => matches!(view, ValueView::Integer(1..)),
            Self::Number => number(&view),
            Self::NumberOrNull => number(&view) || view == ValueView::Null,
            Self::Text => matches!(view, ValueView::Text(_)),
            Self::Membership => membership(history, id).is_some(),
            Self::Elements => {
                list(&view).is_some_and(|list| list.iter().all(|&id| simple(&history.view(id))))
            }
            Self::Record => record(history, id).is_some(),
            Self::Records => {
                list(&view).is_some_and(|list| list.iter().all(|&id| record(history, id).is_some()))
            }
            Self::Transaction => {
                list(&view).is_some_and(|list| list.iter().all(|&id| micro(history, id).is_some()))
            }
        }
    }
}

fn simple(view: &ValueView<'_>) -> bool {
    !matches!(view, ValueView::Array(_) | ValueView::Other(Value::Object(_)))
}

fn number(view: &ValueView<'_>) -> bool {
    matches!(view, ValueView::Integer(_) | ValueView::Other(Value::Number(_)))
}

fn list<'a>(view: &ValueView<'a>) -> Option<&'a [ValueId]> {
    match view {
        ValueView::Array(list) => Some(list),
        _ => None,
    }
}

/// The elements of an array; none of anything else.
pub(crate) fn elements(history: &History, id: ValueId) -> &[ValueId] {
    list(&history.view(id)).unwrap_or_default()
}

/// A whole number.
pub(crate) fn integer(history: &History, id: ValueId) -> Option<i64> {
    match history.view(id) {
        ValueView::Integer(number) => Some(number),
        _ => None,
    }
}

/// `[v, true]`.
pub(crate) fn membership(history: &History, id: ValueId) -> Option<(ValueId, bool)> {
    match *elements(history, id) {
        [value, held] => match history.view(held) {
            ValueView::Bool(held) if simple(&history.view(value)) => Some((value, held)),
            _ => None,
        },
        _ => None,
    }
}

/// `[offset, v]`.
pub(crate) fn record(history: &History, id: ValueId) -> Option<(i64, ValueId)> {
    match *elements(history, id) {
        [offset, value] => integer(history, offset)
            .filter(|offset| *offset >= 0 && simple(&history.view(value)))
            .map(|offset| (offset, value)),
        _ => None,
    }
}

/// What a part of a transaction does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MicroOp {
    /// `["r", k, v]`.
    Read,
    /// `["w", k, v]`.
    Write,
}

/// `["r", k, v]` or `["w", k, v]`.
pub(crate) fn micro(history: &History, id: ValueId) -> Option<(MicroOp, ValueId, ValueId)> {
    let [kind, key, value] = *elements(history, id) else { return None };
    let kind = match history.view(kind) {
        ValueView::Text("r") => MicroOp::Read,
        ValueView::Text("w") => MicroOp::Write,
        _ => return None,
    };
    let fits = simple(&history.view(key))
        && history.view(key) != ValueView::Null
        && simple(&history.view(value));
    fits.then_some((kind, key, value))
}
