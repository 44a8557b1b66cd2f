//! Schedules on a real cluster: sequences, events, and a run that ends when it knows enough.

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::support::{Need, RunFolder, Scratch, cluster_lock, ensure, needing, run};

const ETCD: &[Need] = &[Need::Namespaces, Need::Program("etcd", "etcd-server")];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(ETCD, "schedules::sequences_and_events", sequences_and_events),
        needing(&[Need::Namespaces], "schedules::stop_on_violation", stop_on_violation),
    ]
}

const PLAN: &str = "\
# A leader is cut off until another leads; then it is killed while the others are slow.
system: etcd
nodes: 3
workload:
  register: { rate: 200/s }
phases:
  - steady: 2s
  - chaos: 30s
    faults:
      - sequence:
          of:
            - isolate: { target: leader, until: leader-changed, at-most: 20s, as: old }
            - parallel:
                of:
                  - kill: { target: old, for: 2s }
                  - slow: { target: old, for: 1s }
          at: 1s
      - pause: { target: n1, after: { log: \"lost .*TCP streaming\" }, for: 1s }
  - recover: 30s
";

fn sequences_and_events() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("schedules")?;
    std::fs::write(scratch.path().join("turns.yaml"), PLAN)?;
    run(scratch.path(), &["run", "turns.yaml", "--seed", "1"])?.must_exit(0)?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(4)?;
    let lines = folder.lines("faults.jsonl");
    let isolated = change(&lines, "isolate", "healed")?;
    ensure(isolated["because"] == "until leader-changed", || isolated.to_string())?;
    let nodes = |fault| change(&lines, fault, "resolved").map(|line| line["nodes"].clone());
    ensure(nodes("isolate")? == nodes("kill")?, || "another node was killed".into())?;
    let earliest = |fault| change(&lines, fault, "began").map(|line| at(&line, "earliest"));
    ensure(earliest("kill")? >= at(&isolated, "latest"), || "the kill came too early".into())?;
    let slowed = change(&lines, "slow", "healed")?;
    ensure(earliest("kill")? < at(&slowed, "latest"), || "not at once".into())
}

/// What a line of a fault says of a change.
fn change(lines: &[Value], fault: &str, change: &str) -> Result<Value, Failed> {
    let line =
        lines.iter().find(|line| line["fault"] == fault && !line["change"][change].is_null());
    let line = line.ok_or_else(|| format!("{fault} was not {change}"))?;
    Ok(line["change"][change].clone())
}

fn at(change: &Value, bound: &str) -> i64 {
    change["measured"][bound].as_i64().unwrap_or_default()
}

/// A run of many minutes is over soon after the bug has shown, and says when it was known.
fn stop_on_violation() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("stop-on")?;
    let words =
        ["run", "demo", "--bug", "ack-early", "--seed", "1", "--set", "stop-on=violation", "--set"];
    let words: Vec<&str> = words.into_iter().chain(["phases.chaos=300s"]).collect();
    run(scratch.path(), &words)?.must_exit(1)?;
    let folder = RunFolder::latest(scratch.path());
    let events = folder.lines("events.jsonl");
    let known = events.iter().find(|line| line.to_string().contains("violation-known"));
    let known = known.ok_or("nobody knew of a violation")?;
    let end = events.iter().filter_map(|line| line["time"].as_i64()).max().unwrap_or_default();
    ensure(end < 120_000_000_000, || format!("the run went on for {end} ns"))?;
    ensure(folder.text("report.html")?.contains("known from then on"), || known.to_string())
}
