//! What a fault can wait for, as people write it.

use temblor_faults::{Target, Trigger};

use super::{
    diagnostic::Diagnostic,
    form::Form,
    leaf::{at, expected, read_scalar, scalar_of},
    scalar::{self, Misread},
    shape::Leaf,
    target::{is_memory_name, target},
    value::{Content, Entry, Value},
};

/// `leader-changed`, `{ ops: 10000 }`, `{ log: "regex", on: n2 }`.
pub(crate) static TRIGGER: Leaf = Leaf {
    name: "trigger",
    what: "something to wait for",
    example: "leader-changed",
    read: |value| match &value.content {
        Content::Map(entries) => read_map(value, entries).map(Form::Trigger),
        _ => read_scalar(value, &TRIGGER, |text| word(text).map(Form::Trigger)),
    },
    schema: r##"{"$ref": "#/definitions/trigger"}"##,
};

/// What can be waited for, each as a plan writes it.
const CHOICES: &str = "choose `leader-changed`, `first-error`, `node-ready`, `{ node-ready: n2 }`, \
                       `{ ops: 10000 }`, `{ log: \"regex\", on: n2 }`, `{ end-of: NAME }` or \
                       `{ begin-of: NAME }`";

fn word(text: &str) -> Result<Trigger, Misread> {
    match text {
        "leader-changed" => Ok(Trigger::LeaderChanged),
        "first-error" => Ok(Trigger::FirstError),
        "node-ready" => Ok(Trigger::NodeReady(None)),
        _ => Err(Misread::new(format!("`{text}` is nothing that can be waited for"), CHOICES)),
    }
}

fn read_map(value: &Value, entries: &[Entry]) -> Result<Trigger, Diagnostic> {
    let Some((first, rest)) = entries.split_first() else {
        return Err(expected(value, TRIGGER.what, TRIGGER.example));
    };
    let (first, rest) = match rest {
        // `on` may stand first too.
        [other] if first.key == "on" => (other, std::slice::from_ref(first)),
        _ => (first, rest),
    };
    if let Some(other) = rest.iter().find(|entry| first.key != "log" || entry.key != "on") {
        let message = format!("`{}` does not go with `{}`", other.key, first.key);
        return Err(Diagnostic::error(&other.key_span, message).help(CHOICES));
    }
    match first.key.as_str() {
        "ops" => operations(&first.value).map(Trigger::Ops),
        "node-ready" => nodes(&first.value).map(Some).map(Trigger::NodeReady),
        "log" => {
            let on = rest.first().map(|on| nodes(&on.value)).transpose()?;
            Ok(Trigger::Log { pattern: pattern(&first.value)?, on })
        }
        "begin-of" => fault(&first.value).map(Trigger::Began),
        "end-of" => fault(&first.value).map(Trigger::Ended),
        other => {
            let message = format!("`{other}` is nothing that can be waited for");
            Err(Diagnostic::error(&first.key_span, message).help(CHOICES))
        }
    }
}

fn operations(value: &Value) -> Result<u64, Diagnostic> {
    let text =
        scalar_of(value).ok_or_else(|| expected(value, "a number of operations", "10000"))?;
    match scalar::count(text).map_err(|misread| at(value, misread))? {
        0 => Err(at(value, Misread::new("`0` operations are always there", "wait for at least 1"))),
        count => Ok(count),
    }
}

/// Nodes by name, or remembered ones: what can be asked at any time.
fn nodes(value: &Value) -> Result<Target, Diagnostic> {
    let text = scalar_of(value).ok_or_else(|| expected(value, "the name of a node", "n2"))?;
    match target(text).map_err(|misread| at(value, misread))? {
        found @ (Target::Named(_) | Target::Remembered(_)) => Ok(found),
        other => {
            let message = format!("`{other}` is another node at every moment");
            let help = "name a node such as `n2`, or one that an earlier fault remembers by `as:`";
            Err(Diagnostic::error(&value.span, message).help(help))
        }
    }
}

fn pattern(value: &Value) -> Result<String, Diagnostic> {
    let text = scalar_of(value)
        .ok_or_else(|| expected(value, "a regular expression", "\"elected leader\""))?;
    match regex::Regex::new(text) {
        Ok(matcher) if matcher.is_match("") => {
            let message = format!("`{text}` matches every line");
            Err(Diagnostic::error(&value.span, message).help("say what the line must contain"))
        }
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`{text}` is no regular expression: {why}");
            Err(Diagnostic::error(&value.span, message)
                .help("put a backslash before characters such as `(` that are meant as they are"))
        }
    }
}

fn fault(value: &Value) -> Result<String, Diagnostic> {
    let text = scalar_of(value).ok_or_else(|| expected(value, "the name of a fault", "cut"))?;
    if is_memory_name(text) {
        return Ok(text.to_owned());
    }
    let message = format!("`{text}` can't be the name of a fault");
    Err(Diagnostic::error(&value.span, message).help("give the fault a name by `as: cut`"))
}
