//! Processes as `/proc` shows them, and signals that reach the right one.

#![expect(unsafe_code, reason = "nix has no pidfd_open and no pidfd_send_signal")]

use std::{
    fs, io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use nix::{errno::Errno, sys::signal::Signal};
use temblor_faults::ServerState;

/// One process, from `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) name: String,
    pub(super) state: u8,
    pub(super) parent: i32,
    /// When it started, in clock ticks since boot.
    pub(super) start: u64,
}

impl Stat {
    /// Ended, reaped or not.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }
}

/// The process with this number; none: there is none.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process that this `/proc` shows, by number.
pub(super) fn all() -> io::Result<Vec<Stat>> {
    Ok(numbers("/proc")?.into_iter().filter_map(stat).collect())
}

/// Those of `processes` that descend from `ancestor`.
pub(super) fn descendants(processes: Vec<Stat>, ancestor: i32) -> Vec<Stat> {
    let mut family = vec![ancestor];
    // Numbers wrap, so a child may stand before its parent: repeat until nobody joins.
    loop {
        let before = family.len();
        for process in &processes {
            if family.contains(&process.parent) && !family.contains(&process.pid) {
                family.push(process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    processes
        .into_iter()
        .filter(|process| process.pid != ancestor && family.contains(&process.pid))
        .collect()
}

/// What a process does: stopped only when each of its threads is, dead when none is left. (A dead
/// first thread may leave others at work.)
pub(super) fn state(pid: i32) -> ServerState {
    let folder = format!("/proc/{pid}/task");
    let threads = numbers(&folder).unwrap_or_default();
    let states = threads.into_iter().filter_map(|thread| {
        Some(parse(&fs::read(format!("{folder}/{thread}/stat")).ok()?)?.state)
    });
    states.fold(ServerState::Dead, |so_far, state| match (so_far, state) {
        (so_far, b'Z' | b'X') => so_far,
        (ServerState::Alive, _) => ServerState::Alive,
        (_, b'T' | b't') => ServerState::Stopped,
        _ => ServerState::Alive,
    })
}

/// Whether a process was started with this entry, `NAME=VALUE`, in its environment; none: it has
/// none yet, since it is just becoming another program.
pub(super) fn has_in_environment(pid: i32, wanted: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ"));
    let environment = environment.unwrap_or_else(|_| vec![0]);
    let mut entries = environment.split(|byte| *byte == 0);
    (!environment.is_empty()).then(|| entries.any(|entry| entry == wanted.as_bytes()))
}

/// Sends a signal to the process that has this number and this start time. That it is gone
/// already is no error.
pub(super) fn signal(pid: i32, start: u64, signal: Signal) -> io::Result<()> {
    let Some(handle) = open(pid)? else {
        return Ok(());
    };
    // The handle was opened first: from here on the number cannot come to mean another process.
    if stat(pid).is_none_or(|stat| stat.start != start) {
        return Ok(());
    }
    // SAFETY: an open pidfd, a signal number, no siginfo, no flags.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, handle.as_raw_fd(), signal as i32, 0, 0)
    };
    match Errno::result(sent) {
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(why) => Err(why.into()),
    }
}

fn open(pid: i32) -> io::Result<Option<OwnedFd>> {
    // SAFETY: plain numbers.
    let opened = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match Errno::result(opened) {
        // SAFETY: the kernel just gave this descriptor to us alone.
        Ok(handle) => Ok(Some(unsafe { OwnedFd::from_raw_fd(handle as i32) })),
        Err(Errno::ESRCH) => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// `PID (NAME) STATE PARENT …`, the start time being field 22. A name may hold anything, `)` too.
fn parse(stat: &[u8]) -> Option<Stat> {
    let stat = String::from_utf8_lossy(stat);
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    Some(Stat {
        pid: pid.parse().ok()?,
        name: name.into(),
        state: *fields.first()?.as_bytes().first()?,
        parent: fields.get(1)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

fn numbers(folder: &str) -> io::Result<Vec<i32>> {
    let names =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_with_odd_names_parse() {
        let line = b"41 (a) b (c) S 7 41 41 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5150 0 0";
        let expected =
            Stat { pid: 41, name: "a) b (c".into(), state: b'S', parent: 7, start: 5150 };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse(b"41 (a"), None);
    }

    #[test]
    fn descendants_are_found_whatever_their_numbers() {
        let process =
            |pid, parent| Stat { pid, name: String::new(), state: b'S', parent, start: 0 };
        let all = vec![process(3, 9), process(5, 1), process(9, 5), process(11, 2), process(2, 0)];
        let found: Vec<i32> = descendants(all, 5).iter().map(|process| process.pid).collect();
        assert_eq!(found, [3, 9]);
    }

    #[test]
    fn this_process_is_alive() {
        assert_eq!(state(std::process::id() as i32), ServerState::Alive);
        assert_eq!(state(i32::MAX), ServerState::Dead);
    }
}
