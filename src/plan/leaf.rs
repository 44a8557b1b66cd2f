//! The kinds of single values in plan, system and catalogue files.
//!
//! Each is one constant: how it is read, what it is called, and its JSON Schema.

use std::time::Duration;

use temblor_faults::DurationChoice;

use super::{
    diagnostic::Diagnostic,
    form::Form,
    scalar::{self, Misread},
    shape::Leaf,
    target::{GRUDGE, TARGET},
    trigger::TRIGGER,
    value::{Content, Entry, Value},
};

/// Text as it stands: `no` is the word "no", `03` keeps its zero.
pub(crate) static TEXT: Leaf = Leaf {
    name: "text",
    what: "a text",
    example: "\"some words\"",
    read: |value| read_scalar(value, &TEXT, |text| Ok(Form::Text(text.to_owned()))),
    schema: r#"{"type": ["string", "number", "boolean"]}"#,
};

/// Whatever is written, for somebody else to read.
pub(crate) static RAW: Leaf = Leaf {
    name: "anything",
    what: "a value",
    example: "1",
    read: |value| Ok(Form::Raw(value.clone())),
    schema: "{}",
};

/// `true`, `false`.
pub(crate) static FLAG: Leaf = Leaf {
    name: "flag",
    what: "`true` or `false`",
    example: "true",
    read: |value| read_plain(value, &FLAG, |text| scalar::flag(text).map(Form::Flag)),
    schema: r#"{"type": "boolean"}"#,
};

/// `250ms`.
pub(crate) static DURATION: Leaf = Leaf {
    name: "duration",
    what: "a duration",
    example: "250ms",
    read: |value| {
        read_scalar(value, &DURATION, |text| {
            let duration = scalar::duration(text)?;
            positive(text, duration)?;
            Ok(Form::Duration(duration))
        })
    },
    schema: r##"{"$ref": "#/definitions/duration"}"##,
};

/// `250ms`, and nothing at all is fine too.
pub(crate) static DURATION_OR_NONE: Leaf = Leaf {
    name: "duration or nothing",
    what: "a duration",
    example: "0ms",
    read: |value| {
        read_scalar(value, &DURATION_OR_NONE, |text| scalar::duration(text).map(Form::Duration))
    },
    schema: r##"{"$ref": "#/definitions/duration"}"##,
};

/// `5s`, `12s..20s`, `{ one-of: [30s, 1m] }`.
pub(crate) static DURATIONS: Leaf = Leaf {
    name: "durations",
    what: "a duration, a range or a choice",
    example: "12s..20s",
    read: |value| {
        let choice = read_durations(value, &DURATIONS)?;
        match scalar_of(value) {
            Some(text) => positive(text, choice.least()).map_err(|misread| at(value, misread))?,
            None if choice.least().is_zero() => {
                return Err(at(value, zero("one of these")));
            }
            None => {}
        }
        Ok(Form::Durations(choice))
    },
    schema: r##"{"$ref": "#/definitions/durations"}"##,
};

/// A moment after a phase began; at its very beginning is fine.
pub(crate) static MOMENT: Leaf = Leaf {
    name: "moment",
    what: "a time since the phase began, a range or a choice",
    example: "10s",
    read: |value| read_durations(value, &MOMENT).map(Form::Durations),
    schema: r##"{"$ref": "#/definitions/durations"}"##,
};

/// `+30s`, `-200ms`.
pub(crate) static OFFSET: Leaf = Leaf {
    name: "offset",
    what: "a duration with a sign",
    example: "+30s",
    read: |value| read_scalar(value, &OFFSET, |text| scalar::offset(text).map(Form::Signed)),
    schema: r##"{"$ref": "#/definitions/offset"}"##,
};

/// `500ppm`.
pub(crate) static PPM: Leaf = Leaf {
    name: "ppm",
    what: "parts per million",
    example: "500ppm",
    read: |value| read_scalar(value, &PPM, |text| scalar::ppm(text).map(Form::Signed)),
    schema: r##"{"$ref": "#/definitions/ppm"}"##,
};

/// `20%`.
pub(crate) static SHARE: Leaf = Leaf {
    name: "share",
    what: "a percentage",
    example: "20%",
    read: |value| read_scalar(value, &SHARE, |text| scalar::share(text).map(Form::Share)),
    schema: r##"{"$ref": "#/definitions/share"}"##,
};

/// `10Mbit/s`, in bits a second.
pub(crate) static BANDWIDTH: Leaf = Leaf {
    name: "bandwidth",
    what: "how many bits pass a second",
    example: "10Mbit/s",
    read: |value| read_scalar(value, &BANDWIDTH, |text| scalar::bandwidth(text).map(Form::Count)),
    schema: r##"{"$ref": "#/definitions/bandwidth"}"##,
};

/// `0.9`.
pub(crate) static NUMBER: Leaf = Leaf {
    name: "number",
    what: "a number",
    example: "0.9",
    read: |value| {
        read_plain(value, &NUMBER, |text| match text.parse::<f64>() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
                Ok(Form::Number(number))
            }
            _ => Err(Misread::new(
                format!("`{text}` is not a number"),
                "write plain digits, such as `0.9`",
            )),
        })
    },
    schema: r#"{"type": "number", "minimum": 0}"#,
};

/// `500`, `never`.
pub(crate) static COUNT_OR_NEVER: Leaf = Leaf {
    name: "count or never",
    what: "a whole number or `never`",
    example: "500",
    read: |value| {
        read_plain(value, &COUNT_OR_NEVER, |text| match text {
            "never" => Ok(Form::Text("never".to_owned())),
            "0" => Err(Misread::new("`0` is too small: the least is 1", "for none write `never`")),
            _ => scalar::count(text).map(Form::Count),
        })
    },
    schema: r#"{"anyOf": [{"type": "integer", "minimum": 1}, {"const": "never"}]}"#,
};

/// `500/s`, `closed-loop`.
pub(crate) static RATE: Leaf = Leaf {
    name: "rate",
    what: "a rate",
    example: "500/s",
    read: |value| {
        read_scalar(value, &RATE, |text| match text {
            "closed-loop" => Ok(Form::Rate(None)),
            _ => scalar::rate(text).map(|rate| Form::Rate(Some(rate))),
        })
    },
    schema: r##"{"$ref": "#/definitions/rate"}"##,
};

/// `2 per node`.
pub(crate) static PER_NODE: Leaf = Leaf {
    name: "per node",
    what: "how many on each node",
    example: "2 per node",
    read: |value| read_scalar(value, &PER_NODE, |text| scalar::per_node(text).map(Form::Count)),
    schema: r##"{"$ref": "#/definitions/per-node"}"##,
};

/// `">= 90%"`.
pub(crate) static SHARE_AT_LEAST: Leaf = Leaf {
    name: "share at least",
    what: "a least percentage",
    example: "\">= 90%\"",
    read: |value| {
        read_scalar(value, &SHARE_AT_LEAST, |text| {
            scalar::share(scalar::bounded(text, ">=")?).map(Form::Share)
        })
    },
    schema: r##"{"$ref": "#/definitions/share-at-least"}"##,
};

/// `"<= 50ms"`.
pub(crate) static DURATION_AT_MOST: Leaf = Leaf {
    name: "duration at most",
    what: "a longest duration",
    example: "\"<= 50ms\"",
    read: |value| {
        read_scalar(value, &DURATION_AT_MOST, |text| {
            scalar::duration(scalar::bounded(text, "<=")?).map(Form::Duration)
        })
    },
    schema: r##"{"$ref": "#/definitions/duration-at-most"}"##,
};

/// All leaves that a catalogue entry may name as the type of a parameter.
pub(crate) static LEAVES: [&Leaf; 14] = [
    &BANDWIDTH,
    &COUNT_OR_NEVER,
    &OFFSET,
    &PPM,
    &TEXT,
    &FLAG,
    &DURATION,
    &DURATION_OR_NONE,
    &DURATIONS,
    &SHARE,
    &NUMBER,
    &TARGET,
    &GRUDGE,
    &TRIGGER,
];

pub(super) fn at(value: &Value, misread: Misread) -> Diagnostic {
    let diagnostic = Diagnostic::error(&value.span, misread.message);
    if misread.help.is_empty() { diagnostic } else { diagnostic.help(misread.help) }
}

pub(super) fn scalar_of(value: &Value) -> Option<&str> {
    value.scalar().filter(|_| !value.is_nothing())
}

pub(super) fn read_scalar(
    value: &Value,
    leaf: &Leaf,
    read: impl Fn(&str) -> Result<Form, Misread>,
) -> Result<Form, Diagnostic> {
    match scalar_of(value) {
        Some(text) => read(text).map_err(|misread| at(value, misread)),
        None => Err(expected(value, leaf.what, leaf.example)),
    }
}

/// As `read_scalar`, for values that quotes would turn into texts.
fn read_plain(
    value: &Value,
    leaf: &Leaf,
    read: impl Fn(&str) -> Result<Form, Misread>,
) -> Result<Form, Diagnostic> {
    if let Content::Scalar { text, quoted: true } = &value.content {
        let message = format!("expected {}, found a text in quotes", leaf.what);
        return Err(Diagnostic::error(&value.span, message).help(format!("write `{text}`")));
    }
    read_scalar(value, leaf, read)
}

/// The diagnostic for a value of another kind altogether.
pub(crate) fn expected(value: &Value, what: &str, example: &str) -> Diagnostic {
    let message = format!("expected {what}, found {}", value.described());
    let diagnostic = Diagnostic::error(&value.span, message);
    if example.is_empty() {
        diagnostic
    } else {
        diagnostic.help(format!("write, for example, `{example}`"))
    }
}

fn positive(text: &str, duration: Duration) -> Result<(), Misread> {
    if duration.is_zero() {
        return Err(zero(&format!("`{text}`")));
    }
    Ok(())
}

fn zero(what: &str) -> Misread {
    Misread::new(format!("{what} is no time at all"), "write a duration longer than zero")
}

fn read_durations(value: &Value, leaf: &Leaf) -> Result<DurationChoice, Diagnostic> {
    if let Some(text) = scalar_of(value) {
        return scalar::durations(text).map_err(|misread| at(value, misread));
    }
    let Content::Map(entries) = &value.content else {
        return Err(expected(value, leaf.what, leaf.example));
    };
    let [Entry { key, value: choices, .. }] = entries.as_slice() else {
        return Err(expected(value, leaf.what, "{ one-of: [30s, 1m] }"));
    };
    let Content::List(items) = &choices.content else {
        return Err(expected(choices, "a list of durations", "one-of: [30s, 1m]"));
    };
    if key != "one-of" || items.is_empty() {
        return Err(expected(value, leaf.what, "{ one-of: [30s, 1m] }"));
    }
    let read = |item: &Value| {
        let text = scalar_of(item).ok_or_else(|| expected(item, "a duration", "30s"))?;
        scalar::duration(text).map_err(|misread| at(item, misread))
    };
    let durations: Result<Vec<Duration>, Diagnostic> = items.iter().map(read).collect();
    durations.map(DurationChoice::OneOf)
}
