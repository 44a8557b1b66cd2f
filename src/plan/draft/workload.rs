//! `workload:` of a plan: parameters, load, and whether system and clients can carry it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use temblor_history::Seed;

use super::{
    super::resolved::{Load, WorkloadChoice},
    Draft, Parts,
};
use crate::plan::{
    diagnostic::Diagnostic,
    entry::WorkloadEntry,
    form::{Fields, Form, Formed},
    source::Span,
};

/// What one client can do in a second where an operation takes five milliseconds, as it easily
/// does with a disk and two round trips on a busy machine.
const PER_CLIENT: f64 = 200.0;

/// The workload with its parameters; none when its name or its shape is wrong.
pub(super) fn resolve<'d>(
    draft: &Draft<'d>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(WorkloadChoice, &'d WorkloadEntry)> {
    let Form::Variant { name, fields, .. } = &draft.fields.value("workload")?.form else {
        return None;
    };
    let entry = draft.catalogue.workloads.iter().find(|entry| entry.name == *name)?;
    let offered: &[String] = draft.system.map_or(&[], |file| &file.system.functions);
    let mut parameters = BTreeMap::new();
    for key in &entry.parameters {
        let Some(value) = fields.value(&key.name) else { continue };
        let given = fields.key(&key.name).is_some();
        parameters.insert(key.name.clone(), parameter(value, given, offered, diagnostics));
    }
    let choice = WorkloadChoice {
        name: name.clone(),
        parameters,
        load: load(fields)?,
        clients_per_node: fields.count("clients")? as usize,
        op_timeout: fields.duration("op-timeout")?,
        queue: fields.count("queue")? as usize,
    };
    Some((choice, entry))
}

fn load(fields: &Fields) -> Option<Load> {
    match fields.value("rate")?.form {
        Form::Rate(Some(rate)) => Some(Load::Open { rate }),
        Form::Rate(None) => Some(Load::Closed),
        _ => None,
    }
}

/// A parameter as JSON: durations in nanoseconds, shares from 0 to 1, never as null.
fn parameter(
    value: &Formed,
    given: bool,
    offered: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) -> Json {
    match &value.form {
        Form::Count(count) => json!(count),
        Form::Number(number) => json!(number),
        Form::Share(share) => json!(share),
        Form::Flag(flag) => json!(flag),
        Form::Duration(duration) => json!(duration.as_nanos() as u64),
        Form::Text(text) if text == "never" => Json::Null,
        Form::Text(text) => json!(text),
        Form::Fields(mix) => shares(mix, value, given, offered, diagnostics),
        _ => Json::Null,
    }
}

/// A mix as weights that make one whole. What a plan gives must be offered and make 100%; of the
/// default, what the system does not offer is left out.
fn shares(
    mix: &Fields,
    value: &Formed,
    given: bool,
    offered: &[String],
    diagnostics: &mut Vec<Diagnostic>,
) -> Json {
    let known = |function: &&String| given || offered.is_empty() || offered.contains(function);
    let functions: Vec<&String> = mix.entries.keys().filter(known).collect();
    let total: f64 = functions.iter().filter_map(|function| mix.share(function)).sum();
    if given && mix.whole() && (total - 1.0).abs() > 1e-9 {
        let percent = (total * 1e4).round() / 100.0;
        let message = format!("the shares make {percent}%, not 100%");
        diagnostics.push(Diagnostic::error(&value.span, message));
    }
    for function in &functions {
        let (Some(key), Some(share)) = (mix.key(function), mix.share(function)) else { continue };
        if given && share > 0.0 && !offered.is_empty() && !offered.contains(function) {
            let message = format!("the system does not offer `{function}`");
            let help = format!("it offers {}", offered.join(", "));
            diagnostics.push(Diagnostic::error(key, message).help(help));
        }
    }
    let weight =
        |function: &&String| Some(((*function).clone(), json!(mix.share(function)? / total)));
    Json::Object(functions.iter().filter_map(weight).collect())
}

/// Asks the workload itself, and whether the clients can carry the rate.
pub(super) fn check(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let (Some((choice, _)), Some(file)) = (&parts.workload, parts.draft.system) else { return };
    let Some(Formed { form: Form::Variant { name_span, fields, .. }, span }) =
        parts.draft.fields.value("workload")
    else {
        return;
    };
    // What has been found already needs no second word.
    let found = |one: &Diagnostic| {
        one.at().is_some_and(|at| {
            at.source == span.source
                && span.bytes.start <= at.bytes.start
                && at.bytes.end <= span.bytes.end
        })
    };
    if fields.whole() && !diagnostics.iter().any(found) {
        let functions = &file.system.functions;
        let seed = Seed(0);
        if let Err(message) =
            temblor_workloads::workload(&choice.name, &choice.parameters, seed, functions)
        {
            diagnostics.push(Diagnostic::error(name_span, message));
        }
    }
    diagnostics.extend(overload(choice, fields, name_span, parts.nodes));
}

fn overload(
    choice: &WorkloadChoice,
    fields: &Fields,
    name: &Span,
    nodes: u64,
) -> Option<Diagnostic> {
    let Load::Open { rate } = choice.load else { return None };
    if nodes == 0 {
        return None;
    }
    let at = fields.given("rate").map_or(name, |given| &given.span);
    let clients = choice.clients_per_node as f64 * nodes as f64;
    let each = rate / clients;
    if each <= PER_CLIENT {
        return None;
    }
    let message = format!(
        "{clients} clients are unlikely to carry {rate} operations a second: \
         each would have {:.1} ms for one",
        1000.0 / each
    );
    let enough = (rate / PER_CLIENT / nodes as f64).ceil();
    let help =
        format!("what they can't carry is shed, not queued; try `clients: {enough} per node`");
    Some(Diagnostic::warning(at, message).help(help))
}

/// Operations a second that are intended; none in closed loop.
pub(super) fn rate(parts: &Parts<'_>) -> Option<f64> {
    match parts.workload.as_ref()?.0.load {
        Load::Open { rate } => Some(rate),
        Load::Closed => None,
    }
}
