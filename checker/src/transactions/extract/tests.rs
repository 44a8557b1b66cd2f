//! Extraction: numbers, shared lists, and what is wrong with a file.

use temblor_history::History;

use super::*;
use crate::Unlimited;

fn events(lines: &[&str]) -> String {
    let line = |line: &&str| {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().expect("process, type, value");
        let (process, kind, value) = (word(), word(), word());
        format!(
            "{{\"process\": {process}, \"type\": \"{kind}\", \"f\": \"txn\", \"value\": {value}}}\n"
        )
    };
    lines.iter().map(line).collect()
}

fn history(lines: &[&str]) -> History {
    History::read(events(lines).as_bytes()).expect("a good file")
}

fn mistakes(model: Model, lines: &[&str]) -> Vec<String> {
    match Transactions::of(&history(lines), model, &Meter::new(&Unlimited)) {
        Err(Unread::Mistakes(errors)) => errors.lines(),
        other => panic!("a bad file: {other:?}"),
    }
}

#[test]
fn lists_lie_over_the_longest_one() {
    let history = history(&[
        r#"4 invoke [["append", "x", 7], ["r", "x", null]]"#,
        r#"7 invoke [["append", "x", 3], ["append", "y", 1]]"#,
        r#"4 ok [["append", "x", 7], ["r", "x", [7]]]"#,
        r#"7 info [["append", "x", 3], ["append", "y", 1]]"#,
        r#"4 invoke [["r", "x", null], ["r", "y"], ["r", "x"]]"#,
        r#"4 ok [["r", "x", [7, 3, 9]], ["r", "y"], ["r", "x", [3]]]"#,
        r#"4 invoke [["append", "x", 9]]"#,
        r#"4 fail [["append", "x", 9]]"#,
    ]);
    let read = Transactions::of(&history, Model::ListAppend, &Meter::new(&Unlimited)).unwrap();
    let (x, y) = (0, 1);
    assert_eq!(read.order(x), [0, 1, 2]);
    assert_eq!(read.order(y), [0_u32; 0]);
    assert_eq!((read.versions_of(x), read.versions_of(y)), (0..3, 3..4));
    let lists: Vec<(&[u32], bool)> = read
        .ops
        .iter()
        .filter(|op| op.kind == Kind::Read)
        .map(|op| (read.list(op.value), read.is_prefix(op.value, op.key)))
        .collect();
    assert_eq!(lists, [(&[0][..], true), (&[0, 1, 2], true), (&[], true), (&[1], false)]);
    let sessions: Vec<(u32, u32, u32)> =
        read.all.iter().map(|one| (one.session, one.invoked, one.completed)).collect();
    assert_eq!(sessions, [(0, 0, 2), (1, 1, NEVER), (0, 4, 5)]);
    let writers: Vec<u32> = read.writers.iter().map(|writer| writer.transaction).collect();
    assert_eq!(writers, [0, 1, NOBODY, 1]);
    assert_eq!(read.failed, [FailedWrite { version: 2, source: 3 }]);
    assert_eq!(read.failed_writer(2).map(|failed| failed.source), Some(3));
    assert_eq!(read.key(&history, y), Key::Text("y".to_owned()));
    assert_eq!(read.value(&history, 1), 3);
    assert_eq!((read.key_of(2), read.key_of(3)), (x, y));
}

#[test]
fn registers_have_single_versions() {
    let history = history(&[
        r#"0 invoke [["r", 5, null], ["w", 5, "a"]]"#,
        r#"0 ok [["r", 5, null], ["w", 5, "a"]]"#,
        r#"1 invoke [["r", 6, null], ["r", 5, null]]"#,
        r#"1 ok [["r", 6, 2], ["r", 5, "a"]]"#,
    ]);
    let read = Transactions::of(&history, Model::RwRegister, &Meter::new(&Unlimited)).unwrap();
    let op = |kind, key, value| MicroOp { kind, key, value };
    assert_eq!(
        read.ops,
        [
            op(Kind::Read, 0, INITIAL),
            op(Kind::Write, 0, 0),
            op(Kind::Read, 1, 1),
            op(Kind::Read, 0, 0)
        ]
    );
    assert_eq!(read.writers[1], Writer { transaction: NOBODY, op: NOBODY });
    assert_eq!(read.key(&history, 0), Key::Number(5));
}

#[test]
fn mistakes_of_the_file_come_with_their_lines() {
    insta::assert_snapshot!(
        mistakes(
            Model::ListAppend,
            &[
                r#"0 ok [["append", "x", 1], ["w", "x", 2]]"#,
                r#"1 ok [["r", "x", 1]]"#,
                r"2 ok 5",
                r#"3 ok [["append", "x"], ["append", "x", [1]], ["r", null], 1]"#,
            ]
        )
        .join("\n"),
        @r#"
        line 1: ["w","x",2]: the micro-operations of `list-append` are `r` and `append`
        line 2: ["r","x",1]: a read returns a list, or null for the empty one
        line 3: the value of a transaction is a list of micro-operations
        line 4: a micro-operation is [f, key, value], not ["append","x"]
        line 4: ["append","x",[1]]: an appended element is a number, a string, a boolean or null
        line 4: ["r",null]: a key is a number, a string or a boolean
        line 4: a micro-operation is [f, key, value], not 1
        "#
    );
    insta::assert_snapshot!(
        mistakes(
            Model::ListAppend,
            &[
                r#"0 ok [["append", "x", 1], ["append", "y", 1]]"#,
                r#"1 ok [["append", "y", 1]]"#,
                r#"2 fail [["append", "x", 1]]"#,
            ]
        )
        .join("\n"),
        @r#"
        line 2: 1 is appended to key y a second time, after line 1: nobody can say whose a read found
        line 3: 1 is appended to key x a second time, after line 1: nobody can say whose a read found
        "#
    );
    insta::assert_snapshot!(
        mistakes(Model::RwRegister, &[r#"0 ok [["w", "x", null], ["r", "x", []]]"#]).join("\n"),
        @r#"
        line 1: ["w","x",null]: null is the value before all writes, and cannot be written
        line 1: ["r","x",[]]: a read returns a number, a string, a boolean or null
        "#
    );
}
