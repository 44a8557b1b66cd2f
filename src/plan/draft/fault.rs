//! One fault of a plan, resolved by itself.

use std::time::Duration;

use temblor_faults::{
    DurationChoice, End, FaultKind, FaultSpec, Grudge, NodeFault, Start, Target, Where,
};

use super::{clock, exec, link, members, processes, regions};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    source::Span,
    target::is_memory_name,
};

/// A fault and where it stands.
#[derive(Debug)]
pub(super) struct DraftFault {
    pub(super) spec: FaultSpec,
    /// Its fields, for the places of what is wrong with them.
    pub(super) fields: Fields,
    /// Where its name stands.
    pub(super) span: Span,
    /// A group or the seed says when its turn is, so that its own times prove nothing.
    pub(super) dealt: bool,
}

impl DraftFault {
    /// Its place in the plan and in the text.
    pub(super) fn placed(&self) -> (String, Span) {
        (self.spec.place.clone(), self.span.clone())
    }

    /// Where a field stands; the fault's name for one that isn't there.
    pub(super) fn at(&self, field: &str) -> &Span {
        self.fields.given(field).map_or(&self.span, |given| &given.span)
    }
}

/// A fault that has the right shape. What can't be read has been reported; a harmless value
/// stands for it, and `fields.whole()` says that it does.
pub(super) fn resolve(
    item: &Formed,
    place: String,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<DraftFault> {
    let Form::Variant { name, name_span, fields } = &item.form else { return None };
    let mut resolver = Resolver { name, name_span, fields, diagnostics };
    let kind = resolver.kind()?;
    let spec = FaultSpec {
        place,
        name: name.clone(),
        on: resolver.on(&kind),
        remember: resolver.remember(),
        start: resolver.start(),
        end: resolver.end(&kind),
        every: resolver.every(),
        times: resolver.times(),
        grouped: false,
        optional: fields.flag("optional"),
        kind,
    };
    Some(DraftFault { spec, fields: fields.clone(), span: name_span.clone(), dealt: false })
}

struct Resolver<'r> {
    name: &'r str,
    name_span: &'r Span,
    fields: &'r Fields,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn error(&mut self, at: &Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
    }

    fn given(&self, name: &str) -> bool {
        self.fields.key(name).is_some() || self.fields.unread.iter().any(|unread| unread == name)
    }

    fn key(&self, name: &str) -> Span {
        self.fields.key(name).unwrap_or(self.name_span).clone()
    }

    fn kind(&mut self) -> Option<FaultKind> {
        let one_way = self.fields.flag("one-way");
        Some(match self.name {
            "isolate" => FaultKind::Isolate { one_way },
            "partition" => FaultKind::Partition { grudge: self.grudge(), one_way },
            "link" | "slow" | "lossy" | "flaky" => FaultKind::Link(link::policy(
                self.name,
                self.name_span,
                self.fields,
                self.diagnostics,
            )),
            "clock" => FaultKind::node(NodeFault::Clock(clock::resolve(
                self.fields,
                self.name_span,
                self.diagnostics,
            ))),
            "regions" => {
                FaultKind::Regions(regions::resolve(self.name_span, self.fields, self.diagnostics))
            }
            "kill" => FaultKind::node(NodeFault::Kill),
            "pause" => FaultKind::node(processes::pause(self.fields)),
            "stop" => FaultKind::node(NodeFault::Stop),
            "crash" => FaultKind::node(NodeFault::Crash),
            "crash-loop" => FaultKind::node(processes::crash_loop(self.fields)),
            "starve" => {
                FaultKind::node(processes::starve(self.fields, self.name_span, self.diagnostics))
            }
            "power-loss" => FaultKind::node(NodeFault::PowerLoss {
                torn: self.fields.flag("torn"),
                strict: self.fields.flag("strict"),
            }),
            "disk" => {
                let fault = super::disk::resolve(self.fields, self.name_span, self.diagnostics);
                FaultKind::node(NodeFault::Disk(fault))
            }
            "exec" => FaultKind::node(exec::resolve(self.fields, self.name_span, self.diagnostics)),
            "membership" => FaultKind::node(NodeFault::Leave),
            "upgrade" => members::upgrade(self.fields, self.name_span, self.diagnostics),
            "restart" => {
                FaultKind::Node { fault: NodeFault::Restart, rolling: self.fields.flag("rolling") }
            }
            _ => return None,
        })
    }

    fn grudge(&self) -> Grudge {
        match self.fields.value("grudge") {
            Some(Formed { form: Form::Grudge(grudge), .. }) => grudge.clone(),
            _ => Grudge::Halves,
        }
    }

    fn on(&mut self, kind: &FaultKind) -> Where {
        if matches!(kind, FaultKind::Partition { .. } | FaultKind::Regions(_)) {
            return Where::Itself;
        }
        let one = Target::One;
        if let Some(target) = self.fields.target("remove") {
            self.check_clients(target, kind, "remove");
            return Where::Target(target.clone());
        }
        // The `to` of an upgrade is a version.
        let linked = |field: &str| self.name != "upgrade" && self.given(field);
        match (linked("from"), linked("to")) {
            (false, false) => {
                if let Some(both) = self.fields.key("both-ways").cloned() {
                    let help = "a `target`'s links are bad both ways anyhow";
                    self.error(&both, "`both-ways` needs `from` and `to`", help);
                }
                let target = self.fields.target("target").unwrap_or(&one).clone();
                self.check_clients(&target, kind, "target");
                Where::Target(target)
            }
            (from, to) => {
                self.check_ends(from, to);
                let end = |name: &str| self.fields.target(name).unwrap_or(&one).clone();
                let (from, to) = (end("from"), end("to"));
                for (target, name) in [(&from, "from"), (&to, "to")] {
                    if matches!(target, Target::ClientsOf(_)) {
                        let at = self.fields.value(name).map(|value| value.span.clone());
                        let at = at.unwrap_or_else(|| self.name_span.clone());
                        let help =
                            "write `target: clients of …`: the links between them and their node";
                        self.error(&at, format!("clients can't stand in `{name}`"), help);
                    }
                }
                Where::Between { from, to, both: self.fields.flag("both-ways") }
            }
        }
    }

    fn check_ends(&mut self, from: bool, to: bool) {
        if !from || !to {
            let (there, missing) = if from { ("from", "to") } else { ("to", "from") };
            let at = self.key(there);
            self.error(
                &at,
                format!("`{there}` needs `{missing}`"),
                "links have two ends; or give a `target`",
            );
        }
        if let Some(target) = self.fields.key("target").cloned() {
            let help = "keep one of the two";
            self.error(&target, "a fault has either a `target` or `from` and `to`", help);
        }
    }

    fn check_clients(&mut self, target: &Target, kind: &FaultKind, name: &str) {
        let at = self.fields.value(name).map_or(self.name_span, |value| &value.span).clone();
        if let Target::ClientsOf(of) = target {
            if kind.node_fault().is_some() {
                let message = format!("`{}` acts on nodes, and clients are none", self.name);
                self.error(&at, message, "name the node itself");
            } else if matches!(**of, Target::ClientsOf(_)) {
                self.error(&at, "clients have no clients", "write `clients of` once");
            }
        }
    }

    fn remember(&mut self) -> Option<String> {
        let name = self.fields.text("as")?.to_owned();
        if !is_memory_name(&name) {
            let at = self.fields.value("as").map_or(self.name_span, |value| &value.span).clone();
            let message = format!("`{name}` can't be the name of a remembered target");
            let help = "choose lower-case letters, digits and dashes, and no word that is a target already";
            self.error(&at, message, help);
        }
        Some(name)
    }

    fn start(&mut self) -> Start {
        if let (true, Some(after)) = (self.given("at"), self.fields.key("after").cloned()) {
            let help = "keep one of the two";
            self.error(&after, "a fault begins either `at` a time or `after` something", help);
        }
        match (self.fields.trigger("after"), self.fields.durations("at")) {
            (Some(trigger), _) => Start::After(trigger.clone()),
            (None, Some(at)) => Start::At(at.clone()),
            (None, None) => Start::At(DurationChoice::exactly(Duration::ZERO)),
        }
    }

    fn end(&mut self, kind: &FaultKind) -> End {
        if kind.node_fault().is_some_and(|fault| !fault.lasts()) {
            return End::AtOnce;
        }
        let (lasts, until, at_most) =
            (self.given("for"), self.given("until"), self.given("at-most"));
        if lasts && (until || at_most) {
            let at = self.key(if until { "until" } else { "at-most" });
            let help = "keep `for`, or `until` with `at-most`";
            self.error(&at, "a fault lasts either `for` a time or `until` something", help);
        } else if until && !at_most {
            let at = self.key("until");
            let help = "say how long to wait for it: `at-most: 30s`";
            self.error(&at, "`until` alone may never end", help);
        } else if at_most && !until {
            let at = self.key("at-most");
            let help = "say what ends it: `until: leader-changed`; or give `for` instead";
            self.error(&at, "`at-most` needs `until`", help);
        }
        match (self.fields.durations("for"), self.fields.trigger("until")) {
            (Some(lasts), _) => End::For(lasts.clone()),
            (None, Some(trigger)) => End::Until {
                trigger: trigger.clone(),
                at_most: self.fields.duration("at-most").unwrap_or_default(),
            },
            (None, None) => {
                if let (false, Some(every)) = (lasts || until, self.fields.key("every").cloned()) {
                    let message = "`every` needs an end of each time";
                    self.error(&every, message, "say how long each lasts: `for: 5s`");
                }
                End::WithPhase
            }
        }
    }

    fn times(&mut self) -> Option<u64> {
        if let (Some(times), false) = (self.fields.key("times").cloned(), self.given("every")) {
            let help = "say how far apart they are: `every: 20s`";
            self.error(&times, "`times` needs `every`", help);
        }
        self.fields.count("times")
    }

    fn every(&self) -> Option<DurationChoice> {
        self.fields.durations("every").cloned()
    }
}
