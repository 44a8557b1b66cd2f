//! The timeline of a plan: its phases, as written or generated from the short form.

use std::time::Duration;

use temblor_faults::Group;
use temblor_history::PhaseKind;

use super::{
    super::resolved::Phase,
    Draft,
    fault::DraftFault,
    groups::{self, Around, DraftFaults},
    short_form,
};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    source::Span,
};

/// The kinds of phases by their names.
const KINDS: [(&str, PhaseKind); 3] =
    [("steady", PhaseKind::Steady), ("chaos", PhaseKind::Chaos), ("recover", PhaseKind::Recover)];

/// Names that runs give themselves.
const RESERVED: [&str; 1] = ["final-reads"];

/// A phase and where it stands.
#[derive(Debug)]
pub(super) struct DraftPhase {
    pub(super) name: String,
    pub(super) kind: PhaseKind,
    /// None when it could not be read.
    pub(super) duration: Option<Duration>,
    pub(super) faults: Vec<DraftFault>,
    pub(super) groups: Vec<Group>,
    /// Where its kind stands.
    pub(super) span: Span,
}

impl DraftPhase {
    pub(super) fn finished(self) -> Option<Phase> {
        Some(Phase {
            name: self.name,
            kind: self.kind,
            duration: self.duration?,
            faults: self.faults.into_iter().map(|fault| fault.spec).collect(),
            groups: self.groups,
        })
    }
}

/// The phases, and whether they come from the short form.
pub(super) fn resolve(
    draft: &Draft<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<DraftPhase>, bool) {
    let fields = draft.fields;
    let short = ["faults", "run-for", "every"].into_iter().find_map(|name| fields.key(name));
    let unread = |name: &str| fields.unread.iter().any(|unread| unread == name);
    match (fields.given("phases"), short) {
        (Some(phases), Some(short)) => {
            let message = "a plan has either `phases` or the short form, not both";
            diagnostics.push(
                Diagnostic::error(short, message)
                    .also(&phases.span, "the phases stand here")
                    .help("put faults into a chaos phase: `- chaos: 60s`, with `faults:` under it"),
            );
            (Vec::new(), false)
        }
        (Some(phases), None) => (long(draft, phases, diagnostics), false),
        (None, Some(_)) => (short_form::expand(draft, diagnostics), true),
        (None, None) => {
            if !unread("phases") && !unread("faults") && !unread("run-for") {
                let message = "the plan has no timeline";
                let help =
                    "give `phases:`, or in short `faults: [partition, kill]` and `run-for: 60s`";
                diagnostics.push(Diagnostic::error(draft.root, message).help(help));
            }
            (Vec::new(), false)
        }
    }
}

fn long(draft: &Draft<'_>, formed: &Formed, diagnostics: &mut Vec<Diagnostic>) -> Vec<DraftPhase> {
    let Form::List { items, .. } = &formed.form else { return Vec::new() };
    let mut phases: Vec<DraftPhase> = Vec::new();
    for item in items {
        let Form::Fields(fields) = &item.form else { continue };
        let phase = phase(draft, fields, &item.span, &phases, diagnostics);
        phases.extend(phase);
    }
    check_end(&phases, formed, diagnostics);
    phases
}

fn phase(
    draft: &Draft<'_>,
    fields: &Fields,
    item: &Span,
    before: &[DraftPhase],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<DraftPhase> {
    let given = |name: &str| {
        fields.key(name).is_some() || fields.unread.iter().any(|unread| unread == name)
    };
    let named: Vec<&(&str, PhaseKind)> = KINDS.iter().filter(|(name, _)| given(name)).collect();
    let (word, kind) = match named[..] {
        [(word, kind)] => (*word, *kind),
        [] => {
            if fields.whole() {
                let message = "a phase is one of `steady`, `chaos`, `recover`";
                let help = "write, for example, `- steady: 10s`";
                diagnostics.push(Diagnostic::error(item, message).help(help));
            }
            return None;
        }
        [_, (second, _), ..] => {
            let message = "one phase can't be two";
            let at = fields.key(second).unwrap_or(item);
            diagnostics.push(Diagnostic::error(at, message).help("give each its own dash"));
            return None;
        }
    };
    let span = fields.key(word).unwrap_or(item).clone();
    let name = name(fields, word, before, diagnostics);
    let around = draft.around(&name, fields.duration(word));
    let DraftFaults { faults, groups } = faults(fields, kind, around, &span, diagnostics);
    Some(DraftPhase { duration: fields.duration(word), name, kind, faults, groups, span })
}

/// The name given, or the kind's, with a number from the second on.
fn name(
    fields: &Fields,
    word: &str,
    before: &[DraftPhase],
    diagnostics: &mut Vec<Diagnostic>,
) -> String {
    let taken = |name: &str| before.iter().any(|phase| phase.name == name);
    if let Some(given) = fields.given("name")
        && let Some(name) = given.text()
    {
        if taken(name) || RESERVED.contains(&name) {
            let message = format!("the phase name `{name}` is taken");
            diagnostics.push(Diagnostic::error(&given.span, message).help("choose another"));
        }
        return name.to_owned();
    }
    if !taken(word) {
        return word.to_owned();
    }
    let mut number = 2;
    while taken(&format!("{word}-{number}")) {
        number += 1;
    }
    format!("{word}-{number}")
}

fn faults(
    fields: &Fields,
    kind: PhaseKind,
    around: Around<'_>,
    span: &Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> DraftFaults {
    let key = fields.key("faults");
    if kind != PhaseKind::Chaos {
        if let Some(key) = key {
            let message = "only a chaos phase has faults";
            let help = "name the phase `chaos`, or move its faults to one";
            diagnostics.push(Diagnostic::error(key, message).help(help));
        }
        return DraftFaults::default();
    }
    let items = fields.list("faults");
    let unread = matches!(
        fields.value("faults"),
        Some(Formed { form: Form::List { unread: true, .. }, .. })
    );
    if items.is_empty() && fields.whole() && !unread {
        let message = "nothing happens in this chaos phase";
        let help = "give it `faults:`, or name it `steady`";
        diagnostics.push(Diagnostic::error(key.unwrap_or(span), message).help(help));
    }
    groups::resolve(items, around, diagnostics)
}

/// Everything heals in one recover phase, the last: else nobody would know what was lost.
fn check_end(phases: &[DraftPhase], formed: &Formed, diagnostics: &mut Vec<Diagnostic>) {
    let recovers: Vec<usize> = phases
        .iter()
        .enumerate()
        .filter(|(_, phase)| phase.kind == PhaseKind::Recover)
        .map(|(place, _)| place)
        .collect();
    match recovers[..] {
        [] if !phases.is_empty() => {
            let message = "the plan has no recover phase";
            let help = "end it with `- recover: 30s`: only final reads show what was lost";
            let at = phases.last().map_or(&formed.span, |last| &last.span);
            diagnostics.push(Diagnostic::error(at, message).help(help));
        }
        [place] if place + 1 < phases.len() => {
            let message = "the recover phase is not the last";
            let help = "move it to the end: its final reads see the whole run";
            diagnostics.push(Diagnostic::error(&phases[place].span, message).help(help));
        }
        [first, second, ..] => {
            let message = "a second recover phase";
            diagnostics.push(
                Diagnostic::error(&phases[second].span, message)
                    .also(&phases[first].span, "the first stands here")
                    .help("keep the last one only"),
            );
        }
        _ => {}
    }
}
