//! What the servers of a node lack: CPU and memory by control groups, descriptors by limits.
//!
//! Groups are in the ledger before they are made; limits end with the processes that have them.

mod descriptors;

use std::{fs, io, io::Write, time::Duration};

use nix::time::{ClockId, clock_gettime};
use temblor_faults::Lack;
use temblor_history::Evidence;

use self::descriptors::Descriptors;
use super::{aside::aside, servers::Servers};
use crate::{
    clock::monotonic_ns,
    cluster::{cgroups::Group, ledger::Ledger, processes::Stat},
};

/// Of this period a group gets its share, microseconds; the kernel gives no less than 1,000.
const PERIOD_US: u32 = 100_000;
/// How long a busy process is watched that shares the group.
const WATCHED: Duration = Duration::from_millis(500);
/// All that the starved may take; then the killer comes.
const LITTLE: &str = "16777216";
/// A process that takes all memory takes as much at a time.
const BITE: usize = 1 << 20;

/// Who starves whom.
pub(super) struct Place<'p> {
    pub(super) servers: &'p Servers,
    pub(super) ledger: &'p Ledger,
    pub(super) run: &'p str,
    pub(super) node: &'p str,
}

/// What one node's servers lack now.
#[derive(Debug, Default)]
pub(super) struct Starving {
    cpu: Option<Group>,
    descriptors: Descriptors,
}

impl Starving {
    pub(super) fn starve(&mut self, place: &Place<'_>, lack: Lack) -> io::Result<Vec<Evidence>> {
        match lack {
            Lack::Cpu { permille } => self.take_cpu(place, permille),
            Lack::Memory => take_memory(place),
            Lack::Files => self.descriptors.take(&live(place)?),
            Lack::Io { .. } => Err(io::Error::other("that is the disk's business")),
        }
    }

    pub(super) fn feed(&mut self, place: &Place<'_>, lack: Lack) -> io::Result<Vec<Evidence>> {
        match lack {
            Lack::Cpu { .. } => {
                let ended = self.cpu.take().map_or(Ok(()), Group::end);
                Ok(vec![back("cpu", &live(place)?, &ended)])
            }
            // The group ended with those who were in it; a disk's rule ends elsewhere.
            Lack::Memory | Lack::Io { .. } => Ok(Vec::new()),
            Lack::Files => self.descriptors.give_back(&live(place)?),
        }
    }

    fn take_cpu(&mut self, place: &Place<'_>, permille: u32) -> io::Result<Vec<Evidence>> {
        let group = Group::make(place.ledger, place.run, place.node, "cpu")?;
        group.set("cpu.cfs_period_us", &PERIOD_US.to_string())?;
        group.set("cpu.cfs_quota_us", &(PERIOD_US / 1000 * permille).to_string())?;
        let all = take_all_in(&group, place)?;
        let used = busy(&group);
        self.cpu = Some(group);
        let used = used?;
        let most = f64::from(permille) / 1000.0;
        let shown = Evidence {
            what: format!("CPU that a busy process among the servers got in {WATCHED:?}"),
            expected: format!("at most {:.1}% of one", most * 100.0),
            observed: format!("{:.1}%", used * 100.0),
            // It may spend one period's share more than it lived whole periods.
            holds: used <= most * 1.25 + 0.005,
        };
        Ok(vec![all, shown])
    }
}

fn live(place: &Place<'_>) -> io::Result<Vec<Stat>> {
    Ok(place.servers.processes()?.into_iter().filter(|process| !process.is_dead()).collect())
}

/// Takes every process in, those too that are forked meanwhile.
fn take_all_in(group: &Group, place: &Place<'_>) -> io::Result<Evidence> {
    let mut settled = 0;
    for _ in 0..100 {
        let inside = group.processes();
        let live = live(place)?;
        let outside: Vec<&Stat> = live.iter().filter(|one| !inside.contains(&one.pid)).collect();
        settled = if outside.is_empty() { settled + 1 } else { 0 };
        if settled == 2 {
            break;
        }
        for process in outside {
            group.take_in(process.pid)?;
        }
    }
    let (inside, live) = (group.processes(), live(place)?);
    let count = live.iter().filter(|process| inside.contains(&process.pid)).count();
    Ok(Evidence {
        what: "server processes in the starved group".into(),
        expected: "all".into(),
        observed: format!("{count} of {}", live.len()),
        holds: count == live.len() && count > 0,
    })
}

/// Evidence that nobody is in a group of ours any more.
fn back(controller: &str, live: &[Stat], ended: &Result<(), String>) -> Evidence {
    let is_back = |process: &&Stat| {
        let groups = fs::read_to_string(format!("/proc/{}/cgroup", process.pid));
        !groups.unwrap_or_default().contains("/temblor-")
    };
    let count = live.iter().filter(is_back).count();
    let trouble = ended.as_ref().err().map_or(String::new(), |why| format!("; {why}"));
    Evidence {
        what: format!("server processes that share `{controller}` as before"),
        expected: "all, and the starved group is gone".into(),
        observed: format!("{count} of {}{trouble}", live.len()),
        holds: count == live.len() && ended.is_ok(),
    }
}

/// The share of one CPU that a process gets which does nothing but count, in this group.
fn busy(group: &Group) -> io::Result<f64> {
    let told = aside(WATCHED * 6, |mut out| {
        group.take_in(std::process::id() as i32)?;
        let cpu = || {
            let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
            Ok::<_, io::Error>(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
        };
        let (began, used) = (monotonic_ns(), cpu()?);
        while monotonic_ns() - began < WATCHED.as_nanos() as i64 {}
        let lived = monotonic_ns() - began;
        let share = (cpu()? - used) as f64 / lived as f64;
        out.write_all(share.to_string().as_bytes())
    })?;
    let told = String::from_utf8_lossy(&told).parse();
    told.map_err(|_| io::Error::other("the busy process did not come back in time"))
}

/// A process of ours takes all memory that the servers' group may have, so that the kernel's
/// out-of-memory killer ends one after the other: each of them before the taker.
fn take_memory(place: &Place<'_>) -> io::Result<Vec<Evidence>> {
    let group = Group::make(place.ledger, place.run, place.node, "memory")?;
    let starved = starve_of_memory(&group, place);
    let ended = group.end();
    let mut evidence = starved?;
    let gone = back("memory", &live(place)?, &ended);
    evidence.push(gone);
    Ok(evidence)
}

fn starve_of_memory(group: &Group, place: &Place<'_>) -> io::Result<Vec<Evidence>> {
    group.set("memory.limit_in_bytes", LITTLE)?;
    // Where the kernel counts swap; else there is none to escape to.
    let _ = group.set("memory.memsw.limit_in_bytes", LITTLE);
    let all = take_all_in(group, place)?;
    let before = live(place)?;
    for process in &before {
        // The first to be chosen. One that is gone already needs no mark.
        let _ = fs::write(format!("/proc/{}/oom_score_adj", process.pid), "1000");
    }
    aside(Duration::from_secs(5), |_| {
        group.take_in(std::process::id() as i32)?;
        let mut taken: Vec<Vec<u8>> = Vec::new();
        loop {
            // Each page is written, else it is none.
            taken.push(vec![1; BITE]);
            std::hint::black_box(&taken);
        }
    })?;
    let control = group.get("memory.oom_control")?;
    let kills = control.lines().find_map(|line| line.strip_prefix("oom_kill "));
    let kills: usize = kills.and_then(|kills| kills.parse().ok()).unwrap_or(0);
    Ok(vec![
        all,
        Evidence {
            what: "ends by the kernel's out-of-memory killer in the servers' group".into(),
            expected: format!("at least {}", before.len()),
            observed: kills.to_string(),
            holds: kills >= before.len(),
        },
    ])
}
