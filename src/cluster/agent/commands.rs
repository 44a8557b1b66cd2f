//! Commands of the user's own, run on the node to their ends, one at a time.
//!
//! The node goes on meanwhile: servers are reaped, probes answered. What a command says is kept in
//! a log beside those of the servers.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use temblor_faults::{Command, Ran};

use super::{node::Node, now_ns};

/// The end of a child wakes the agent; this is for the time that is up.
const LOOK: Duration = Duration::from_millis(20);
/// Of what a command said last, so much is quoted.
const QUOTED: usize = 200;

/// Where the node's commands speak to.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
}

impl Log {
    pub(super) fn new(logs: &std::path::Path) -> Self {
        Self { path: logs.join("commands.log") }
    }

    /// The file, with a line that says what comes next; and its length then.
    fn begin(&self, command: &Command) -> io::Result<(File, usize)> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        writeln!(file, "$ {:?}", command.argv)?;
        let length = file.metadata()?.len();
        Ok((file, length as usize))
    }

    /// The last line since then, shortened.
    fn last_words(&self, from: usize) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        let said = String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned();
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.unwrap_or_default().chars().take(QUOTED).collect()
    }
}

impl Node {
    /// Runs a command; kills it, with its process group, when its time is up.
    pub(super) fn run_command(&mut self, command: &Command) -> io::Result<Ran> {
        let (file, from) = self.commands.begin(command)?;
        let pid = match self.servers.start_command(command, file) {
            Ok(pid) => pid,
            Err(why) => {
                let program = command.argv.first().map_or("", String::as_str);
                return Ok(Ran {
                    well: false,
                    words: format!("`{program}` does not start: {why}"),
                });
            }
        };
        let deadline = now_ns() + command.at_most.as_nanos() as i64;
        let mut late = false;
        let (well, status) = loop {
            if let Some((_, Some(ended))) = &self.servers.awaited {
                break ended.clone();
            }
            if !late && now_ns() >= deadline {
                late = true;
                // It leads a group of its own. One that has just ended is no error.
                let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
            }
            self.turn(None, Some(LOOK))?;
        };
        self.servers.awaited = None;
        let mut words =
            if late { format!("no end within {:?}: killed", command.at_most) } else { status };
        let last = self.commands.last_words(from);
        if !last.is_empty() {
            words = format!("{words}: {last}");
        }
        Ok(Ran { well: well && !late, words })
    }
}
