//! Resolves a plan that has the right shape: typed values, phases, faults; then what they mean
//! together. Everything is looked at, whatever else is wrong.

mod client;
mod clock;
mod disk;
mod exec;
mod expect;
mod fault;
mod groups;
mod link;
mod members;
mod phases;
mod processes;
mod regions;
mod short_form;
mod targets;
mod times;
mod workload;

use std::{collections::BTreeMap, time::Duration};

use super::{
    Plan,
    catalogue::Catalogue,
    diagnostic::Diagnostic,
    entry::WorkloadEntry,
    form::Fields,
    resolved::{ClientChoice, Expect, WorkloadChoice},
    source::Span,
    system::SystemFile,
};
use fault::DraftFault;
use groups::Around;
use phases::DraftPhase;

/// A plan of the right shape.
pub(crate) struct Draft<'d> {
    pub(crate) catalogue: &'d Catalogue,
    /// Its fields.
    pub(crate) fields: &'d Fields,
    /// All of it.
    pub(crate) root: &'d Span,
    /// Its system; none when that can't be read.
    pub(crate) system: Option<&'d SystemFile>,
    /// The folder of its file, for `{here}`.
    pub(crate) here: &'d str,
}

impl Draft<'_> {
    /// What groups of faults of a phase are resolved against.
    fn around<'a>(&self, phase: &'a str, length: Option<Duration>) -> Around<'a> {
        let (seed, nodes) = (self.fields.count("seed"), self.fields.count("nodes"));
        Around { seed: seed.unwrap_or(0), nodes: nodes.unwrap_or(0), phase, length }
    }
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The plan, if everything that it needs is there. It may still be impossible.
    pub(crate) plan: Option<Plan>,
    /// Mistakes and warnings.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Parts of a plan that the checks look at together.
struct Parts<'d> {
    draft: &'d Draft<'d>,
    nodes: u64,
    phases: Vec<DraftPhase>,
    workload: Option<(WorkloadChoice, &'d WorkloadEntry)>,
}

/// Resolves everything that can be.
pub(crate) fn resolve(draft: &Draft<'_>) -> Resolved {
    let mut diagnostics = Vec::new();
    let (mut phases, short_form) = phases::resolve(draft, &mut diagnostics);
    for fault in phases.iter_mut().flat_map(|phase| &mut phase.faults) {
        exec::root(&mut fault.spec.kind, draft.here);
        members::fill_in(&mut fault.spec.kind, draft.system.map(|file| &file.system));
    }
    let parts = Parts {
        draft,
        nodes: draft.fields.count("nodes").unwrap_or(0),
        phases,
        workload: workload::resolve(draft, &mut diagnostics),
    };
    let client = client::resolve(draft, &mut diagnostics);
    let expect = expect::resolve(&parts, &mut diagnostics);
    if parts.nodes > 0 {
        targets::check(&parts, &mut diagnostics);
    }
    times::check(&parts, &mut diagnostics);
    exec::check(&parts, &mut diagnostics);
    members::check(&parts, &mut diagnostics);
    workload::check(&parts, &mut diagnostics);
    each_once(&mut diagnostics);
    Resolved { plan: plan(parts, client, expect, short_form), diagnostics }
}

fn plan(
    parts: Parts<'_>,
    client: Option<ClientChoice>,
    expect: Expect,
    short_form: bool,
) -> Option<Plan> {
    let fields = parts.draft.fields;
    let (workload, _) = parts.workload?;
    let fault_spans = parts.phases.iter().flat_map(|phase| &phase.faults).map(DraftFault::placed);
    Some(Plan {
        name: String::new(),
        text: String::new(),
        about: String::new(),
        seed: fields.count("seed")?,
        system: parts.draft.system?.system.clone(),
        settings: settings(parts.draft.system?, fields),
        nodes: parts.nodes as usize,
        workload,
        client: client?,
        fault_spans: fault_spans.collect(),
        phases: parts.phases.into_iter().filter_map(DraftPhase::finished).collect(),
        expect,
        check_online: fields.flag("check-online"),
        stop_on_violation: fields.text("stop-on") == Some("violation"),
        short_form,
    })
}

/// What is wrong with a fault that was dealt many times is said once.
fn each_once(diagnostics: &mut Vec<Diagnostic>) {
    let mut said: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics.drain(..) {
        if !said.contains(&diagnostic) {
            said.push(diagnostic);
        }
    }
    *diagnostics = said;
}

/// The system's parameters: its defaults, and what the plan says.
fn settings(system: &SystemFile, fields: &Fields) -> BTreeMap<String, String> {
    let mut settings = system.system.settings.clone();
    if let Some(given) = fields.fields("settings") {
        for name in given.entries.keys() {
            if let Some(value) = given.text(name) {
                settings.insert(name.clone(), value.to_owned());
            }
        }
    }
    settings
}
