//! Descriptors used up: each process's limit becomes the first number that it has free, so that it
//! can open nothing more than it has.

#![expect(unsafe_code, reason = "nix has no prlimit for another process")]

use std::{collections::BTreeMap, fs, io, io::Write, time::Duration};

use nix::unistd::{Gid, Uid, setgid, setuid};
use temblor_history::Evidence;

use crate::cluster::{agent::aside::aside, processes::Stat};

const BOUND: Duration = Duration::from_secs(2);

/// The limits that processes had, by number and start.
#[derive(Debug, Default)]
pub(super) struct Descriptors {
    had: BTreeMap<(i32, u64), libc::rlimit>,
}

impl Descriptors {
    /// Takes away what each process could still open.
    pub(super) fn take(&mut self, processes: &[Stat]) -> io::Result<Vec<Evidence>> {
        let (mut words, mut holds) = (Vec::new(), !processes.is_empty());
        for process in processes {
            let Some(had) = limit_of(process)? else { continue };
            self.had.entry((process.pid, process.start)).or_insert(had);
            let free = first_free(process.pid)?;
            set_limit(process, libc::rlimit { rlim_cur: free, ..had })?;
            let now = limit_of(process)?.map_or(free, |limit| limit.rlim_cur);
            holds &= now == free;
            words.push(format!("{} {}: {now} of {}", process.name, process.pid, had.rlim_cur));
        }
        Ok(vec![Evidence {
            what: "descriptors that server processes may have".into(),
            expected: "no more than they have".into(),
            observed: words.join("; "),
            holds,
        }])
    }

    /// Gives each process the limit that it had, and one that came meanwhile what the others had.
    pub(super) fn give_back(&mut self, processes: &[Stat]) -> io::Result<Vec<Evidence>> {
        let had = std::mem::take(&mut self.had);
        let usual = had.values().max_by_key(|limit| limit.rlim_cur).copied();
        let (mut right, mut all) = (0, 0);
        for process in processes {
            let known = had.get(&(process.pid, process.start)).copied();
            let (Some(wanted), Some(now)) = (known.or(usual), limit_of(process)?) else { continue };
            all += 1;
            // Who has set its own limit meanwhile keeps it.
            let wanted = libc::rlimit { rlim_cur: wanted.rlim_cur.max(now.rlim_cur), ..now };
            set_limit(process, wanted)?;
            let now = limit_of(process)?.map_or(0, |limit| limit.rlim_cur);
            right += usize::from(now == wanted.rlim_cur);
        }
        Ok(vec![Evidence {
            what: "server processes that may have as many descriptors as before".into(),
            expected: "all".into(),
            observed: format!("{right} of {all}"),
            holds: right == all,
        }])
    }
}

/// The smallest number that stands for no open file.
fn first_free(pid: i32) -> io::Result<u64> {
    let names = fs::read_dir(format!("/proc/{pid}/fd"))?;
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut taken: Vec<u64> = names.filter_map(|name| name.parse().ok()).collect();
    taken.sort_unstable();
    Ok(taken.iter().zip(0..).take_while(|(number, place)| *number == place).count() as u64)
}

/// None: it is gone.
fn limit_of(process: &Stat) -> io::Result<Option<libc::rlimit>> {
    let text = match fs::read_to_string(format!("/proc/{}/limits", process.pid)) {
        Ok(text) => text,
        Err(why) if matches!(why.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
            return Ok(None);
        }
        Err(why) => return Err(why),
    };
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut numbers = line.into_iter().flat_map(str::split_whitespace).map(|word| match word {
        "unlimited" => Some(libc::RLIM_INFINITY),
        number => number.parse().ok(),
    });
    let mut next = || numbers.next().flatten().ok_or(io::ErrorKind::InvalidData);
    Ok(Some(libc::rlimit { rlim_cur: next()?, rlim_max: next()? }))
}

/// Only its own user, or one with a capability that even root may lack, may set a process's
/// limits: so it is done as that user where it must.
fn set_limit(process: &Stat, limit: libc::rlimit) -> io::Result<()> {
    match prlimit(process.pid, limit) {
        Err(why) if why.raw_os_error() == Some(libc::EPERM) => {
            let (user, group) = owner(process.pid)?;
            let told = aside(BOUND, |mut out| {
                setgid(group)?;
                setuid(user)?;
                prlimit(process.pid, limit)?;
                out.write_all(b"done")
            })?;
            if told == b"done" { Ok(()) } else { Err(why) }
        }
        Err(why) if why.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        set => set,
    }
}

fn prlimit(pid: i32, limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: the new limit outlives the call, and the old one is not asked for.
    let set =
        unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut()) };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn owner(pid: i32) -> io::Result<(Uid, Gid)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
    };
    let ids = number("Uid:").zip(number("Gid:"));
    let (user, group): (u32, u32) = ids.ok_or(io::ErrorKind::InvalidData)?;
    Ok((Uid::from_raw(user), Gid::from_raw(group)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::processes;

    #[test]
    fn a_process_opens_nothing_more_and_then_again() {
        let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let process = processes::stat(sleeper.id() as i32).unwrap();
        let before = limit_of(&process).unwrap().unwrap();
        let mut descriptors = Descriptors::default();
        let taken = descriptors.take(std::slice::from_ref(&process)).unwrap();
        let less = limit_of(&process).unwrap().unwrap();
        let given = descriptors.give_back(std::slice::from_ref(&process)).unwrap();
        let after = limit_of(&process).unwrap().unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(taken[0].holds && given[0].holds, "{taken:?} {given:?}");
        assert!(less.rlim_cur < 10 && less.rlim_max == before.rlim_max, "{less:?}");
        assert_eq!(after.rlim_cur, before.rlim_cur);
    }
}
