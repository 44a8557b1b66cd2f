//! The clocks of a node's servers: every process that there is, and every one that comes, is put
//! on the skewed clock, and back on the right one at the heal.
//!
//! How one process is changed stands in `surgery` (in words, in `x86_64` (in machine code) and in
//! `threads` (who must stand still meanwhile). The machine's own clock is never touched.

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
#[cfg(target_arch = "x86_64")]
mod memory;
mod surgeon;
#[cfg(target_arch = "x86_64")]
mod surgery;
#[cfg(target_arch = "x86_64")]
mod threads;
#[cfg(target_arch = "x86_64")]
mod trace;
#[cfg(target_arch = "x86_64")]
mod vdso;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use temblor_faults::{ClockChange, Skew};

#[cfg(not(target_arch = "x86_64"))]
use self::elsewhere::{State, operate, state};
#[cfg(target_arch = "x86_64")]
use self::{
    surgery::{State, operate, state},
    x86_64 as machine,
};
use super::servers::Servers;
use crate::{
    clock::{monotonic_ns, wall_ns},
    cluster::processes::Stat,
};

/// Between two looks for new processes while a clock is skewed.
const LOOK_NS: i64 = 40_000_000;
/// How long all processes of a node may take to be changed.
const BOUND_NS: i64 = 5_000_000_000;
/// Before those are tried again that could not be changed just now.
const AGAIN: Duration = Duration::from_millis(5);
/// A process that can't be changed for so long is given up.
const GIVEN_UP_NS: i64 = 2_000_000_000;

/// A skew, and the moment at which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Skewing {
    skew: Skew,
    /// CLOCK_MONOTONIC.
    monotonic_ns: i64,
    /// CLOCK_REALTIME at the same moment.
    wall_ns: i64,
    /// CLOCK_TAI less CLOCK_REALTIME.
    tai_less_wall_ns: i64,
}

impl Skewing {
    fn begin(skew: Skew) -> Self {
        let (mut narrowest, mut began) = (i64::MAX, (0, 0));
        // The two clocks are read one after the other: as close together as can be had.
        for _ in 0..100 {
            let (before, wall, after) = (monotonic_ns(), wall_ns(), monotonic_ns());
            if after - before < narrowest {
                (narrowest, began) = (after - before, (before, wall));
            }
            if narrowest < 1_000 {
                break;
            }
        }
        let tai = clock_gettime(ClockId::CLOCK_TAI)
            .map_or(began.1, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec());
        // It is a whole number of seconds.
        let tai_less_wall_ns = (tai - began.1) / 1_000_000_000 * 1_000_000_000;
        Self { skew, monotonic_ns: began.0, wall_ns: began.1, tai_less_wall_ns }
    }
}

/// What is done to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// It gets this skew, in the place of another where it has one.
    Move(Skewing, Option<Skewing>),
    /// It gets the right clock back, from this skew where that is known.
    Restore(Option<Skewing>),
}

/// Why a process was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Refusal {
    /// It is gone, and need not be.
    Gone,
    /// It can't be just now.
    NotNow(String),
    /// It can't be.
    Never(String),
}

impl From<io::Error> for Refusal {
    fn from(why: io::Error) -> Self {
        match why.raw_os_error() {
            Some(libc::ESRCH | libc::ENOENT) => Self::Gone,
            Some(libc::EACCES | libc::EPERM) => Self::Never(format!("it can't be touched: {why}")),
            _ => Self::NotNow(why.to_string()),
        }
    }
}

/// A process, as nobody can be mistaken for it.
type Identity = (i32, u64);

fn identity(process: &Stat) -> Identity {
    (process.pid, process.start)
}

/// The clocks of one node.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    skewing: Option<Skewing>,
    looked_ns: i64,
    /// Those that are on it, or came to be.
    moved: BTreeSet<Identity>,
    /// Since when those have run on a right clock that should not.
    waiting: BTreeMap<Identity, i64>,
    /// How many have come later, and the longest that one of them ran on a right clock.
    came_later: (usize, i64),
    failed: BTreeMap<Identity, String>,
}

impl Clocks {
    /// When to look for new processes; none: there is no skew.
    pub(super) fn next_due_ns(&self) -> Option<i64> {
        self.skewing.map(|_| self.looked_ns + LOOK_NS)
    }

    /// Changes every process, or puts each right again.
    pub(super) fn set(&mut self, servers: &Servers, skew: Option<Skew>) -> io::Result<ClockChange> {
        let was = self.skewing.take();
        let before = std::mem::take(self);
        let Some(skew) = skew else {
            let mut change = self.all(servers, Order::Restore(was))?;
            change.failed.extend(before.failed.into_values());
            change.came_later = before.came_later;
            change.changed_code = changed(&servers.processes()?);
            return Ok(change);
        };
        let skewing = Skewing::begin(skew);
        let mut change = self.all(servers, Order::Move(skewing, was))?;
        change.changed_code = changed(&servers.processes()?);
        self.skewing = Some(skewing);
        self.looked_ns = monotonic_ns();
        Ok(change)
    }

    /// Puts those on the skewed clock that have come since the last look.
    pub(super) fn turn(&mut self, servers: &Servers) -> io::Result<()> {
        let Some(skewing) = self.skewing else { return Ok(()) };
        if self.next_due_ns().is_some_and(|due| monotonic_ns() < due) {
            return Ok(());
        }
        let last = std::mem::replace(&mut self.looked_ns, monotonic_ns());
        let processes = servers.processes()?;
        self.waiting.retain(|waiting, _| processes.iter().any(|one| identity(one) == *waiting));
        let fresh: Vec<Stat> =
            processes.into_iter().filter(|process| self.wants(process, State::Own)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        for process in &fresh {
            let since = last.max(started_ns(process));
            self.waiting.entry(identity(process)).or_insert(since);
        }
        for one in surgeon::send(&fresh, Order::Move(skewing, None))? {
            self.came(&one, fresh.iter().find(|process| process.pid == one.pid));
        }
        Ok(())
    }

    fn came(&mut self, operated: &surgeon::Operated, process: Option<&Stat>) {
        let who = (operated.pid, operated.start);
        let since = self.waiting.get(&who).copied().unwrap_or_default();
        let late = monotonic_ns() - since;
        match &operated.result {
            Ok(_) => {
                self.came_later = (self.came_later.0 + 1, self.came_later.1.max(late));
                self.moved.insert(who);
                self.waiting.remove(&who);
            }
            Err(Refusal::NotNow(_)) if late < GIVEN_UP_NS => {}
            Err(Refusal::Gone) => {}
            Err(Refusal::NotNow(why) | Refusal::Never(why)) => {
                let name = process.map_or("a process", |process| &process.name);
                self.failed.insert(who, format!("{name} {}: {why}", operated.pid));
            }
        }
    }

    /// Whether a process is to be changed: it is as it should not be, as far as can be seen.
    fn wants(&self, process: &Stat, not: State) -> bool {
        !process.is_dead()
            && !self.failed.contains_key(&identity(process))
            && state(process.pid).is_ok_and(|state| state == not)
    }

    /// Changes all processes, and those that they fork meanwhile: until none is left, twice in a
    /// row, since one that was passed over may have forked.
    fn all(&mut self, servers: &Servers, order: Order) -> io::Result<ClockChange> {
        let deadline = monotonic_ns() + BOUND_NS;
        let mut change = ClockChange::default();
        let (mut settled, mut refused) = (0, BTreeMap::new());
        while settled < 2 && monotonic_ns() < deadline {
            let left: Vec<Stat> = servers
                .processes()?
                .into_iter()
                .filter(|process| self.is_left(process, order, &mut change))
                .collect();
            if left.is_empty() {
                settled += 1;
                continue;
            }
            settled = 0;
            refused.clear();
            for one in surgeon::send(&left, order)? {
                let who = (one.pid, one.start);
                let name = left.iter().find(|process| process.pid == one.pid);
                let name = name.map_or("a process", |process| &process.name);
                match one.result {
                    Ok(seen) => {
                        change.seen.extend(seen);
                        self.moved.insert(who);
                    }
                    Err(Refusal::Gone) => {}
                    Err(Refusal::NotNow(why)) => {
                        refused.insert(who, format!("{name} {}: {why}", one.pid));
                    }
                    Err(Refusal::Never(why)) => {
                        let why = format!("{name} {}: {why}", one.pid);
                        self.failed.insert(who, why.clone());
                        change.failed.push(why);
                    }
                }
            }
            if !refused.is_empty() {
                std::thread::sleep(AGAIN);
            }
        }
        if settled < 2 {
            change.failed.extend(refused.into_values());
            change.failed.push("some processes could not be reached in time".into());
        }
        Ok(change)
    }

    /// Whether an order has yet to be carried out on a process; one whose clock functions can't be
    /// read, or belong to somebody else, fails here.
    fn is_left(&mut self, process: &Stat, order: Order, change: &mut ClockChange) -> bool {
        let who = identity(process);
        if process.is_dead() || self.failed.contains_key(&who) {
            return false;
        }
        match (state(process.pid), order) {
            (Ok(State::Own), Order::Move(..)) => true,
            // What nobody moved need not be put right.
            (Ok(State::Own) | Err(Refusal::Never(_)), Order::Restore(_))
            | (Err(Refusal::Gone), _) => false,
            (Ok(_), Order::Move(..)) => !self.moved.contains(&who),
            (Ok(_), Order::Restore(_)) | (Err(Refusal::NotNow(_)), _) => true,
            (Err(Refusal::Never(why)), Order::Move(..)) => {
                let why = format!("{} {}: {why}", process.name, process.pid);
                self.failed.insert(who, why.clone());
                change.failed.push(why);
                false
            }
        }
    }
}

/// How many processes have clock functions that are not the kernel's own.
fn changed(processes: &[Stat]) -> usize {
    let live = processes.iter().filter(|process| !process.is_dead());
    live.filter(|process| !matches!(state(process.pid), Ok(State::Own) | Err(Refusal::Gone)))
        .count()
}

/// When a process started, CLOCK_MONOTONIC, to the tick.
fn started_ns(process: &Stat) -> i64 {
    let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten();
    let boot = clock_gettime(ClockId::CLOCK_BOOTTIME);
    let boot = boot.map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec());
    let asleep = boot - monotonic_ns();
    let since_boot = i128::from(process.start) * 1_000_000_000 / i128::from(ticks.unwrap_or(100));
    since_boot as i64 - asleep
}
