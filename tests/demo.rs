//! The embedded cluster end to end: the demo passes, each seeded bug is found by its plan, and what
//! is stored can be judged again.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::support::{
    Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run, temblor,
};

const NAMESPACES: &[Need] = &[Need::Namespaces];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NAMESPACES, "demo::passes_and_leaves_nothing", demo_passes),
        needing(NAMESPACES, "demo::finds_ack_early", || finds("demo", "ack-early")),
        needing(NAMESPACES, "demo::finds_read_one", || finds("abd-read-one", "read-one")),
        needing(NAMESPACES, "demo::finds_no_write_back", || {
            finds("abd-no-write-back", "no-write-back")
        }),
        needing(NAMESPACES, "demo::finds_wall_clock", || finds("abd-wall-clock", "wall-clock")),
        needing(NAMESPACES, "demo::finds_forgetful", || finds("abd-forgetful", "forgetful")),
        needing(NAMESPACES, "demo::interrupted_run_is_healed_and_judged", interrupted),
        Trial::test("demo::loopback_mode_kills_and_pauses", loopback),
    ]
}

fn demo_passes() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("demo")?;
    let before = Machine::now();
    run(scratch.path(), &["run", "demo", "--seed", "1"])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    let folder = RunFolder::latest(scratch.path());
    folder.faults_must_be_verified(4)?;
    folder.reports_must_agree()?;
    let again = run(scratch.path(), &["check", "latest", "--json"])?.must_exit(0)?;
    let report: serde_json::Value = serde_json::from_str(again.out.lines().next().unwrap_or(""))?;
    ensure(report["complete"] == true, || again.out.clone())?;
    run(scratch.path(), &["report", "latest"])?.must_exit(0)?;
    Ok(())
}

/// Exit code 1, a stale read explained, and the fault named.
fn finds(plan: &str, bug: &str) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(bug)?;
    let ran = run(scratch.path(), &["run", plan, "--bug", bug, "--seed", "1"])?.must_exit(1)?;
    let verdict = RunFolder::latest(scratch.path()).verdict()?;
    let sentence = verdict["sentence"].as_str().unwrap_or_default().to_owned();
    ensure(verdict["verdict"] == "violation", || ran.out.clone())?;
    ensure(sentence.contains("was active"), || format!("no fault is named: {sentence}"))?;
    let witness = &verdict["checks"][0]["anomalies"][0]["witness"];
    let operations = witness["ops"].as_array().map_or(0, Vec::len);
    ensure((2..=10).contains(&operations), || format!("{operations} operations in the witness"))?;
    RunFolder::latest(scratch.path()).reports_must_agree()
}

/// Ctrl-C in the middle: healed, checked, reported, clean.
fn interrupted() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("interrupt")?;
    let before = Machine::now();
    let child = temblor(scratch.path(), &["run", "demo", "--seed", "2"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()?;
    let folder = RunFolder::latest(scratch.path());
    let active = || folder.lines("faults.jsonl").iter().any(|l| l["change"].get("began").is_some());
    wait_until("the first fault", active)?;
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT)?;
    let ended = child.wait_with_output()?;
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    ensure(ended.status.code() == Some(2), || format!("{:?}\n{words}", ended.status))?;
    before.must_be_restored(Duration::from_secs(2))?;
    let verdict = folder.verdict()?;
    ensure(verdict["verdict"] == "inconclusive", || verdict.to_string())?;
    ensure(folder.text("report.html")?.contains("stopped"), || "the report hides it".into())
}

pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) -> Result<(), Failed> {
    for _ in 0..3000 {
        if condition() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("{what} did not come within a minute").into())
}

const LOOPBACK: &str = "\
# Kills and pauses a replica of the embedded store, without namespaces.
system: abd
nodes: 3
seed: 3
workload:
  register: { rate: 100/s, clients: 2 per node, op-timeout: 1s, mix: { read: 50%, write: 50% } }
phases:
  - steady: 2s
  - chaos: 12s
    faults:
      - kill: { target: n1, at: 1s, for: 2s }
      - pause: { target: n2, at: 4s, for: 2s }
      - restart: { target: all, rolling: true, at: 6500ms }
  - recover: 15s
";

fn loopback() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("loopback")?;
    let before = Machine::now();
    scratch.file("loopback.yaml", LOOPBACK)?;
    let words = ["run", "./loopback.yaml", "--provider", "loopback"];
    run(scratch.path(), &words)?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(3)?;
    let words = ["run", "abd-ack-early", "--provider", "loopback"];
    let refused = run(scratch.path(), &words)?.must_exit(254)?;
    ensure(refused.err.contains("loopback"), || refused.err.clone())?;
    let words = ["run", "demo", "--provider", "loopback", "--seed", "1"];
    let twin = run(scratch.path(), &words)?.must_exit(0)?;
    ensure(twin.err.contains("demo-loopback"), || twin.err.clone())
}
