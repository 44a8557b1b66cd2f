//! The ledger: what was about to be done to this machine, one JSON object a line, written first.
//!
//! Controller, guards and agents append to the same file. A line is one write, which the kernel
//! does not mix with another's. It is not synced: it has to outlive processes, not the machine.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use temblor_faults::Command;

use super::processes;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Entry {
    /// The controller begins to make a cluster.
    Run { run: String, provider: String, controller: Process },
    /// A process of ours runs.
    Runs { node: String, role: Role, process: Process },
    /// A folder is about to be made; whether it shall outlive the run.
    Folder { node: String, path: PathBuf, keep: bool },
    /// It was made, and is this one.
    Made { path: PathBuf, device: u64, inode: u64 },
    /// A control group is about to be made.
    Group { node: String, path: PathBuf },
    /// A fault of the user's own is about to be applied, and this command undoes it.
    Owes { node: String, occurrence: String, command: Command, folder: PathBuf, namespaces: bool },
    /// It was undone.
    Settled { node: String, occurrence: String },
    /// Something is about to be done to a node's servers.
    Doing { node: String, what: String },
    /// A node is no more; what could not be removed.
    Gone { node: String, left: Vec<String> },
}

/// What a process is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Role {
    Guard,
    Agent,
    Server,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Guard => "guard",
            Self::Agent => "agent",
            Self::Server => "server",
        })
    }
}

/// A process, as nobody can be mistaken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub(super) pid: i32,
    /// When it started, in clock ticks since boot.
    pub(super) start: u64,
}

impl Process {
    /// This process.
    pub(super) fn this() -> Self {
        Self::of(std::process::id() as i32)
    }

    /// The process that has this number now.
    pub(super) fn of(pid: i32) -> Self {
        Self { pid, start: processes::stat(pid).map_or(0, |stat| stat.start) }
    }

    /// Whether it lives, and is not merely waiting to be reaped.
    pub(super) fn lives(self) -> bool {
        processes::stat(self.pid).is_some_and(|stat| stat.start == self.start && !stat.is_dead())
    }
}

/// A ledger that is written.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
}

impl Ledger {
    /// Opens it at its end; makes it where it is not.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: OpenOptions::new().create(true).append(true).open(path)? })
    }

    /// Adds a line.
    pub(super) fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        (&self.file).write_all(&line)
    }

    /// Makes a folder that must not be there yet, so that whatever is in it later is ours.
    pub(super) fn make_folder(&self, node: &str, path: &Path, keep: bool) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.write(&Entry::Folder { node: node.into(), path: path.into(), keep })?;
        fs::create_dir(path)?;
        let made = fs::metadata(path)?;
        self.write(&Entry::Made { path: path.into(), device: made.dev(), inode: made.ino() })
    }
}

/// Every whole line of a ledger; a torn last line is nobody's promise yet.
pub(super) fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let text = fs::read(path)?;
    Ok(text
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_reads_back_without_its_torn_line() {
        let folder = std::env::temp_dir().join(format!("temblor-ledger-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("ledger.jsonl");
        let ledger = Ledger::open(&path).unwrap();
        ledger.make_folder("n1", &folder.join("data"), false).unwrap();
        let again = ledger.make_folder("n1", &folder.join("data"), false).unwrap_err();
        (&ledger.file).write_all(b"{\"gone\":{\"node\":\"n1\",\"le").unwrap();
        let made = fs::metadata(folder.join("data")).unwrap();
        let read = read(&path).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(
            read,
            [
                Entry::Folder { node: "n1".into(), path: folder.join("data"), keep: false },
                Entry::Made { path: folder.join("data"), device: made.dev(), inode: made.ino() },
            ]
        );
    }

    #[test]
    fn a_process_is_its_number_and_its_start() {
        let this = Process::this();
        assert!(this.lives());
        assert!(!Process { start: this.start + 1, ..this }.lives());
    }
}
