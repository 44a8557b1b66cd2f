//! What is measured against whom.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Error, Read, Write},
    path::Path,
};

use temblor_history::History;

use crate::{convert, measured::Measured};

#[path = "../../examples/simulate/mod.rs"]
mod simulate;

use simulate::{objects, registers, transactions};

/// Writes a history to a file.
type Generate = Box<dyn Fn(&Path) -> Result<(), Error>>;

/// A peer's words for a file.
type Arguments = fn(&Path) -> Vec<String>;

/// One history and those who check it.
pub(crate) struct Row {
    /// As the table calls it.
    pub(crate) name: String,
    /// The name of its file.
    pub(crate) file: String,
    pub(crate) generate: Generate,
    pub(crate) model: &'static str,
    pub(crate) consistency: &'static str,
    /// What may order a key's versions.
    pub(crate) orders: &'static str,
    pub(crate) peers: Vec<Peer>,
}

/// Another checker.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// Its program's name in the folder of peers.
    pub(crate) program: &'static str,
    /// Its format's extension.
    pub(crate) extension: &'static str,
    /// Writes a history, given also as a file of ours, to a file of its format.
    pub(crate) convert: fn(&History, &Path, &Path) -> Result<(), Error>,
    pub(crate) arguments: Arguments,
    pub(crate) verdict: fn(&Measured) -> String,
    /// How long the check alone took, seconds, where it says so.
    pub(crate) check_alone: fn(&Measured) -> Option<f64>,
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = lists();
    rows.extend(values());
    rows.extend(cas_and_keys());
    rows.extend(queues());
    rows
}

const LISTS: transactions::Settings = transactions::Settings {
    seed: 1,
    lists: true,
    transactions: 100_000,
    clients: 20,
    length: (1, 4),
    keys: 10,
    writes_per_key: Some(32),
    reads: 50,
    unknown_of_1000: 0,
};

fn lists() -> Vec<Row> {
    let adya = |arguments| Peer { arguments, ..ADYA };
    let of = |number: u64| {
        transactional(
            format!("list-append, strict-serializable, {number} transactions"),
            transactions::Settings { transactions: number, ..LISTS },
            "strict-serializable",
            vec![adya(|file| words(&["check"], file))],
        )
    };
    let keys = transactions::Settings { lists: false, ..LISTS };
    let linearizable = Row {
        orders: "linearizable",
        ..transactional(
            "rw-register, linearizable keys, strict-serializable, 100000 transactions".to_owned(),
            keys,
            "strict-serializable",
            vec![adya(|file| {
                words(&["check", "--model", "rw-register", "--linearizable-keys"], file)
            })],
        )
    };
    vec![of(10_000), of(100_000), of(1_000_000), linearizable]
}

/// The weak levels, on the histories of AWDIT's own measurements: four reads and writes each.
fn values() -> Vec<Row> {
    let few = transactions::Settings {
        lists: false,
        transactions: 1_000_000,
        length: (4, 4),
        keys: 5_000,
        writes_per_key: None,
        ..LISTS
    };
    let many = transactions::Settings { transactions: 100_000, clients: 600, keys: 1_000, ..few };
    let of = |settings: transactions::Settings, consistency, arguments| {
        let (number, sessions) = (settings.transactions, settings.clients);
        let name = format!("{consistency}, {number} transactions × 4, {sessions} sessions");
        transactional(name, settings, consistency, vec![Peer { arguments, ..AWDIT }])
    };
    let levels: [(&'static str, Arguments); 3] = [
        ("read-committed-be", |file| words(&["check", "-i", "read-committed"], file)),
        ("read-atomic", |file| words(&["check", "-i", "read-atomic"], file)),
        ("causal", |file| words(&["check", "-i", "causal"], file)),
    ];
    let smaller = transactions::Settings { transactions: 100_000, ..few };
    let both = [smaller, few, many];
    both.iter()
        .flat_map(|&settings| levels.map(|(name, words)| of(settings, name, words)))
        .collect()
}

fn cas_and_keys() -> Vec<Row> {
    let keys = registers::Settings {
        seed: 1,
        keys: 100,
        clients: 30,
        operations: 100_000,
        values: None,
        reads: 50,
        cas: 0,
        unknown_of_1000: 0,
        stale_read: None,
    };
    let one = registers::Settings { keys: 1, operations: 10_000, values: Some(5), cas: 20, ..keys };
    let row = |name: String, file: &str, settings, model| Row {
        name,
        file: file.to_owned(),
        generate: Box::new(move |path| registers::write(&settings, create(path)?)),
        model,
        consistency: "linearizable",
        orders: "",
        peers: vec![PORCUPINE],
    };
    let million = registers::Settings { operations: 1_000_000, ..keys };
    vec![
        row(
            "CAS register, 5 values, one key, 30 clients, 10000 operations".into(),
            "cas",
            one,
            "cas-register",
        ),
        row(
            "registers, 100 keys, 30 clients, 100000 operations".into(),
            "kv-100k",
            keys,
            "register",
        ),
        row(
            "registers, 100 keys, 30 clients, 1000000 operations".into(),
            "kv-1m",
            million,
            "register",
        ),
    ]
}

fn queues() -> Vec<Row> {
    let of = |operations: u64, unknown: u64| {
        let settings = objects::Settings {
            model: "queue",
            seed: 1,
            clients: 30,
            operations,
            inserts: 50,
            unknown_of_1000: unknown,
            unknown_removals_of_1000: 0,
            violation: None,
        };
        let beside = if unknown > 0 { ", 1% unknown" } else { "" };
        Row {
            name: format!("queue, distinct values, 30 clients, {operations} operations{beside}"),
            file: format!("queue-{operations}-{unknown}"),
            generate: Box::new(move |path| objects::write(&settings, create(path)?)),
            model: "queue",
            consistency: "linearizable",
            orders: "",
            // It knows complete histories only.
            peers: if unknown > 0 { Vec::new() } else { vec![FASTLIN] },
        }
    };
    vec![of(100_000, 0), of(1_000_000, 0), of(1_000_000, 10)]
}

fn transactional(
    name: String,
    settings: transactions::Settings,
    consistency: &'static str,
    peers: Vec<Peer>,
) -> Row {
    let model = if settings.lists { "list-append" } else { "rw-register" };
    Row {
        name,
        file: format!("{model}-{}-{}-{}", settings.transactions, settings.clients, settings.keys),
        generate: Box::new(move |path| transactions::write(&settings, create(path)?)),
        model,
        consistency,
        orders: "",
        peers,
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, Error> {
    Ok(BufWriter::new(File::create(path)?))
}

fn words(words: &[&str], file: &Path) -> Vec<String> {
    let file = file.to_string_lossy();
    words.iter().copied().chain([&*file]).map(str::to_owned).collect()
}

/// adya's own checker of Elle's models; it reads our lines, but no header.
const ADYA: Peer = Peer {
    name: "adya",
    program: "adya",
    extension: "adya.jsonl",
    convert: |_, file, target| without_header(file, target),
    arguments: |file| words(&["check"], file),
    verdict: |run| match run.code {
        Some(0) => "pass".to_owned(),
        Some(1) => "violation".to_owned(),
        _ => "none".to_owned(),
    },
    check_alone: |_| None,
};

const AWDIT: Peer = Peer {
    name: "AWDIT",
    program: "awdit",
    extension: "plume.txt",
    convert: |history, _, target| convert::plume(history, target),
    arguments: |file| words(&["check"], file),
    verdict: |run| {
        let passed = run.said.contains("onsistent") && !run.said.contains("nconsistent");
        if passed { "pass".to_owned() } else { "violation, or none".to_owned() }
    },
    check_alone: |_| None,
};

const FASTLIN: Peer = Peer {
    name: "fastlin",
    program: "fastlin",
    extension: "log",
    convert: |history, _, target| convert::fastlin_queue(history, target),
    arguments: |file| words(&["-t"], file),
    verdict: |run| match run.said.split_whitespace().next() {
        Some("1") => "pass".to_owned(),
        Some("0") => "violation".to_owned(),
        _ => "none".to_owned(),
    },
    check_alone: |run| run.said.split_whitespace().nth(1)?.parse().ok(),
};

const PORCUPINE: Peer = Peer {
    name: "Porcupine",
    program: "porcupine",
    extension: "tsv",
    convert: |history, _, target| convert::registers(history, target),
    arguments: |file| words(&[], file),
    verdict: |run| match run.said.split_whitespace().next() {
        Some("Ok") => "pass".to_owned(),
        Some("Illegal") => "violation".to_owned(),
        _ => "none".to_owned(),
    },
    check_alone: |run| run.said.split_whitespace().nth(1)?.parse().ok(),
};

fn without_header(file: &Path, target: &Path) -> Result<(), Error> {
    let mut text = Vec::new();
    BufReader::new(File::open(file)?).read_to_end(&mut text)?;
    let first = text.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default();
    let header = first.starts_with(br#"{"history""#);
    let events = if header { &text[first.len()..] } else { &text[..] };
    create(target)?.write_all(events)
}
