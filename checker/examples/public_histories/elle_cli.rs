//! elle-cli's histories; the verdicts are those that its `test.sh` expects.

use std::path::Path;

use temblor_checker::Request;
use temblor_history::{History, ImportOptions};

use crate::{Case, knossos::import};

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
];

/// What is left out: `long-fork`, whose history reads keys that nobody in it writes, and `comments`
/// and `sequential`, for which we have no model.
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
    let history = if theirs == "set-full" { with_opaque_elements(&path) } else { import(&path) };
    Some(Case {
        name: format!("{} ({theirs})", path.display()),
        history,
        request: Request::new(*model, consistency),
        valid: code == "0",
    })
}

/// Its set adds pairs, which no set of ours holds, and reads what is in them: each pair becomes a
/// string, so that it stays one element and another one than its parts.
fn with_opaque_elements(file: &Path) -> Result<History, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
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
    History::import(lines.join("\n").as_bytes(), &options).map_err(|errors| errors.to_string())
}
