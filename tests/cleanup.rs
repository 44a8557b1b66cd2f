//! Nothing is left behind, whatever is killed and when. `TEMBLOR_KILLS=100` repeats each test so
//! often; moments are dealt by a fixed seed, spread over the whole life of a short run.

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

use crate::support::{Machine, Need, Scratch, cluster_lock, ensure, needing, run, temblor};

const NAMESPACES: &[Need] = &[Need::Namespaces];
/// The promise.
const CLEAN_WITHIN: Duration = Duration::from_secs(2);
/// A short run lives about so long.
const LIFE: Duration = Duration::from_secs(9);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NAMESPACES, "cleanup::controller_killed_at_any_moment", controller_killed),
        needing(NAMESPACES, "cleanup::guard_killed_at_any_moment", || one_killed("guard")),
        needing(NAMESPACES, "cleanup::agent_killed_at_any_moment", || one_killed("agent")),
    ]
}

const SHORT: &str = "\
# A short run of the embedded store with every kind of fault, to be killed.
system: abd
nodes: 3
workload:
  register: { rate: 200/s, clients: 2 per node, op-timeout: 500ms, mix: { read: 50%, write: 50% } }
phases:
  - steady: 500ms
  - chaos: 6s
    faults:
      - kill: { target: n1, at: 200ms, for: 1s, every: 2s }
      - pause: { target: n2, at: 200ms, for: 1s, every: 2s }
      - isolate: { target: n3, at: 200ms, for: 1s, every: 2s }
      - slow: { target: n3, at: 1200ms, for: 500ms, every: 2s }
      - stop: { target: n1, at: 1400ms, for: 300ms, every: 2s }
      - clock: { target: n2, drift: 500ppm, at: 100ms, for: 1500ms, every: 2s }
      - starve: { target: n3, cpu: 30%, at: 300ms, for: 1s, every: 2s }
      - starve: { target: n3, files: true, at: 300ms, for: 1s, every: 2s }
  - recover: 3s
";

fn kills() -> u64 {
    std::env::var("TEMBLOR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// The moment of the n-th kill.
fn moment(number: u64) -> Duration {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
    LIFE.mul_f64(mixed as f64 / (1u64 << 53) as f64)
}

fn start(folder: &Path) -> Result<Child, Failed> {
    let words = ["run", "./short.yaml"];
    Ok(temblor(folder, &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
}

fn controller_killed() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("kill-controller")?;
    scratch.file("short.yaml", SHORT)?;
    let before = Machine::now();
    let mut slowest = Duration::ZERO;
    for number in 0..kills() {
        let mut child = start(scratch.path())?;
        std::thread::sleep(moment(number));
        child.kill()?;
        child.wait()?;
        let took = before.must_be_restored(CLEAN_WITHIN).map_err(|left| {
            format!("kill {number} at {:?}: {}", moment(number), left.message().unwrap_or_default())
        })?;
        slowest = slowest.max(took);
        no_data_is_left(scratch.path())?;
    }
    eprintln!("{} kills of the controller, all clean, the slowest in {slowest:?}", kills());
    Ok(())
}

/// Kills a guard, or an agent, of one node.
fn one_killed(role: &str) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(&format!("kill-{role}"))?;
    scratch.file("short.yaml", SHORT)?;
    let before = Machine::now();
    let mut killed = 0;
    for number in 0..kills() * 2 {
        if killed == kills() {
            break;
        }
        let mut child = start(scratch.path())?;
        std::thread::sleep(moment(number));
        // Before the first guard lives and after the last one ended there is nothing to kill;
        // such a run must end well, but it is no kill.
        let guards = children_of(child.id() as i32, "guard");
        let victim = match role {
            "guard" => guards.first().copied(),
            _ => guards.iter().find_map(|guard| children_of(*guard, role).first().copied()),
        };
        if let Some(victim) = victim {
            kill(Pid::from_raw(victim), Signal::SIGKILL)?;
            killed += 1;
        }
        let ended = child.wait()?;
        ensure(ended.code().is_some(), || format!("the controller died: {ended}"))?;
        if role == "guard" {
            run(scratch.path(), &["recover"])?.must_exit(0)?;
        }
        before.must_be_restored(CLEAN_WITHIN)?;
        no_data_is_left(scratch.path())?;
    }
    ensure(killed == kills(), || format!("an {role} lived at only {killed} of the moments"))?;
    let how = if role == "guard" { "after `temblor recover`" } else { "by themselves" };
    eprintln!("{killed} kills of a node's {role}, all clean {how}");
    Ok(())
}

/// Children of a process, whichever of its threads made them, with this command.
fn children_of(parent: i32, command: &str) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten();
    let children: String = tasks
        .flatten()
        .map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default())
        .collect();
    let pids = children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
    pids.filter(|pid| {
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split('\0').nth(1) == Some(command)
    })
    .collect()
}

fn no_data_is_left(folder: &Path) -> Result<(), Failed> {
    let runs = std::fs::read_dir(folder.join("runs/short")).into_iter().flatten().flatten();
    for run in runs {
        for node in ["n1", "n2", "n3"] {
            let data = run.path().join("nodes").join(node).join("data");
            ensure(!data.exists(), || format!("{} is left", data.display()))?;
        }
    }
    Ok(())
}
