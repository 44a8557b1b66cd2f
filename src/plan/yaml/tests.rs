//! Trees, places and mistakes of YAML texts.

use super::*;
use crate::plan::diagnostic::render;

fn document(text: &str) -> Document {
    read(&Arc::new(Source { name: "plan.yaml".to_owned(), text: text.to_owned() }))
}

fn mistakes(text: &str) -> String {
    render(&document(text).diagnostics, false)
}

/// A tree in one line: `text@line:column`, quoted scalars in quotes.
fn outline(value: &Value) -> String {
    let (line, column) = value.span.line_and_column();
    match &value.content {
        Content::Scalar { text, quoted: true } => format!("{text:?}@{line}:{column}"),
        Content::Scalar { text, .. } => format!("{text}@{line}:{column}"),
        Content::List(items) => {
            let items: Vec<String> = items.iter().map(outline).collect();
            format!("[{}]", items.join(" "))
        }
        Content::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| format!("{}={}", entry.key, outline(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}

#[test]
fn scalars_keep_their_text() {
    let text = "a: 03\nb: [1e3, on, \"no\", no]\nc:\n- { x: ~ }\nd:\n";
    assert_eq!(
        outline(&document(text).root.unwrap()),
        "{a=03@1:4 b=[1e3@2:5 on@2:10 \"no\"@2:14 no@2:20] c=[{x=~@4:8}] d=@5:2}"
    );
}

#[test]
fn an_alias_stands_for_its_value() {
    let text = "a: &times { for: 3s }\nb: *times\n";
    assert_eq!(outline(&document(text).root.unwrap()), "{a={for=3s@1:18} b={for=3s@1:18}}");
}

#[test]
fn nested_aliases_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        text = [text, format!("a{level}: &a{level} [{before}]\n")].concat();
    }
    let diagnostics = document(&text).diagnostics;
    assert_eq!(
        diagnostics.iter().map(|one| one.message.as_str()).collect::<Vec<_>>(),
        ["aliases expand to more than 100000 values"]
    );
}

#[test]
fn what_yaml_allows_and_plans_do_not() {
    insta::assert_snapshot!(mistakes(
        "a: 1\nb: !!str 2\nc: { <<: *gone }\na: 3\n{node}: x\n"
    ), @"
    error: YAML tags such as `!!str` are not used here
     --> plan.yaml:2:10
      |
    2 | b: !!str 2
      |          ^
      |
      = help: remove the tag: what a value is follows from its key

    error: merge keys (`<<`) are not supported
     --> plan.yaml:3:6
      |
    3 | c: { <<: *gone }
      |      ^^
      |
      = help: write the keys out, or give the whole value by an alias

    error: no anchor `&gone` stands before this
     --> plan.yaml:3:10
      |
    3 | c: { <<: *gone }
      |          ^^^^^
      |
      = help: write the value here, or mark the first one with `&gone`

    error: `a` is given twice
     --> plan.yaml:4:1
      |
    1 | a: 1
      | - first given here
    ...
    4 | a: 3
      | ^ given again here
      |
      = help: remove one of the two

    error: a key must be a word
     --> plan.yaml:5:1
      |
    5 | {node}: x
      | ^^^^^^
      |
      = help: if this is a template such as `{node}`, put it in quotes
    ");
}

#[test]
fn every_syntax_error_is_found() {
    insta::assert_snapshot!(mistakes(
        "system: etcd\nnodes: [3\nseed: \"7\nworkload: register\nphases:\n  - steady: 1s\n bad\n"
    ), @r#"
    error: this is no YAML: illegal placement of ':' indicator
     --> plan.yaml:3:5
      |
    2 | nodes: [3
      |        - opened here
    3 | seed: "7
      |     ^

    error: this is no YAML: invalid indentation in multiline quoted scalar
     --> plan.yaml:4:1
      |
    3 | seed: "7
      |       - opened here
    4 | workload: register
      | ^

    error: this is no YAML: while parsing a block mapping, did not find expected key
     --> plan.yaml:7:2
      |
    7 |  bad
      |  ^
    "#);
}

#[test]
fn two_documents_are_refused() {
    insta::assert_snapshot!(mistakes("a: 1\n---\nb: 2\n"), @"
    error: a second document begins here
     --> plan.yaml:2:1
      |
    2 | ---
      | ^^^
      |
      = help: one file holds one document: remove the `---`
    ");
}
