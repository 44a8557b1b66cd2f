//! Mistakes in files, shown the way rustc shows them. Knows nothing of plans.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::{Source, Span};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is run.
    Error,
    /// It is run all the same.
    Warning,
}

/// One mistake, or one warning.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// One line of fact, lower case, no full stop.
    pub message: String,
    /// Where, each with a word on what stands there: the mistake first, then what belongs to it;
    /// none when no text is at fault.
    pub places: Vec<(Span, String)>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn error(at: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            places: vec![(at.clone(), String::new())],
            help: Vec::new(),
        }
    }

    /// A mistake that stands in no text, such as a file that is not there.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            places: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Something doubtful at a place.
    pub fn warning(at: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(at, message) }
    }

    /// Where the mistake stands.
    pub fn at(&self) -> Option<&Span> {
        self.places.first().map(|(span, _)| span)
    }

    /// Says a word beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        if let Some((_, old)) = self.places.first_mut() {
            *old = label.into();
        }
        self
    }

    /// Points at another place too.
    #[must_use]
    pub fn also(mut self, at: &Span, label: impl Into<String>) -> Self {
        self.places.push((at.clone(), label.into()));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Says which valid choice is nearest, if one is; else all of them.
    #[must_use]
    pub fn did_you_mean<'a>(
        self,
        written: &str,
        choices: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Self {
        if let Some(choice) = super::nearest::nearest(written, choices.clone()) {
            return self.help(format!("did you mean `{choice}`?"));
        }
        let all: Vec<String> = choices.into_iter().map(|one| format!("`{one}`")).collect();
        if all.is_empty() {
            return self;
        }
        self.help(format!("choose one of {}", all.join(", ")))
    }
}

/// Sorts by place: the plan itself, then the files that it names, each from top to bottom.
/// What stands nowhere comes first. `order` names the texts in their order.
pub(crate) fn in_order(diagnostics: &mut [Diagnostic], order: &[&Source]) {
    diagnostics.sort_by_key(|diagnostic| {
        diagnostic.at().map(|span| {
            let source = order.iter().position(|source| **source == *span.source);
            (source.unwrap_or(order.len()), span.bytes.start, span.bytes.end)
        })
    });
}

/// Shows them all, with a blank line between; `colour` only where a terminal reads.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let shown: Vec<String> =
        diagnostics.iter().map(|diagnostic| renderer.render(&[group(diagnostic)]) + "\n").collect();
    shown.join("\n")
}

fn group(diagnostic: &Diagnostic) -> Group<'_> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()));
    for snippet in snippets(diagnostic) {
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// One snippet for each text that the diagnostic points into.
fn snippets(diagnostic: &Diagnostic) -> Vec<Snippet<'_, annotate_snippets::Annotation<'_>>> {
    let Some(((at, label), also)) = diagnostic.places.split_first() else {
        return Vec::new();
    };
    let mut main = snippet(at, label, AnnotationKind::Primary);
    let mut others = Vec::new();
    for (also, label) in also {
        if also.source == at.source {
            main = main.annotation(annotation(also, label, AnnotationKind::Context));
        } else {
            others.push(snippet(also, label, AnnotationKind::Context));
        }
    }
    others.insert(0, main);
    others
}

fn snippet<'a>(
    span: &'a Span,
    label: &'a str,
    kind: AnnotationKind,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    Snippet::source(span.source.text.as_str())
        .path(span.source.name.as_str())
        .annotation(annotation(span, label, kind))
}

fn annotation<'a>(
    span: &Span,
    label: &'a str,
    kind: AnnotationKind,
) -> annotate_snippets::Annotation<'a> {
    let annotation = kind.span(first_line(span));
    if label.is_empty() { annotation } else { annotation.label(label) }
}

/// A caret under a whole block helps nobody: the first line of it is enough.
fn first_line(span: &Span) -> std::ops::Range<usize> {
    let line = span.text().lines().next().unwrap_or("").trim_end();
    let end = span.bytes.start + line.len();
    span.bytes.start..end.min(span.source.text.len())
}
