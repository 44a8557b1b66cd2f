//! Porcupine's test data: etcd's histories of 2014 and those of a key-value store. The verdicts are
//! those that its tests expect.

use std::{fmt::Write, path::Path};

use temblor_checker::Request;
use temblor_history::History;

use crate::{Case, knossos::import, readable, text_of};

pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let tests = std::fs::read_to_string(folder.join("porcupine_test.go")).unwrap_or_default();
    let mut cases: Vec<Case> = tests.lines().filter_map(|line| of_line(folder, line)).collect();
    // Its tests check some histories both whole and split by key, which is the same question.
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases.dedup_by(|one, other| one.name == other.name);
    cases
}

/// From `checkJepsen(t, 42, true)` or `checkKv(t, "c10-ok", true, …)`.
fn of_line(folder: &Path, line: &str) -> Option<Case> {
    let (call, rest) = line.trim().split_once("(t, ")?;
    let words: Vec<&str> = rest.trim_end_matches(')').split(", ").collect();
    let valid = *words.get(1)? == "true";
    match call {
        "checkJepsen" => {
            let number: u32 = words[0].parse().ok()?;
            Some(etcd(&folder.join(format!("test_data/jepsen/etcd_{number:03}.log")), valid))
        }
        "checkKv" => {
            let name = words[0].trim_matches('"');
            let file = folder.join(format!("test_data/kv/{name}.txt"));
            let request = Request::new("string-kv", "linearizable");
            Some(Case {
                name: file.display().to_string(),
                history: import(&file),
                request,
                valid,
                rule: None,
            })
        }
        _ => None,
    }
}

fn etcd(file: &Path, valid: bool) -> Case {
    let history = text_of(file).and_then(|text| readable(History::read(lines(&text).as_bytes())));
    let request = Request::new("cas-register", "linearizable");
    Case { name: file.display().to_string(), history, request, valid, rule: None }
}

/// The log's `INFO  jepsen.util - 3 :ok :read 4` as JSON Lines. A failed cas did not match.
fn lines(log: &str) -> String {
    let mut lines = String::new();
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["INFO", "jepsen.util", "-", process, kind, f, value @ ..] = words.as_slice() else {
            continue;
        };
        let (Ok(process), Some(kind), Some(f)) =
            (process.parse::<u64>(), kind.strip_prefix(':'), f.strip_prefix(':'))
        else {
            continue;
        };
        let refused = kind == "fail" && f == "cas" && value != [":timed-out"];
        let value = value.join(",").replace("nil", "null").replace(":timed-out", "null");
        // Writing to a string cannot fail.
        let _ = writeln!(
            lines,
            r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value},"refused":{refused}}}"#
        );
    }
    lines
}
