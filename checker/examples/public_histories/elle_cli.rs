//! elle-cli's histories; the verdicts are those that its `test.sh` expects.

use std::path::Path;

use temblor_checker::Request;
use temblor_history::{History, ImportOptions};

use crate::{
    Case, Unread, given::with_unseen_writers, knossos::import, readable, rules::VALUES_GIVEN,
    text_of,
};

/// Its model, ours, and what of ours asks the same.
const SAME: &[(&str, &str, &str)] = &[
    ("cas-register", "cas-register", "linearizable"),
    ("mutex", "lock", "linearizable"),
    ("list-append", "list-append", "strict-serializable"),
    ("rw-register", "rw-register", "strict-serializable"),
    ("counter", "counter", "counter-bounds"),
    ("set", "set", "no-lost-writes"),
    ("set-full", "set", "no-lost-writes"),
    ("bank", "bank", "total-conserved"),
    ("long-fork", "rw-register", "no-long-fork"),
];

/// What is left out: `comments` and `sequential`, of which its script expects nothing.
pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let script = std::fs::read_to_string(folder.join("test.sh")).unwrap_or_default();
    script.lines().filter_map(|line| of_line(folder, line)).collect()
}

/// From `run_test 1 "--model mutex histories/knossos/mutex/bad/etcd.edn"`; models that we have
/// nothing for are passed over.
fn of_line(folder: &Path, line: &str) -> Option<Case> {
    let (code, words) = line.strip_prefix("run_test ")?.split_once(' ')?;
    let words: Vec<&str> = words.trim_matches('"').split_whitespace().collect();
    let after = |name: &str| words.iter().skip_while(|word| **word != name).nth(1).copied();
    let theirs = after("--model")?;
    let (_, model, consistency) = SAME.iter().find(|(name, ..)| *name == theirs)?;
    let file = words.iter().find(|word| word.starts_with("histories/"))?;
    let path = folder.join(file);
    let consistency = after("--consistency-models").unwrap_or(consistency);
    let history = match theirs {
        "set-full" => with_opaque_elements(&path),
        "long-fork" => with_what_was_read(&path),
        _ => import(&path),
    };
    Some(Case {
        name: format!("{} ({theirs})", path.display()),
        history,
        request: Request::new(*model, consistency),
        valid: code == "0",
        rule: (theirs == "rw-register").then_some(&VALUES_GIVEN),
    })
}

/// Its set adds pairs, which no set of ours holds, and reads what is in them: each pair becomes a
/// string, so that it stays one element and another one than its parts.
fn with_opaque_elements(file: &Path) -> Result<History, Unread> {
    let text = text_of(file)?;
    let opaque = |line: &str| {
        let pair = line.find("value").filter(|_| line.contains("add")).and_then(|at| {
            let from = at + line[at..].find('[')?;
            Some((from, from + line[from..].find(']')?))
        });
        pair.map_or(line.to_owned(), |(from, to)| {
            format!("{}\"{}\"{}", &line[..from], &line[from + 1..to], &line[to + 1..])
        })
    };
    let lines: Vec<String> = text.lines().map(opaque).collect();
    let options = ImportOptions::default();
    readable(History::import(lines.join("\n").as_bytes(), &options))
}

/// Its history of long forks has reads only, one after another, and names no process: they are one
/// process's transactions here, after writes of what they found by clients that nobody saw.
fn with_what_was_read(file: &Path) -> Result<History, Unread> {
    let text = text_of(file)?;
    let text = text.replace(":f :read", ":process 0, :f :txn");
    let history = readable(History::import(text.as_bytes(), &ImportOptions::default()))?;
    Ok(with_unseen_writers(&history))
}
