//! Faults of the user's own: commands on nodes, seen and healed, whoever is killed meanwhile; and
//! no word of a plan that a shell reads.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    Machine, Need, RunFolder, Scratch, cluster_lock, ensure, needing, run, temblor,
};

const NEEDS: &[Need] = &[Need::Namespaces, Need::Fuse];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NEEDS, "own_faults::no_word_of_a_plan_reaches_a_shell", no_word_reaches_a_shell),
        needing(NEEDS, "own_faults::are_healed_whoever_is_killed", are_healed),
    ]
}

const ABD: &str = include_str!("../systems/abd.yaml");

/// A word that makes a file wherever a shell reads it.
fn evil(file: &Path) -> String {
    let file = file.display();
    format!("$(touch {file}); `touch {file}` | touch {file} & \"'; touch {file}\n touch {file} #")
}

/// Every field of a plan and of a system file that may hold any text.
const PLAN: &str = "\
# EVIL
system: ./evil.yaml
nodes: 3
seed: 1
settings: { words: EVIL }
workload:
  register: { rate: 200/s, clients: 2 per node, mix: { read: 50%, write: 50% } }
phases:
  - steady: 1s
    name: EVIL
  - chaos: 8s
    faults:
      - exec:
          target: n1
          apply: [sh, -c, 'printf %s \"$1\" > \"$TEMBLOR_DATA/said\"', EVIL, EVIL]
          verify-on: [sh, -c, 'test \"$(cat \"$1/said\")\" = \"$2\"', sh, \"{data}\", EVIL]
          heal: [rm, \"{data}/said\"]
          verify-off: [test, \"!\", -e, \"{data}/said\", -o, EVIL, =, x]
          for: 1s
      - exec: { target: n2, apply: [touch, \"{data}/once\"], verify-on: [test, -e, \"{data}/once\"] }
      - disk: { target: n3, slow: 5ms, calls: [write], path: EVIL, for: 1s }
      - pause: { target: n3, after: { log: EVIL }, for: 1s, optional: true }
  - recover: 10s
expect: { latency: { during: EVIL, p99: \"<= 10s\" } }
";

fn no_word_reaches_a_shell() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("evil")?;
    let made = scratch.path().join("pwned");
    // In quotes, as YAML has them.
    let word = serde_json::to_string(&evil(&made))?;
    let pattern = serde_json::to_string(&evil(&made).replace(['$', '(', ')', '|'], "."))?;
    let settings = format!("settings:\n  words: {{ default: {word}, about: {word} }}\n");
    let system = ABD.replace("settings:\n", &settings);
    let system =
        system.replace("    run:\n", "    env: { WORDS: \"{setting.words}\" }\n    run:\n");
    scratch.file("evil.yaml", &system)?;
    let plan = PLAN.replace("{ log: EVIL }", &format!("{{ log: {pattern} }}"));
    let plan = plan.replacen("# EVIL", "# $(touch pwned)", 1).replace("EVIL", &word);
    let name = "$(touch pwned);`touch pwned`.yaml";
    scratch.file(name, &plan)?;
    let before = Machine::now();
    let ran = run(scratch.path(), &["run", &format!("./{name}")])?.must_exit(0)?;
    before.must_be_restored(Duration::from_secs(2))?;
    ensure(!made.exists(), || format!("a shell has read a word of the plan\n{}", ran.err))?;
    RunFolder::latest(scratch.path()).faults_must_be_verified(3)
}

const LONG: &str = "\
# A fault outside of its node, on a node that is killed meanwhile.
system: abd
nodes: 3
workload:
  register: { rate: 50/s, clients: 1 per node, mix: { read: 50%, write: 50% } }
phases:
  - chaos: 60s
    faults:
      - exec:
          target: n1
          apply: [touch, \"{here}/applied\"]
          heal: [rm, \"{here}/applied\"]
          verify-on: [test, -e, \"{here}/applied\"]
          verify-off: [test, \"!\", -e, \"{here}/applied\"]
          for: 50s
  - recover: 3s
";

/// By its guard when the controller or the agent dies; by `temblor recover` when the guard does.
fn are_healed() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("owed")?;
    scratch.file("long.yaml", LONG)?;
    let (before, applied) = (Machine::now(), scratch.path().join("applied"));
    for victim in ["controller", "agent", "guard"] {
        let mut child = temblor(scratch.path(), &["run", "./long.yaml"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        until(|| applied.exists(), "the fault to be applied")?;
        kill(Pid::from_raw(named(victim, &child, scratch.path())?), Signal::SIGKILL)?;
        child.wait()?;
        if victim == "guard" {
            ensure(applied.exists(), || "who has healed it?".into())?;
            run(scratch.path(), &["recover"])?.must_exit(0)?;
        }
        until(|| !applied.exists(), &format!("the heal after the {victim} was killed"))?;
        before.must_be_restored(Duration::from_secs(2))?;
    }
    Ok(())
}

/// The process of the run that is called so; of guards and agents the one of n1.
fn named(role: &str, child: &Child, folder: &Path) -> Result<i32, Failed> {
    let controller = child.id() as i32;
    let ledger = RunFolder::latest(folder).lines("ledger.jsonl");
    let runs = |role: &str| {
        let of = |line: &&serde_json::Value| {
            line["runs"]["node"] == "n1" && line["runs"]["role"] == role
        };
        let pid = ledger.iter().find(of).and_then(|line| line["runs"]["process"]["pid"].as_i64());
        pid.ok_or_else(|| format!("no {role} of n1 in the ledger"))
    };
    Ok(match role {
        "controller" => controller,
        role => runs(role)? as i32,
    })
}

fn until(holds: impl Fn() -> bool, what: &str) -> Result<(), Failed> {
    for _ in 0..2_000 {
        if holds() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(format!("waited in vain for {what}").into())
}
