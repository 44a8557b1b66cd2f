//! What plans are refused for, and in which words.

mod commands;

use std::{fmt::Write, sync::Arc};

use super::{Catalogue, Diagnostic, Source, load::load_source, render};

fn mistakes(text: &str) -> Vec<Diagnostic> {
    let source = Arc::new(Source { name: "plan.yaml".into(), text: text.into() });
    match load_source(&source, &[], &Catalogue::embedded(), 7) {
        Ok(loaded) => loaded.warnings,
        Err(mistakes) => mistakes,
    }
}

/// `line:column message; help` for each.
fn lines(text: &str) -> String {
    let mut out = String::new();
    for mistake in mistakes(text) {
        let place = mistake.at().map_or_else(String::new, |span| {
            let (line, column) = span.line_and_column();
            format!("{line}:{column} ")
        });
        let _ = writeln!(out, "{place}{}; {}", mistake.message, mistake.help.join("; "));
    }
    out
}

/// The mistakes of one fault in a sound plan for three nodes of etcd, without their places.
fn fault(fault: &str) -> String {
    in_chaos("etcd", 3, &[fault])
}

fn in_chaos(system: &str, nodes: u32, faults: &[&str]) -> String {
    let faults: Vec<String> = faults.iter().map(|fault| format!("      - {fault}\n")).collect();
    let faults = faults.concat();
    let text = format!(
        "system: {system}\nnodes: {nodes}\nworkload: register\nphases:\n  - steady: 5s\n  \
         - chaos: 60s\n    faults:\n{faults}  - recover: 10s\n"
    );
    let mistakes = mistakes(&text);
    let said = mistakes.iter().map(|one| format!("{}; {}", one.message, one.help.join("; ")));
    let said: Vec<String> = said.collect();
    format!("{}\n    {}\n", faults.trim(), said.join("\n    "))
}

#[test]
fn eight_mistakes_are_shown_in_one_go() {
    let mistakes = mistakes(
        "# Eight mistakes.\n\
         system: etdc\n\
         nodes: 03\n\
         workload:\n  register: { rate: \"500\", kyes: 8 }\n\
         phases:\n  - steady: 10\n  - chaos: 60s\n    faults:\n      \
         - kil: { target: n1 }\n      - pause: { target: n1, for: 90s }\n      \
         - clock: { jump: 30 }\n  - recover: 30s\n",
    );
    assert_eq!(mistakes.len(), 8);
    insta::assert_snapshot!(render(&mistakes, false), @r#"
        error: there is no system `etdc`
         --> plan.yaml:2:9
          |
        2 | system: etdc
          |         ^^^^
          |
          = help: did you mean `etcd`?
          = help: a file of your own is named by its path, such as `./my-db.yaml`

        error: `03` is not a whole number
         --> plan.yaml:3:8
          |
        3 | nodes: 03
          |        ^^
          |
          = help: write `3`

        error: `500` is not a rate
         --> plan.yaml:5:21
          |
        5 |   register: { rate: "500", kyes: 8 }
          |                     ^^^^^
          |
          = help: write `500/s`

        error: unknown key `kyes`
         --> plan.yaml:5:28
          |
        5 |   register: { rate: "500", kyes: 8 }
          |                            ^^^^
          |
          = help: did you mean `keys`?

        error: the duration `10` has no unit
         --> plan.yaml:7:13
          |
        7 |   - steady: 10
          |             ^^
          |
          = help: write `10s` or `10ms`

        error: there is no fault `kil`
          --> plan.yaml:10:9
           |
        10 |       - kil: { target: n1 }
           |         ^^^
           |
           = help: did you mean `kill`?

        error: the fault is longer than its phase, which lasts 60s
          --> plan.yaml:11:35
           |
         8 |   - chaos: 60s
           |     ----- its phase
        ...
        11 |       - pause: { target: n1, for: 90s }
           |                                   ^^^
           |
           = help: make it shorter or earlier, or its phase longer

        error: the duration `30` has no unit
          --> plan.yaml:12:24
           |
        12 |       - clock: { jump: 30 }
           |                        ^^
           |
           = help: write `30s` or `30ms`
        "#);
}

#[test]
fn clocks_that_cannot_be() {
    for (wrong, said) in [
        ("{ for: 5s }", "does nothing"),
        ("{ jump: +1s, freeze: true }", "`jump` and `freeze` at once"),
        ("{ jump: 0s }", "is no offset"),
        ("{ drift: 500 }", "write `500ppm`"),
        ("{ drift: -600000ppm }", "is too much"),
        ("{ strobe: { by: +1s, every: 10us } }", "shorter than 1ms"),
        ("{ strobe: { by: +1s } }", "`every` is missing"),
    ] {
        let found = fault(&format!("clock: {wrong}"));
        assert!(found.contains(said), "{found}");
    }
    let freeze = "clock: { target: all, freeze: true, at: 3s }";
    for (other, said) in [
        ("clock: { target: n1, jump: +1s }", "two ways"),
        ("kill: { target: n1 }", "a dead process has no clock"),
    ] {
        let found = in_chaos("etcd", 3, &[other, freeze]);
        assert!(found.contains(said), "{found}");
    }
    assert_eq!(in_chaos("etcd", 3, &["pause: { target: n1, for: 5s }", freeze]).lines().count(), 3);
}

#[test]
fn starving_that_cannot_be() {
    for (wrong, said) in [
        ("starve: { for: 5s }", "does nothing"),
        ("starve: { cpu: 10%, files: true }", "can't take `cpu` and `files`"),
        ("starve: { cpu: 0.1% }", "no kernel gives less"),
        ("crash-loop: { alive: 0s }", "no time at all"),
    ] {
        let found = fault(wrong);
        assert!(found.contains(said), "{found}");
    }
    let cpu = "starve: { target: all, cpu: 10%, at: 3s }";
    for (other, said) in [
        ("starve: { target: n1, cpu: 20% }", "the same thing twice"),
        ("restart: { target: n1, at: 5s }", "would not be starved"),
    ] {
        let found = in_chaos("etcd", 3, &[other, cpu]);
        assert!(found.contains(said), "{found}");
    }
}

#[test]
fn broken_yaml_does_not_hide_the_rest() {
    insta::assert_snapshot!(
        render(&mistakes("system: \"etcd\nnodes: 0\nworkload: registre\nphases:\n  - steady: 1\n"), false),
        @r#"
        error: this is no YAML: invalid indentation in multiline quoted scalar
         --> plan.yaml:2:1
          |
        1 | system: "etcd
          |         - opened here
        2 | nodes: 0
          | ^

        error: `0` is too small: the least is 1
         --> plan.yaml:2:8
          |
        2 | nodes: 0
          |        ^

        error: there is no workload `registre`
         --> plan.yaml:3:11
          |
        3 | workload: registre
          |           ^^^^^^^^
          |
          = help: did you mean `register`?

        error: the duration `1` has no unit
         --> plan.yaml:5:13
          |
        5 |   - steady: 1
          |             ^
          |
          = help: write `1s` or `1ms`
        "#
    );
}

#[test]
fn times_that_cannot_be_kept() {
    let said = [
        fault("kill: { for: 61s }"),
        fault("kill: { at: 50s..55s, for: 4s..6s }"),
        fault("kill: { at: 60s, for: 1s }"),
        fault("kill: { for: 0s }"),
        fault("kill: { for: 5s, until: leader-changed, at-most: 9s }"),
        fault("kill: { until: leader-changed }"),
        fault("kill: { at-most: 9s }"),
        fault("kill: { until: leader-changed, at-most: 2m }"),
        fault("kill: { at: 1s, after: leader-changed }"),
        fault("kill: { every: 10s }"),
        fault("kill: { for: 5s..3s }"),
        fault("kill: { for: { one-of: [3s, 5] } }"),
        fault("kill: { after: { ops: 1000000 }, for: 5s }"),
        fault("kill: { after: { log: panic, on: n2 }, for: 5s }"),
        fault("kill: { after: leader-chnaged, for: 5s }"),
        fault("restart: { for: 5s }"),
        fault("isolate: { for: 300ms }"),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
        - kill: { for: 61s }
            the fault is longer than its phase, which lasts 60s; make it shorter or earlier, or its phase longer
        - kill: { at: 50s..55s, for: 4s..6s }
            the fault may not fit: begun at 55s and lasting 6s it ends after its phase, which lasts 60s; make it shorter or earlier, or its phase longer
        - kill: { at: 60s, for: 1s }
            it begins after its phase has ended: the phase lasts 60s; make it shorter or earlier, or its phase longer
        - kill: { for: 0s }
            `0s` is no time at all; write a duration longer than zero
        - kill: { for: 5s, until: leader-changed, at-most: 9s }
            a fault lasts either `for` a time or `until` something; keep `for`, or `until` with `at-most`
        - kill: { until: leader-changed }
            `until` alone may never end; say how long to wait for it: `at-most: 30s`
        - kill: { at-most: 9s }
            `at-most` needs `until`; say what ends it: `until: leader-changed`; or give `for` instead
        - kill: { until: leader-changed, at-most: 2m }
            the fault is longer than its phase, which lasts 60s; make it shorter or earlier, or its phase longer
        - kill: { at: 1s, after: leader-changed }
            a fault begins either `at` a time or `after` something; keep one of the two
        - kill: { every: 10s }
            `every` needs an end of each time; say how long each lasts: `for: 5s`
        - kill: { for: 5s..3s }
            the range `5s..3s` is empty; write `3s..5s`
        - kill: { for: { one-of: [3s, 5] } }
            the duration `5` has no unit; write `5s` or `5ms`
        - kill: { after: { ops: 1000000 }, for: 5s }
            1000000 operations never end in this phase: at this rate it has 30000; wait for fewer, raise the `rate`, or make the phase longer
        - kill: { after: { log: panic, on: n2 }, for: 5s }
            
        - kill: { after: leader-chnaged, for: 5s }
            `leader-chnaged` is nothing that can be waited for; choose `leader-changed`, `first-error`, `node-ready`, `{ node-ready: n2 }`, `{ ops: 10000 }`, `{ log: "regex", on: n2 }`, `{ end-of: NAME }` or `{ begin-of: NAME }`
        - restart: { for: 5s }
            unknown key `for`; choose one of `target`, `rolling`, `at`, `after`, `every`, `times`, `as`, `optional`
        - isolate: { for: 300ms }
            the fault is over before `etcd` notices: that takes it 1s; let it last longer, unless that is the point
        "#);
}

#[test]
fn targets_that_cannot_exist() {
    let said = [
        fault("kill: { target: n7, for: 5s }"),
        fault("kill: { target: [n1, n4], for: 5s }"),
        fault("kill: { target: [n1, n1], for: 5s }"),
        fault("kill: { target: [], for: 5s }"),
        fault("kill: { target: leadr, for: 5s }"),
        fault("kill: { target: one folower, for: 5s }"),
        fault("kill: { target: old-leader, for: 5s }"),
        fault("kill: { target: \"clients of leader\", for: 5s }"),
        fault("isolate: { target: all, for: 5s }"),
        fault("isolate: { target: leader, as: n2, for: 5s }"),
        fault("partition: { grudge: [[n1, n2], [n2, n3]], for: 5s }"),
        fault("partition: { grudge: [[n1, n9]], for: 5s }"),
        fault("partition: { grudge: haves, for: 5s }"),
        fault("link: { from: n1, to: n1, delay: 5ms, for: 5s }"),
        fault("link: { from: n1, delay: 5ms, for: 5s }"),
        fault("link: { from: clients of n1, to: n1, delay: 5ms, for: 5s }"),
        fault("link: { for: 5s }"),
        fault("slow: { delay: 5ms, for: 5s }"),
        fault("lossy: { loss: 120%, for: 5s }"),
        in_chaos("etcd", 2, &["kill: { target: minority, for: 5s }"]),
        in_chaos("etcd", 2, &["partition: { grudge: bridge, for: 5s }"]),
        in_chaos("etcd", 1, &["partition: { for: 5s }"]),
        in_chaos("etcd", 1, &["slow: { for: 5s }"]),
        in_chaos("etcd", 1, &["kill: { target: two, for: 5s }"]),
        in_chaos("etcd", 1, &["kill: { target: followers, for: 5s }"]),
        in_chaos("abd", 3, &["isolate: { target: leader, for: 5s }"]),
        in_chaos("abd", 3, &["kill: { until: leader-changed, at-most: 5s }"]),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
        - kill: { target: n7, for: 5s }
            there is no node `n7`; the cluster has 3 nodes: they are n1 to n3
        - kill: { target: [n1, n4], for: 5s }
            there is no node `n4`; the cluster has 3 nodes: they are n1 to n3
        - kill: { target: [n1, n1], for: 5s }
            `n1` is named twice; name it once
        - kill: { target: [], for: 5s }
            expected the names of nodes, found a list; write, for example, `[n1, n3]`
        - kill: { target: leadr, for: 5s }
            nobody remembers a target as `leadr`; did you mean `leader`?
        - kill: { target: one folower, for: 5s }
            `one folower` is not a target; did you mean `one follower`?
        - kill: { target: old-leader, for: 5s }
            nobody remembers a target as `old-leader`; an earlier fault remembers its target by `as: old-leader`
        - kill: { target: "clients of leader", for: 5s }
            `kill` acts on nodes, and clients are none; name the node itself
        - isolate: { target: all, for: 5s }
            isolating `all` of 3 nodes leaves nobody to be cut off from; choose fewer nodes, or give the cluster more
        - isolate: { target: leader, as: n2, for: 5s }
            `n2` can't be the name of a remembered target; choose lower-case letters, digits and dashes, and no word that is a target already
        - partition: { grudge: [[n1, n2], [n2, n3]], for: 5s }
            `n2` stands in the groups twice; a node is on one side; for a bridge leave it out: it then hears everybody
        - partition: { grudge: [[n1, n9]], for: 5s }
            expected two groups of nodes or more, found a list; write, for example, `[[n1], [n2, n3]]`
        - partition: { grudge: haves, for: 5s }
            `haves` is not a grudge; did you mean `halves`?
        - link: { from: n1, to: n1, delay: 5ms, for: 5s }
            no link leads from a node to itself; name another node
        - link: { from: n1, delay: 5ms, for: 5s }
            `from` needs `to`; links have two ends; or give a `target`
        - link: { from: clients of n1, to: n1, delay: 5ms, for: 5s }
            clients can't stand in `from`; write `target: clients of …`: the links between them and their node
        - link: { for: 5s }
            this `link` does nothing; give it, for example, a `delay` or a `loss`
        - slow: { delay: 5ms, for: 5s }
            
        - lossy: { loss: 120%, for: 5s }
            `120%` is not between 0% and 100%; 
        - kill: { target: minority, for: 5s }
            a minority of 2 nodes is nobody; give the cluster 3 nodes or more, or choose `one`
        - partition: { grudge: bridge, for: 5s }
            `bridge` cuts nothing among 2 nodes; it needs 3 nodes or more
        - partition: { for: 5s }
            2 clients are unlikely to carry 500 operations a second: each would have 4.0 ms for one; what they can't carry is shed, not queued; try `clients: 3 per node`
            `halves` cuts nothing among 1 node; it needs 2 nodes or more
        - slow: { for: 5s }
            2 clients are unlikely to carry 500 operations a second: each would have 4.0 ms for one; what they can't carry is shed, not queued; try `clients: 3 per node`
            one node has no links to other nodes; choose `clients of one`, or give the cluster more `nodes`
        - kill: { target: two, for: 5s }
            2 clients are unlikely to carry 500 operations a second: each would have 4.0 ms for one; what they can't carry is shed, not queued; try `clients: 3 per node`
            there are no two nodes; give the cluster more `nodes`
        - kill: { target: followers, for: 5s }
            2 clients are unlikely to carry 500 operations a second: each would have 4.0 ms for one; what they can't carry is shed, not queued; try `clients: 3 per node`
            a cluster of one node has no followers; give it more `nodes`
        - isolate: { target: leader, for: 5s }
            `leader` needs a leader, and `abd` has none to ask for; its system file has no `leader:` probe; choose nodes by name or number, such as `one`
        - kill: { until: leader-changed, at-most: 5s }
            `leader-changed` needs a leader, and `abd` has none to ask for; its system file has no `leader:` probe; choose nodes by name or number, such as `one`
        "#);
}

#[test]
fn faults_that_do_not_go_together() {
    let chaos = |faults: &[&str]| in_chaos("etcd", 3, faults);
    let said = [
        chaos(&["kill: { target: n1, at: 5s, for: 5s }", "pause: { target: n1, at: 8s, for: 5s }"]),
        chaos(&["kill: { target: majority, for: 5s }", "pause: { target: two, at: 3s, for: 5s }"]),
        chaos(&["kill: { target: all }", "restart: { target: n1, at: 30s }"]),
        chaos(&[
            "kill: { target: n1, at: 1s, for: 2s, every: 10s }",
            "pause: { target: n1, at: 5s, for: 3s, every: 7s }",
        ]),
        chaos(&[
            "isolate: { target: old, for: 5s }",
            "kill: { target: leader, at: 9s, for: 5s, as: old }",
        ]),
    ];
    insta::assert_snapshot!(said.concat(), @"
        - kill: { target: n1, at: 5s, for: 5s }
              - pause: { target: n1, at: 8s, for: 5s }
            `kill` and `pause` may act on one node at once, 8s into the phase: nobody can pause or kill what is dead already; let one end before the other begins, or choose targets that can't meet
        - kill: { target: majority, for: 5s }
              - pause: { target: two, at: 3s, for: 5s }
            `kill` and `pause` may act on one node at once, 3s into the phase: nobody can pause or kill what is dead already; let one end before the other begins, or choose targets that can't meet
        - kill: { target: all }
              - restart: { target: n1, at: 30s }
            `kill` and `restart` may act on one node at once, 30s into the phase: nobody can pause or kill what is dead already; let one end before the other begins, or choose targets that can't meet
        - kill: { target: n1, at: 1s, for: 2s, every: 10s }
              - pause: { target: n1, at: 5s, for: 3s, every: 7s }
            `kill` and `pause` may act on one node at once, 12s into the phase: nobody can pause or kill what is dead already; let one end before the other begins, or choose targets that can't meet
        - isolate: { target: old, for: 5s }
              - kill: { target: leader, at: 9s, for: 5s, as: old }
            `old` is remembered only later; let the fault that remembers it begin first
        ");
    let fine: [&[&str]; 5] = [
        &["kill: { target: n1, at: 5s, for: 5s }", "pause: { target: n1, at: 10s, for: 5s }"],
        &["kill: { target: one, for: 5s }", "pause: { target: two, for: 5s }"],
        &["isolate: { target: n1, for: 9s }", "isolate: { target: n1, at: 3s, for: 5s }"],
        &[
            "isolate: { target: leader, for: 9s, as: old }",
            "kill: { target: old, after: leader-changed, for: 5s }",
        ],
        &[
            "kill: { target: n1, at: 1s, for: 2s, every: 10s }",
            "pause: { target: n1, at: 5s, for: 3s, every: 10s }",
        ],
    ];
    for faults in fine {
        let said = chaos(faults);
        assert!(said.trim_end().ends_with('}'), "{said}");
    }
}

#[test]
fn timelines_that_make_no_run() {
    let plan = |rest: &str| lines(&format!("system: abd\nworkload: register\n{rest}"));
    let said = [
        plan(""),
        plan("phases:\n  - steady: 5s\n"),
        plan("phases:\n  - recover: 5s\n  - steady: 5s\n"),
        plan("phases:\n  - recover: 5s\n  - recover: 5s\n"),
        plan("phases:\n  - steady: 5s\n    faults: [kill]\n  - recover: 5s\n"),
        plan("phases:\n  - chaos: 5s\n  - recover: 5s\n"),
        plan("phases:\n  - steady: 5s\n    chaos: 5s\n  - recover: 5s\n"),
        plan("phases:\n  - name: x\n  - recover: 5s\n"),
        plan("phases:\n  - steady: 5s\n  - steady: 5s\n    name: steady\n  - recover: 5s\n"),
        plan("phases: [recover: 5s]\nrun-for: 9s\n"),
        plan("faults: [kill]\n"),
        plan("faults: [kill, pause, isolate]\nrun-for: 5s\n"),
        plan("faults: [kill, pause]\nrun-for: 60s\nevery: 1s\n"),
        plan(
            "phases:\n  - chaos: 9s\n    faults:\n      - kill: { for: 1s }\n        pause: {}\n  - recover: 5s\n",
        ),
        plan(
            "phases:\n  - chaos: 9s\n    faults:\n      - kill:\n        for: 1s\n  - recover: 5s\n",
        ),
    ];
    insta::assert_snapshot!(said.concat(), @"
        1:1 the plan has no timeline; give `phases:`, or in short `faults: [partition, kill]` and `run-for: 60s`
        4:5 the plan has no recover phase; end it with `- recover: 30s`: only final reads show what was lost
        4:5 the recover phase is not the last; move it to the end: its final reads see the whole run
        5:5 a second recover phase; keep the last one only
        5:5 only a chaos phase has faults; name the phase `chaos`, or move its faults to one
        4:5 nothing happens in this chaos phase; give it `faults:`, or name it `steady`
        5:5 one phase can't be two; give each its own dash
        4:5 a phase is one of `steady`, `chaos`, `recover`; write, for example, `- steady: 10s`
        6:11 the phase name `steady` is taken; choose another
        4:1 a plan has either `phases` or the short form, not both; put faults into a chaos phase: `- chaos: 60s`, with `faults:` under it
        3:1 the short form needs `run-for`; say how long: `run-for: 60s`
        4:1 3 faults do not fit into 4.167s of chaos; give `run-for: 7.2s` or more, or fewer faults
        5:1 so short a time between faults shows nothing; give `every: 2s` or more, or fewer faults
        7:9 expected one fault, found several keys; give each its own line with a dash
        7:9 expected one fault, found several keys; put it under `kill`: `kill: { for: … }`
        ");
}

#[test]
fn workloads_and_expectations_that_make_no_sense() {
    let plan = |rest: &str| {
        lines(&format!("system: abd\n{rest}phases: [{{ steady: 5s }}, {{ recover: 5s }}]\n"))
    };
    let with = |expect: &str| plan(&format!("workload: register\nexpect: {expect}\n"));
    let said = [
        plan("workload: { register: { mix: { read: 50%, cas: 50% } } }\n"),
        plan("workload: { register: { mix: { read: 50%, write: 40% } } }\n"),
        plan("workload: { register: { mix: { read: 100% } } }\n"),
        plan("workload: { register: { mix: { append: 100% } } }\n"),
        plan("workload: { register: { skew: 11 } }\n"),
        plan("workload: { register: { keys: \"8\", retire-after: 0 } }\n"),
        plan("workload: { register: { rate: 5000/s, clients: 2 } }\n"),
        plan("workload: { register: { rate: 5000/s } }\n"),
        plan("workload: register\nsettings: { bug: ack-erly, fsync: no }\n"),
        plan("workload: register\nclient: { reads: serializable }\n"),
        plan("workload: register\nclient: { exec: [], multiplex: yes }\n"),
        plan("workload: register\nclient: { multiplex: true }\n"),
        plan("workload: register\nclient: { http: {} }\n"),
        with("{ consistency: serializable, violation: stale-raed }"),
        with("{ availability: { ok: 0.9, during: chaos } }"),
        with("{ latency: { p99: 50ms, p98: \"<= 5ms\" } }"),
        with("{ gates: { ok-operations: many } }"),
        with("[]"),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
        2:43 the system does not offer `cas`; it offers read, write
        2:30 the shares make 90%, not 100%; 
        2:13 `mix` changes nothing: give `write` or `cas` a weight above 0; 
        2:32 unknown key `append`; choose one of `read`, `write`, `cas`
        2:13 `skew` is a number from 0 (all keys alike) to 10, not 11.0; 1 is Zipf's own; 
        2:31 expected a whole number, found a text in quotes; write `8`
        2:50 `0` is too small: the least is 1; for none write `never`
        2:48 `2` does not say how many on each node; write `2 per node`
        2:31 6 clients are unlikely to carry 5000 operations a second: each would have 1.2 ms for one; what they can't carry is shed, not queued; try `clients: 9 per node`
        3:18 there is no value `ack-erly`; did you mean `ack-early`?
        3:28 unknown key `fsync`; choose one of `bug`, `round-timeout-ms`
        3:11 unknown key `reads`; choose one of `exec`, `multiplex`
        3:17 a client program needs at least its name; 
        3:32 `yes` is neither `true` nor `false`; write `true`
        3:11 `multiplex` belongs to a client program; name the program: `client: { exec: ["python3", "my_client.py"] }`
        3:11 `http` is not available yet; this version of temblor cannot do it; nothing is ever left out silently
        3:24 `serializable` can't be checked with this workload; it can show `linearizable`, `no-lost-writes`, `eventual`
        3:49 there is no anomaly `stale-raed`; did you mean `stale-read`?
        3:31 the bound `0.9` does not begin with `>=`; write `">= 0.9"`
        3:44 there is no phase `chaos`; choose one of `steady`, `recover`
        3:27 the bound `50ms` does not begin with `<=`; write `"<= 50ms"`
        3:33 unknown key `p98`; did you mean `p90`?
        3:35 `many` is not a whole number; write plain digits, such as `8`
        3:9 expected a map, found a list; write, for example, `{ consistency: … }`
        "#);
}

#[test]
fn files_that_are_not_there() {
    let said = [
        lines(""),
        lines("- a\n"),
        lines("system: ./nowhere.yaml\nworkload: register\nrun-for: 5s\n"),
        lines("system:\nworkload: register\nrun-for: 5s\n"),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
        `plan.yaml` says nothing; a plan begins with `system: …`; `temblor explain plans` shows one
        1:1 expected a map, found a list; write, for example, `{ system: … }`
        1:9 can't read `./nowhere.yaml`: No such file or directory (os error 2); 
        1:7 expected a text, found nothing; write, for example, `"some words"`
        "#);
}

#[test]
fn bad_links_that_could_not_be_shown() {
    let said = [
        "link: { delay: 200us }",
        "link: { delay: 5ms, jitter: 6ms }",
        "link: { delay: 5ms, jitter: 6ms, distribution: normal }",
        "link: { delay: 5ms, jitter: 1ms, distribution: gauss }",
        "link: { delay: 5ms, distribution: pareto }",
        "link: { delay: 5ms, jitter: 1ms, distribution: fixed }",
        "link: { loss: 0.01% }",
        "link: { burst: 50ms }",
        "link: { loss: 10%, burst-loss: 50% }",
        "link: { loss: 60%, burst: 50ms, burst-loss: 50% }",
        "link: { loss: 10%, burst: 50ms, burst-loss: 20% }",
        "link: { loss: 1%, burst: 200ms }",
        "link: { reorder: 80% }",
        "link: { reorder: 10%, reorder-by: 1ms }",
        "link: { reorder-by: 20ms, delay: 5ms }",
        "link: { rate: 10Mb }",
        "link: { rate: 10kbit/s }",
        "link: { rate: 64kbit/s, loss: 1% }",
        "link: { queue: 1s, delay: 5ms }",
        "flaky: { flap: 100ms }",
        "flaky: { flap: 1s, flap-down: 95% }",
        "link: { flap-down: 20%, delay: 5ms }",
    ];
    insta::assert_snapshot!(said.map(fault).concat(), @"
    - link: { delay: 200us }
        a delay of 200us is too short to be seen; give 1ms or more
    - link: { delay: 5ms, jitter: 6ms }
        the jitter is larger than the delay; the delay is uniform in delay ± jitter, and can't be less than nothing
    - link: { delay: 5ms, jitter: 6ms, distribution: normal }
        the jitter is larger than the delay; half of the packets would not be late at all: give a `delay`, too
    - link: { delay: 5ms, jitter: 1ms, distribution: gauss }
        there is no choice `gauss`; choose one of `fixed`, `uniform`, `normal`, `pareto`
    - link: { delay: 5ms, distribution: pareto }
        a `distribution` needs a `jitter`; say how far it is spread: `jitter: 10ms`
    - link: { delay: 5ms, jitter: 1ms, distribution: fixed }
        a `fixed` delay has no jitter; leave out the `jitter`, or choose `uniform`, `normal` or `pareto`
    - link: { loss: 0.01% }
        `loss` is too rare to be seen; give 0.1% or more
    - link: { burst: 50ms }
        `burst` needs `loss`; say how many packets are lost in all: `loss: 10%`
    - link: { loss: 10%, burst-loss: 50% }
        `burst-loss` needs `burst`; say how long a burst lasts: `burst: 50ms`
    - link: { loss: 60%, burst: 50ms, burst-loss: 50% }
        with so many losses there are no bursts; let `loss`, of all packets, be less than 50%
    - link: { loss: 10%, burst: 50ms, burst-loss: 20% }
        so small a loss is no burst; give 30% or more
    - link: { loss: 1%, burst: 200ms }
        the bursts are too rare to be seen; at this loss give a `burst` of 30ms or less
    - link: { reorder: 80% }
        so few or so many can't be seen to be overtaken; give 1% to 50%
    - link: { reorder: 10%, reorder-by: 1ms }
        `reorder-by` can't be 1ms; give 5ms to 1s
    - link: { reorder-by: 20ms, delay: 5ms }
        `reorder-by` needs `reorder`; say how many: `reorder: 10%`
    - link: { rate: 10Mb }
        `10Mb` does not say how many bits pass a second; write `10Mbit/s`
    - link: { rate: 10kbit/s }
        so low or so high a rate can't be seen; give 64kbit/s to 500Mbit/s
    - link: { rate: 64kbit/s, loss: 1% }
        at this rate 1% of the packets are too few to be seen; give a rate of 2040kbit/s or more
    - link: { queue: 1s, delay: 5ms }
        `queue` needs `rate`; say how much passes: `rate: 10Mbit/s`
    - flaky: { flap: 100ms }
        `flap` can't be 100ms; give 400ms to 5s
        the link flaps too fast to be seen; let it be down, and up, for 100ms or more
    - flaky: { flap: 1s, flap-down: 95% }
        the link flaps too fast to be seen; let it be down, and up, for 100ms or more
        such a link hardly flaps; give 10% to 90%
    - link: { flap-down: 20%, delay: 5ms }
        `flap-down` needs `flap`; say how long down and up take together: `flap: 2s`
    ");
}

#[test]
fn regions_that_cannot_be() {
    let said = [
        "regions: {}",
        "regions: { like: world, nodes: { eu: [n1, n2, n3] } }",
        "regions: { like: wrld }",
        "regions: { nodes: { eu: [n1, n2], mars: [n3] } }",
        "regions: { nodes: { eu: [n1, n2], us-east: [n2, n3] } }",
        "regions: { nodes: { eu: [n1, n2], us-east: [n4] } }",
        "regions: { nodes: { eu: leader, us-east: [n3] } }",
        "regions: { nodes: { eu: [n1, n2], mars: [n3] }, delays: { eu: { venus: 2m } } }",
        "regions: { nodes: { eu: [n1, n2], mars: [n3] }, delays: { eu: { mars: 3m }, mars: { eu: 3m } } }",
        "regions: { nodes: { eu: [n1, n2, n3] } }",
        "regions: { like: atlantic, jitter: 50%, delays: { eu: { eu: 100us } } }",
    ];
    insta::assert_snapshot!(said.map(fault).concat(), @"
    - regions: {}
        nobody is anywhere; say who is where, `nodes: { eu: [n1, n2], us-east: [n3] }`, or `like: world`
    - regions: { like: world, nodes: { eu: [n1, n2, n3] } }
        regions are either listed or dealt; keep `nodes` or `like`
        one region is no distance; name two regions or more
    - regions: { like: wrld }
        there is no choice `wrld`; did you mean `world`?
    - regions: { nodes: { eu: [n1, n2], mars: [n3] } }
        nobody says how far `eu` is from `mars`; say it: `delays: { eu: { mars: 40ms } }`
    - regions: { nodes: { eu: [n1, n2], us-east: [n2, n3] } }
        `n2` is in `eu` already; a node is in one region
    - regions: { nodes: { eu: [n1, n2], us-east: [n4] } }
        n3 is in no region; say for each node where it is
        there is no node `n4`; the cluster has 3 nodes: they are n1 to n3
    - regions: { nodes: { eu: leader, us-east: [n3] } }
        `eu` must list its nodes by name; write, for example, `[n1, n2]`
    - regions: { nodes: { eu: [n1, n2], mars: [n3] }, delays: { eu: { venus: 2m } } }
        nobody says how far `eu` is from `mars`; say it: `delays: { eu: { mars: 40ms } }`
        there is no region `venus`; there are eu, mars
    - regions: { nodes: { eu: [n1, n2], mars: [n3] }, delays: { eu: { mars: 3m }, mars: { eu: 3m } } }
        the delay between `mars` and `eu` stands there twice; it is the same both ways: say it once
    - regions: { nodes: { eu: [n1, n2, n3] } }
        one region is no distance; name two regions or more
    - regions: { like: atlantic, jitter: 50%, delays: { eu: { eu: 100us } } }
        so much jitter is no distance; give 30% or less
        so short a delay can't be seen; give 1ms or more
    ");
}

#[test]
fn groups_that_cannot_be() {
    let said = [
        fault("sequence: { of: [kill, pause] }"),
        fault("sequence: { of: [] }"),
        fault("sequence: { of: [ { kill: { for: 40s } }, { pause: { for: 30s } } ] }"),
        fault("sequence: { of: [ { sequence: { of: [kill] } } ] }"),
        fault("parallel: { of: [ { kill: { for: 5s, every: 9s } } ], times: 3 }"),
        fault("one-of: { of: [restart, restart], weights: [1] }"),
        fault("one-of: { of: [restart, restart], weights: [0, 0], repeat: 2, every: 5s }"),
        fault("random: { of: [ { kill: { at: 5s } }, partition ], keep: minority }"),
        fault(
            "random: { of: [ { kill: { target: all } }, { partition: { grudge: majorities-ring } } ], keep: majority }",
        ),
        fault("random: { of: [kill], for: 90s }"),
        fault("random: { of: [ { isolate: { target: n9 } } ] }"),
        fault("restart: { times: 3 }"),
    ];
    insta::assert_snapshot!(said.concat(), @"
        - sequence: { of: [kill, pause] }
            what comes after this `kill` would wait for ever; say how long it lasts: `for: 5s`
        - sequence: { of: [] }
            this group has no faults; list them under `of:`
        - sequence: { of: [ { kill: { for: 40s } }, { pause: { for: 30s } } ] }
            one round may take until 70s, and its phase lasts 60s; make its faults shorter, or the phase longer
        - sequence: { of: [ { sequence: { of: [kill] } } ] }
            there is no fault `sequence`; choose one of `kill`, `pause`, `restart`, `stop`, `crash`, `crash-loop`, `starve`, `clock`, `isolate`, `partition`, `link`, `slow`, `lossy`, `flaky`, `regions`, `power-loss`, `disk`, `exec`, `membership`, `upgrade`, `parallel`, `one-of`
        - parallel: { of: [ { kill: { for: 5s, every: 9s } } ], times: 3 }
            a fault of a group has no `every` of its own; move it to the group: it says when the next round is
            `times` needs `every`; say `repeat: …` for rounds one right after another
        - one-of: { of: [restart, restart], weights: [1] }
            1 weights for 2 faults; give one number for each fault, in the same order
        - one-of: { of: [restart, restart], weights: [0, 0], repeat: 2, every: 5s }
            with these weights none ever comes; give one of them more than 0
            rounds come either `every` so long or at once; keep `repeat`, or `every` with `times`
        - random: { of: [ { kill: { at: 5s } }, partition ], keep: minority }
            `random` deals the times, so `at` has no meaning here; take it away, or let the fault stand for itself
            there is no thing to keep `minority`; did you mean `majority`?
        - random: { of: [ { kill: { target: all } }, { partition: { grudge: majorities-ring } } ], keep: majority }
            3 of 3 nodes are more than a minority; choose a smaller target, or don't `keep: majority`
        - random: { of: [kill], for: 90s }
            this deals no fault at all; make the phase longer, `every` or `for` shorter, or the targets smaller
        - random: { of: [ { isolate: { target: n9 } } ] }
            there is no node `n9`; the cluster has 3 nodes: they are n1 to n3
        - restart: { times: 3 }
            `times` needs `every`; say how far apart they are: `every: 20s`
        ");
}

#[test]
fn events_that_cannot_come() {
    let said = [
        fault("kill: { after: { end-of: cut }, for: 5s }"),
        fault("kill: { after: { end-of: own }, for: 5s, as: own }"),
        fault("kill: { after: { log: \"elected (\" }, for: 5s }"),
        fault("kill: { after: { log: \".*\" }, for: 5s }"),
        fault("kill: { after: { log: \"lost\", on: n7 }, for: 5s }"),
        fault("kill: { after: { node-ready: leader }, for: 5s }"),
        fault("kill: { after: { ops: 5, on: n1 }, for: 5s }"),
        fault("kill: { after: first-errors, for: 5s }"),
        in_chaos(
            "etcd",
            3,
            &[
                "kill: { target: n1, after: { end-of: b }, as: a, for: 5s }",
                "isolate: { target: n2, after: { begin-of: a }, as: b, for: 5s }",
            ],
        ),
    ];
    insta::assert_snapshot!(said.concat(), @r#"
        - kill: { after: { end-of: cut }, for: 5s }
            no other fault of this phase is called `cut`; give the fault that is meant a name: `as: cut`
        - kill: { after: { end-of: own }, for: 5s, as: own }
            no other fault of this phase is called `own`; give the fault that is meant a name: `as: own`
        - kill: { after: { log: "elected (" }, for: 5s }
            `elected (` is no regular expression: unclosed group; put a backslash before characters such as `(` that are meant as they are
        - kill: { after: { log: ".*" }, for: 5s }
            `.*` matches every line; say what the line must contain
        - kill: { after: { log: "lost", on: n7 }, for: 5s }
            there is no node `n7`; the cluster has 3 nodes: they are n1 to n3
        - kill: { after: { node-ready: leader }, for: 5s }
            `leader` is another node at every moment; name a node such as `n2`, or one that an earlier fault remembers by `as:`
        - kill: { after: { ops: 5, on: n1 }, for: 5s }
            `on` does not go with `ops`; choose `leader-changed`, `first-error`, `node-ready`, `{ node-ready: n2 }`, `{ ops: 10000 }`, `{ log: "regex", on: n2 }`, `{ end-of: NAME }` or `{ begin-of: NAME }`
        - kill: { after: first-errors, for: 5s }
            `first-errors` is nothing that can be waited for; choose `leader-changed`, `first-error`, `node-ready`, `{ node-ready: n2 }`, `{ ops: 10000 }`, `{ log: "regex", on: n2 }`, `{ end-of: NAME }` or `{ begin-of: NAME }`
        - kill: { target: n1, after: { end-of: b }, as: a, for: 5s }
              - isolate: { target: n2, after: { begin-of: a }, as: b, for: 5s }
            these faults wait for each other; let one begin `at` a time
            these faults wait for each other; let one begin `at` a time
        "#);
}
