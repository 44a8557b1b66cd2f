//! Knossos' own data: `data/<model>/<good or bad>/*.edn`; the path is the verdict.

use std::path::Path;

use temblor_checker::Request;
use temblor_history::{History, ImportOptions};

use crate::{Case, files};

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
    cases
}

fn case(file: &Path, model: &str, valid: bool) -> Case {
    Case {
        name: file.display().to_string(),
        history: import(file),
        request: Request::new(model, "linearizable"),
        valid,
    }
}

/// Reads EDN or JSON. Knossos and Elle leave failed operations out, so that a refused cas is no
/// observation here.
pub(crate) fn import(file: &Path) -> Result<History, String> {
    History::import_file(file, &ImportOptions::default()).map_err(|errors| errors.to_string())
}
