//! AWDIT's test histories: `histories/tests/<level>/**/*.txt`; the folder is the strongest of its
//! three levels that the history satisfies, as its tests expect.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use temblor_checker::Request;
use temblor_history::History;

use crate::{Case, Unread, files, readable, text_of};

/// From the weakest level to the strongest: its folder, and what of ours asks the same.
const LEVELS: &[(&str, &str)] = &[
    ("read-committed", "read-committed-be"),
    ("read-atomic", "read-atomic"),
    ("causal", "causal"),
];

pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let tests = folder.join("histories/tests");
    let folders = LEVELS.iter().enumerate().map(|(place, (name, _))| (*name, place + 1));
    let all = folders.chain([("none", 0)]).flat_map(|(name, satisfied)| {
        let histories = texts(&tests.join(name)).into_iter();
        histories.flat_map(move |file| of_file(&file, satisfied))
    });
    all.collect()
}

fn texts(folder: &Path) -> Vec<PathBuf> {
    let inner = files(folder).into_iter();
    inner.flat_map(|path| if path.is_dir() { texts(&path) } else { vec![path] }).collect()
}

/// One question for each level.
fn of_file(file: &Path, satisfied: usize) -> Vec<Case> {
    let questions = LEVELS.iter().enumerate();
    let cases = questions.map(|(place, (_, level))| Case {
        name: format!("{} ({level})", file.display()),
        history: text_of(file).and_then(|text| import(&text)),
        request: Request::new("rw-register", *level),
        valid: place < satisfied,
        rule: None,
    });
    cases.collect()
}

/// Sessions between `=====`, transactions between `-----`, `r KEY VALUE` or `w KEY VALUE` a line.
/// The levels don't speak of real time, so one session may follow another.
fn import(text: &str) -> Result<History, Unread> {
    let mut lines = String::new();
    let sessions = text.split('=').filter(|session| !session.trim().is_empty());
    for (process, session) in sessions.enumerate() {
        let transactions = session.split('-').filter(|one| !one.trim().is_empty());
        for transaction in transactions {
            let micros: Option<Vec<Value>> =
                transaction.lines().filter(|line| !line.trim().is_empty()).map(micro).collect();
            let micros = micros.ok_or_else(|| Unread::Unreadable(transaction.to_owned()))?;
            let asked: Vec<Value> = micros.iter().map(as_asked).collect();
            for (kind, value) in [("invoke", asked), ("ok", micros)] {
                let event = json!({"process": process, "type": kind, "f": "txn", "value": value});
                lines += &format!("{event}\n");
            }
        }
    }
    readable(History::read(lines.as_bytes()))
}

fn micro(line: &str) -> Option<Value> {
    let mut words = line.split_whitespace();
    let (f, key, value) = (words.next()?, words.next()?, words.next()?);
    Some(json!([f, key.parse::<u64>().ok()?, value.parse::<u64>().ok()?]))
}

/// Nobody knows what a read will find.
fn as_asked(micro: &Value) -> Value {
    if micro[0] == json!("r") { json!(["r", micro[1], null]) } else { micro.clone() }
}
