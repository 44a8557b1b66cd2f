//! The histories that lie beside Elle's tests, and what `test/elle/list_append_test.clj` expects of
//! them.

use std::path::Path;

use temblor_checker::Request;

use crate::{Case, knossos::import};

/// The file, the test that reads it, the level, and whether it holds.
const EXPECTED: &[(&str, &str, &str, bool)] = &[
    ("huge-scc.edn", "huge-scc-test", "strict-serializable", false),
    ("huge-scc.edn", "huge-scc-test", "strong-snapshot-isolation", false),
    (
        "si-without-g-single.edn",
        "intermediate-sequential-extension-test",
        "snapshot-isolation",
        true,
    ),
    ("si-without-g-single.edn", "intermediate-sequential-extension-test", "repeatable-read", false),
];

pub(crate) fn cases(folder: &Path) -> Vec<Case> {
    let histories = folder.join("histories");
    let cases = EXPECTED.iter().filter(|_| histories.is_dir()).map(|(file, test, level, valid)| {
        let path = histories.join(file);
        Case {
            name: format!("{} ({test}, {level})", path.display()),
            history: import(&path),
            request: Request::new("list-append", *level),
            valid: *valid,
            rule: None,
        }
    });
    cases.collect()
}
