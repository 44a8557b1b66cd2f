//! Clearing away what an interrupted run left, from its ledger.
//!
//! Guards do this by themselves when their controller is gone; what remains is for the case that
//! a guard was killed too. Nothing is touched that a ledger does not name, or that has become
//! another thing since: a process is its number and its start, a folder its inode.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use nix::sys::signal::Signal;

use super::{
    cgroups,
    disk::ASIDE,
    ledger::{self, Entry, Ledger, Process, Role},
    owed, processes,
    spawn::RUN,
};
use crate::clock::monotonic_ns;

/// How long guards have to end their nodes by themselves.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was found of one run, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The ledger that was read.
    pub ledger: PathBuf,
    /// The run's identity; empty when the ledger holds none.
    pub run: String,
    /// Its controller still runs: nothing was touched.
    pub running: bool,
    /// Processes that were ended and folders that were removed, in words.
    pub done: Vec<String>,
    /// What could not be cleared away, each with what to do.
    pub left: Vec<String>,
}

/// Ends what is left of interrupted runs and removes their data folders. Idempotent; a run whose
/// controller lives is left alone.
pub fn recover(ledgers: &[PathBuf]) -> Vec<Recovered> {
    ledgers.iter().map(|ledger| recover_one(ledger)).collect()
}

fn recover_one(path: &Path) -> Recovered {
    let mut recovered = Recovered { ledger: path.into(), ..Recovered::default() };
    let entries = match ledger::read(path) {
        Ok(entries) => entries,
        Err(why) => {
            recovered.left.push(format!("cannot read {}: {why}", path.display()));
            return recovered;
        }
    };
    for entry in &entries {
        if let Entry::Run { run, controller, .. } = entry {
            recovered.run.clone_from(run);
            recovered.running |= controller.lives();
        }
    }
    if !recovered.running {
        end_processes(&entries, &mut recovered);
        settle(path, &mut recovered);
        for group in cgroups::of(&entries, None) {
            match cgroups::remove(group) {
                Ok(true) => recovered.done.push(format!("removed {}", group.display())),
                Ok(false) => {}
                Err(why) => recovered.left.push(why),
            }
        }
        remove_folders(&entries, &mut recovered);
    }
    recovered
}

/// Undoes what faults of the user's own did, as far as no guard has: they write that down too.
fn settle(path: &Path, recovered: &mut Recovered) {
    let entries = ledger::read(path).unwrap_or_default();
    for owed in owed::of(&entries, None) {
        let ledger = Ledger::open(path).map_err(|why| format!("{}: {why}", path.display()));
        match ledger.and_then(|ledger| owed.settle(&ledger)) {
            Ok(done) => recovered.done.push(done),
            Err(why) => recovered.left.push(why),
        }
    }
}

/// Guards first, since each takes its node along; servers last, since only on loopback they have
/// anything to outlive.
fn end_processes(entries: &[Entry], recovered: &mut Recovered) {
    for role in [Role::Guard, Role::Agent, Role::Server] {
        let patience = if role == Role::Server { Duration::ZERO } else { PATIENCE };
        let deadline = monotonic_ns() + patience.as_nanos() as i64;
        for (node, process) in processes_of(entries, role) {
            while process.lives() && monotonic_ns() < deadline {
                sleep(Duration::from_millis(10));
            }
            end(&format!("{node}'s {role}"), process, recovered);
        }
    }
    for process in strays(&recovered.run) {
        end("a server's child", process, recovered);
    }
}

fn processes_of(entries: &[Entry], wanted: Role) -> impl Iterator<Item = (&str, Process)> {
    entries.iter().filter_map(move |entry| match entry {
        Entry::Runs { node, role, process } if *role == wanted => Some((node.as_str(), *process)),
        _ => None,
    })
}

/// Processes that bear the run's mark in their environment, wherever they have got to.
fn strays(run: &str) -> Vec<Process> {
    let mark = format!("{RUN}={run}");
    let all = processes::all().unwrap_or_default();
    let marked = all.into_iter().filter(|process| {
        !run.is_empty() && processes::has_in_environment(process.pid, &mark) == Some(true)
    });
    marked.map(|process| Process { pid: process.pid, start: process.start }).collect()
}

fn end(what: &str, process: Process, recovered: &mut Recovered) {
    if !process.lives() {
        return;
    }
    let Process { pid, start } = process;
    let ended = processes::signal(pid, start, Signal::SIGKILL).and_then(|()| {
        (0..200)
            .find_map(|_| {
                sleep(Duration::from_millis(5));
                (!process.lives()).then_some(())
            })
            .ok_or_else(|| io::Error::other("it does not end"))
    });
    match ended {
        Ok(()) => recovered.done.push(format!("ended {what} (process {pid})")),
        Err(why) => recovered.left.push(format!("{what}: {why}; try as root: kill -9 {pid}")),
    }
}

fn remove_folders(entries: &[Entry], recovered: &mut Recovered) {
    for entry in entries {
        let Entry::Folder { path, keep, .. } = entry else {
            continue;
        };
        let Ok(there) = fs::symlink_metadata(path) else {
            continue;
        };
        let made = entries.iter().find_map(|entry| match entry {
            Entry::Made { path: made, device, inode } if made == path => Some((*device, *inode)),
            _ => None,
        });
        if *keep {
            // Of a folder that stays, what was kept aside under it goes.
            if made == Some((there.dev(), there.ino())) {
                let _ = fs::remove_dir_all(path.join(ASIDE));
            }
            continue;
        }
        let removed = match made {
            Some(made) if made == (there.dev(), there.ino()) => fs::remove_dir_all(path),
            // Another one by now: not ours.
            Some(_) => continue,
            // Made, and its maker killed before it could say so; then it is empty.
            None => fs::remove_dir(path),
        };
        match removed {
            Ok(()) => recovered.done.push(format!("removed {}", path.display())),
            Err(why) => {
                recovered.left.push(format!("{}: {why}; remove it by hand", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_run_is_cleared_away_once_and_strangers_are_left_alone() {
        let folder = std::env::temp_dir().join(format!("temblor-recover-{}", std::process::id()));
        let path = |name: &str| folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let ledger = Ledger::open(&path("ledger.jsonl")).unwrap();
        let controller = Process { start: 1, ..Process::this() };
        let run = path("run").display().to_string();
        ledger.write(&Entry::Run { run, provider: String::new(), controller }).unwrap();
        ledger.make_folder("n1", &path("ours"), false).unwrap();
        ledger.make_folder("n2", &path("kept"), true).unwrap();
        ledger.make_folder("n3", &path("replaced"), false).unwrap();
        fs::write(path("ours").join("data"), "x").unwrap();
        fs::rename(path("replaced"), path("elsewhere")).unwrap();
        fs::create_dir(path("replaced")).unwrap();
        let first = recover(&[path("ledger.jsonl")]);
        let second = recover(&[path("ledger.jsonl")]);
        let there = ["ours", "kept", "replaced"].map(|name| path(name).exists());
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first[0].done, [format!("removed {}", path("ours").display())]);
        assert_eq!((&second[0].done, &second[0].left), (&vec![], &vec![]));
        assert_eq!(there, [false, true, true]);
    }

    #[test]
    fn a_run_whose_controller_lives_is_not_touched() {
        let path = std::env::temp_dir().join(format!("temblor-running-{}", std::process::id()));
        let ledger = Ledger::open(&path).unwrap();
        let (run, provider) = ("r".to_string(), String::new());
        ledger.write(&Entry::Run { run, provider, controller: Process::this() }).unwrap();
        let recovered = recover(std::slice::from_ref(&path));
        fs::remove_file(path).unwrap();
        assert!(recovered[0].running && recovered[0].done.is_empty());
    }
}
