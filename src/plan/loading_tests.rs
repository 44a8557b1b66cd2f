//! What loading makes of sound plans: overrides, texts, files beside the plan, other providers.

use std::{path::PathBuf, sync::Arc};

use proptest::prelude::*;

use super::{
    Catalogue, Loaded, Override, Plan, PlanSource, Source, check_provider, load, load::load_source,
    render, timeline,
};

fn catalogued(name: &str) -> PlanSource {
    PlanSource::Catalogue(name.into())
}

fn of_text(text: &str) -> Result<Loaded, String> {
    let source = Arc::new(Source { name: "again.yaml".into(), text: text.into() });
    load_source(&source, &[], &Catalogue::embedded(), 0)
        .map_err(|mistakes| render(&mistakes, false))
}

/// A plan without what depends on where its text stands.
fn essence(mut plan: Plan) -> Plan {
    plan.name.clear();
    plan.text.clear();
    plan.fault_spans.clear();
    plan
}

#[test]
fn every_shipped_plan_is_sound() {
    let catalogue = Catalogue::embedded();
    for name in catalogue.plan_names() {
        match load(&catalogued(name), &[], &catalogue, 7) {
            Ok(loaded) => {
                assert_eq!(render(&loaded.warnings, false), "", "{name}");
                assert_eq!(loaded.plan.name, name);
                assert_eq!(timeline(&loaded.plan), timeline(&loaded.plan));
            }
            Err(mistakes) => panic!("{name}:\n{}", render(&mistakes, false)),
        }
    }
}

#[test]
fn every_shipped_plan_is_in_the_catalogue() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/faults/plans");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let catalogue = Catalogue::embedded();
    let mut names = catalogue.plan_names();
    files.sort();
    names.sort_unstable();
    assert_eq!(files, names);
}

#[test]
fn overrides_become_part_of_the_text() {
    let cases: [(&str, &[&str]); 9] = [
        ("demo", &[]),
        ("demo", &["seed=9", "settings.bug=ack-early"]),
        ("etcd-faults", &["client.reads=serializable", "nodes=5"]),
        ("etcd-stale-reads", &["client.reads=linearizable", "settings.election-timeout=2000"]),
        ("demo", &["workload.register.rate=closed-loop", "phases.chaos=30s"]),
        ("demo", &["phases.1.faults.0.isolate.target=n2", "phases.1.faults.1.kill.optional=true"]),
        (
            "demo",
            &["expect.consistency=[linearizable, no-lost-writes]", "expect.availability.ok=>= 5%"],
        ),
        ("random-everything", &["run-for=30m", "workload.register.mix={ read: 90%, write: 10% }"]),
        ("random-everything", &["faults=[kill]", "every=5s"]),
    ];
    let catalogue = Catalogue::embedded();
    for (name, changes) in cases {
        let changes: Vec<Override> =
            changes.iter().map(|change| Override::parse(change).unwrap()).collect();
        let loaded = load(&catalogued(name), &changes, &catalogue, 4711)
            .unwrap_or_else(|mistakes| panic!("{name}:\n{}", render(&mistakes, false)));
        let text = loaded.plan.text.clone();
        let again = of_text(&text).unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"));
        assert_eq!(essence(again.plan), essence(loaded.plan), "{text}");
    }
}

#[test]
fn overridden_texts_keep_their_comments() {
    let changes = ["settings.bug=ack-early", "seed=3", "phases.chaos=20s"]
        .map(|set| Override::parse(set).unwrap());
    let loaded = load(&catalogued("demo"), &changes, &Catalogue::embedded(), 0).unwrap();
    insta::assert_snapshot!(loaded.plan.text, @r#"
        # Three nodes of the embedded store under kills, pauses, cuts and bad links: no answer may be wrong.
        # With `--bug ack-early` a reader misses an acknowledged write, and the report shows which.
        seed: 3
        settings: { bug: ack-early }
        system: abd
        nodes: 3
        workload:
          register: { rate: 400/s, clients: 2 per node, keys: 4, retire-after: 100, op-timeout: 1s }
        phases:
          - steady: 4s
          - chaos: 20s
            faults:
              - isolate: { target: one, at: 500ms, for: 4s }
              - kill: { target: one, at: 5s, for: 2s }
              - pause: { target: one, at: 7500ms, for: 2s }
              - slow: { target: one, at: 10s, for: 2s }
              - partition: { grudge: halves, at: 12500ms, for: 2500ms }
              - lossy: { target: one, at: 15500ms, for: 2s }
          - recover: 10s
        expect:
          availability: { ok: ">= 30%" }
        "#);
}

#[test]
fn overrides_that_lead_nowhere_are_mistakes() {
    let changes = [
        "sed=3",
        "settings.bugg=none",
        "settings.bug=ack-erly",
        "nodes.x=3",
        "phases.7.chaos=20s",
        "workload.register.rate=fast",
    ]
    .map(|set| Override::parse(set).unwrap());
    let mistakes = load(&catalogued("demo"), &changes, &Catalogue::embedded(), 0).unwrap_err();
    insta::assert_snapshot!(render(&mistakes, false), @"
        error: unknown key `sed`
         --> --set:1:1
          |
        1 | sed=3
          | ^^^
          |
          = help: did you mean `seed`?

        error: unknown key `bugg`
         --> --set:1:10
          |
        1 | settings.bugg=none
          |          ^^^^
          |
          = help: did you mean `bug`?

        error: there is no value `ack-erly`
         --> --set:1:14
          |
        1 | settings.bug=ack-erly
          |              ^^^^^^^^
          |
          = help: did you mean `ack-early`?

        error: there is no `x` inside of a single value
         --> --set:1:7
          |
        1 | nodes.x=3
          |       ^

        error: the list has no `7`
         --> --set:1:8
          |
        1 | phases.7.chaos=20s
          |        ^

        error: `fast` is not a rate
         --> --set:1:24
          |
        1 | workload.register.rate=fast
          |                        ^^^^
          |
          = help: write operations a second, such as `500/s`
        ");
}

/// A folder of its own for a test's files.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("temblor-plan-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn mistakes_in_a_system_file_point_into_it() {
    let folder = folder("system");
    let plan = folder.join("plan.yaml");
    std::fs::write(
        &plan,
        "system: ./my-db.yaml\nworkload: register\nphases: [{ steady: 5s }, { recover: 5 }]\n",
    )
    .unwrap();
    std::fs::write(
        folder.join("my-db.yaml"),
        "system: my-db\n\
         about: mine\n\
         ports: { client: 99999, peer: 80 }\n\
         settings:\n  fsync: { default: maybe, about: when, one-of: { \"yes\": now, \"no\": never } }\n\
         servers:\n  - name: db\n    run: [db, \"--at={adress}:{port.pear}\", \"--sync={setting.fsink}\"]\n\
         ready: { http: { get: /health, port: cleint } }\n\
         client: etdc\n\
         functions: [read, write]\n\
         claims: [linearisable]\n\
         nevr: [panic]\n",
    )
    .unwrap();
    let mistakes = load(&PlanSource::Path(plan), &[], &Catalogue::embedded(), 0).unwrap_err();
    let text = render(&mistakes, false).replace(&folder.display().to_string(), "FOLDER");
    std::fs::remove_dir_all(&folder).unwrap();
    insta::assert_snapshot!(text, @r#"
        error: the duration `5` has no unit
         --> FOLDER/plan.yaml:3:37
          |
        3 | phases: [{ steady: 5s }, { recover: 5 }]
          |                                     ^
          |
          = help: write `5s` or `5ms`

        error: `99999` is too large: the most is 65535
         --> FOLDER/my-db.yaml:3:18
          |
        3 | ports: { client: 99999, peer: 80 }
          |                  ^^^^^

        error: the default `maybe` is not one of the values
         --> FOLDER/my-db.yaml:5:21
          |
        5 |   fsync: { default: maybe, about: when, one-of: { "yes": now, "no": never } }
          |                     ^^^^^
          |
          = help: choose one of `no`, `yes`

        error: there is no variable `adress`
         --> FOLDER/my-db.yaml:8:22
          |
        8 |     run: [db, "--at={adress}:{port.pear}", "--sync={setting.fsink}"]
          |                      ^^^^^^
          |
          = help: did you mean `address`?

        error: the system has no port `pear`
         --> FOLDER/my-db.yaml:8:31
          |
        8 |     run: [db, "--at={adress}:{port.pear}", "--sync={setting.fsink}"]
          |                               ^^^^^^^^^
          |
          = help: did you mean `peer`?

        error: the system has no setting `fsink`
         --> FOLDER/my-db.yaml:8:53
          |
        8 |     run: [db, "--at={adress}:{port.pear}", "--sync={setting.fsink}"]
          |                                                     ^^^^^^^^^^^^^
          |
          = help: did you mean `fsync`?

        error: the system has no port `cleint`
         --> FOLDER/my-db.yaml:9:38
          |
        9 | ready: { http: { get: /health, port: cleint } }
          |                                      ^^^^^^
          |
          = help: did you mean `client`?

        error: there is no client `etdc`
          --> FOLDER/my-db.yaml:10:9
           |
        10 | client: etdc
           |         ^^^^
           |
           = help: did you mean `etcd`?

        error: there is no consistency model `linearisable`
          --> FOLDER/my-db.yaml:12:10
           |
        12 | claims: [linearisable]
           |          ^^^^^^^^^^^^
           |
           = help: did you mean `linearizable`?

        error: unknown key `nevr`
          --> FOLDER/my-db.yaml:13:1
           |
        13 | nevr: [panic]
           | ^^^^
           |
           = help: did you mean `never`?
        "#);
}

#[test]
fn a_system_file_is_found_beside_its_plan() {
    let folder = folder("beside");
    let plan = folder.join("plan.yaml");
    std::fs::write(
        &plan,
        "system: ./my-db.yaml\nworkload: register\nfaults: [kill]\nrun-for: 30s\n",
    )
    .unwrap();
    std::fs::write(folder.join("my-db.yaml"), super::explain::OWN_SYSTEM).unwrap();
    let loaded = load(&PlanSource::Path(plan), &[], &Catalogue::embedded(), 0).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let client = folder.join("my_client.py").display().to_string();
    assert_eq!(loaded.plan.client.exec, ["python3".to_owned(), client]);
    assert_eq!(loaded.plan.name, "plan");
}

#[test]
fn loopback_has_no_links() {
    let plan = load(&catalogued("demo"), &[], &Catalogue::embedded(), 0).unwrap().plan;
    assert_eq!(check_provider(&plan, false), []);
    let names: Vec<String> = check_provider(&plan, true)
        .into_iter()
        .map(|one| one.at().unwrap().text().to_owned())
        .collect();
    assert_eq!(names, ["isolate", "slow", "partition", "lossy"]);
}

fn with_fault(fault: &str) -> String {
    format!(
        "system: abd\nnodes: 3\nworkload: register\nphases:\n  - steady: 5s\n  - chaos: 60s\n    \
         faults:\n      - {fault}\n  - recover: 10s\n"
    )
}

#[test]
fn a_disk_fault_is_one_thing() {
    for (fault, said) in [
        ("disk: { target: n1 }", "this `disk` does nothing"),
        ("disk: { full: false }", "this `disk` does nothing"),
        ("disk: { error: EIO, full: true }", "a disk fault is one thing"),
        ("disk: { error: EPERM }", "`EPERM` is no error that disks make"),
        ("disk: { slow: 5s }", "a call may wait 2s at most"),
        ("disk: { slow: 5ms, calls: [fsnyc] }", "did you mean `fsync`?"),
        ("disk: { error: EIO, path: /var/lib }", "is no path of a data folder"),
        ("disk: { full: true, calls: [read] }", "`calls` means nothing here"),
        ("disk: { corrupt: { bits: 8 }, for: 5s }", "`for` means nothing here"),
        ("disk: { truncate: { bytes: 0 } }", "too small"),
        ("power-loss: { torn: perhaps }", "torn"),
    ] {
        let refused = of_text(&with_fault(fault)).map(drop).unwrap_err();
        assert!(refused.contains(said), "{fault}: {refused}");
    }
    for fault in [
        "disk: { error: EIO, calls: [fsync], path: \"**/*.log\", for: 5s }",
        "disk: { slow: 50ms, for: 5s }",
        "disk: { full: true, for: 5s }",
        "disk: { corrupt: { bits: 8 }, path: log }",
        "power-loss: { target: all, torn: true, strict: true, for: 2s, every: 10s }",
    ] {
        let plan = of_text(&with_fault(fault)).unwrap_or_else(|refused| panic!("{refused}")).plan;
        assert_eq!(plan.disk_layer(), Some(fault.contains("strict")), "{fault}");
        assert_eq!(check_provider(&plan, true).len(), 1, "{fault}");
        assert_eq!(check_provider(&plan, false), []);
    }
    assert_eq!(of_text(&with_fault("kill: { for: 5s }")).unwrap().plan.disk_layer(), None);
}

#[test]
fn unknown_plans_are_suggested() {
    let mistakes = load(&PlanSource::parse("demoo"), &[], &Catalogue::embedded(), 0).unwrap_err();
    insta::assert_snapshot!(render(&mistakes, false), @"
        error: there is no plan `demoo`
         |
         = help: did you mean `demo`?
         = help: a file needs a `/` or the ending `.yaml`: `./demoo.yaml`
        ");
    assert_eq!(PlanSource::parse("x.yaml"), PlanSource::Path("x.yaml".into()));
    assert_eq!(PlanSource::parse("./demo"), PlanSource::Path("./demo".into()));
}

proptest! {
    /// However a plan is mangled, it is loaded or refused, and what is refused has a reason.
    #[test]
    fn mangled_plans_never_crash(
        which in 0usize..8, at in 0usize..1500, cut in 0usize..12, put in "[-:{}\\[\\]&*\"'#|>a0 \n%é]{0,4}",
    ) {
        let catalogue = Catalogue::embedded();
        let text: Vec<char> = catalogue.plans[which].text.chars().collect();
        let at = at % text.len();
        let end = (at + cut).min(text.len());
        let mangled: String = text[..at].iter().copied().chain(put.chars()).chain(text[end..].iter().copied()).collect();
        let source = Arc::new(Source { name: "mangled.yaml".into(), text: mangled });
        if let Err(mistakes) = load_source(&source, &[], &catalogue, 0) {
            prop_assert!(!mistakes.is_empty());
            prop_assert!(!render(&mistakes, false).is_empty());
        }
    }
}
