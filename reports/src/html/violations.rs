//! Each violation: a sentence, the operations as a picture, the proof, and what was going on.

use temblor_history::{Anomaly, CheckReport, Fault, Happening, Outcome, Witness, WitnessOp};

use crate::digest::Digest;
use crate::escape::{Markup, prose, shortened};
use crate::server_logs::NEAR;
use crate::svg::{Band, Bar, Lane, Step, draw_cycle, draw_lanes};
use crate::words;

use super::operation_words::{asked_and_answered, client, outcome};
use super::table::{Cell, Table};

/// More cards than this help nobody; the rest is counted.
const CARDS_MOST: usize = 10;
/// How long after a fault's end it still counts as what was going on.
const AFTERMATH: i64 = 5_000_000_000;
/// Log lines quoted for one violation.
const LOG_LINES_MOST: usize = 60;
/// Leader changes marked in one picture.
const MARKS_MOST: usize = 6;

/// The violations' part of the page.
#[derive(Debug)]
pub(crate) struct Violations {
    pub(crate) cards: Vec<Card>,
    /// How many kinds are not shown.
    pub(crate) hidden: usize,
    /// Broken expectations other than consistency.
    pub(crate) broken: Table,
    /// What the servers themselves did wrong.
    pub(crate) server_failures: Table,
    /// What the system's documentation permits, and what keeps acknowledged writes.
    pub(crate) limits: Vec<Markup>,
}

impl Violations {
    pub(crate) fn is_empty(&self) -> bool {
        self.cards.is_empty() && self.broken.is_empty() && self.server_failures.is_empty()
    }
}

/// One anomaly.
#[derive(Debug)]
pub(crate) struct Card {
    pub(crate) kind: String,
    pub(crate) sentence: String,
    /// Which object, how often, how certain, against what.
    pub(crate) about: Vec<String>,
    pub(crate) drawing: Option<Markup>,
    /// How to read the drawing.
    pub(crate) key: String,
    /// What must come before what, where the violation is a cycle.
    pub(crate) cycle: Option<Markup>,
    pub(crate) proof: Vec<String>,
    pub(crate) legal: Option<String>,
    /// Where a smaller core may exist.
    pub(crate) size_note: Option<String>,
    /// Faults and leader changes at that time.
    pub(crate) around: Vec<String>,
    /// What the servers' logs say within two seconds of the operation that cannot be explained.
    pub(crate) logs: Vec<String>,
    pub(crate) operations: Table,
    /// The checker's whole text, where there is no witness to draw or it says more.
    pub(crate) explanation: String,
}

pub(crate) fn violations(digest: &Digest<'_>) -> Violations {
    let checks = digest.run.verdict.checks.iter();
    let mut found: Vec<(&CheckReport, &Anomaly)> = checks
        .filter(|check| check.verdict != Outcome::Pass)
        .flat_map(|check| check.anomalies.iter().map(move |anomaly| (check, anomaly)))
        .collect();
    found.sort_by_key(|(_, anomaly)| !anomaly.definite);
    let system = &digest.run.manifest.system;
    Violations {
        hidden: found.len().saturating_sub(CARDS_MOST),
        cards: found
            .iter()
            .take(CARDS_MOST)
            .map(|(check, found)| card(digest, check, found))
            .collect(),
        broken: broken(digest),
        server_failures: server_failures(digest),
        limits: prose(system.limits.iter().chain(&system.durability)),
    }
}

fn card(digest: &Digest<'_>, check: &CheckReport, anomaly: &Anomaly) -> Card {
    let witness = anomaly.witness.as_ref();
    let first_line = anomaly.explanation.lines().next().unwrap_or(&anomaly.kind);
    Card {
        kind: anomaly.kind.clone(),
        sentence: digest.sentence(witness.map_or(first_line, |witness| &witness.sentence)),
        about: about(check, anomaly),
        drawing: witness.map(|witness| drawing(digest, witness)),
        cycle: witness.and_then(cycle),
        proof: witness.map_or(Vec::new(), |witness| witness.proof.clone()),
        legal: witness.and_then(legal),
        key: drawing_key(witness),
        size_note: witness.and_then(size_note),
        around: witness.map_or(Vec::new(), |witness| around(digest, witness)),
        logs: witness.map_or(Vec::new(), |witness| logs(digest, witness)),
        operations: witness.map_or(Table::default(), operations),
        explanation: anomaly.explanation.clone(),
    }
}

fn about(check: &CheckReport, anomaly: &Anomaly) -> Vec<String> {
    let mut about = Vec::new();
    if let Some(key) = anomaly.witness.as_ref().and_then(|witness| witness.key.as_ref()) {
        about.push(format!("key {}", shortened(&key.to_string(), 60)));
    }
    about.push(format!("not {}", check.consistency));
    about.push(match anomaly.count {
        1 => "found once".to_owned(),
        count => format!("found {} times", words::count(count)),
    });
    let certainty = if anomaly.definite { "definite" } else { "possible" };
    about.push(certainty.to_owned());
    about
}

/// What would have been legal, as the end of a sentence.
fn legal(witness: &Witness) -> Option<String> {
    witness.legal.as_ref().map(|legal| legal.trim_end_matches([',', '.', ' ']).to_owned())
}

fn drawing_key(witness: Option<&Witness>) -> String {
    let ops = || witness.into_iter().flat_map(|witness| &witness.ops);
    let mut key = "One lane a client.".to_owned();
    if ops().any(|op| op.culprit) {
        key.push_str(" Red: the operation that cannot be explained.");
    }
    if ops().any(|op| op.completed.is_none()) {
        key.push_str(" Dashed: no answer came, so it may have taken effect at any time since.");
    }
    key.push_str(" The order of all moments is exact, distances are not to scale.");
    key
}

fn size_note(witness: &Witness) -> Option<String> {
    let size = witness.ops.len() as u64;
    (!witness.minimal).then(|| {
        format!(
            "{} are shown; fewer may be enough, which was not decided.",
            words::counted(size, "operation")
        )
    })
}

/// From the first invocation to the last completion.
fn span(witness: &Witness) -> (i64, i64) {
    (moments(witness).min().unwrap_or(0), moments(witness).max().unwrap_or(0))
}

/// All invocations and completions.
fn moments(witness: &Witness) -> impl Iterator<Item = i64> + '_ {
    witness.ops.iter().flat_map(|op| [Some(op.invoked), op.completed]).flatten()
}

fn drawing(digest: &Digest<'_>, witness: &Witness) -> Markup {
    let (from, to) = span(witness);
    let touches = |band: &Band| band.outer.from < to && band.outer.to > from;
    let mut bands = Band::all(&digest.run.faults, digest.shown.to);
    bands.retain(touches);
    draw_lanes(&lanes(witness), &bands, &leader_changes(digest, from, to))
}

/// The cycle of a witness that is one.
fn cycle(witness: &Witness) -> Option<Markup> {
    let op = |number: u32| witness.ops.iter().find(|op| op.number == number);
    let steps: Vec<Step> = witness
        .edges
        .iter()
        .filter_map(|edge| {
            let op = op(edge.from)?;
            Some(Step {
                number: op.number,
                text: format!("{} · {}", client(op), asked_and_answered(op)),
                culprit: op.culprit,
                kind: edge.kind.clone(),
                reason: edge.reason.clone(),
            })
        })
        .collect();
    (!steps.is_empty()).then(|| draw_cycle(&steps))
}

fn leader_changes(digest: &Digest<'_>, from: i64, to: i64) -> Vec<(i64, String)> {
    let mut last: Option<&String> = None;
    let mut changes = Vec::new();
    for event in &digest.run.events {
        let Happening::Leader { node, term, .. } = &event.what else { continue };
        let changed = node.as_ref() != last && event.time > from && event.time < to;
        last = node.as_ref();
        if let Some(node) = node.as_ref().filter(|_| changed) {
            let term = term.map_or(String::new(), |term| format!(", term {term}"));
            changes.push((event.time, format!("{node} leads{term}")));
        }
    }
    changes.truncate(MARKS_MOST);
    changes
}

fn lanes(witness: &Witness) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for op in &witness.ops {
        let label = client(op);
        let bar = bar(op);
        match lanes.iter_mut().find(|lane| lane.label == label) {
            Some(lane) => lane.bars.push(bar),
            None => lanes.push(Lane { label, bars: vec![bar] }),
        }
    }
    lanes
}

fn bar(op: &WitnessOp) -> Bar {
    Bar {
        number: op.number,
        text: asked_and_answered(op),
        class: outcome(op),
        culprit: op.culprit,
        from: op.invoked,
        to: op.completed,
    }
}

fn operations(witness: &Witness) -> Table {
    let mut table = Table::new(&[
        ("", true),
        ("client", false),
        ("operation", false),
        ("outcome", false),
        ("invoked", true),
        ("completed", true),
        ("events", true),
    ]);
    let moments: Vec<i64> = moments(witness).collect();
    let decimals = words::telling_decimals(&moments);
    let at = |time: i64| words::decimal_moment(time, decimals);
    for op in &witness.ops {
        let completed = op.completed.map_or("never".to_owned(), at);
        let events = match op.complete_index {
            Some(complete) => format!("{}, {complete}", op.invoke_index),
            None => op.invoke_index.to_string(),
        };
        let what = asked_and_answered(op);
        table.push(vec![
            op.number.to_string().into(),
            client(op).into(),
            Cell::code(what),
            if op.culprit { Cell::holds(false, outcome(op)) } else { outcome(op).into() },
            at(op.invoked).into(),
            completed.into(),
            events.into(),
        ]);
    }
    table
}

/// Faults that were on, then those that had just ended, then who came to lead.
fn around(digest: &Digest<'_>, witness: &Witness) -> Vec<String> {
    let (from, to) = span(witness);
    let began = |fault: &&Fault| fault.began.is_some_and(|began| began.earliest < to);
    let ended = |fault: &Fault| fault.healed.map_or(i64::MAX, |healed| healed.latest);
    let near = |fault: &&Fault| ended(fault).saturating_add(AFTERMATH) > from;
    let mut faults: Vec<&Fault> = digest.run.faults.iter().filter(began).filter(near).collect();
    faults.sort_by_key(|fault| ended(fault) <= from);
    let faults = faults.into_iter().map(|fault| match from - ended(fault) {
        since @ 0.. => {
            format!("{}, which was {} before", fault_words(fault), words::duration(since))
        }
        _ => fault_words(fault),
    });
    let changes = leader_changes(digest, from, to).into_iter();
    let changes = changes.map(|(time, what)| format!("{what} from {}", words::moment(time)));
    faults.chain(changes).collect()
}

/// Lines of all logs in their order by the servers' own clocks.
fn logs(digest: &Digest<'_>, witness: &Witness) -> Vec<String> {
    let culprits = || witness.ops.iter().filter(|op| op.culprit);
    let moments = || culprits().flat_map(|op| [Some(op.invoked), op.completed]).flatten();
    let near = |time: i64| moments().any(|moment| (time - moment).abs() <= NEAR);
    let mut lines: Vec<(i64, String)> = Vec::new();
    for log in &digest.run.logs {
        let of_log = log.near.iter().filter(|(time, _)| near(*time));
        lines.extend(of_log.map(|(time, line)| {
            (*time, format!("{} {}  {line}", log.node, words::exact_moment(*time)))
        }));
    }
    lines.sort_by_key(|(time, _)| *time);
    lines.truncate(LOG_LINES_MOST);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn fault_words(fault: &Fault) -> String {
    let at = |measured: Option<temblor_history::Measured>| {
        measured.map_or("the end".to_owned(), |at| words::moment(at.latest))
    };
    format!("{}: measured from {} to {}", fault.label(), at(fault.began), at(fault.healed))
}

fn broken(digest: &Digest<'_>) -> Table {
    let mut table = Table::new(&[("expectation", false), ("asked", false), ("found", false)]);
    for expected in digest.run.verdict.expectations.iter().filter(|expected| !expected.holds) {
        table.push(vec![
            Cell::holds(false, expected.name.clone()),
            expected.asked.clone().into(),
            expected.found.clone().into(),
        ]);
    }
    table
}

fn server_failures(digest: &Digest<'_>) -> Table {
    let mut table = Table::new(&[("at", true), ("what", false)]);
    for (time, what) in digest.server_failures() {
        table.push(vec![words::exact_moment(time).into(), what.into()]);
    }
    table
}
