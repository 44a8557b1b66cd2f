//! The node as its agent holds it: servers, their output, probes, and time passing.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        time::TimeSpec,
    },
};
use temblor_faults::{
    ClockChange, Command, DiskOps, Lack, NodeOps, Ran, ServerProcess, ServerState,
    Signal as FaultSignal, Skew,
};
use temblor_history::Evidence;

use super::{
    clocks::Clocks,
    commands::Log,
    now_ns,
    output::Output,
    servers::{Ended, Servers},
    starving::{Place, Starving},
};
use crate::cluster::{
    ClusterError, channel,
    disk::Disk,
    ledger::{Entry, Ledger, Process, Role},
    message::{Answer, Say, Setup, Volley},
    prober::Prober,
    processes,
};

/// Between two looks at the servers' output.
const OUTPUT_NS: i64 = 100_000_000;
/// Between two looks at `/proc` while something is awaited.
const LOOK: Duration = Duration::from_millis(1);

pub(super) struct Node {
    pub(super) name: String,
    pub(super) servers: Servers,
    pub(super) commands: Log,
    data: PathBuf,
    outputs: Vec<Output>,
    clocks: Clocks,
    starving: Starving,
    run: String,
    prober: Option<Prober>,
    ledger: Ledger,
    /// The layer under the data folder.
    disk: Option<Disk>,
    signals: SignalFd,
    own_namespaces: bool,
    /// Whoever may have ended a server, the last one last.
    blamed: Vec<String>,
    /// Exits are wanted.
    stopping: bool,
    told_to_end: bool,
    output_due_ns: i64,
}

impl Node {
    pub(super) fn new(setup: Setup, own_namespaces: bool) -> Result<Self, ClusterError> {
        let Setup { run, node, servers, data, logs, ledger, never, disk, network } = setup;
        let failed = |act: &str| {
            let (node, act) = (node.clone(), act.to_string());
            move |why: io::Error| ClusterError::new(node, act, why)
        };
        let signals = watched_signals().map_err(failed("watch for the end of children"))?;
        let disk = disk.map(|disk| Disk::start(&data, disk)).transpose().map_err(|why| {
            failed(&format!("put a layer for disk faults under {}", data.display()))(why)
                .advise("`temblor doctor` says what disk faults need")
        })?;
        let servers = Servers::new(
            &run,
            servers,
            &data,
            &logs,
            own_namespaces,
            disk.as_ref().map(Disk::process),
        )?;
        let outputs = servers.all.iter().map(|server| Output::new(server.output.clone(), &never));
        let prober = network.map(|network| Prober::new(network.own)).transpose();
        Ok(Self {
            outputs: outputs.collect(),
            servers,
            commands: Log::new(&logs),
            data,
            clocks: Clocks::default(),
            starving: Starving::default(),
            run,
            prober: prober.map_err(failed("listen for probes"))?,
            ledger: Ledger::open(&ledger)
                .map_err(failed(&format!("open the ledger {}", ledger.display())))?,
            signals,
            disk,
            name: node,
            own_namespaces,
            blamed: Vec::new(),
            stopping: false,
            told_to_end: false,
            output_due_ns: 0,
        })
    }

    /// Whether the guard has asked this agent to end.
    pub(super) fn told_to_end(&self) -> bool {
        self.told_to_end
    }

    /// Writes down what comes next.
    pub(super) fn about_to(&self, what: &str) -> Result<(), ClusterError> {
        let entry = Entry::Doing { node: self.name.clone(), what: what.into() };
        self.ledger
            .write(&entry)
            .map_err(|why| ClusterError::new(self.name.clone(), "write to the ledger", why))
    }

    /// Lets time pass, at most so long: until a child has ended, a datagram is to come or go, or
    /// `also` has something to read, which is the answer.
    pub(super) fn turn(
        &mut self,
        also: Option<BorrowedFd<'_>>,
        at_most: Option<Duration>,
    ) -> io::Result<bool> {
        let until = at_most.map_or(i64::MAX, |bound| now_ns() + bound.as_nanos() as i64);
        let until = until.min(self.next_due_ns());
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.prober.iter().map(|prober| PollFd::new(prober.fd(), PollFlags::POLLIN)));
        fds.extend(also.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let wait = Duration::from_nanos((until - now_ns()).max(0) as u64);
        match ppoll(&mut fds, Some(TimeSpec::from_duration(wait)), None) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(why) => return Err(why.into()),
        }
        let readable = also.is_some() && fds.last().and_then(PollFd::any).unwrap_or(false);
        self.keep_up()?;
        Ok(readable)
    }

    fn next_due_ns(&self) -> i64 {
        let probe = self.prober.as_ref().and_then(Prober::next_due_ns);
        let dues = [probe, self.clocks.next_due_ns()];
        dues.into_iter().flatten().fold(self.output_due_ns, i64::min)
    }

    fn keep_up(&mut self) -> io::Result<()> {
        if let Some(prober) = &mut self.prober {
            prober.turn();
        }
        while let Ok(Some(signal)) = self.signals.read_signal() {
            self.told_to_end |= signal.ssi_signo == Signal::SIGTERM as u32;
        }
        self.reap()?;
        self.clocks.turn(&self.servers)?;
        if now_ns() >= self.output_due_ns {
            self.output_due_ns = now_ns() + OUTPUT_NS;
            self.read_outputs()?;
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        let ended = self.servers.reap();
        if !ended.is_empty() {
            self.read_outputs()?;
        }
        for Ended { server, status } in ended {
            if !self.stopping {
                let caused_by = self.blamed.last().cloned();
                say(&Say::Exit { server, status, caused_by, at_ns: now_ns() })?;
            }
        }
        Ok(())
    }

    fn read_outputs(&mut self) -> io::Result<()> {
        let found: Vec<_> = self.outputs.iter_mut().flat_map(Output::read).collect();
        for found in found {
            let (pattern, line) = (found.pattern, found.line);
            say(&Say::Never { pattern, line, at_ns: now_ns() })?;
        }
        Ok(())
    }

    /// Starts every server that does not run, in order.
    pub(super) fn start(&mut self) -> Result<(), ClusterError> {
        for place in 0..self.servers.all.len() {
            if self.servers.all[place].main.is_some() {
                continue;
            }
            let name = self.servers.all[place].spec.name.clone();
            self.about_to(&format!("start server {name}"))?;
            let pid = self.servers.start(place).map_err(|error| self.at_home(error))?;
            if !self.own_namespaces {
                let process = Process::of(pid);
                let runs = Entry::Runs { node: self.name.clone(), role: Role::Server, process };
                self.ledger.write(&runs).map_err(|why| {
                    ClusterError::new(self.name.clone(), "write to the ledger", why)
                })?;
            }
        }
        Ok(())
    }

    fn at_home(&self, error: ClusterError) -> ClusterError {
        ClusterError { place: self.name.clone(), ..error }
    }

    /// Its data is of no use any more: it comes back as a new member.
    pub(super) fn forget(&mut self) -> Result<(), ClusterError> {
        self.about_to("empty its data folder")?;
        let act = "empty its data folder";
        self.servers.forget().map_err(|why| ClusterError::new(self.name.clone(), act, why))
    }

    /// Ends every server with its stop signal, last started first; after the grace by force.
    pub(super) fn stop(&mut self, grace_ms: u64) -> io::Result<()> {
        self.stopping = true;
        self.ask_to_stop()?;
        let stopped = self.wait(Duration::from_millis(grace_ms), &mut <[_]>::is_empty);
        self.kill_all(Duration::from_secs(5));
        self.stopping = false;
        stopped.map(drop)
    }

    /// The agent's last act: nothing that it started stays, stopped processes included.
    pub(super) fn end_all(&mut self) {
        self.stopping = true;
        self.kill_all(Duration::from_secs(1));
    }

    fn kill_all(&mut self, at_most: Duration) {
        let deadline = now_ns() + at_most.as_nanos() as i64;
        while now_ns() < deadline {
            let live = self.servers.processes().unwrap_or_default();
            if live.is_empty() {
                return;
            }
            for process in live {
                let _ = processes::signal(process.pid, process.start, Signal::SIGKILL);
            }
            let _ = self.turn(None, Some(LOOK));
        }
    }

    /// Begins a volley of datagrams.
    pub(super) fn fire(&mut self, volley: &Volley) -> Result<(), ClusterError> {
        self.prober.as_mut().map(|prober| prober.fire(volley)).ok_or_else(|| no_links(&self.name))
    }

    /// What has become of one.
    pub(super) fn arrivals(&mut self, volley: u64) -> Result<Answer, ClusterError> {
        let prober = self.prober.as_mut().ok_or_else(|| no_links(&self.name))?;
        prober.turn();
        Ok(prober.arrivals(volley))
    }
}

/// Tells the controller.
fn say(say: &Say) -> io::Result<()> {
    channel::write_line(&io::stdout(), say)
}

fn no_links(node: &str) -> ClusterError {
    ClusterError::new(node, "probe its links", "it has no network of its own")
        .advise("link faults need namespaces: see `temblor doctor`")
}

fn watched_signals() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

impl NodeOps for Node {
    fn servers(&mut self) -> io::Result<Vec<ServerProcess>> {
        let live = self.servers.processes()?.into_iter().map(|process| ServerProcess {
            pid: process.pid,
            start: process.start,
            name: process.name,
            state: processes::state(process.pid),
        });
        Ok(live.filter(|process| process.state != ServerState::Dead).collect())
    }

    fn signal(&mut self, server: &ServerProcess, signal: FaultSignal) -> io::Result<()> {
        let signal = match signal {
            FaultSignal::Kill => Signal::SIGKILL,
            FaultSignal::Terminate => Signal::SIGTERM,
            FaultSignal::Stop => Signal::SIGSTOP,
            FaultSignal::Continue => Signal::SIGCONT,
        };
        processes::signal(server.pid, server.start, signal)
    }

    fn blame(&mut self, occurrence: &str) {
        self.forgive(occurrence);
        self.blamed.push(occurrence.into());
    }

    fn forgive(&mut self, occurrence: &str) {
        // Who is dead already goes to the account of the last one. A channel that does not take
        // the news is closed, and the next turn says so.
        let _ = self.reap();
        self.blamed.retain(|blamed| blamed != occurrence);
    }

    fn start_servers(&mut self) -> io::Result<()> {
        self.start().map_err(io::Error::other)
    }

    fn servers_down(&mut self) -> io::Result<Vec<String>> {
        self.reap()?;
        let down = self.servers.all.iter().filter(|server| server.main.is_none());
        Ok(down.map(|server| server.spec.name.clone()).collect())
    }

    fn wait(
        &mut self,
        at_most: Duration,
        until: &mut dyn FnMut(&[ServerProcess]) -> bool,
    ) -> io::Result<bool> {
        let deadline = now_ns() + at_most.as_nanos() as i64;
        loop {
            self.keep_up()?;
            if until(&self.servers()?) {
                return Ok(true);
            }
            if now_ns() >= deadline {
                return Ok(false);
            }
            self.turn(None, Some(LOOK))?;
        }
    }

    fn ask_to_stop(&mut self) -> io::Result<()> {
        for server in self.servers.all.iter().rev() {
            if let Some(pid) = server.main {
                let signal = Servers::stop_signal(&server.spec);
                processes::signal(pid, Process::of(pid).start, signal)?;
                processes::signal(pid, Process::of(pid).start, Signal::SIGCONT)?;
            }
        }
        Ok(())
    }

    fn command_line(&self, server: &ServerProcess) -> String {
        let words = std::fs::read(format!("/proc/{}/cmdline", server.pid)).unwrap_or_default();
        String::from_utf8_lossy(&words).replace('\0', " ").trim_end().into()
    }

    fn starve(&mut self, lack: Lack) -> io::Result<Vec<Evidence>> {
        let (servers, ledger) = (&self.servers, &self.ledger);
        let place = Place { servers, ledger, run: &self.run, node: &self.name };
        self.starving.starve(&place, lack)
    }

    fn feed(&mut self, lack: Lack) -> io::Result<Vec<Evidence>> {
        let (servers, ledger) = (&self.servers, &self.ledger);
        let place = Place { servers, ledger, run: &self.run, node: &self.name };
        self.starving.feed(&place, lack)
    }

    fn set_clock(&mut self, skew: Option<Skew>) -> io::Result<ClockChange> {
        self.clocks.set(&self.servers, skew)
    }

    fn disk(&mut self) -> io::Result<&mut dyn DiskOps> {
        let lack = || io::Error::other("there is no layer for disk faults under its data folder");
        self.disk.as_mut().map(|disk| disk as &mut dyn DiskOps).ok_or_else(lack)
    }

    fn run(&mut self, command: &Command) -> io::Result<Ran> {
        self.about_to(&format!("run {:?}", command.argv)).map_err(io::Error::other)?;
        self.run_command(command)
    }

    fn owe(&mut self, occurrence: &str, command: &Command) -> io::Result<()> {
        self.ledger.write(&Entry::Owes {
            node: self.name.clone(),
            occurrence: occurrence.into(),
            command: command.clone(),
            folder: self.data.clone(),
            namespaces: self.own_namespaces,
        })
    }

    fn replace_programs(&mut self, programs: &BTreeMap<String, String>) -> io::Result<()> {
        self.servers.replace_programs(programs)
    }

    fn settle(&mut self, occurrence: &str) -> io::Result<()> {
        let (node, occurrence) = (self.name.clone(), occurrence.into());
        self.ledger.write(&Entry::Settled { node, occurrence })
    }

    fn now_ns(&self) -> i64 {
        now_ns()
    }
}
