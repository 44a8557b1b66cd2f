//! Control groups that starve servers: made under the run's own group, named after us, in the
//! ledger first, and removed by whoever comes last.
//!
//! Version 1, a hierarchy for each controller. Where a machine has only version 2 it is said so:
//! what that takes is another `own_group` and other files for the same limits.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use super::ledger::{Entry, Ledger};

/// What the names of our groups begin with; nothing else is ever removed.
const PREFIX: &str = "temblor-";
/// The dead leave their group a moment later.
const TRIES: u32 = 200;

/// A group of ours.
#[derive(Debug)]
pub(super) struct Group {
    path: PathBuf,
}

impl Group {
    /// Makes a group that is not there yet, below the group of this process.
    pub(super) fn make(
        ledger: &Ledger,
        run: &str,
        node: &str,
        controller: &str,
    ) -> io::Result<Self> {
        let own = own_group(controller).map_err(io::Error::other)?;
        let path = own.join(format!("{PREFIX}{:016x}-{node}", named(run)));
        ledger.write(&Entry::Group { node: node.into(), path: path.clone() })?;
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    /// Writes one of its files.
    pub(super) fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.path.join(file), value)
    }

    /// Reads one of its files.
    pub(super) fn get(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(self.path.join(file))
    }

    /// Takes a process in; that it is gone is no error.
    pub(super) fn take_in(&self, pid: i32) -> io::Result<()> {
        move_to(&self.path, pid)
    }

    /// Its processes.
    pub(super) fn processes(&self) -> Vec<i32> {
        members(&self.path)
    }

    /// Sends its processes back to the group above and removes it.
    pub(super) fn end(self) -> Result<(), String> {
        remove(&self.path).map(drop)
    }
}

fn move_to(group: &Path, pid: i32) -> io::Result<()> {
    match fs::write(group.join("cgroup.procs"), pid.to_string()) {
        Err(why) if why.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        moved => moved,
    }
}

fn members(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Removes a group of ours, if it is there; true: it was. Whoever still is in it goes to the group
/// above. The error says what to do.
pub(super) fn remove(path: &Path) -> Result<bool, String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(above) = path.parent().filter(|_| name.starts_with(PREFIX)) else {
        return Ok(false);
    };
    let mut removed = Ok(());
    for _ in 0..TRIES {
        for pid in members(path) {
            let _ = move_to(above, pid);
        }
        removed = fs::remove_dir(path);
        match &removed {
            Ok(()) => return Ok(true),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
    removed.map(|()| true).map_err(|why| format!("{}: {why}; try: rmdir it", path.display()))
}

/// The groups that a ledger names, of one node or of all.
pub(super) fn of<'e>(
    entries: &'e [Entry],
    node: Option<&'e str>,
) -> impl Iterator<Item = &'e Path> {
    entries.iter().filter_map(move |entry| match entry {
        Entry::Group { node: of, path } if node.is_none_or(|node| node == of) => {
            Some(path.as_path())
        }
        _ => None,
    })
}

/// The group in which this process is, as far as a controller goes.
fn own_group(controller: &str) -> Result<PathBuf, String> {
    let read = |path: &str| fs::read_to_string(path).map_err(|why| format!("{path}: {why}"));
    let (mounts, groups) = (read("/proc/self/mounts")?, read("/proc/self/cgroup")?);
    let Some(mount) = hierarchy(&mounts, controller) else {
        let v2 = mounts.lines().any(|line| line.split(' ').nth(2) == Some("cgroup2"));
        return Err(if v2 {
            format!(
                "the controller `{controller}` is one of control groups version 2 here, which can't be used yet"
            )
        } else {
            format!("this machine has no control groups with the controller `{controller}`")
        });
    };
    let own = below(&groups, controller).map(|path| mount.join(path.trim_start_matches('/')));
    // A container may not see its own group's path; then the root that it sees is its group.
    Ok(own.filter(|own| own.is_dir()).unwrap_or(mount))
}

fn hierarchy(mounts: &str, controller: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind, options) = (words.next()?, words.next()?, words.next()?);
        let has = kind == "cgroup" && options.split(',').any(|option| option == controller);
        has.then(|| at.into())
    })
}

fn below<'g>(groups: &'g str, controller: &str) -> Option<&'g str> {
    groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let has = parts.next()?.split(',').any(|one| one == controller);
        parts.next().filter(|_| has)
    })
}

/// A number for a run's identity, which may be a path (FNV-1a).
fn named(run: &str) -> u64 {
    run.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
proc /proc proc rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
";

    #[test]
    fn hierarchies_are_found_by_their_controllers() {
        assert_eq!(hierarchy(MOUNTS, "cpu"), Some("/sys/fs/cgroup/cpu,cpuacct".into()));
        assert_eq!(hierarchy(MOUNTS, "memory"), None);
        let groups = "4:memory:/a:b\n3:cpu,cpuacct:/c\n0::/d\n";
        assert_eq!([below(groups, "memory"), below(groups, "cpuacct")], [Some("/a:b"), Some("/c")]);
    }

    #[test]
    fn only_what_is_named_after_us_is_removed() {
        let folder = std::env::temp_dir().join(format!("not-ours-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        assert_eq!(remove(&folder), Ok(false));
        fs::remove_dir(&folder).unwrap();
        assert_eq!(remove(&folder.with_file_name(format!("{PREFIX}gone"))), Ok(false));
    }
}
