//! The grammar of plan files, as a table.

use super::{
    catalogue::Catalogue,
    entry::{FaultEntry, WorkloadEntry},
    group,
    leaf::{
        DURATION, DURATION_AT_MOST, DURATIONS, FLAG, MOMENT, PER_NODE, RATE, RAW, SHARE_AT_LEAST,
        TEXT,
    },
    shape::{Choice, Key, Presence, Shape, Variant},
    trigger::TRIGGER,
};

/// Conditions under which a pass means something; a plan may set the number that each needs.
pub(crate) const GATES: [(&str, &str); 14] = [
    ("run-ended", "the run came to its end"),
    ("ok-operations", "ok operations of each function, in a run without faults"),
    ("ok-before-faults", "ok operations of each function before the first fault"),
    ("ok-during-faults", "ok operations of each function while faults came and went"),
    ("ok-after-faults", "ok operations of each function after the last heal"),
    ("shared-keys", "keys touched by two processes or more"),
    ("reads-of-others", "reads that saw another process's write"),
    ("successful-cas", "cas that succeeded"),
    ("faults-began", "every fault began"),
    ("faults-verified", "every fault was seen to act"),
    ("faults-overlapped", "every fault overlapped with operations"),
    ("faults-healed", "every fault was seen to be gone"),
    ("final-reads", "the final reads are complete"),
    ("checkers-complete", "the checkers decided everything"),
];

/// Percentiles that may be bounded.
pub(crate) const PERCENTILES: [(&str, f64); 9] = [
    ("p50", 50.0),
    ("p75", 75.0),
    ("p90", 90.0),
    ("p95", 95.0),
    ("p99", 99.0),
    ("p99.9", 99.9),
    ("p99.99", 99.99),
    ("p99.999", 99.999),
    ("max", 100.0),
];

/// Most nodes of a cluster on one machine.
pub(crate) const MOST_NODES: u64 = 200;

/// What the plan's own system adds to the grammar.
#[derive(Debug, Clone, Default)]
pub(crate) struct SystemWords {
    /// Its settings.
    pub(crate) settings: Vec<Key>,
    /// The options of its client.
    pub(crate) client: Vec<Key>,
}

/// The shape of a whole plan. Without a system every setting and option is allowed.
pub(crate) fn plan(catalogue: &Catalogue, system: Option<&SystemWords>) -> Shape {
    let faults = faults(catalogue);
    Shape::Map(vec![
        Key::needed(
            "system",
            text(),
            "the system under test: a name from the catalogue, or a path such as `./my-db.yaml`",
        ),
        key("nodes", Shape::Count(1..=MOST_NODES), "how many nodes: n1 and so on", "3"),
        Key::optional(
            "seed",
            Shape::Count(0..=u64::MAX),
            "the one seed of all choices; without it, one is drawn and printed",
        ),
        Key::optional("settings", settings(system), "parameters of the system"),
        Key::optional(
            "client",
            client(system),
            "how to talk to the system, where its own way is not wanted",
        ),
        Key::needed("workload", workloads(catalogue), "what the clients do"),
        Key::optional(
            "phases",
            Shape::list(phase(&faults)),
            "the timeline: steady, chaos, recover",
        ),
        Key::optional(
            "faults",
            Shape::list(faults),
            "the short form: faults that come one after another, at times that the seed draws",
        ),
        Key::optional(
            "run-for",
            leaf(&DURATION),
            "the short form: how long the load lasts before recovery",
        ),
        Key::optional(
            "every",
            leaf(&DURATION),
            "the short form: from the beginning of one fault to that of the next",
        ),
        Key::optional("expect", expect(catalogue), "what the run is held to"),
        key(
            "check-online",
            leaf(&FLAG),
            "check the history while it grows, so that the report says when a violation was known",
            "false",
        ),
        Key::optional(
            "stop-on",
            Shape::words(
                "thing to stop on",
                &[("violation", "what a check of the growing history finds")],
            ),
            "what ends the run early; it then recovers and reads as at its end",
        ),
    ])
}

fn leaf(leaf: &'static super::shape::Leaf) -> Shape {
    Shape::Leaf(leaf)
}

fn text() -> Shape {
    leaf(&TEXT)
}

/// A key with a default, written as YAML.
fn key(name: &str, shape: Shape, about: &str, default: &str) -> Key {
    Key {
        name: name.to_owned(),
        about: about.to_owned(),
        shape,
        presence: Presence::Default(super::yaml::scalar(default)),
    }
}

fn settings(system: Option<&SystemWords>) -> Shape {
    match system {
        Some(words) => Shape::Map(words.settings.clone()),
        None => Shape::AnyKeys(Box::new(text())),
    }
}

fn client(system: Option<&SystemWords>) -> Shape {
    let Some(words) = system else { return Shape::AnyKeys(Box::new(leaf(&RAW))) };
    let mut keys = words.client.clone();
    keys.extend(exec_client());
    Shape::Map(keys)
}

/// The keys of a client that is a program of the user's own.
pub(crate) fn exec_client() -> Vec<Key> {
    vec![
        Key::optional(
            "exec",
            Shape::list(text()),
            "a client program of your own, as program and arguments; `{here}` is the folder of this file",
        ),
        Key::optional(
            "multiplex",
            leaf(&FLAG),
            "one program for all logical clients instead of one each",
        ),
        Key::later("http", leaf(&RAW), "a simple HTTP store, by templates"),
    ]
}

fn workloads(catalogue: &Catalogue) -> Shape {
    Shape::Variants("workload", catalogue.workloads.iter().map(workload).collect())
}

/// A workload: its own parameters, then those that all have.
pub(crate) fn workload(entry: &WorkloadEntry) -> Variant {
    let mut keys = entry.parameters.clone();
    keys.extend(load());
    Variant { name: entry.name.clone(), about: entry.about.clone(), keys }
}

/// How operations come, in every workload.
pub(crate) fn load() -> Vec<Key> {
    vec![
        key(
            "rate",
            leaf(&RATE),
            "operations a second that are intended, whatever the system does; `closed-loop`: each client sends its next when the last has ended",
            "500/s",
        ),
        key("clients", leaf(&PER_NODE), "logical clients pinned to each node", "2 per node"),
        key(
            "op-timeout",
            leaf(&DURATION),
            "when a client gives an operation up; its outcome is then unknown",
            "1s",
        ),
        key(
            "queue",
            Shape::Count(1..=1_000_000),
            "intended operations that may wait for one client; more are shed",
            "100",
        ),
    ]
}

fn phase(faults: &Shape) -> Shape {
    Shape::Map(vec![
        Key::optional("steady", leaf(&DURATION), "load without faults, for so long"),
        Key::optional("chaos", leaf(&DURATION), "load and faults, for so long"),
        Key::optional(
            "recover",
            leaf(&DURATION),
            "everything healed, final reads, for so long at most; the last phase",
        ),
        Key::optional("faults", Shape::list(faults.clone()), "the faults of a chaos phase"),
        Key::optional(
            "name",
            text(),
            "the phase's name, where `chaos` and `chaos-2` don't say enough",
        ),
    ])
}

/// All faults and groups of faults.
pub(crate) fn faults(catalogue: &Catalogue) -> Shape {
    let mut variants: Vec<Variant> = catalogue.faults.iter().map(fault).collect();
    variants.extend(group::variants(&variants));
    Shape::Variants("fault", variants)
}

/// A fault: its own parameters, then its time.
pub(crate) fn fault(entry: &FaultEntry) -> Variant {
    let mut keys = entry.parameters.clone();
    keys.extend(timing(entry.lasts));
    Variant { name: entry.name.clone(), about: entry.about.clone(), keys }
}

/// When a fault begins and ends, in every fault.
pub(crate) fn timing(lasts: bool) -> Vec<Key> {
    let mut keys = vec![
        Key::optional(
            "at",
            leaf(&MOMENT),
            "how long after its phase began it begins; without it, at once",
        ),
        Key::optional("after", leaf(&TRIGGER), "what has to happen in its phase before it begins"),
    ];
    if lasts {
        keys.push(Key::optional(
            "for",
            leaf(&DURATIONS),
            "how long it lasts; without it, to the end of its phase",
        ));
        keys.push(Key::optional("until", leaf(&TRIGGER), "what ends it; needs `at-most`"));
        keys.push(Key::optional(
            "at-most",
            leaf(&DURATION),
            "how long it lasts when what ends it does not happen",
        ));
    }
    keys.push(Key::optional("every", leaf(&DURATIONS), "from the beginning of one occurrence to that of the next, which also waits for the end of the last"));
    keys.push(Key::optional(
        "times",
        Shape::Count(1..=1_000_000),
        "with `every`: how many occurrences at most",
    ));
    keys.push(Key::optional(
        "as",
        text(),
        "a name for it and its target: others may act on the same nodes, or wait for its end",
    ));
    keys.push(key("optional", leaf(&FLAG), "the run may pass though it could not happen", "false"));
    keys
}

/// Every anomaly that a checker may report, each once.
fn anomalies(catalogue: &Catalogue) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for (name, about) in catalogue.consistency.iter().flat_map(|entry| entry.anomalies) {
        if choices.iter().all(|choice| choice.word != *name) {
            choices.push(Choice { word: (*name).to_owned(), about: (*about).to_owned() });
        }
    }
    choices
}

fn expect(catalogue: &Catalogue) -> Shape {
    let consistency = catalogue
        .consistency
        .iter()
        .map(|one| Choice { word: one.name.to_owned(), about: one.doc.to_owned() });
    let during =
        || Key::optional("during", text(), "the phase that counts; without it, the whole run");
    let mut latency: Vec<Key> = PERCENTILES
        .iter()
        .map(|(name, _)| {
            Key::optional(
                name,
                leaf(&DURATION_AT_MOST),
                "a bound for this percentile, as in `\"<= 50ms\"`",
            )
        })
        .collect();
    latency.push(during());
    let gate =
        |(name, about): &(&str, &str)| Key::optional(name, Shape::Count(0..=u64::MAX), about);
    Shape::Map(vec![
        Key::optional(
            "consistency",
            Shape::list(Shape::Word("consistency model", consistency.collect())),
            "what the history is checked for; without it, what the system claims",
        ),
        Key::optional(
            "violation",
            Shape::Word("anomaly", anomalies(catalogue)),
            "an anomaly that must be found: a calibration plan",
        ),
        Key::optional(
            "availability",
            Shape::Map(vec![
                Key::optional(
                    "ok",
                    leaf(&SHARE_AT_LEAST),
                    "least share of intended operations that are ok, as in `\">= 90%\"`",
                ),
                Key::optional(
                    "longest-gap",
                    leaf(&DURATION_AT_MOST),
                    "longest time without an ok from any client, as in `\"<= 10s\"`",
                ),
                during(),
            ]),
            "how available the system must stay",
        ),
        Key::optional("latency", Shape::Map(latency), "how fast it must stay"),
        Key::optional(
            "gates",
            Shape::Map(GATES.iter().map(gate).collect()),
            "numbers that validity gates need; 0 turns one off",
        ),
    ])
}
