//! Nothing is left behind, whatever is killed and when. `TEMBLOR_KILLS=100` repeats each test so
//! often; moments are dealt by a fixed seed, spread over the whole life of a short run.

mod foreign;

use std::{
    ops::Range,
    path::PathBuf,
    process::{Child, Stdio},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{Machine, Need, Scratch, cluster_lock, ensure, needing, temblor};

const NEEDS: &[Need] = &[Need::Namespaces, Need::Fuse];
const TOOLS: &[Need] = &[
    Need::Namespaces,
    Need::Fuse,
    Need::Program("nft", "nftables"),
    Need::Program("tc", "iproute2"),
];
/// The promise.
const CLEAN_WITHIN: Duration = Duration::from_secs(2);
/// So many runs live beside each other: recovering or ending one must not touch the others.
const AT_ONCE: u64 = 5;
/// A short run lives about so long.
const LIFE: Duration = Duration::from_secs(9);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        needing(NEEDS, "cleanup::controller_killed_at_any_moment", controller_killed),
        needing(NEEDS, "cleanup::guard_killed_at_any_moment", || one_killed("guard")),
        needing(NEEDS, "cleanup::agent_killed_at_any_moment", || one_killed("agent")),
        needing(
            TOOLS,
            "cleanup::recover_touches_nothing_foreign",
            foreign::nothing_foreign_is_touched,
        ),
    ]
}

/// Short runs of the embedded store, to be killed: between them every fault that it can meet.
/// Faults overlap, so that at most moments there are some of several kinds to undo.
const PLANS: [(&str, &str); 3] = [
    (
        "processes",
        "\
kill: { target: n1, at: 200ms, for: 1s, every: 2s }
pause: { target: n2, at: 200ms, for: 1s }
pause: { target: n2, at: 3s, for: 1s }
crash: { target: n3, at: 200ms, for: 800ms, every: 4s }
stop: { target: n1, at: 1400ms, for: 300ms, every: 2s }
crash-loop: { target: n3, alive: 300ms, at: 2200ms, for: 900ms, every: 4s }
clock: { target: n2, drift: 500ppm, at: 100ms, for: 1500ms, every: 2s }
starve: { target: n3, memory: true, at: 1200ms, for: 300ms, every: 4s }
restart: { target: n2, at: 1500ms }
exec: { target: n2, apply: [touch, flag], heal: [rm, -f, flag], verify-on: [test, -e, flag], verify-off: [test, \"!\", -e, flag], at: 5s, for: 500ms }
",
    ),
    (
        "links",
        "\
isolate: { target: n3, at: 200ms, for: 1s, every: 2s }
slow: { target: n3, at: 1200ms, for: 500ms, every: 2s }
lossy: { target: n1, at: 300ms, for: 1s, every: 2s }
flaky: { target: n2, at: 400ms, for: 1s, every: 2s }
partition: { grudge: halves, at: 1500ms, for: 400ms, every: 2s }
link: { from: n1, to: n2, delay: 20ms, loss: 10%, duplicate: 10%, corrupt: 5%, at: 100ms, for: 1s, every: 2s }
regions: { nodes: { eu: [n1, n2], us-east: [n3] }, at: 3s, for: 2s }
clock: { target: n1, jump: +30s, at: 300ms, for: 1s, every: 2s }
starve: { target: n2, cpu: 30%, at: 300ms, for: 1s, every: 2s }
starve: { target: n3, files: true, at: 300ms, for: 1s, every: 2s }
",
    ),
    (
        "disks",
        "\
power-loss: { target: n1, torn: true, at: 200ms, for: 300ms, every: 1500ms }
disk: { target: n2, slow: 20ms, at: 300ms, for: 1s, every: 2s }
disk: { target: n3, full: true, at: 300ms, for: 500ms, every: 2s }
disk: { target: n3, error: EIO, calls: [fsync], at: 1s, for: 500ms, every: 2s }
disk: { target: n1, corrupt: { bits: 1 }, path: log, at: 5500ms }
starve: { target: n3, io: 2MB/s, at: 1600ms, for: 500ms, every: 2s }
kill: { target: n2, at: 1500ms, for: 300ms, every: 2s }
",
    ),
];

/// A whole plan around its faults, of which each line is one.
fn plan(faults: &str) -> String {
    let faults: Vec<String> = faults.lines().map(|fault| format!("      - {fault}")).collect();
    let faults = faults.join("\n");
    format!(
        "system: abd
nodes: 3
workload:
  register: {{ rate: 200/s, clients: 2 per node, op-timeout: 500ms, mix: {{ read: 50%, write: 50% }} }}
phases:
  - steady: 500ms
  - chaos: 6s
    faults:
{faults}
  - recover: 3s
"
    )
}

fn kills() -> u64 {
    std::env::var("TEMBLOR_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// The moment of the n-th kill.
fn moment(number: u64) -> Duration {
    let mixed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
    LIFE.mul_f64(mixed as f64 / (1u64 << 53) as f64)
}

/// A run that is under way, and when its turn to be hit comes.
struct Run {
    folder: PathBuf,
    child: Child,
    moment: Duration,
}

/// Starts several runs at once, one plan after the other, each in a folder of its own; sorted by
/// their moments.
fn start(scratch: &Scratch, numbers: Range<u64>) -> Result<Vec<Run>, Failed> {
    let mut runs = Vec::new();
    for number in numbers {
        let (name, faults) = PLANS[number as usize % PLANS.len()];
        let folder = scratch.path().join(number.to_string());
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join(format!("{name}.yaml")), plan(faults))?;
        let child = temblor(&folder, &["run", &format!("./{name}.yaml")])
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("stderr"))?)
            .spawn()?;
        runs.push(Run { folder, child, moment: moment(number) });
    }
    runs.sort_by_key(|run| run.moment);
    Ok(runs)
}

/// Calls for each run when its moment has come.
fn at_their_moments(
    runs: &mut [Run],
    mut hit: impl FnMut(&mut Run) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut last = Duration::ZERO;
    for run in runs {
        std::thread::sleep(run.moment.saturating_sub(last));
        last = run.moment;
        hit(run)?;
    }
    Ok(())
}

fn controller_killed() -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new("kill-controller")?;
    let before = Machine::now();
    let (mut killed, mut met, mut slowest) = (0, 0, Duration::ZERO);
    while killed < kills() {
        let mut runs = start(&scratch, killed..kills().min(killed + AT_ONCE))?;
        at_their_moments(&mut runs, |run| {
            met += u64::from(victim(run, "guard").is_some());
            run.child.kill()?;
            Ok(run.child.wait().map(drop)?)
        })?;
        killed += runs.len() as u64;
        let took = before.must_be_restored(CLEAN_WITHIN).map_err(|left| {
            let moments: Vec<Duration> = runs.iter().map(|run| run.moment).collect();
            format!("killed at {moments:?}: {}", left.message().unwrap_or_default())
        })?;
        slowest = slowest.max(took);
        runs.iter().try_for_each(no_data_is_left)?;
    }
    ensure(met * 2 >= killed, || format!("only {met} of {killed} runs had nodes when killed"))?;
    eprintln!(
        "{killed} kills of the controller, {met} with nodes, all clean, the slowest in {slowest:?}"
    );
    Ok(())
}

/// Kills a guard, or an agent, of one node.
fn one_killed(role: &str) -> Result<(), Failed> {
    let _lock = cluster_lock()?;
    let scratch = Scratch::new(&format!("kill-{role}"))?;
    let before = Machine::now();
    let (mut killed, mut number) = (0, 0);
    while killed < kills() {
        // Before the first guard lives and after the last one ended there is nothing to kill;
        // such a run must end well, but it is no kill.
        ensure(number < kills() * 2 + AT_ONCE, || format!("only {killed} of {role} lived"))?;
        let mut runs = start(&scratch, number..number + AT_ONCE.min(kills() - killed))?;
        number += runs.len() as u64;
        at_their_moments(&mut runs, |run| {
            if let Some(victim) = victim(run, role) {
                kill(Pid::from_raw(victim), Signal::SIGKILL)?;
                killed += 1;
            }
            Ok(())
        })?;
        for run in &mut runs {
            let ended = run.child.wait()?;
            ensure(ended.code().is_some(), || format!("the controller died: {ended}"))?;
            if role == "guard" {
                crate::support::run(&run.folder, &["recover"])?.must_exit(0)?;
            }
        }
        before.must_be_restored(CLEAN_WITHIN)?;
        runs.iter().try_for_each(no_data_is_left)?;
    }
    let how = if role == "guard" { "after `temblor recover`" } else { "by themselves" };
    eprintln!("{killed} kills of a node's {role}, all clean {how}");
    Ok(())
}

/// Of a run's guards the first, or the first agent; none: there is none at this moment.
fn victim(run: &Run, role: &str) -> Option<i32> {
    let guards = children_of(run.child.id() as i32, "guard");
    match role {
        "guard" => guards.first().copied(),
        _ => guards.iter().find_map(|guard| children_of(*guard, role).first().copied()),
    }
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

fn no_data_is_left(run: &Run) -> Result<(), Failed> {
    let inside = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
    let runs = inside(run.folder.join("runs")).flat_map(|plan| inside(plan.path()));
    for stored in runs {
        for node in ["n1", "n2", "n3"] {
            let data = stored.path().join("nodes").join(node).join("data");
            ensure(!data.exists(), || format!("{} is left", data.display()))?;
        }
    }
    Ok(())
}
