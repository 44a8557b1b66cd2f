//! `temblor guard`: makes one node, and ends it when its controller is gone.
//!
//! One thread, outside the node's PID namespace, in a session of its own. Its standard input is
//! the lifeline: a pipe that only the controller holds open. Its standard output is the agent's
//! channel, which it hands on. It knows nothing of servers or faults.

use std::{
    fs, io,
    io::Write,
    os::fd::AsFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use nix::{
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, setns, unshare},
    sys::{
        prctl::set_child_subreaper,
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, waitpid},
    },
    unistd::{Pid, dup2_stdout, pipe2},
};
use serde::{Deserialize, Serialize};

use super::{
    ClusterError, cgroups, channel,
    disk::ASIDE,
    ledger::{self, Entry, Ledger, Process, Role},
    message::Say,
    owed, processes, spawn,
};

/// What a guard has to know, as its one argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) node: String,
    /// Whether the node gets namespaces of its own.
    pub(super) namespaces: bool,
    pub(super) data: PathBuf,
    pub(super) keep_data: bool,
    pub(super) ledger: PathBuf,
}

/// The guard's whole life; returns the exit code: 0 when nothing of the node is left. `args` are
/// those after `guard`.
pub fn guard_main(args: &[String]) -> i32 {
    let Some(charge) = args.first().and_then(|text| serde_json::from_str::<Charge>(text).ok())
    else {
        return usage();
    };
    match Guard::begin(charge) {
        Ok(guard) => guard.watch(),
        Err(why) => {
            tell(&why);
            255
        }
    }
}

fn usage() -> i32 {
    let _ = writeln!(io::stderr(), "temblor guard is started by runs, not by people");
    254
}

/// Tells the controller, over the channel that the agent will not need.
fn tell(error: &ClusterError) {
    let ClusterError { act, why, advice, .. } = error.clone();
    let _ = writeln!(io::stderr(), "{error}");
    let _ = channel::write_line(&io::stdout(), &Say::NoNode { act, why, advice });
}

struct Guard {
    charge: Charge,
    ledger: Ledger,
    signals: SignalFd,
    agent: Child,
}

impl Guard {
    fn begin(charge: Charge) -> Result<Self, ClusterError> {
        let node = charge.node.clone();
        let failed = |act: String| {
            let node = node.clone();
            move |why: io::Error| ClusterError::new(node, act, why)
        };
        let signals = watched_signals().map_err(failed("watch for signals".into()))?;
        let ledger = Ledger::open(&charge.ledger)
            .map_err(failed(format!("open the ledger {}", charge.ledger.display())))?;
        write_runs(&ledger, &charge.node, Role::Guard, Process::this())
            .map_err(failed("write to the ledger".into()))?;
        ledger.make_folder(&charge.node, &charge.data, charge.keep_data).map_err(|why| {
            failed(format!("make the data folder {}", charge.data.display()))(why)
                .advise("remove it if it is of no use, or `temblor recover`")
        })?;
        let agent = start_agent(&charge).map_err(failed("start the agent".into()));
        let agent = agent.inspect_err(|_| drop(remove_data(&charge)))?;
        let process = Process::of(agent.id() as i32);
        // From here on the agent must be ended whatever fails: an error ends this guard, and that
        // the agent.
        write_runs(&ledger, &charge.node, Role::Agent, process)
            .map_err(failed("write to the ledger".into()))?;
        release_channel().map_err(failed("let go of the agent's channel".into()))?;
        Ok(Self { charge, ledger, signals, agent })
    }

    /// Waits for the end of the lifeline, of the agent, or for a polite signal.
    fn watch(mut self) -> i32 {
        let stdin = io::stdin();
        loop {
            let mut fds = [
                PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            let polled = poll(&mut fds, PollTimeout::NONE);
            let lifeline_ended = fds[0].any().unwrap_or(true);
            if polled.is_ok() && (lifeline_ended || self.told_to_end()) {
                return self.end();
            }
        }
    }

    fn told_to_end(&mut self) -> bool {
        let mut told = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            told |= signal.ssi_signo != Signal::SIGCHLD as u32;
        }
        told || matches!(self.agent.try_wait(), Ok(Some(_)))
    }

    /// Ends the node. In namespaces the death of PID 1 is the death of all, and it is reaped only
    /// after them.
    fn end(mut self) -> i32 {
        if !self.charge.namespaces {
            self.end_agent_politely();
        }
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        if !self.charge.namespaces {
            end_descendants();
        }
        let entries = ledger::read(&self.charge.ledger).unwrap_or_default();
        let owed = owed::of(&entries, Some(&self.charge.node));
        if !owed.is_empty() {
            // An error shows where the commands can't be started.
            let _ = leave_dead_pid_namespace();
        }
        let mut left: Vec<String> =
            owed.iter().filter_map(|owed| owed.settle(&self.ledger).err()).collect();
        left.extend(remove_groups(&self.charge.node, &entries));
        left.extend(remove_data(&self.charge).err());
        let code = i32::from(!left.is_empty());
        let _ = self.ledger.write(&Entry::Gone { node: self.charge.node, left });
        code
    }

    /// Without namespaces only the agent knows all of its servers well: let it end them.
    fn end_agent_politely(&mut self) {
        let _ = processes_signal(self.agent.id() as i32, Signal::SIGTERM);
        for _ in 0..100 {
            if !matches!(self.agent.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

fn watched_signals() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

fn write_runs(ledger: &Ledger, node: &str, role: Role, process: Process) -> io::Result<()> {
    ledger.write(&Entry::Runs { node: node.into(), role, process })
}

fn start_agent(charge: &Charge) -> io::Result<Child> {
    if charge.namespaces {
        // For the children of this process: the next one is PID 1.
        unshare(CloneFlags::CLONE_NEWPID)?;
    } else {
        set_child_subreaper(true)?;
    }
    let channel = io::stdout().as_fd().try_clone_to_owned()?;
    let mut command = Command::new(spawn::THIS_PROGRAM);
    command.arg("agent").stdin(Stdio::from(channel.try_clone()?)).stdout(Stdio::from(channel));
    if charge.namespaces {
        command.arg("namespaces");
    }
    spawn::as_agent(&mut command, pipe2(OFlag::O_CLOEXEC)?, charge.namespaces);
    command.spawn()
}

/// So that the controller sees the channel close when the agent dies.
fn release_channel() -> io::Result<()> {
    let nothing = fs::OpenOptions::new().write(true).open("/dev/null")?;
    Ok(dup2_stdout(nothing)?)
}

/// Children were to be born in the node's PID namespace, and in one without PID 1 nobody is born.
fn leave_dead_pid_namespace() -> io::Result<()> {
    Ok(setns(fs::File::open("/proc/self/ns/pid")?, CloneFlags::CLONE_NEWPID)?)
}

fn processes_signal(pid: i32, signal: Signal) -> io::Result<()> {
    processes::signal(pid, Process::of(pid).start, signal)
}

/// Whoever outlived the agent was handed to this process, and so are their children in turn.
fn end_descendants() {
    for _ in 0..200 {
        let family =
            processes::descendants(processes::all().unwrap_or_default(), std::process::id() as i32);
        if family.is_empty() {
            return;
        }
        for process in family {
            let _ = processes::signal(process.pid, process.start, Signal::SIGKILL);
        }
        while waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))
            .is_ok_and(|status| status.pid().is_some())
        {}
        sleep(Duration::from_millis(5));
    }
}

/// Removes the node's control groups, which its agent has written down; the errors say what to do.
fn remove_groups(node: &str, entries: &[Entry]) -> Vec<String> {
    let groups = cgroups::of(entries, Some(node));
    groups.filter_map(|group| cgroups::remove(group).err()).collect()
}

/// Removes the data folder, which this guard has made, or what a layer under it has kept aside; the
/// error says what to do.
fn remove_data(charge: &Charge) -> Result<(), String> {
    let folder = if charge.keep_data { charge.data.join(ASIDE) } else { charge.data.clone() };
    match fs::remove_dir_all(&folder) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {why}; remove it by hand", folder.display()))
        }
        _ => Ok(()),
    }
}
