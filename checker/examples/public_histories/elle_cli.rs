//! elle-cli's histories; the verdicts are those that its `test.sh` expects.

use std::path::Path;

use temblor_checker::Request;

use crate::{Case, knossos::import};

/// Its model, ours, and what of ours asks the same.
const SAME: &[(&str, &str, &str)] = &[
    ("cas-register", "cas-register", "linearizable"),
    ("mutex", "lock", "linearizable"),
    ("list-append", "list-append", "strict-serializable"),
    ("rw-register", "rw-register", "strict-serializable"),
    ("counter", "counter", "bounds"),
    ("set", "set", "no-lost-writes"),
    ("set-full", "set", "no-lost-writes"),
    ("bank", "bank", "total-conserved"),
];

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
    Some(Case {
        name: format!("{} ({theirs})", path.display()),
        history: import(&path),
        request: Request::new(*model, consistency),
        valid: code == "0",
    })
}
