//! What a fault needs of one machine.

use temblor_history::Evidence;

use crate::{ClockChange, Command, DiskOps, Lack, Ran, Skew};

/// A live process of a node's servers, children of servers included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerProcess {
    /// Its number, as the node sees it.
    pub pid: i32,
    /// When it started, in clock ticks since boot: a pid alone may be reused.
    pub start: u64,
    /// Its command name.
    pub name: String,
    /// What it is doing.
    pub state: ServerState,
}

/// The state of a process, from `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// Runs, sleeps or waits for a disk.
    Alive,
    /// Stopped by a signal (`T`).
    Stopped,
    /// Dead, not yet reaped (`Z`, `X`).
    Dead,
}

/// The signals that faults send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGKILL
    Kill,
    /// SIGTERM
    Terminate,
    /// SIGSTOP
    Stop,
    /// SIGCONT
    Continue,
}

/// One machine, as a fault sees it. Implemented by the agent; faults are called there.
pub trait NodeOps {
    /// Every live process of the node's servers.
    fn servers(&mut self) -> std::io::Result<Vec<ServerProcess>>;
    /// Sends a signal to one of them if it is still the same process; that it is gone is no error.
    fn signal(&mut self, server: &ServerProcess, signal: Signal) -> std::io::Result<()>;
    /// The command line of one of them, as it shows now (many write what they do into it).
    fn command_line(&self, server: &ServerProcess) -> String;
    /// Sends each server its own stop signal, last started first.
    fn ask_to_stop(&mut self) -> std::io::Result<()>;
    /// From now on exits of servers are laid to this occurrence, until it is forgiven.
    fn blame(&mut self, occurrence: &str);
    /// Exits are laid to it no longer, but to whoever is blamed beside it, if anybody is.
    fn forgive(&mut self, occurrence: &str);
    /// Starts every server that does not run.
    fn start_servers(&mut self) -> std::io::Result<()>;
    /// The names of the servers that do not run.
    fn servers_down(&mut self) -> std::io::Result<Vec<String>>;
    /// Waits until the condition holds on the machine or the bound is reached; reaps meanwhile.
    fn wait(
        &mut self,
        at_most: std::time::Duration,
        until: &mut dyn FnMut(&[ServerProcess]) -> bool,
    ) -> std::io::Result<bool>;
    /// Puts every server process, and those that come later, on a skewed clock; with none back on
    /// the right one. What can't be done to a process is no error, but said of it.
    fn set_clock(&mut self, skew: Option<Skew>) -> std::io::Result<ClockChange>;
    /// Takes from every server process what the fault says, and tells what was seen of that.
    fn starve(&mut self, lack: Lack) -> std::io::Result<Vec<Evidence>>;
    /// Gives it back, and tells what was seen of that.
    fn feed(&mut self, lack: Lack) -> std::io::Result<Vec<Evidence>>;
    /// The layer under the node's data folder.
    ///
    /// # Errors
    /// When the node has none.
    fn disk(&mut self) -> std::io::Result<&mut dyn DiskOps> {
        Err(std::io::Error::other("this node's data folder has no layer for disk faults"))
    }
    /// Runs a command of the user's on the node to its end.
    ///
    /// # Errors
    /// When the machine has no way to; that the command failed is no error.
    fn run(&mut self, command: &Command) -> std::io::Result<Ran> {
        let program = command.argv.first().map_or("", String::as_str);
        Err(std::io::Error::other(format!("`{program}` can't be run here")))
    }
    /// Writes down, before it is needed, the command that undoes an occurrence: whoever clears up
    /// runs it where nobody says that it is settled.
    ///
    /// # Errors
    /// When it can't be written down.
    fn owe(&mut self, _occurrence: &str, _command: &Command) -> std::io::Result<()> {
        Ok(())
    }
    /// Writes down that an occurrence is undone.
    ///
    /// # Errors
    /// When it can't be written down.
    fn settle(&mut self, _occurrence: &str) -> std::io::Result<()> {
        Ok(())
    }
    /// From now on servers start with these programs, by the servers' names.
    ///
    /// # Errors
    /// When there is no such server.
    fn replace_programs(
        &mut self,
        _programs: &std::collections::BTreeMap<String, String>,
    ) -> std::io::Result<()> {
        Err(std::io::Error::other("servers can't be replaced here"))
    }
    /// The machine's monotonic clock, nanoseconds.
    fn now_ns(&self) -> i64;
}
