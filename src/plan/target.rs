//! Targets and grudges as people write them.

use temblor_faults::{Grudge, Target};

use super::{
    diagnostic::Diagnostic,
    form::Form,
    leaf::{expected, read_scalar, scalar_of},
    nearest::nearest,
    scalar::{self, Misread},
    shape::Leaf,
    value::{Content, Value},
};

/// `leader`, `n2`, `[n1, n3]`, `clients of n1`, a remembered name.
pub(crate) static TARGET: Leaf = Leaf {
    name: "target",
    what: "a target",
    example: "leader",
    read: |value| match list_of_texts(value) {
        Some(names) => named(value, &names).map(Form::Target),
        None => read_scalar(value, &TARGET, |text| target(text).map(Form::Target)),
    },
    schema: r##"{"$ref": "#/definitions/target"}"##,
};

/// `halves`, `[[n1], [n2, n3]]`.
pub(crate) static GRUDGE: Leaf = Leaf {
    name: "grudge",
    what: "a grudge",
    example: "halves",
    read: |value| match &value.content {
        Content::List(groups) => read_groups(value, groups).map(Form::Grudge),
        _ => read_scalar(value, &GRUDGE, |text| grudge(text).map(Form::Grudge)),
    },
    schema: r##"{"$ref": "#/definitions/grudge"}"##,
};

/// Words that stand for nodes chosen when a fault begins.
pub(crate) const TARGET_WORDS: [(&str, &str, Target); 8] = [
    ("one", "any one node, dealt by the seed", Target::One),
    ("two", "any two nodes", Target::Two),
    ("minority", "the largest number of nodes that is no majority", Target::Minority),
    ("majority", "the smallest majority", Target::Majority),
    ("all", "every node", Target::All),
    ("leader", "the claimant with the highest term", Target::Leader),
    ("followers", "every node but the leader", Target::Followers),
    ("one follower", "one of the followers, dealt by the seed", Target::OneFollower),
];

/// Names of grudges.
pub(crate) const GRUDGE_WORDS: [(&str, &str, Grudge); 4] = [
    ("halves", "two groups, as equal as can be", Grudge::Halves),
    ("majorities-ring", "every node sees a majority, no two the same one", Grudge::MajoritiesRing),
    ("bridge", "two halves that share one node", Grudge::Bridge),
    ("minority-third", "a third of the nodes against the rest", Grudge::MinorityThird),
];

fn list_of_texts(value: &Value) -> Option<Vec<&str>> {
    match &value.content {
        Content::List(items) => items.iter().map(scalar_of).collect(),
        _ => None,
    }
}

/// Whether a name is one of a node: `n` and a number.
pub(crate) fn is_node_name(name: &str) -> bool {
    name.strip_prefix('n').is_some_and(|number| scalar::count(number).is_ok())
}

fn named(value: &Value, names: &[&str]) -> Result<Target, Diagnostic> {
    if names.is_empty() {
        return Err(expected(value, "the names of nodes", "[n1, n3]"));
    }
    if let Some(other) = names.iter().find(|name| !is_node_name(name)) {
        let at = value.span.narrowed_to(other);
        let message = format!("`{other}` in a list of nodes is not the name of a node");
        return Err(Diagnostic::error(&at, message).help("write, for example, `[n1, n3]`"));
    }
    Ok(Target::Named(names.iter().map(|name| (*name).to_owned()).collect()))
}

/// Reads a target that is written in one piece.
pub(crate) fn target(text: &str) -> Result<Target, Misread> {
    if let Some((.., target)) = TARGET_WORDS.iter().find(|(word, ..)| *word == text) {
        return Ok(target.clone());
    }
    if let Some(whose) = text.strip_prefix("clients of ") {
        return Ok(Target::ClientsOf(Box::new(target(whose.trim())?)));
    }
    if is_node_name(text) {
        return Ok(Target::Named(vec![text.to_owned()]));
    }
    if is_memory_name(text) {
        return Ok(Target::Remembered(text.to_owned()));
    }
    let words = TARGET_WORDS.iter().map(|(word, ..)| *word);
    let help = match nearest(text, words) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "choose a node such as `n2`, or one of `one`, `two`, `minority`, `majority`, \
                 `all`, `leader`, `followers`, `one follower`, `clients of …`"
            .to_owned(),
    };
    Err(Misread::new(format!("`{text}` is not a target"), help))
}

/// Whether a text can be the name of a remembered target.
pub(crate) fn is_memory_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(word)
        && !is_node_name(text)
        && TARGET_WORDS.iter().all(|(known, ..)| *known != text)
}

fn grudge(text: &str) -> Result<Grudge, Misread> {
    if let Some((.., grudge)) = GRUDGE_WORDS.iter().find(|(word, ..)| *word == text) {
        return Ok(grudge.clone());
    }
    let words = GRUDGE_WORDS.iter().map(|(word, ..)| *word);
    let help = match nearest(text, words) {
        Some(word) => format!("did you mean `{word}`?"),
        None => "choose `halves`, `majorities-ring`, `bridge`, `minority-third`, \
                 or groups such as `[[n1], [n2, n3]]`"
            .to_owned(),
    };
    Err(Misread::new(format!("`{text}` is not a grudge"), help))
}

fn read_groups(value: &Value, groups: &[Value]) -> Result<Grudge, Diagnostic> {
    let example = "[[n1], [n2, n3]]";
    let mut read = Vec::new();
    for group in groups {
        let Some(names) = list_of_texts(group) else {
            return Err(expected(group, "a list of nodes", example));
        };
        match named(group, &names)? {
            Target::Named(names) => read.push(names),
            _ => return Err(expected(group, "a list of nodes", example)),
        }
    }
    if read.len() < 2 {
        return Err(expected(value, "two groups of nodes or more", example));
    }
    Ok(Grudge::Groups(read))
}
