//! `expect:` of a plan: what is checked, and what the run is held to.

use std::collections::BTreeMap;

use super::{super::resolved::Expect, Parts};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    grammar::PERCENTILES,
};

/// What the run is held to.
pub(super) fn resolve(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) -> Expect {
    let empty = Fields::default();
    let fields = parts.draft.fields.fields("expect").unwrap_or(&empty);
    let availability = fields.fields("availability").unwrap_or(&empty);
    let latency = fields.fields("latency").unwrap_or(&empty);
    let bound = |(name, percentile): &(&str, f64)| Some((*percentile, latency.duration(name)?));
    let gates = fields.fields("gates").unwrap_or(&empty);
    let gate = |name: &String| Some((name.clone(), gates.count(name)?));
    Expect {
        consistency: consistency(parts, fields, diagnostics),
        violation: fields.text("violation").map(str::to_owned),
        availability_ok: availability.share("ok"),
        availability_during: during(parts, availability, diagnostics),
        longest_gap: availability.duration("longest-gap"),
        latency: PERCENTILES.iter().filter_map(bound).collect(),
        latency_during: during(parts, latency, diagnostics),
        gates: gates.entries.keys().filter_map(gate).collect::<BTreeMap<_, _>>(),
    }
}

/// What is checked: what the plan says, else what the system claims and the workload can show.
fn consistency(
    parts: &Parts<'_>,
    fields: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<String> {
    let checkable =
        parts.workload.as_ref().map(|(_, entry)| parts.draft.catalogue.checks(&entry.model));
    let can = |name: &str| checkable.as_ref().is_none_or(|names| names.contains(&name));
    if let Some(Formed { form: Form::List { items, .. }, .. }) = fields.given("consistency") {
        for item in items {
            let Some(name) = item.text() else { continue };
            if !can(name) {
                let message = format!("`{name}` can't be checked with this workload");
                let names = checkable.as_deref().unwrap_or_default().join("`, `");
                let help = format!("it can show `{names}`");
                diagnostics.push(Diagnostic::error(&item.span, message).help(help));
            }
        }
        return fields.texts("consistency");
    }
    let claims = parts.draft.system.map_or(&[][..], |file| &file.system.claims);
    let checked: Vec<String> = claims.iter().filter(|claim| can(claim)).cloned().collect();
    if checked.is_empty() && !claims.is_empty() && fields.whole() {
        let message =
            format!("the workload can show nothing that the system claims ({})", claims.join(", "));
        let help = "say what to check: `expect: { consistency: … }`";
        diagnostics.push(Diagnostic::error(parts.draft.root, message).help(help));
    }
    checked
}

fn during(parts: &Parts<'_>, fields: &Fields, diagnostics: &mut Vec<Diagnostic>) -> Option<String> {
    let given = fields.given("during")?;
    let name = given.text()?;
    if !parts.phases.iter().any(|phase| phase.name == name) {
        let message = format!("there is no phase `{name}`");
        let names: Vec<&str> = parts.phases.iter().map(|phase| phase.name.as_str()).collect();
        diagnostics.push(Diagnostic::error(&given.span, message).did_you_mean(name, names));
    }
    Some(name.to_owned())
}
