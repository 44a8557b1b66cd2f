//! Whole verdicts on the histories of the corpus, in words.

use std::path::Path;

use insta::assert_snapshot;
use temblor_history::History;

use crate::{Request, Unlimited, check};

/// What is said of a history of the corpus.
fn explained(model: &str, name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("histories").join(model);
    let history = History::read_file(&folder.join("invalid").join(name).with_extension("jsonl"));
    let history = history.expect("the corpus holds good histories");
    let report = check(&history, &Request::new(model, "linearizable"), &Unlimited);
    let told =
        report.anomalies.iter().map(|found| format!("{}: {}", found.kind, found.explanation));
    told.collect()
}

#[test]
fn a_value_that_was_not_its_turn() {
    assert_snapshot!(explained("queue", "out-of-order"), @r"
    non-linearizable: Dequeue by client 2 on n3 returned 7, although the enqueue of 5 (client 0 on n1) had been acknowledged 3.0 s before it began, and nobody took it: it had been put in first.

      (1) client 0 on n1: enqueue 5, ok (1.000 s – 2.000 s)
      (2) client 1 on n2: enqueue 7, ok (3.000 s – 4.000 s)
      (3) client 2 on n3: dequeue, returned 7 (5.000 s – 6.000 s)

      1. (1) put 5 in and was answered at 2.000 s, before (2) began.
      2. (2) put 7 in and was answered at 4.000 s, before (3) began.
      3. Whichever way operations that overlap are placed, as long as (3) is open the queue holds [5, 7], the front first.
      4. But (3) took 7.

    Legal would have been for (3) to return 5.
    ");
}

/// Strings that hold what failed, or what nobody wrote, have names of their own.
#[test]
fn strings_of_what_was_never_written_are_named() {
    let table = [
        (
            "failed-append",
            "G1a: Get of s by client 2 on n3 returned \"a;b;\", although the only attempt to write \
             \"b;\" (client 1 on n2) failed.",
        ),
        (
            "invented",
            "thin-air: Get of s by client 2 on n3 returned \"a;c;\"; but nobody ever tried to write \
             \"a;c;\".",
        ),
    ];
    for (name, expected) in table {
        let told = explained("string-kv", name);
        assert!(told.starts_with(expected), "{told}");
        assert!(!told.contains("non-linearizable"), "{told}");
    }
}

#[test]
fn numbers_of_one_size_are_no_priorities() {
    let lines = r#"
{"process": 0, "type": "invoke", "f": "insert", "value": 1}
{"process": 0, "type": "ok",     "f": "insert", "value": 1}
{"process": 1, "type": "invoke", "f": "poll",   "value": null}
{"process": 1, "type": "ok",     "f": "poll",   "value": 1.0}
"#;
    let history = History::read(lines.as_bytes()).expect("a good history");
    let report = check(&history, &Request::new("priority-queue", "linearizable"), &Unlimited);
    assert_eq!(report.errors.len(), 1, "{report:#?}");
    assert!(report.errors[0].contains("different values of one size"), "{report:#?}");
}
