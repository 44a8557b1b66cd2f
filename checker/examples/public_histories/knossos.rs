//! Knossos' own data: `data/<model>/<good or bad>/*.edn`; the path is the verdict.

use std::path::Path;

use temblor_checker::Request;
use temblor_history::{History, ImportOptions};

use crate::{Case, Unread, files, readable, text_of};

pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let data = folder.join("data");
    let mut cases = Vec::new();
    for (theirs, ours) in [("cas-register", "cas-register"), ("mutex", "lock")] {
        for (verdict, valid) in [("good", true), ("bad", false)] {
            let all = files(&data.join(theirs).join(verdict));
            let histories =
                all.iter().filter(|file| file.extension().is_some_and(|end| end == "edn"));
            cases.extend(histories.map(|file| case(file, ours, valid)));
        }
    }
    cases.extend(multi_register(&data.join("multi-register/good/multi-register.edn")));
    cases
}

/// Its test begins with `{:x 0 :y 0}`: here a write before everything else. Its reads and writes
/// have longer names than ours.
fn multi_register(file: &Path) -> Option<Case> {
    let initial = "{:process 99 :f :txn :type :invoke :value [[:w :x 0] [:w :y 0]]}
        {:process 99 :f :txn :type :ok :value [[:w :x 0] [:w :y 0]]}";
    let text = text_of(file).ok()?.replace("[:read", "[:r").replace("[:write", "[:w");
    let text = text.replacen("[{", &format!("[{initial} {{"), 1);
    let history = readable(History::import(text.as_bytes(), &ImportOptions::default()));
    let case = case(file, "multi-register", true);
    Some(Case { history, ..case })
}

fn case(file: &Path, model: &str, valid: bool) -> Case {
    Case {
        name: file.display().to_string(),
        history: import(file),
        request: Request::new(model, "linearizable"),
        valid,
        rule: None,
    }
}

/// Reads EDN or JSON. Knossos and Elle leave failed operations out, so that a refused cas is no
/// observation here.
pub(crate) fn import(file: &Path) -> Result<History, Unread> {
    let text = text_of(file)?;
    readable(History::import(text.as_bytes(), &ImportOptions::default()))
}
