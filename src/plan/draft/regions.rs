//! What a plan says of regions: who is where, and how far apart.

use std::{collections::BTreeMap, time::Duration};

use temblor_faults::{
    Target,
    regions::{LIKE, Places, Regions},
};

use crate::plan::{
    diagnostic::Diagnostic,
    form::{Fields, Form},
    source::Span,
};

/// The shortest delay that differs from what a busy machine does by itself.
const LEAST: Duration = Duration::from_millis(1);
const JITTER: f64 = 0.3;

/// Resolves the regions; what is wrong with them is reported.
pub(super) fn resolve(
    name_span: &Span,
    fields: &Fields,
    diagnostics: &mut Vec<Diagnostic>,
) -> Regions {
    let mut resolver = Resolver { name_span, fields, diagnostics };
    let regions = Regions {
        places: resolver.places(),
        delays: resolver.delays(),
        jitter: fields.share("jitter").unwrap_or_default(),
    };
    if fields.whole() {
        resolver.check(&regions);
    }
    regions
}

struct Resolver<'r> {
    name_span: &'r Span,
    fields: &'r Fields,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Resolver<'_> {
    fn error(&mut self, at: &Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message).help(help.into()));
    }

    fn key(&self, field: &str) -> Span {
        self.fields.key(field).unwrap_or(self.name_span).clone()
    }

    fn places(&mut self) -> Places {
        let like = self.fields.text("like");
        let nodes = self.fields.fields("nodes");
        let at = self.key("like");
        match (nodes, like) {
            (Some(_), Some(_)) => {
                self.error(&at, "regions are either listed or dealt", "keep `nodes` or `like`");
            }
            (None, None) if self.fields.whole() => {
                let help =
                    "say who is where, `nodes: { eu: [n1, n2], us-east: [n3] }`, or `like: world`";
                self.error(&at, "nobody is anywhere", help);
            }
            _ => {}
        }
        if let Some(nodes) = nodes {
            return Places::Listed(self.listed(nodes));
        }
        let set = LIKE.iter().find(|(name, _)| Some(*name) == like);
        let names = set.map_or(&[][..], |(_, names)| *names);
        Places::InTurn(names.iter().map(ToString::to_string).collect())
    }

    fn listed(&mut self, nodes: &Fields) -> BTreeMap<String, Vec<String>> {
        let mut listed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (region, field) in &nodes.entries {
            let at = field.value.span.clone();
            let Form::Target(Target::Named(names)) = &field.value.form else {
                let help = "write, for example, `[n1, n2]`";
                self.error(&at, format!("`{region}` must list its nodes by name"), help);
                listed.insert(region.clone(), Vec::new());
                continue;
            };
            for name in names {
                if let Some((other, _)) = listed.iter().find(|(_, known)| known.contains(name)) {
                    let message = format!("`{name}` is in `{other}` already");
                    self.error(&at.narrowed_to(name), message, "a node is in one region");
                }
            }
            listed.insert(region.clone(), names.clone());
        }
        listed
    }

    fn delays(&mut self) -> BTreeMap<(String, String), Duration> {
        let mut delays = BTreeMap::new();
        let Some(fields) = self.fields.fields("delays") else { return delays };
        for (one, inner) in &fields.entries {
            let Form::Fields(inner) = &inner.value.form else { continue };
            for (other, field) in &inner.entries {
                let Form::Duration(delay) = field.value.form else { continue };
                let at = field.value.span.clone();
                if delay < LEAST {
                    self.error(&at, "so short a delay can't be seen", "give 1ms or more");
                }
                if delays.contains_key(&(other.clone(), one.clone())) && one != other {
                    let message =
                        format!("the delay between `{one}` and `{other}` stands there twice");
                    self.error(&at, message, "it is the same both ways: say it once");
                }
                delays.insert((one.clone(), other.clone()), delay);
            }
        }
        delays
    }

    fn check(&mut self, regions: &Regions) {
        let names = regions.names();
        if regions.jitter > JITTER {
            let at = self.key("jitter");
            self.error(
                &at,
                "so much jitter is no distance",
                format!("give {}% or less", JITTER * 100.0),
            );
        }
        let strangers: Vec<&(String, String)> = regions
            .delays
            .keys()
            .filter(|(a, b)| !names.contains(a) || !names.contains(b))
            .collect();
        for (one, other) in strangers {
            let name = if names.contains(one) { other } else { one };
            let at = self.key("delays");
            let message = format!("there is no region `{name}`");
            self.error(&at, message, format!("there are {}", names.join(", ")));
        }
        for (place, one) in names.iter().enumerate() {
            for other in &names[place + 1..] {
                if regions.between(one, other).is_none() {
                    let at = self.key("nodes");
                    let message = format!("nobody says how far `{one}` is from `{other}`");
                    let help = format!("say it: `delays: {{ {one}: {{ {other}: 40ms }} }}`");
                    self.error(&at, message, help);
                }
            }
        }
        if names.len() < 2 && !names.is_empty() && regions.delays.is_empty() {
            let at = self.key("nodes");
            self.error(&at, "one region is no distance", "name two regions or more");
        }
    }
}
