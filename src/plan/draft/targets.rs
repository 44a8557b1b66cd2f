//! Whether the targets of a plan can exist: nodes that are there, groups that are not empty,
//! leaders that somebody can ask for, names that somebody remembers.

use std::collections::{BTreeMap, BTreeSet};

use temblor_faults::{
    FaultKind, Grudge, Start, Target, Trigger, Where, least_nodes, minority,
    regions::{Places, Regions},
};

use super::{Parts, fault::DraftFault, phases::DraftPhase};
use crate::plan::{diagnostic::Diagnostic, source::Span, target::TARGET_WORDS};

/// Checks every fault's target.
pub(super) fn check(parts: &Parts<'_>, diagnostics: &mut Vec<Diagnostic>) {
    for (number, phase) in parts.phases.iter().enumerate() {
        for (place, fault) in phase.faults.iter().enumerate() {
            let mut checker = Checker { parts, fault, at: (number, place), diagnostics };
            checker.check();
        }
    }
}

struct Checker<'c, 'd> {
    parts: &'c Parts<'d>,
    fault: &'c DraftFault,
    /// Number of the phase, number of the fault in it.
    at: (usize, usize),
    diagnostics: &'c mut Vec<Diagnostic>,
}

impl Checker<'_, '_> {
    fn error(&mut self, at: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
    }

    fn check(&mut self) {
        let fault = self.fault;
        match &fault.spec.on {
            Where::Target(target) => {
                self.target(target, fault.at("target"));
                self.somebody_left(target);
            }
            Where::Between { from, to, .. } => {
                self.target(from, fault.at("from"));
                self.target(to, fault.at("to"));
                self.two_ends(from, to);
            }
            Where::Itself => self.grudge(),
        }
        for name in ["after", "until"] {
            if let Some(trigger) = fault.fields.trigger(name) {
                self.trigger(trigger, fault.at(name));
            }
        }
    }

    /// Whether what is waited for can be seen at all.
    fn trigger(&mut self, trigger: &Trigger, at: &Span) {
        if *trigger == Trigger::LeaderChanged {
            self.needs_leader(at, "`leader-changed`");
        }
        if let Some(target) = trigger.target() {
            self.target(target, at);
        }
        if let Some(name) = trigger.fault() {
            self.other_fault(name, at);
        }
    }

    /// Another fault of the phase must have the name, and not wait for this one itself.
    fn other_fault(&mut self, name: &str, at: &Span) {
        let faults = &self.parts.phases[self.at.0].faults;
        let named = |place: usize| faults[place].spec.remember.as_deref() == Some(name);
        if !(0..faults.len()).any(|place| place != self.at.1 && named(place)) {
            let names = faults.iter().filter_map(|fault| fault.spec.remember.as_deref());
            let names = names.filter(|other| *other != name);
            let near = crate::plan::nearest::nearest(name, names);
            let help = near.map_or_else(
                || format!("give the fault that is meant a name: `as: {name}`"),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("no other fault of this phase is called `{name}`");
            return self.error(at, message, help);
        }
        let own = self.fault.spec.remember.as_deref();
        let waits_for = |fault: &DraftFault| match &fault.spec.start {
            Start::After(trigger) => trigger.fault().map(str::to_owned),
            Start::At(_) => None,
        };
        let (mut next, mut steps) = (Some(name.to_owned()), 0);
        while let Some(name) = next.take().filter(|_| steps <= faults.len()) {
            if own == Some(name.as_str()) {
                return self.error(
                    at,
                    "these faults wait for each other",
                    "let one begin `at` a time",
                );
            }
            let called = |fault: &&DraftFault| fault.spec.remember.as_deref() == Some(&name);
            next = faults.iter().find(called).and_then(waits_for);
            steps += 1;
        }
    }

    /// Whether a target can be found at all.
    fn target(&mut self, target: &Target, at: &Span) {
        let nodes = self.parts.nodes;
        match target {
            Target::Named(names) => self.names(names, at),
            Target::Leader => self.needs_leader(at, "`leader`"),
            Target::Followers | Target::OneFollower => {
                self.needs_leader(at, &format!("`{target}`"));
                if nodes < 2 {
                    self.error(
                        at,
                        "a cluster of one node has no followers",
                        "give it more `nodes`",
                    );
                }
            }
            Target::Minority if minority(nodes as usize) == 0 => {
                let message = format!("a minority of {nodes} {} is nobody", counted(nodes));
                self.error(at, message, "give the cluster 3 nodes or more, or choose `one`");
            }
            Target::Two if nodes < 2 => {
                self.error(at, "there are no two nodes", "give the cluster more `nodes`");
            }
            Target::Remembered(name) => self.remembered(name, at),
            Target::ClientsOf(of) => self.target(of, at),
            _ => {}
        }
    }

    fn names(&mut self, names: &[String], at: &Span) {
        for (place, name) in names.iter().enumerate() {
            self.node(name, at);
            if names[..place].contains(name) {
                self.error(at, format!("`{name}` is named twice"), "name it once");
            }
        }
    }

    fn node(&mut self, name: &str, at: &Span) {
        let nodes = self.parts.nodes;
        let number: u64 = name.trim_start_matches('n').parse().unwrap_or(0);
        if number == 0 || number > nodes {
            let message = format!("there is no node `{name}`");
            let last = if nodes == 1 {
                "n1 is the only one".into()
            } else {
                format!("they are n1 to n{nodes}")
            };
            self.error(
                &at.narrowed_to(name),
                message,
                format!("the cluster has {nodes} {}: {last}", counted(nodes)),
            );
        }
    }

    fn needs_leader(&mut self, at: &Span, what: &str) {
        let Some(file) = self.parts.draft.system else { return };
        if file.system.leader.is_none() {
            let message =
                format!("{what} needs a leader, and `{}` has none to ask for", file.system.name);
            let help = "its system file has no `leader:` probe; choose nodes by name or number, such as `one`";
            self.error(at, message, help);
        }
    }

    /// Isolating everybody cuts nobody off.
    fn somebody_left(&mut self, target: &Target) {
        let (fault, nodes) = (self.fault, self.parts.nodes);
        if matches!(target, Target::ClientsOf(_)) {
            return;
        }
        let everybody = size(target, nodes).is_some_and(|size| size >= nodes);
        match fault.spec.kind {
            FaultKind::Isolate { .. } if everybody => {
                let message = format!(
                    "isolating {} of {nodes} {} leaves nobody to be cut off from",
                    size_word(target),
                    counted(nodes)
                );
                self.error(
                    fault.at("target"),
                    message,
                    "choose fewer nodes, or give the cluster more",
                );
            }
            FaultKind::Link(_) if nodes < 2 => {
                let help = "choose `clients of one`, or give the cluster more `nodes`";
                self.error(fault.at("target"), "one node has no links to other nodes", help);
            }
            _ => {}
        }
    }

    fn two_ends(&mut self, from: &Target, to: &Target) {
        let (Target::Named(from), Target::Named(to)) = (from, to) else { return };
        if from.iter().all(|name| to.iter().all(|other| other == name)) {
            let message = "no link leads from a node to itself";
            self.error(self.fault.at("to"), message, "name another node");
        }
    }

    /// Every node is in a region, and every node that is in one is there.
    fn regions(&mut self, listed: &BTreeMap<String, Vec<String>>) {
        let at = self.fault.at("nodes");
        for name in listed.values().flatten() {
            self.node(name, at);
        }
        let nodes = (1..=self.parts.nodes).map(|number| format!("n{number}"));
        let missing = nodes.filter(|node| !listed.values().flatten().any(|name| name == node));
        let missing: Vec<String> = missing.collect();
        if !missing.is_empty() {
            let message = match missing.as_slice() {
                [one] => format!("{one} is in no region"),
                several => format!("{} are in no region", several.join(", ")),
            };
            self.error(at, message, "say for each node where it is");
        }
    }

    fn grudge(&mut self) {
        if let FaultKind::Regions(Regions { places: Places::Listed(listed), .. }) =
            &self.fault.spec.kind
            && self.fault.fields.whole()
            // Else something was no list, which has been said.
            && listed.values().all(|nodes| !nodes.is_empty())
        {
            return self.regions(listed);
        }
        if let (FaultKind::Regions(_), 0..2) = (&self.fault.spec.kind, self.parts.nodes) {
            let help = "give the cluster more `nodes`";
            return self.error(self.fault.at("like"), "one node is not far from itself", help);
        }
        let FaultKind::Partition { grudge, .. } = &self.fault.spec.kind else { return };
        let at = self.fault.at("grudge");
        let (needed, nodes) = (least_nodes(grudge) as u64, self.parts.nodes);
        if nodes < needed {
            let message = format!("`{grudge}` cuts nothing among {nodes} {}", counted(nodes));
            self.error(at, message, format!("it needs {needed} nodes or more"));
        }
        let Grudge::Groups(groups) = grudge else { return };
        let mut seen = BTreeSet::new();
        for name in groups.iter().flatten() {
            self.node(name, at);
            if !seen.insert(name) {
                let message = format!("`{name}` stands in the groups twice");
                self.error(
                    at,
                    message,
                    "a node is on one side; for a bridge leave it out: it then hears everybody",
                );
            }
        }
    }

    /// Somebody must remember the name, and earlier.
    fn remembered(&mut self, name: &str, at: &Span) {
        let phases = &self.parts.phases;
        let all = phases.iter().enumerate().flat_map(|(number, phase)| {
            phase.faults.iter().enumerate().map(move |(place, fault)| ((number, place), fault))
        });
        let setters: Vec<((usize, usize), &DraftFault)> =
            all.filter(|(_, fault)| fault.spec.remember.as_deref() == Some(name)).collect();
        if setters.is_empty() {
            let names = phases.iter().flat_map(|phase| &phase.faults);
            let names = names.filter_map(|fault| fault.spec.remember.as_deref());
            let words = TARGET_WORDS.iter().map(|(word, ..)| *word).chain(names);
            let message = format!("nobody remembers a target as `{name}`");
            let near = crate::plan::nearest::nearest(name, words);
            let help = near.map_or_else(
                || format!("an earlier fault remembers its target by `as: {name}`"),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(at, message, help);
        } else if !setters.iter().any(|(place, setter)| self.comes_before(*place, setter)) {
            let message = format!("`{name}` is remembered only later");
            self.diagnostics.push(
                Diagnostic::error(at, message)
                    .also(setters[0].1.at("as"), "remembered here")
                    .help("let the fault that remembers it begin first"),
            );
        }
    }

    fn comes_before(&self, place: (usize, usize), setter: &DraftFault) -> bool {
        if place.0 != self.at.0 {
            return place.0 < self.at.0;
        }
        match (&setter.spec.start, &self.fault.spec.start) {
            (Start::At(setter), Start::At(user)) => {
                setter.most() < user.least() || (setter.most() == user.least() && place < self.at)
            }
            // What waits for something begins at a time that nobody knows: its order must do.
            _ => place < self.at,
        }
    }
}

fn counted(nodes: u64) -> &'static str {
    if nodes == 1 { "node" } else { "nodes" }
}

fn size_word(target: &Target) -> String {
    match target {
        Target::Named(names) => names.join(", "),
        other => format!("`{other}`"),
    }
}

/// How many nodes a target has; none when that shows only later.
pub(super) fn size(target: &Target, nodes: u64) -> Option<u64> {
    match target {
        Target::One | Target::Leader | Target::OneFollower => Some(1),
        Target::Two => Some(2),
        Target::Minority => Some(minority(nodes as usize) as u64),
        Target::Majority => Some(nodes / 2 + 1),
        Target::All => Some(nodes),
        Target::Followers => Some(nodes.saturating_sub(1)),
        Target::Named(names) => Some(names.len() as u64),
        Target::Remembered(_) => None,
        Target::ClientsOf(of) => size(of, nodes),
    }
}

/// How many nodes a fault acts on; none when that shows only later, or on links between targets.
pub(super) fn size_of(on: &Where, nodes: u64) -> Option<u64> {
    match on {
        Where::Target(target) => size(target, nodes),
        _ => None,
    }
}

/// Whether two targets share a node whatever the seed and the leader.
pub(super) fn must_meet(one: &Target, other: &Target, nodes: u64) -> bool {
    match (one, other) {
        (Target::Named(a), Target::Named(b)) => a.iter().any(|name| b.contains(name)),
        (Target::Remembered(a), Target::Remembered(b)) => a == b,
        (Target::Leader, Target::Followers) | (Target::Followers, Target::Leader) => false,
        _ => match (size(one, nodes), size(other, nodes)) {
            (Some(a), Some(b)) => a + b > nodes,
            _ => false,
        },
    }
}

/// The target of a fault of nodes, if it is one.
pub(super) fn node_target(phase: &DraftPhase, place: usize) -> Option<&Target> {
    let fault = phase.faults.get(place)?;
    match (&fault.spec.kind, &fault.spec.on) {
        (FaultKind::Node { .. }, Where::Target(target)) => Some(target),
        _ => None,
    }
}
