//! `temblor list`: the names of a catalogue, each with one line.

use super::{
    catalogue::{Catalogue, stem},
    entry::opening_comment,
    nearest::nearest,
    system,
};

/// What can be listed.
pub(crate) const KINDS: [&str; 6] =
    ["faults", "workloads", "systems", "plans", "consistency", "models"];

/// The entries of one kind, a line each.
///
/// # Errors
/// When there is no such kind, with the nearest one.
pub fn list(catalogue: &Catalogue, kind: &str) -> Result<String, String> {
    let entries = entries(catalogue, kind).ok_or_else(|| unknown(kind))?;
    let width = entries.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = entries.iter().map(|(name, about)| format!("{name:<width$}  {about}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn unknown(kind: &str) -> String {
    let near =
        nearest(kind, KINDS).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("there is no list `{kind}`{near} There are {}", KINDS.join(", "))
}

/// Names of one kind, with what each is in one line.
pub(crate) fn entries(catalogue: &Catalogue, kind: &str) -> Option<Vec<(String, String)>> {
    let entry = |name: &str, about: &str| (name.to_owned(), about.to_owned());
    Some(match kind {
        "faults" => catalogue.faults.iter().map(|fault| entry(&fault.name, &fault.about)).collect(),
        "workloads" => {
            catalogue.workloads.iter().map(|load| entry(&load.name, &load.about)).collect()
        }
        "systems" => systems(catalogue),
        "plans" => catalogue
            .plans
            .iter()
            .map(|plan| entry(stem(&plan.name), first_line(&opening_comment(&plan.text))))
            .collect(),
        "consistency" => catalogue
            .consistency
            .iter()
            .map(|one| {
                entry(one.name, &format!("{} ({})", first_sentence(one.doc), one.models.join(", ")))
            })
            .collect(),
        "models" => temblor_checker::models()
            .iter()
            .map(|model| entry(model.name, first_sentence(model.doc)))
            .collect(),
        _ => return None,
    })
}

fn systems(catalogue: &Catalogue) -> Vec<(String, String)> {
    let names: Vec<&str> = catalogue.consistency.iter().map(|one| one.name).collect();
    let read =
        catalogue.systems.iter().filter_map(|source| system::read(source, None, &names).ok());
    read.map(|file| (file.system.name, file.system.about)).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

pub(crate) fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}
