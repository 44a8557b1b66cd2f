//! Entries of the catalogue: a fault or a workload, as its YAML file beside the code says it.

use std::sync::Arc;

use super::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    leaf::{DURATION, LEAVES, NUMBER, OFFSET, RAW, SHARE, TEXT},
    reading::Reader,
    shape::{Choice, Key, Presence, Shape},
    source::Source,
    target::TARGET,
    yaml,
};

/// A fault of the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct FaultEntry {
    pub(crate) name: String,
    /// The comment at the top of its file: what the reader will see happen.
    pub(crate) seen: String,
    pub(crate) about: String,
    /// One of [`ACTS_ON`].
    pub(crate) acts_on: String,
    /// Whether it lasts until a heal; else it is over at once.
    pub(crate) lasts: bool,
    pub(crate) parameters: Vec<Key>,
    pub(crate) verified: String,
    pub(crate) healed: String,
    pub(crate) example: String,
}

/// A workload of the catalogue.
#[derive(Debug, Clone)]
pub(crate) struct WorkloadEntry {
    pub(crate) name: String,
    /// The comment at the top of its file.
    pub(crate) seen: String,
    pub(crate) about: String,
    pub(crate) model: String,
    pub(crate) parameters: Vec<Key>,
    pub(crate) example: String,
}

/// What faults act on.
const ACTS_ON: [(&str, &str); 7] = [
    ("links", ""),
    ("processes", ""),
    ("clocks", ""),
    ("disks", ""),
    ("resources", ""),
    ("membership", ""),
    ("anything", ""),
];

/// Reads the entry of a fault.
pub(crate) fn fault(source: &Arc<Source>) -> Result<FaultEntry, Vec<Diagnostic>> {
    let keys = [
        Key::needed("fault", text(), "its name"),
        Key::needed("acts-on", Shape::words("class", &ACTS_ON), "the class"),
        Key::needed("ends", Shape::words("end", &[("heal", ""), ("at-once", "")]), "how it ends"),
        Key::needed("verified", text(), "what is seen while it acts"),
        Key::needed("healed", text(), "what is seen once it is gone"),
    ];
    let (fields, parameters) = entry(source, &keys)?;
    Ok(FaultEntry {
        name: word(&fields, "fault"),
        seen: opening_comment(&source.text),
        about: word(&fields, "about"),
        acts_on: word(&fields, "acts-on"),
        lasts: fields.text("ends") == Some("heal"),
        parameters,
        verified: word(&fields, "verified"),
        healed: word(&fields, "healed"),
        example: word(&fields, "example"),
    })
}

/// Reads the entry of a workload.
pub(crate) fn workload(source: &Arc<Source>) -> Result<WorkloadEntry, Vec<Diagnostic>> {
    let keys = [
        Key::needed("workload", text(), "its name"),
        Key::needed("model", text(), "the model of its histories"),
    ];
    let (fields, parameters) = entry(source, &keys)?;
    Ok(WorkloadEntry {
        name: word(&fields, "workload"),
        seen: opening_comment(&source.text),
        about: word(&fields, "about"),
        model: word(&fields, "model"),
        parameters,
        example: word(&fields, "example"),
    })
}

/// The comment lines that a file opens with, as one text.
pub(crate) fn opening_comment(text: &str) -> String {
    let comments = text.lines().map_while(|line| line.strip_prefix('#'));
    let lines: Vec<&str> = comments.map(str::trim).collect();
    lines.join("\n")
}

fn text() -> Shape {
    Shape::Leaf(&TEXT)
}

fn word(fields: &Fields, name: &str) -> String {
    fields.text(name).unwrap_or_default().to_owned()
}

/// What all entries have, and their parameters as keys in the order of the file.
fn entry(source: &Arc<Source>, keys: &[Key]) -> Result<(Fields, Vec<Key>), Vec<Diagnostic>> {
    let mut keys = keys.to_vec();
    keys.push(Key::needed("about", text(), "what it is, in one line"));
    keys.push(Key::needed("parameters", Shape::AnyKeys(Box::new(parameter_shape())), "parameters"));
    keys.push(Key::needed("example", text(), "how a plan writes it"));
    let document = yaml::read(source);
    let mut reader = Reader { diagnostics: document.diagnostics, whole: document.whole };
    let root = document.root;
    let read = root.as_ref().and_then(|root| reader.read(&Shape::Map(keys), root));
    let Some(Formed { form: Form::Fields(fields), .. }) = read else {
        return Err(reader.diagnostics);
    };
    let parameters = root.as_ref().and_then(|root| root.get("parameters"));
    let parameters = in_order(parameters, fields.fields("parameters"), &mut reader.diagnostics);
    if reader.diagnostics.is_empty() { Ok((fields, parameters)) } else { Err(reader.diagnostics) }
}

fn parameter_shape() -> Shape {
    let count = || Shape::Count(0..=u64::MAX);
    Shape::Map(vec![
        Key::needed("type", text(), "the kind of value"),
        Key::needed("about", text(), "what it says, in one sentence"),
        Key::optional("default", Shape::Leaf(&RAW), "its value where a plan says nothing"),
        Key::optional("least", count(), "the least value of a count"),
        Key::optional("most", count(), "the greatest value of a count"),
        Key::optional(
            "of",
            Shape::list(text()),
            "the functions of a mix, or the words to choose from",
        ),
        Key::optional("later", Shape::Leaf(&super::leaf::FLAG), "this version can't do it"),
    ])
}

fn in_order(
    written: Option<&super::value::Value>,
    fields: Option<&Fields>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Key> {
    let (Some(written), Some(fields)) = (written, fields) else { return Vec::new() };
    let super::value::Content::Map(entries) = &written.content else { return Vec::new() };
    let mut keys = Vec::new();
    for entry in entries {
        let Some(parameter) = fields.fields(&entry.key) else { continue };
        match shape_of(parameter) {
            Some(shape) => keys.push(Key {
                name: entry.key.clone(),
                about: word(parameter, "about"),
                shape,
                presence: presence(parameter),
            }),
            None => diagnostics.push(Diagnostic::error(&entry.key_span, "unknown type")),
        }
    }
    keys
}

fn presence(parameter: &Fields) -> Presence {
    match parameter.raw("default") {
        _ if parameter.flag("later") => Presence::Later,
        Some(default) => Presence::Default(default.clone()),
        None => Presence::Optional,
    }
}

fn shape_of(parameter: &Fields) -> Option<Shape> {
    let most = parameter.count("most").unwrap_or(u64::MAX);
    match parameter.text("type")? {
        "count" => Some(Shape::Count(parameter.count("least").unwrap_or(0)..=most)),
        "texts" => Some(Shape::list(text())),
        "bits" | "bytes" => {
            let what = parameter.text("type")?;
            let about = format!("how many {what}");
            Some(Shape::Map(vec![Key::needed(what, Shape::Count(1..=1_000_000), &about)]))
        }
        "number" => Some(Shape::Leaf(&NUMBER)),
        "strobe" => Some(Shape::Map(vec![
            Key::needed("by", Shape::Leaf(&OFFSET), "how far it is off, as in `+5s`"),
            Key::needed("every", Shape::Leaf(&DURATION), "how long each turn lasts, as in `200ms`"),
        ])),
        "mix" => {
            let share = |function: &String| {
                let about = format!("how many of the operations are `{function}`");
                Key::optional(function, Shape::Leaf(&SHARE), &about)
            };
            Some(Shape::Map(parameter.texts("of").iter().map(share).collect()))
        }
        "nodes by name" => Some(Shape::AnyKeys(Box::new(Shape::Leaf(&TARGET)))),
        "durations by two names" => {
            let inner = Shape::AnyKeys(Box::new(Shape::Leaf(&DURATION)));
            Some(Shape::AnyKeys(Box::new(inner)))
        }
        "choice" => {
            let words = parameter.texts("of");
            let choice = |word: String| Choice { word, about: String::new() };
            Some(Shape::Word("choice", words.into_iter().map(choice).collect()))
        }
        name => LEAVES.iter().find(|leaf| leaf.name == name).map(|leaf| Shape::Leaf(leaf)),
    }
}
