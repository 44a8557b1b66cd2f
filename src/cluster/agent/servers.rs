//! The server processes of a node: starting them, and knowing when they end.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::{
        signal::Signal,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Pid, chown},
};

use temblor_faults::Command as Asked;

use crate::cluster::{
    ClusterError, ServerSpec, processes,
    processes::Stat,
    spawn::{self, Identity, RUN, SERVER},
};

/// How often a process without an environment is looked at again, a millisecond apart.
const TRIES: u32 = 50;

/// One server of the node.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) spec: ServerSpec,
    pub(super) output: PathBuf,
    /// Its first process, while it runs; a server that makes itself a daemon hands this on.
    pub(super) main: Option<i32>,
    identity: Option<Identity>,
    /// Its files are written, and its preparations have ended well.
    prepared: bool,
    /// It was a member, has left, and comes back as a new one.
    joins: bool,
}

/// The end of a server's first process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) server: String,
    pub(super) status: String,
}

/// All servers of the node.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) all: Vec<Server>,
    run: String,
    data: PathBuf,
    own_namespaces: bool,
    /// The process of the layer under the data folder, which forgets what is not synced.
    layer: Option<i32>,
    /// A command whose end is waited for, and how it ended.
    pub(super) awaited: Option<(i32, Option<(bool, String)>)>,
}

impl Servers {
    /// Nothing is started; users are looked up, and the first server's user gets the data folder.
    pub(super) fn new(
        run: &str,
        specs: Vec<ServerSpec>,
        data: &Path,
        logs: &Path,
        own_namespaces: bool,
        layer: Option<i32>,
    ) -> Result<Self, ClusterError> {
        let all: Vec<Server> = specs
            .into_iter()
            .map(|spec| {
                let act = format!("prepare server {}", spec.name);
                let identity = spec.user.as_deref().map(Identity::of).transpose();
                let identity = identity.map_err(|why| ClusterError::new("", act, why))?;
                let output = logs.join(format!("{}.log", spec.name));
                Ok(Server { spec, output, main: None, identity, prepared: false, joins: false })
            })
            .collect::<Result<_, _>>()?;
        if let Some(identity) = all.first().and_then(|server| server.identity.as_ref()) {
            let (user, group) = identity.ids();
            chown(data, Some(user), Some(group)).map_err(|why| {
                ClusterError::new("", format!("give {} to its user", data.display()), why)
                    .advise("run as root")
            })?;
        }
        let (run, data) = (run.into(), data.into());
        Ok(Self { all, run, data, own_namespaces, layer, awaited: None })
    }

    /// Starts a server that does not run, and prepares one that never ran; returns its process.
    pub(super) fn start(&mut self, place: usize) -> Result<i32, ClusterError> {
        if !self.all[place].prepared {
            self.prepare(place)?;
            self.all[place].prepared = true;
        }
        let server = &self.all[place];
        let spec = &server.spec;
        let failed = |why: io::Error| {
            let program = spec.argv.first().map_or("", String::as_str);
            let error = ClusterError::new("", format!("start server {}", spec.name), &why);
            match why.kind() {
                io::ErrorKind::NotFound => error.advise(format!("is `{program}` installed?")),
                io::ErrorKind::PermissionDenied => error.advise(format!(
                    "may the server's user run `{program}`, and may this run change user?"
                )),
                _ => error,
            }
        };
        let more = if server.joins { spec.join.as_slice() } else { &[] };
        let child = self
            .command(server, &[spec.argv.as_slice(), more].concat())
            .and_then(|mut command| command.spawn())
            .map_err(failed)?;
        let pid = child.id() as i32;
        self.all[place].main = Some(pid);
        Ok(pid)
    }

    /// Empties the data folder: from now on servers start as those of a new member.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(&self.data)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        for server in &mut self.all {
            (server.prepared, server.joins) = (false, true);
        }
        Ok(())
    }

    /// From now on servers of these names start with these programs.
    pub(super) fn replace_programs(
        &mut self,
        programs: &BTreeMap<String, String>,
    ) -> io::Result<()> {
        for (name, program) in programs {
            let server = self.all.iter_mut().find(|server| server.spec.name == *name);
            let first = server.and_then(|server| server.spec.argv.first_mut());
            let lack = || io::Error::other(format!("there is no server `{name}`"));
            program.clone_into(first.ok_or_else(lack)?);
        }
        Ok(())
    }

    /// Writes a server's files, then runs its preparations to their end, one after the other.
    /// Whatever kills this agent kills them too.
    fn prepare(&self, place: usize) -> Result<(), ClusterError> {
        let server = &self.all[place];
        for (name, text) in &server.spec.files {
            self.write(server, name, text).map_err(|why| {
                let path = self.data.join(name);
                ClusterError::new("", format!("write {}", path.display()), why)
            })?;
        }
        for argv in &server.spec.prepare {
            let act = || format!("run `{}`", argv.join(" "));
            let ended = self.command(server, argv).and_then(|mut command| command.status());
            let ended = ended.map_err(|why| ClusterError::new("", act(), why))?;
            if !ended.success() {
                let output = server.output.display();
                return Err(ClusterError::new("", act(), ended)
                    .advise(format!("what it said stands in {output}")));
            }
        }
        if self.layer.is_some() {
            // An installed system has been on its disk for long.
            sync_all(&self.data).map_err(|why| {
                ClusterError::new("", format!("sync {}", self.data.display()), why)
            })?;
        }
        Ok(())
    }

    fn write(&self, server: &Server, name: &str, text: &str) -> io::Result<()> {
        let path = self.data.join(name);
        let owner = server.identity.as_ref().map(Identity::ids);
        let (user, group) = owner.unzip();
        let folders: Vec<&Path> =
            path.ancestors().skip(1).take_while(|folder| *folder != self.data).collect();
        for folder in folders.into_iter().rev().filter(|folder| !folder.is_dir()) {
            fs::create_dir(folder)?;
            chown(folder, user, group)?;
        }
        fs::write(&path, text)?;
        Ok(chown(&path, user, group)?)
    }

    /// A command of a server's: its own, or one of its preparations.
    fn command(&self, server: &Server, argv: &[String]) -> io::Result<Command> {
        let (program, arguments) =
            argv.split_first().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let output = OpenOptions::new().create(true).append(true).open(&server.output)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(server.spec.env.iter().cloned())
            .env(SERVER, &server.spec.name)
            .env(RUN, &self.run)
            .current_dir(&self.data)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        spawn::as_server(&mut command, server.identity.clone(), !self.own_namespaces);
        Ok(command)
    }

    /// Reaps whoever has ended, and says which servers have.
    pub(super) fn reap(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        loop {
            match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => {
                    ended.extend(self.end(pid, code == 0, format!("exit code {code}")));
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) => {
                    let status = format!("signal {} ({})", signal as i32, signal.as_str());
                    ended.extend(self.end(pid, false, status));
                }
                Ok(WaitStatus::StillAlive) => return ended,
                Err(Errno::EINTR) | Ok(_) => {}
                Err(_) => return ended,
            }
        }
    }

    /// Starts a command of the user's; its end is waited for from now on.
    pub(super) fn start_command(&mut self, command: &Asked, output: File) -> io::Result<i32> {
        let (program, arguments) =
            command.argv.split_first().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut started = Command::new(program);
        started
            .args(arguments)
            .envs(command.env.iter().cloned())
            .env(RUN, &self.run)
            .current_dir(&self.data)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        spawn::as_server(&mut started, None, !self.own_namespaces);
        let pid = started.spawn()?.id() as i32;
        self.awaited = Some((pid, None));
        Ok(pid)
    }

    fn end(&mut self, pid: Pid, well: bool, status: String) -> Option<Ended> {
        if let Some((command, ended)) = &mut self.awaited
            && *command == pid.as_raw()
        {
            *ended = Some((well, status));
            return None;
        }
        let server = self.all.iter_mut().find(|server| server.main == Some(pid.as_raw()))?;
        server.main = if well { daemon_of(&server.spec.name) } else { None };
        let server = server.main.is_none().then(|| server.spec.name.clone())?;
        Some(Ended { server, status })
    }

    /// Every process of every server: whatever lives here beside the agent and its layer.
    pub(super) fn processes(&self) -> io::Result<Vec<Stat>> {
        let own = std::process::id() as i32;
        let all = processes::all()?;
        if self.own_namespaces {
            let ours = |pid: i32| pid == own || Some(pid) == self.layer;
            return Ok(all.into_iter().filter(|process| !ours(process.pid)).collect());
        }
        Ok(processes::descendants(all, own))
    }

    /// The signal of a server's graceful stop.
    pub(super) fn stop_signal(spec: &ServerSpec) -> Signal {
        match spec.stop_signal.as_str() {
            "INT" => Signal::SIGINT,
            "QUIT" => Signal::SIGQUIT,
            _ => Signal::SIGTERM,
        }
    }
}

/// Syncs a folder with all that is in it.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_all(&entry.path())?;
        } else if kind.is_file() {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    fs::File::open(folder)?.sync_all()
}

/// The oldest process of a server among those that were handed to this agent as orphans.
fn daemon_of(server: &str) -> Option<i32> {
    let own = std::process::id() as i32;
    let mark = format!("{SERVER}={server}");
    for _ in 0..TRIES {
        let mut orphans = processes::all().ok()?;
        orphans.retain(|process| process.parent == own && !process.is_dead());
        orphans.sort_by_key(|process| (process.start, process.pid));
        let marked = |process: &Stat| processes::has_in_environment(process.pid, &mark);
        let marks: Vec<Option<bool>> = orphans.iter().map(marked).collect();
        if let Some(place) = marks.iter().position(|mark| *mark == Some(true)) {
            return Some(orphans[place].pid);
        }
        // One is just becoming another program, and has no environment yet.
        if !marks.contains(&None) {
            return None;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    None
}
