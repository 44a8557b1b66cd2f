//! Moving the clock of one process, and putting it right again: the vDSO's clock functions jump to
//! code of ours, or are the kernel's own again, byte for byte.
//!
//! All threads of the process stand still meanwhile, none of them within what is changed. One of
//! them, having nothing else to do, is asked to read the clock through the process's own functions,
//! before and after: nothing sees a process's clock better than the process. Whether a process is
//! changed can be told from its memory alone; nothing has to be remembered.

use std::ops::Range;

use temblor_faults::{ClockReading, ClockSeen};

use super::{
    Order, Refusal, Skewing,
    machine::{self, JUMP, MAGIC, PAGE, PAGES, SAVED, SYSTEM_CALL},
    memory::{Memory, vdso_of},
    threads::Stopped,
    vdso::Image,
};
use crate::clock::{monotonic_ns, wall_ns};

/// A clock that is read by the second, and at the last tick of the kernel's.
const COARSE_NS: i64 = 1_000_000_000 + 10_000_000;

/// The functions, by their place among the sites.
const CLOCK_GETTIME: usize = 0;
const GETTIMEOFDAY: usize = 1;
const TIME: usize = 2;

/// What a process's clock functions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The kernel's own.
    Own,
    /// Ours; the pages are at `base`.
    Moved { base: u64 },
}

/// One function that is replaced.
struct Site {
    /// In the other process.
    at: u64,
    size: u64,
    /// Where in the first of our pages its replacement begins.
    place: u64,
    own: [u8; JUMP],
}

/// What a process's clock functions are now, without stopping it.
pub(super) fn state(pid: i32) -> Result<State, Refusal> {
    let memory = Memory::open(pid)?;
    state_in(&memory, place(pid)?).map(|(state, _)| state)
}

/// Does what is asked to one process; none: it was so already.
pub(super) fn operate(pid: i32, name: &str, order: Order) -> Result<Option<ClockSeen>, Refusal> {
    not_confined(pid)?;
    let began = monotonic_ns();
    let threads = Stopped::stop(pid)?;
    let memory = Memory::open(pid)?;
    let vdso = place(pid)?;
    let (state, sites) = state_in(&memory, vdso)?;
    if let (Order::Move(skewing, _), State::Moved { base }) = (order, state)
        && has_parameters(&memory, base, &skewing)?
    {
        return Ok(None);
    }
    let mut table = Table { threads, memory, vdso, sites, base: 0, guide: 0 };
    let readings = match (order, state) {
        (Order::Restore(_), State::Own) => return Ok(None),
        (Order::Move(skewing, _), State::Own) => table.insert(&skewing)?,
        (Order::Move(skewing, was), State::Moved { base }) => table.change(base, was, &skewing)?,
        (Order::Restore(skewing), State::Moved { base }) => table.remove(base, skewing)?,
    };
    drop(table);
    let (before, after) = readings;
    let stopped_ns = monotonic_ns() - began;
    Ok(Some(ClockSeen { pid, name: name.into(), before, after, stopped_ns }))
}

/// A filter of system calls may end a process that makes one it never made before.
fn not_confined(pid: i32) -> Result<(), Refusal> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
    match mode.map(str::trim) {
        None | Some("0") => Ok(()),
        Some(_) => Err(Refusal::Never("a seccomp filter guards its system calls".into())),
    }
}

fn place(pid: i32) -> Result<u64, Refusal> {
    vdso_of(pid)?.ok_or_else(|| Refusal::Never("it has no vDSO to change".into()))
}

fn state_in(memory: &Memory, vdso: u64) -> Result<(State, Vec<Site>), Refusal> {
    let own = Image::own().map_err(Refusal::Never)?;
    let sites = sites(own, vdso)?;
    let now = memory.read(vdso, own.bytes.len())?;
    if now == own.bytes {
        return Ok((State::Own, sites));
    }
    let first = &sites[0];
    let jump = now.get((first.at - vdso) as usize..).and_then(machine::jumps_to);
    if let Some(to) = jump
        && memory.read(to - first.place, MAGIC.len()).is_ok_and(|bytes| bytes == MAGIC)
    {
        return Ok((State::Moved { base: to - first.place }, sites));
    }
    let why = if Image::is_elf64(&now) {
        "somebody else has changed its vDSO"
    } else {
        "it is no 64-bit program"
    };
    Err(Refusal::Never(why.into()))
}

/// Whether a process inherited exactly this skew.
fn has_parameters(memory: &Memory, base: u64, skewing: &Skewing) -> Result<bool, Refusal> {
    let (parameters, wanted) = (base + PAGE, machine::slot(skewing));
    Ok(memory.read(parameters + memory.word(parameters)?, wanted.len())? == wanted)
}

fn sites(own: &Image, vdso: u64) -> Result<Vec<Site>, Refusal> {
    let mut sites = Vec::new();
    for (name, place) in machine::functions() {
        let function = own.function(name).filter(|function| function.size >= JUMP as u64);
        let function =
            function.ok_or_else(|| Refusal::Never(format!("this kernel's vDSO lacks {name}")))?;
        let bytes = own.bytes.get(function.offset as usize..).and_then(<[u8]>::first_chunk);
        let own = *bytes.ok_or_else(|| Refusal::Never("this kernel's vDSO breaks off".into()))?;
        sites.push(Site { at: vdso + function.offset, size: function.size, place, own });
    }
    Ok(sites)
}

/// A process whose threads stand still, and what is needed to change it.
struct Table {
    threads: Stopped,
    memory: Memory,
    vdso: u64,
    sites: Vec<Site>,
    base: u64,
    /// The thread that makes detours.
    guide: i32,
}

type Readings = (ClockReading, ClockReading);

impl Table {
    fn insert(&mut self, skewing: &Skewing) -> Result<Readings, Refusal> {
        self.threads.leave(&self.functions(), &self.memory)?;
        self.guide = self.threads.guide()?;
        self.base = self.map_pages()?;
        let done = self.fill(skewing).and_then(|()| {
            let before = self.read_clock(None)?;
            for site in &self.sites {
                self.memory.write(site.at, &machine::jump(self.base + site.place))?;
            }
            Ok((before, self.read_clock(Some(skewing))?))
        });
        if done.is_err() {
            let _ = self.put_back().and_then(|()| self.unmap_pages());
        }
        done
    }

    fn change(
        &mut self,
        base: u64,
        was: Option<Skewing>,
        skewing: &Skewing,
    ) -> Result<Readings, Refusal> {
        self.base = base;
        self.threads.leave(&self.functions(), &self.memory)?;
        self.guide = self.threads.guide()?;
        let before = self.read_clock(was.as_ref())?;
        let parameters = base + PAGE;
        let next = machine::slot_after(self.memory.word(parameters)?);
        self.memory.write(parameters + next, &machine::slot(skewing))?;
        self.memory.write(parameters, &next.to_le_bytes())?;
        Ok((before, self.read_clock(Some(skewing))?))
    }

    fn remove(&mut self, base: u64, skewing: Option<Skewing>) -> Result<Readings, Refusal> {
        self.base = base;
        let mut places = self.functions();
        places.push(base..base + PAGE);
        self.threads.leave(&places, &self.memory)?;
        self.guide = self.threads.guide()?;
        let before = self.read_clock(skewing.as_ref())?;
        self.put_back()?;
        let after = self.read_clock(None)?;
        self.unmap_pages()?;
        Ok((before, after))
    }

    fn functions(&self) -> Vec<Range<u64>> {
        self.sites.iter().map(|site| site.at..site.at + site.size).collect()
    }

    /// Where the vDSO itself makes a system call.
    fn system_call(&self) -> Result<u64, Refusal> {
        let own = Image::own().map_err(Refusal::Never)?;
        let inside = self.sites.iter().find_map(|site| {
            let from = (site.at - self.vdso) as usize;
            let bytes = own.bytes.get(from..from + site.size as usize)?;
            let at = bytes.windows(SYSTEM_CALL.len()).position(|bytes| bytes == SYSTEM_CALL)?;
            Some(site.at + at as u64)
        });
        inside.ok_or_else(|| Refusal::Never("this kernel's vDSO makes no system call".into()))
    }

    fn ask_kernel(&self, number: i64, arguments: [u64; 6]) -> Result<i64, Refusal> {
        Ok(machine::system_call(self.guide, self.system_call()?, number, arguments)?)
    }

    fn map_pages(&self) -> Result<u64, Refusal> {
        let [all, page] = [PAGES * PAGE, PAGE];
        let code = (libc::PROT_READ | libc::PROT_EXEC) as u64;
        let data = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        let private = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        let shared = (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64;
        let fixed = libc::MAP_FIXED as u64;
        let map = |at: u64, size: u64, allowed: u64, flags: u64| {
            let mapped =
                self.ask_kernel(libc::SYS_mmap, [at, size, allowed, flags, u64::MAX, 0])?;
            if mapped > 0 {
                return Ok(mapped as u64);
            }
            let why = std::io::Error::from_raw_os_error(-mapped as i32);
            Err(Refusal::Never(format!("it can't have a page more: {why}")))
        };
        let base = map(0, all, code, private)?;
        map(base + page, page, data, shared | fixed)?;
        map(base + 2 * page, page, data, private | fixed)?;
        Ok(base)
    }

    fn unmap_pages(&self) -> Result<(), Refusal> {
        match self.ask_kernel(libc::SYS_munmap, [self.base, PAGES * PAGE, 0, 0, 0, 0])? {
            0 => Ok(()),
            why => Err(Refusal::Never(format!("its pages can't be taken back: error {}", -why))),
        }
    }

    /// Code, the bytes that it replaces (for whoever looks at the page), and parameters.
    fn fill(&self, skewing: &Skewing) -> Result<(), Refusal> {
        self.memory.write(self.base, machine::code())?;
        let saved =
            self.sites.iter().flat_map(|site| [&site.at.to_le_bytes()[..], &site.own].concat());
        self.memory.write(self.base + SAVED, &saved.collect::<Vec<u8>>())?;
        let (parameters, slot) = (self.base + PAGE, machine::slot_after(0));
        self.memory.write(parameters + slot, &machine::slot(skewing))?;
        Ok(self.memory.write(parameters, &slot.to_le_bytes())?)
    }

    fn put_back(&self) -> Result<(), Refusal> {
        for site in &self.sites {
            self.memory.write(site.at, &site.own)?;
        }
        let own = Image::own().map_err(Refusal::Never)?;
        if self.memory.read(self.vdso, own.bytes.len())? == own.bytes {
            return Ok(());
        }
        Err(Refusal::Never("its vDSO differs from the kernel's".into()))
    }

    /// Asks the process for the time, in each way that it has.
    fn read_clock(&self, skewing: Option<&Skewing>) -> Result<ClockReading, Refusal> {
        let since = |now: i64| skewing.map_or(0, |skewing| now - skewing.monotonic_ns);
        let right = |reading: &ClockReading| {
            skewing.map_or(reading.is_right(), |skewing| skewing.skew.allows(reading))
        };
        let timed = |ask: &dyn Fn() -> Result<i64, Refusal>, unit_ns: i64| {
            let (began, earliest) = (monotonic_ns(), wall_ns());
            let shown = ask()?;
            let (latest, ended) = (wall_ns(), monotonic_ns());
            Ok::<_, Refusal>(ClockReading {
                offset_ns: (shown - latest, shown + unit_ns - earliest),
                elapsed_ns: (since(began), since(ended)),
                others_agree: true,
                monotonic_agrees: true,
            })
        };
        let mut reading = timed(&|| self.clock_gettime(libc::CLOCK_REALTIME), 0)?;
        let (began, shown) = (monotonic_ns(), self.clock_gettime(libc::CLOCK_MONOTONIC)?);
        reading.monotonic_agrees = (began..=monotonic_ns()).contains(&shown);
        for (place, unit_ns) in [(GETTIMEOFDAY, 1_000), (TIME, COARSE_NS)] {
            let other = timed(&|| self.ask(place), unit_ns)?;
            reading.others_agree &= right(&other);
        }
        Ok(reading)
    }

    fn clock_gettime(&self, clock: i32) -> Result<i64, Refusal> {
        let buffer = self.base + 2 * PAGE;
        self.call(CLOCK_GETTIME, [clock as u64, buffer])?;
        Ok(self.memory.word(buffer)? as i64 * 1_000_000_000 + self.memory.word(buffer + 8)? as i64)
    }

    /// gettimeofday, or time: nanoseconds.
    fn ask(&self, place: usize) -> Result<i64, Refusal> {
        let buffer = self.base + 2 * PAGE;
        let returned = self.call(place, [buffer, 0])?;
        let seconds = self.memory.word(buffer)? as i64;
        if place == TIME {
            return Ok(returned * 1_000_000_000);
        }
        Ok(seconds * 1_000_000_000 + self.memory.word(buffer + 8)? as i64 * 1_000)
    }

    fn call(&self, place: usize, arguments: [u64; 2]) -> Result<i64, Refusal> {
        let function = self.sites[place].at;
        Ok(machine::call(self.guide, self.base, &self.memory, function, arguments)?)
    }
}

#[cfg(test)]
mod tests;
