//! What was run, on what, and how.

use temblor_history::{Manifest, Outcome, PhasePlan};

use crate::digest::Digest;
use crate::escape::{Markup, prose};
use crate::{ServerLog, words};

/// The facts' part of the page.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// Each fact's name with its words.
    pub(crate) named: Vec<(&'static str, String)>,
    /// What decides whether acknowledged writes survive, and what the documentation permits.
    pub(crate) durability: Vec<Markup>,
    pub(crate) limits: Vec<Markup>,
    pub(crate) plan: &'a str,
    pub(crate) logs: &'a [ServerLog],
    /// Whether the ends of the logs are what a reader wants first.
    pub(crate) logs_open: bool,
}

pub(crate) fn facts<'a>(digest: &Digest<'a>) -> Facts<'a> {
    let manifest = &digest.run.manifest;
    let mut facts = what(manifest);
    facts.extend(how(manifest));
    facts.retain(|(_, words)| !words.is_empty());
    Facts {
        named: facts,
        durability: prose(&manifest.system.durability),
        limits: prose(&manifest.system.limits),
        plan: &digest.run.plan,
        logs: &digest.run.logs,
        logs_open: digest.run.verdict.verdict == Outcome::Error,
    }
}

fn what(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let system = &manifest.system;
    let settings = system.settings.iter().map(|(name, value)| format!("{name} = {value}"));
    let nodes = manifest.nodes.iter().map(|node| format!("{} ({})", node.name, node.address));
    vec![
        ("Run", manifest.run.clone()),
        ("Plan", format!("{}, fingerprint {}", manifest.plan.name, manifest.plan.fingerprint)),
        ("About", manifest.plan.about.clone()),
        ("System", format!("{} {}", system.name, system.version).trim_end().to_owned()),
        ("Claims", system.claims.join(", ")),
        ("Settings", settings.collect::<Vec<_>>().join(", ")),
        ("Nodes", nodes.collect::<Vec<_>>().join(", ")),
        ("Provider", manifest.provider.clone()),
    ]
}

fn how(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let rate = match manifest.rate {
        Some(rate) => format!("{rate} operations intended a second"),
        None => "each client sends its next operation when the last has ended".to_owned(),
    };
    let phase =
        |phase: &PhasePlan| format!("{} {}", phase.name, words::duration(phase.duration_ns));
    let phases: Vec<String> = manifest.phases.iter().map(phase).collect();
    vec![
        ("Workload", format!("{} ({})", manifest.workload, manifest.functions.join(", "))),
        ("Model", manifest.model.clone()),
        ("Checked", manifest.consistency.join(", ")),
        ("Load", format!("{rate}, {}", words::counted(manifest.clients, "client"))),
        ("Time-out", words::duration(manifest.op_timeout_ns)),
        ("Phases", phases.join(", ")),
        ("Seed", manifest.seed.to_string()),
        ("Started", manifest.started.clone()),
        ("Temblor", manifest.version.clone()),
    ]
}
