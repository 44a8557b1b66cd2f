//! From a plan's name or path to a plan that can be run, or to all of its mistakes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Plan,
    catalogue::{Catalogue, stem},
    diagnostic::{Diagnostic, Severity, in_order},
    draft::{self, Draft},
    entry::opening_comment,
    form::{Form, Formed},
    grammar,
    overrides::{self, Override},
    reading::Reader,
    source::Source,
    system::{self, SystemFile},
    value::{Content, Value},
    yaml,
};

/// Where a plan comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanSource {
    /// A file.
    Path(PathBuf),
    /// A name in the catalogue.
    Catalogue(String),
}

impl PlanSource {
    /// A path if it holds a `/` or ends in `.yaml`, else a name.
    pub fn parse(text: &str) -> Self {
        if is_path(text) {
            Self::Path(PathBuf::from(text))
        } else {
            Self::Catalogue(text.to_owned())
        }
    }
}

/// A path holds a `/` or ends in `.yaml`; everything else is a name.
fn is_path(text: &str) -> bool {
    text.contains('/') || Path::new(text).extension().is_some_and(|ending| ending == "yaml")
}

/// A plan that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The plan.
    pub plan: Plan,
    /// What is doubtful about it.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a plan and everything that it names. `seed_if_none` becomes the plan's seed, and part of
/// its text, when it has none.
///
/// # Errors
/// Every mistake of the plan and its files, in order of place; render them with
/// [`render`](super::render).
pub fn load(
    source: &PlanSource,
    overrides: &[Override],
    catalogue: &Catalogue,
    seed_if_none: u64,
) -> Result<Loaded, Vec<Diagnostic>> {
    let source = text_of(source, catalogue).map_err(|diagnostic| vec![diagnostic])?;
    load_source(&source, overrides, catalogue, seed_if_none)
}

/// Reads a plan out of a text.
pub(crate) fn load_source(
    source: &Arc<Source>,
    overrides: &[Override],
    catalogue: &Catalogue,
    seed_if_none: u64,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut texts = vec![Arc::clone(source)];
    let result = load_text(source, overrides, catalogue, seed_if_none, &mut texts);
    let order: Vec<&Source> = texts.iter().map(AsRef::as_ref).collect();
    match result {
        Ok(mut loaded) => {
            in_order(&mut loaded.warnings, &order);
            Ok(loaded)
        }
        Err(mut diagnostics) => {
            in_order(&mut diagnostics, &order);
            diagnostics.dedup();
            Err(diagnostics)
        }
    }
}

fn text_of(source: &PlanSource, catalogue: &Catalogue) -> Result<Arc<Source>, Diagnostic> {
    match source {
        PlanSource::Path(path) => read_file(path),
        PlanSource::Catalogue(name) => catalogue.plan(name).cloned().ok_or_else(|| {
            Diagnostic::nowhere(format!("there is no plan `{name}`"))
                .did_you_mean(name, catalogue.plan_names())
                .help(format!("a file needs a `/` or the ending `.yaml`: `./{name}.yaml`"))
        }),
    }
}

fn read_file(path: &Path) -> Result<Arc<Source>, Diagnostic> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Arc::new(Source { name, text })),
        Err(error) => Err(Diagnostic::nowhere(format!("can't read `{name}`: {error}"))),
    }
}

fn load_text(
    source: &Arc<Source>,
    overrides: &[Override],
    catalogue: &Catalogue,
    seed_if_none: u64,
    texts: &mut Vec<Arc<Source>>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut tree = changed_tree(source, overrides, seed_if_none, texts)?;
    let plan = resolved(source, &mut tree, catalogue, texts);
    let (warnings, errors): (Vec<_>, Vec<_>) =
        tree.diagnostics.into_iter().partition(|one| one.severity == Severity::Warning);
    match plan {
        Some(mut plan) if errors.is_empty() => {
            stem(&source.name).clone_into(&mut plan.name);
            let about = opening_comment(&source.text);
            about.lines().next().unwrap_or_default().clone_into(&mut plan.about);
            plan.text = overrides::edited(source, &tree.root, &tree.changes);
            Ok(Loaded { plan, warnings })
        }
        // Warnings belong to the picture: they may be mistakes too.
        _ => Err(errors.into_iter().chain(warnings).collect()),
    }
}

/// A plan as a tree, with what the command line changes in it.
struct Tree {
    root: Value,
    changes: Vec<Override>,
    diagnostics: Vec<Diagnostic>,
    /// Whether all of the text was read.
    whole: bool,
}

fn changed_tree(
    source: &Arc<Source>,
    overrides: &[Override],
    seed_if_none: u64,
    texts: &mut Vec<Arc<Source>>,
) -> Result<Tree, Vec<Diagnostic>> {
    let document = yaml::read(source);
    let mut diagnostics = document.diagnostics;
    let Some(mut root) = document.root else {
        if diagnostics.is_empty() {
            diagnostics.push(empty(source));
        }
        return Err(diagnostics);
    };
    let mut changes = overrides.to_vec();
    let has_seed = root.get("seed").is_some() || changes.iter().any(|change| change.path == "seed");
    if !has_seed && matches!(root.content, Content::Map(_)) {
        changes.push(Override { path: "seed".into(), value: seed_if_none.to_string() });
    }
    for change in &changes {
        let source = change.source();
        diagnostics.extend(overrides::apply(&mut root, change, &source).err());
        texts.push(source);
    }
    Ok(Tree { root, changes, diagnostics, whole: document.whole })
}

/// The plan, if everything that it needs is there; its mistakes join those of the tree.
fn resolved(
    source: &Source,
    tree: &mut Tree,
    catalogue: &Catalogue,
    texts: &mut Vec<Arc<Source>>,
) -> Option<Plan> {
    let path = Path::new(&source.name);
    let folder = path.parent().filter(|_| path.is_file());
    let system = find_system(&tree.root, folder, catalogue, texts, &mut tree.diagnostics);
    let mut reader =
        Reader { diagnostics: std::mem::take(&mut tree.diagnostics), whole: tree.whole };
    let words = system.as_ref().map(|file| &file.words);
    let formed = reader.read(&grammar::plan(catalogue, words), &tree.root);
    tree.diagnostics = reader.diagnostics;
    let Some(Formed { form: Form::Fields(fields), span }) = formed else { return None };
    if !tree.whole {
        return None;
    }
    let here = folder.map_or_else(String::new, system::absolute);
    let draft =
        Draft { catalogue, fields: &fields, root: &span, system: system.as_ref(), here: &here };
    let resolved = draft::resolve(&draft);
    tree.diagnostics.extend(resolved.diagnostics);
    resolved.plan
}

fn empty(source: &Arc<Source>) -> Diagnostic {
    let message = format!("`{}` says nothing", source.name);
    Diagnostic::nowhere(message)
        .help("a plan begins with `system: …`; `temblor explain plans` shows one")
}

/// The system that the plan names, if it can be read.
fn find_system(
    root: &Value,
    folder: Option<&Path>,
    catalogue: &Catalogue,
    texts: &mut Vec<Arc<Source>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<SystemFile> {
    let value = root.get("system")?;
    let name = value.scalar().filter(|name| !name.is_empty())?;
    let consistency: Vec<&str> = catalogue.consistency.iter().map(|one| one.name).collect();
    let (source, path) = match system_source(name, folder, catalogue) {
        Ok(found) => found,
        Err(mut diagnostic) => {
            diagnostic.places = vec![(value.span.clone(), String::new())];
            diagnostics.push(diagnostic);
            return None;
        }
    };
    texts.push(Arc::clone(&source));
    match system::read(&source, path.as_deref(), &consistency) {
        Ok(file) => Some(file),
        Err(mistakes) => {
            diagnostics.extend(mistakes);
            None
        }
    }
}

fn system_source(
    name: &str,
    folder: Option<&Path>,
    catalogue: &Catalogue,
) -> Result<(Arc<Source>, Option<PathBuf>), Diagnostic> {
    if !is_path(name) {
        let source = catalogue.system(name).cloned().ok_or_else(|| {
            Diagnostic::nowhere(format!("there is no system `{name}`"))
                .did_you_mean(name, catalogue.system_names())
                .help("a file of your own is named by its path, such as `./my-db.yaml`")
        })?;
        return Ok((source, None));
    }
    // Joining keeps an absolute path as it is.
    let plain = name.strip_prefix("./").unwrap_or(name);
    let path = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(plain));
    Ok((read_file(&path)?, Some(path)))
}
