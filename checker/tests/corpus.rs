//! The histories that come with the checker: `histories/<model>/<verdict>/<name>.jsonl`, so that the
//! path says what has to be found; what is asked is `params.consistency`, or `linearizable`.

use std::path::{Path, PathBuf};

use temblor_checker::{Request, Unlimited, check};
use temblor_history::{History, Outcome};

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the corpus can be read").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}

fn check_file(file: &Path, model: &str, expected: Outcome) {
    let history = History::read_file(file).expect("the corpus holds good histories");
    let header = history.header().expect("a history of the corpus says its model");
    assert_eq!(header.model.as_deref(), Some(model), "{}", file.display());
    let consistency = header.params.get("consistency").and_then(|name| name.as_str());
    let request = Request::new(model, consistency.unwrap_or("linearizable"));
    let report = check(&history, &request, &Unlimited);
    assert_eq!(report.verdict, expected, "{}: {report:#?}", file.display());
}

#[test]
fn every_history_has_the_verdict_of_its_folder() {
    let mut count = 0;
    for model in folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("histories")) {
        for verdict in folders(&model) {
            let expected = match name(&verdict).as_str() {
                "valid" => Outcome::Pass,
                "invalid" => Outcome::Violation,
                other => panic!("a verdict's folder is `valid` or `invalid`, not `{other}`"),
            };
            for file in folders(&verdict) {
                check_file(&file, &name(&model), expected);
                count += 1;
            }
        }
    }
    assert!(count >= 20, "only {count} histories were found");
}
