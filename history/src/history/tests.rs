//! What the reader makes of good and bad files.

use serde_json::json;

use super::*;

/// Reads lines; `_` in the texts below stands for nothing in particular.
fn read(lines: &[&str]) -> Result<History, Vec<String>> {
    let mut text = lines.join("\n");
    text.push('\n');
    History::read(text.as_bytes()).map_err(|errors| errors.lines())
}

fn errors(lines: &[&str]) -> Vec<String> {
    read(lines).err().unwrap_or_default()
}

const INVOKE: &str = r#"{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"k","value":7,"node":"n1","intended":3}"#;

#[test]
fn pairs_events_into_operations() {
    use Completion::{Info, Ok, Refused};
    let history = read(&[
        r#"{"history":1,"model":"register","params":{"initial":0}}"#,
        INVOKE,
        r#"{"process":"nemesis","type":"info","f":7,"value":{"cut":["n1"]}}"#,
        r#"{"time":6,"process":1,"type":"invoke","f":"cas","key":3,"value":[7,"a"]}"#,
        r#"{"time":7,"process":1,"type":"fail","f":"cas","key":3,"value":[7,"a"],"refused":true}"#,
        r#"{"time":8,"process":0,"type":"ok","f":"write","key":"k","value":7}"#,
        r#"{"time":9,"process":2,"type":"invoke","f":"read","key":"k","value":null,"final":true}"#,
        r#"{"time":9,"process":3,"type":"invoke","f":"write","key":"k","value":-1}"#,
        r#"{"time":10,"process":3,"type":"info","f":"write","key":"k","value":-1,"error":"timeout"}"#,
    ])
    .unwrap();
    assert_eq!(history.header().unwrap().params["initial"], 0);
    assert!(history.has_times() && history.warnings().is_empty());
    assert_eq!(history.event_count(), 7);
    let lines: Vec<u64> = (0..7).map(|event| history.line_of(event)).collect();
    assert_eq!(lines, [2, 4, 5, 6, 7, 8, 9]);
    let told: Vec<_> = history
        .operations()
        .iter()
        .map(|op| {
            (
                op.process,
                history.function_name(op.f),
                history.key(op.key.unwrap()).to_string(),
                history.value(op.argument),
                op.outcome,
                (op.invoke_index, op.complete_index),
                (op.invoked, op.completed),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (0, "write", "k".to_owned(), json!(7), Ok, (0, Some(3)), (5, Some(8))),
            (1, "cas", "3".to_owned(), json!([7, "a"]), Refused, (1, Some(2)), (6, Some(7))),
            (2, "read", "k".to_owned(), json!(null), Info, (4, None), (9, None)),
            (3, "write", "k".to_owned(), json!(-1), Info, (5, Some(6)), (9, Some(10))),
        ]
    );
    let first = &history.operations()[0];
    assert_eq!(first.node.map(|node| history.node_name(node)), Some("n1"));
    assert_eq!(first.intended, Some(3));
    assert!(history.operations()[2].final_read);
    let error = history.operations()[3].error.unwrap();
    assert_eq!(history.error_text(error), "timeout");
}

#[test]
fn names_every_mistake_with_its_line() {
    let found = errors(&[
        INVOKE,
        r#"{"process":0,"type":"invoke","f":"write","value":1}"#,
        r#"{"process":0,"type":"ok","f":"read","key":"k","value":1}"#,
        r#"{"process":1,"type":"ok","f":"read","value":1}"#,
        r#"{"process":2,"type":"invoke","f":"read"}"#,
        r#"{"process":2,"type":"info","f":"read"}"#,
        r#"{"process":2,"type":"invoke","f":"read"}"#,
        r#"{"process":-1,"type":"invoke","f":"read"}"#,
        r#"{"process":3,"type":"began","f":"read"}"#,
        r#"{"type":"invoke","f":"read"}"#,
        r#"{"process":3,"type":"invoke"}"#,
        r"[1, 2]",
        "not JSON",
        r#"{"process":4,"type":"invoke","f":"write","key":1.5}"#,
        r#"{"process":5,"type":"invoke","f":"write","key":"k"}"#,
        r#"{"process":5,"type":"ok","f":"write","key":"l","refused":true}"#,
    ]);
    assert_eq!(
        found,
        [
            "line 2: process 0 invokes again while its operation of line 1 is open",
            "line 3: `f` differs from that of its invocation on line 1",
            "line 4: process 1 completes what it has not invoked",
            "line 7: process 2 acts again after its `info` on line 6",
            "line 8: column 13: invalid type: integer `-1`, expected `process`, an integer from 0 on",
            "line 9: column 27: unknown variant `began`, expected one of `invoke`, `ok`, `fail`, `info`",
            "line 10: `process` is missing",
            "line 11: `f` is missing",
            "line 12: invalid type: sequence, expected an event, a JSON object",
            "line 13: column 2: expected ident",
            "line 14: column 50: invalid type: floating point `1.5`, expected `key`, a string or a whole number",
            "line 16: `refused` stands on a `fail` only",
            "line 16: `key` differs from that of its invocation on line 15",
        ]
    );
}

#[test]
fn keeps_a_hundred_mistakes_and_counts_the_rest() {
    let lines: Vec<&str> = std::iter::repeat_n("{}", 150).collect();
    let found = errors(&lines);
    assert_eq!(found.len(), 101);
    assert_eq!(found[100], "and 50 more");
}

#[test]
fn drops_a_torn_last_line_only() {
    let torn = format!("{INVOKE}\n{}", &INVOKE[..40]);
    let history = History::read(torn.as_bytes()).unwrap();
    assert_eq!(history.operations().len(), 1);
    assert_eq!(history.warnings(), ["line 2: the last line is torn and was dropped"]);
    let whole = History::read(INVOKE.as_bytes()).unwrap();
    assert!(whole.warnings().is_empty());
    assert_eq!(errors(&[INVOKE, &INVOKE[..40]]).len(), 1);
}

#[test]
fn warns_of_times_that_run_backwards_or_are_missing() {
    let history = read(&[
        r#"{"time":9,"process":0,"type":"invoke","f":"read"}"#,
        r#"{"time":8,"process":0,"type":"ok","f":"read"}"#,
        r#"{"process":0,"type":"invoke","f":"read"}"#,
    ])
    .unwrap();
    assert!(!history.has_times());
    assert_eq!(history.operations()[1].invoked, 2);
    assert_eq!(
        history.warnings(),
        [
            "times run backwards on line 2; the order of lines rules",
            "1 of 3 events have no `time`; places in the file stand for all times",
        ]
    );
}

#[test]
fn takes_lone_completions_of_transactions() {
    let history = read(&[
        r#"{"process":0,"type":"ok","f":"txn","value":[["r",1,null]]}"#,
        r#"{"process":0,"type":"ok","f":"txn","value":[["w",1,2]]}"#,
    ])
    .unwrap();
    assert_eq!(history.warnings().len(), 2);
    let second = &history.operations()[1];
    assert_eq!((second.invoke_index, second.complete_index), (1, Some(1)));
    assert_eq!(history.value(second.result), json!([["w", 1, 2]]));
}

#[test]
fn refuses_a_format_that_it_does_not_know() {
    assert_eq!(errors(&[r#"{"history":2}"#]), ["line 1: format version 2; this reads version 1"]);
}
