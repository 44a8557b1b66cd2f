//! Faults of a plan that belong together, resolved: sequences, parallel groups, choices, and
//! randomised schedules, which become plain faults at once.

use std::time::Duration;

use temblor_faults::{
    Choice, DurationChoice, End, FaultKind, FaultSpec, Group, Random, Rounds, Start, Step, expand,
    leaves_majority, minority,
};
use temblor_history::Seed;

use super::{
    fault::{self, DraftFault},
    targets,
};
use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form, Formed},
    scalar::written,
    source::Span,
};

/// What groups are resolved against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    /// The plan's seed.
    pub(super) seed: u64,
    /// How many nodes the plan has.
    pub(super) nodes: u64,
    /// The phase's name.
    pub(super) phase: &'a str,
    /// How long it lasts; none when that can't be read.
    pub(super) length: Option<Duration>,
}

/// Faults of a phase, and how they belong together.
#[derive(Debug, Default)]
pub(super) struct DraftFaults {
    pub(super) faults: Vec<DraftFault>,
    pub(super) groups: Vec<Group>,
}

/// Resolves what stands under `faults:`, in the order of the file.
pub(super) fn resolve(
    items: &[Formed],
    around: Around<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> DraftFaults {
    let mut resolver = Resolver { around, found: DraftFaults::default(), diagnostics };
    for (number, item) in items.iter().enumerate() {
        resolver.item(item, &format!("{}.{number}", around.phase));
    }
    resolver.found
}

struct Resolver<'r> {
    around: Around<'r>,
    found: DraftFaults,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn error(&mut self, at: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message).help(help));
    }

    fn item(&mut self, item: &Formed, place: &str) {
        let Form::Variant { name, name_span, fields } = &item.form else { return };
        match name.as_str() {
            "sequence" | "parallel" | "one-of" => self.group(item, place, name_span, fields),
            "random" => self.random(place, name_span, fields),
            _ => {
                let fault = fault::resolve(item, place.to_owned(), self.diagnostics);
                self.found.faults.extend(fault);
            }
        }
    }

    fn group(&mut self, item: &Formed, place: &str, name_span: &Span, fields: &Fields) {
        let first = self.found.faults.len();
        let steps = match &item.form {
            Form::Variant { name, .. } if name == "sequence" => fields
                .list("of")
                .iter()
                .enumerate()
                .map(|(number, step)| self.step(step, &format!("{place}.{number}")))
                .collect(),
            _ => vec![self.step(item, place)],
        };
        let rounds = self.rounds(fields);
        let group = Group { place: place.to_owned(), start: start(fields), rounds, steps };
        if fields.list("of").is_empty() && fields.whole() {
            self.error(name_span, "this group has no faults", "list them under `of:`");
        }
        self.ends(&group, first);
        if fields.whole() {
            self.fits(&group, name_span);
        }
        self.found.groups.push(group);
    }

    /// A step of a sequence: a fault alone, faults at once, or one of several.
    fn step(&mut self, item: &Formed, place: &str) -> Step {
        let Form::Variant { name, fields, .. } = &item.form else {
            return Step { place: place.to_owned(), faults: Vec::new(), choice: Choice::All };
        };
        let members: Vec<&Formed> = match name.as_str() {
            "parallel" | "one-of" => fields.list("of").iter().collect(),
            _ => vec![item],
        };
        let faults: Vec<usize> = members
            .iter()
            .enumerate()
            .filter_map(|(number, member)| {
                let own = match members.len() {
                    1 => place.to_owned(),
                    _ => format!("{place}.{number}"),
                };
                self.member(member, own)
            })
            .collect();
        let choice = match name.as_str() {
            "one-of" => Choice::OneOf(self.weights(fields, faults.len())),
            _ => Choice::All,
        };
        Step { place: place.to_owned(), faults, choice }
    }

    /// A fault of a group; its number in the phase.
    fn member(&mut self, item: &Formed, place: String) -> Option<usize> {
        let mut fault = fault::resolve(item, place, self.diagnostics)?;
        for name in ["every", "times"] {
            if let Some(key) = fault.fields.key(name).cloned() {
                let message = format!("a fault of a group has no `{name}` of its own");
                self.error(&key, message, "move it to the group: it says when the next round is");
            }
        }
        fault.spec.grouped = true;
        fault.dealt = true;
        self.found.faults.push(fault);
        Some(self.found.faults.len() - 1)
    }

    fn weights(&mut self, fields: &Fields, faults: usize) -> Vec<u64> {
        let given: Vec<u64> = fields
            .list("weights")
            .iter()
            .filter_map(|weight| match weight.form {
                Form::Count(count) => Some(count),
                _ => None,
            })
            .collect();
        let Some(key) = fields.key("weights").cloned().filter(|_| fields.whole()) else {
            return vec![1; faults];
        };
        if given.len() != faults {
            let message = format!("{} weights for {faults} faults", given.len());
            self.error(&key, message, "give one number for each fault, in the same order");
            return vec![1; faults];
        }
        if given.iter().all(|weight| *weight == 0) {
            self.error(&key, "with these weights none ever comes", "give one of them more than 0");
            return vec![1; faults];
        }
        given
    }

    fn rounds(&mut self, fields: &Fields) -> Rounds {
        let (every, times, repeat) =
            (fields.durations("every"), fields.count("times"), fields.count("repeat"));
        if let (Some(repeat), true) = (fields.key("repeat"), every.is_some()) {
            let help = "keep `repeat`, or `every` with `times`";
            self.error(&repeat.clone(), "rounds come either `every` so long or at once", help);
        }
        match (every, fields.key("times")) {
            (Some(every), _) => Rounds::Every { every: every.clone(), times },
            (None, Some(times)) if fields.whole() => {
                let help = "say `repeat: …` for rounds one right after another";
                self.error(&times.clone(), "`times` needs `every`", help);
                Rounds::Repeat(1)
            }
            _ => Rounds::Repeat(repeat.unwrap_or(1)),
        }
    }

    /// Whoever others wait for must end by itself.
    fn ends(&mut self, group: &Group, first: usize) {
        let last = group.steps.len().saturating_sub(1);
        for (number, step) in group.steps.iter().enumerate() {
            if number == last && group.rounds == Rounds::Repeat(1) {
                return;
            }
            let open = |place: &&usize| self.found.faults[**place].spec.end == End::WithPhase;
            let open: Vec<usize> = step.faults.iter().filter(open).copied().collect();
            for place in open.into_iter().filter(|place| *place >= first) {
                let fault = &self.found.faults[place];
                if fault.fields.whole() {
                    let (span, name) = (fault.span.clone(), fault.spec.name.clone());
                    let message = format!("what comes after this `{name}` would wait for ever");
                    self.error(&span, message, "say how long it lasts: `for: 5s`");
                }
            }
        }
    }

    /// The first round must be over with its phase, whatever the seed draws.
    fn fits(&mut self, group: &Group, at: &Span) {
        let Some(length) = self.around.length else { return };
        let begins = match &group.start {
            Start::At(choice) => choice.most(),
            Start::After(_) => Duration::ZERO,
        };
        let longest = |step: &Step| {
            let faults = step.faults.iter().map(|place| &self.found.faults[*place].spec);
            faults.map(longest).max().unwrap_or_default()
        };
        let ends = begins + group.steps.iter().map(longest).sum::<Duration>();
        if ends > length {
            let (ends, length) = (written(ends), written(length));
            let message = format!("one round may take until {ends}, and its phase lasts {length}");
            self.error(at, message, "make its faults shorter, or the phase longer");
        }
    }

    fn random(&mut self, place: &str, name_span: &Span, fields: &Fields) {
        let templates: Vec<DraftFault> = fields
            .list("of")
            .iter()
            .filter_map(|item| fault::resolve(item, place.to_owned(), self.diagnostics))
            .collect();
        for template in &templates {
            self.template(template, fields);
        }
        let weights = self.weights(fields, templates.len());
        let whole = fields.whole() && templates.iter().all(|one| one.fields.whole());
        let (true, Some(length)) = (whole && self.around.nodes > 0, self.around.length) else {
            return;
        };
        let random = Random {
            place: place.to_owned(),
            of: templates.iter().map(|template| template.spec.clone()).collect(),
            weights,
            every: choice(fields, "every"),
            lasts: choice(fields, "for"),
            at_most: fields.count("at-most").unwrap_or(1) as usize,
            keep_majority: fields.text("keep") == Some("majority"),
        };
        let dealt = expand(&random, Seed(self.around.seed), length, &node_names(self.around.nodes));
        if dealt.is_empty() {
            let message = "this deals no fault at all";
            let help = "make the phase longer, `every` or `for` shorter, or the targets smaller";
            self.error(name_span, message, help);
        }
        for spec in dealt {
            self.found.faults.extend(as_drafted(spec, &templates));
        }
    }

    /// The times are dealt, so a fault must not have its own; and it must fit what is kept.
    fn template(&mut self, template: &DraftFault, fields: &Fields) {
        for name in ["at", "after", "every", "times", "until", "at-most", "as"] {
            if let Some(key) = template.fields.key(name).cloned() {
                let message = format!("`random` deals the times, so `{name}` has no meaning here");
                self.error(&key, message, "take it away, or let the fault stand for itself");
            }
        }
        let nodes = self.around.nodes;
        if fields.text("keep") != Some("majority") || nodes == 0 {
            return;
        }
        let at = template.span.clone();
        if let FaultKind::Partition { grudge, .. } = &template.spec.kind
            && !leaves_majority(grudge, &node_names(nodes))
        {
            let message = format!("`{grudge}` among {nodes} nodes leaves no majority in one piece");
            self.error(&at, message, "choose another grudge, or don't `keep: majority`");
        }
        if let Some(size) = targets::size_of(&template.spec.on, nodes)
            && size > minority(nodes as usize) as u64
        {
            let message = format!("{size} of {nodes} nodes are more than a minority");
            self.error(&at, message, "choose a smaller target, or don't `keep: majority`");
        }
    }
}

/// A fault that was dealt, with the place of the one that it was dealt from.
fn as_drafted(spec: FaultSpec, templates: &[DraftFault]) -> Option<DraftFault> {
    let same = |one: &&DraftFault| one.spec.name == spec.name && one.spec.kind == spec.kind;
    let template = templates.iter().find(same)?;
    let (fields, span) = (template.fields.clone(), template.span.clone());
    Some(DraftFault { spec, fields, span, dealt: true })
}

fn node_names(count: u64) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

fn start(fields: &Fields) -> Start {
    match (fields.trigger("after"), fields.durations("at")) {
        (Some(trigger), _) => Start::After(trigger.clone()),
        (None, Some(at)) => Start::At(at.clone()),
        (None, None) => Start::At(DurationChoice::exactly(Duration::ZERO)),
    }
}

fn choice(fields: &Fields, name: &str) -> DurationChoice {
    let default = DurationChoice::exactly(Duration::from_secs(10));
    fields.durations(name).cloned().unwrap_or(default)
}

/// From its turn to its end, at worst.
fn longest(spec: &FaultSpec) -> Duration {
    let begins = match &spec.start {
        Start::At(choice) => choice.most(),
        Start::After(_) => Duration::ZERO,
    };
    begins
        + match &spec.end {
            End::For(choice) => choice.most(),
            End::Until { at_most, .. } => *at_most,
            End::WithPhase | End::AtOnce => Duration::ZERO,
        }
}
