//! What happens to a child between its fork and its program.

#![expect(
    unsafe_code,
    reason = "the standard library leaves this moment to pre_exec, which is unsafe"
)]

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::Command,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::unshare,
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, Signal},
    },
    unistd::{Gid, Uid, User, geteuid, getgrouplist, setgid, setgroups, setsid, setuid},
};

use super::namespaces;

/// The program that this process runs, also after its file was replaced.
pub(super) const THIS_PROGRAM: &str = "/proc/self/exe";

/// In the environment of every server, with its name, so that its children are known for what
/// they are.
pub(super) const SERVER: &str = "TEMBLOR_SERVER";
/// The same with the run's identity.
pub(super) const RUN: &str = "TEMBLOR_RUN";

/// A session of its own: no Ctrl-C of the controller's terminal reaches it.
pub(super) fn in_own_session(command: &mut Command) {
    // SAFETY: one system call.
    unsafe { command.pre_exec(|| Ok(setsid().map(drop)?)) };
}

/// The agent's beginning: it is told when its guard dies, and stands in namespaces of its own.
/// `alive` is a pipe whose writing end the guard alone keeps.
pub(super) fn as_agent(command: &mut Command, alive: (OwnedFd, OwnedFd), own_namespaces: bool) {
    let (reading, writing) = alive;
    let writing_number = writing.as_raw_fd();
    // The guard keeps its end for ever; the child has a copy to close.
    std::mem::forget(writing);
    let death = if own_namespaces { Signal::SIGKILL } else { Signal::SIGTERM };
    let begin = move || {
        // SAFETY: closes the child's own copy of a descriptor that nothing else in it uses.
        unsafe { libc::close(writing_number) };
        set_pdeathsig(death)?;
        // The guard may have died before that; then nobody would tell. (Its number says nothing:
        // from inside a PID namespace every parent outside is 0.)
        let mut fds = [PollFd::new(reading.as_fd(), PollFlags::empty())];
        if poll(&mut fds, PollTimeout::ZERO)? > 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if own_namespaces {
            unshare(namespaces::of_a_node())?;
        }
        Ok(())
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(begin) };
}

/// A user to run as.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

impl Identity {
    /// Looks a user up; the error says what to do.
    pub(super) fn of(user: &str) -> Result<Self, String> {
        let found =
            User::from_name(user).map_err(|why| format!("cannot look up user `{user}`: {why}"))?;
        let found = found.ok_or_else(|| {
            format!("there is no user `{user}` on this machine: install the system's package, or change `user:` in its file")
        })?;
        let name = CString::new(found.name).map_err(|why| why.to_string())?;
        let groups = getgrouplist(&name, found.gid).map_err(|why| why.to_string())?;
        Ok(Self { user: found.uid, group: found.gid, groups })
    }

    /// Its number and that of its group.
    pub(super) fn ids(&self) -> (Uid, Gid) {
        (self.user, self.group)
    }
}

/// A server's beginning: its own session, default signals, another user where asked, and death
/// with its agent (`dies_with_agent`) where no namespace sees to that.
pub(super) fn as_server(command: &mut Command, identity: Option<Identity>, dies_with_agent: bool) {
    let begin = move || {
        setsid()?;
        default_signals()?;
        if let Some(Identity { user, group, groups }) = &identity {
            setgroups(groups)?;
            setgid(*group)?;
            setuid(*user)?;
        }
        // After the change of user, which would clear it.
        if dies_with_agent {
            set_pdeathsig(Signal::SIGKILL)?;
        }
        Ok(())
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(begin) };
}

/// The beginning of a command that undoes what a node did: its own session, default signals, and
/// where the node had namespaces fresh ones like them.
pub(super) fn as_settler(command: &mut Command, own_namespaces: bool) {
    let begin = move || {
        setsid()?;
        default_signals()?;
        set_pdeathsig(Signal::SIGKILL)?;
        if own_namespaces {
            if !geteuid().is_root() {
                namespaces::enter_user_namespace()?;
            }
            unshare(namespaces::of_a_node())?;
            namespaces::make_mounts_private()?;
        }
        Ok(())
    };
    // SAFETY: guards and `temblor recover`, who call it, have one thread.
    unsafe { command.pre_exec(begin) };
}

/// What the controller ignores (SIGHUP under nohup, say) a server shall not ignore, and what guard
/// and agent block to wait for it (SIGTERM, SIGCHLD) it shall get.
fn default_signals() -> nix::Result<()> {
    for signal in Signal::iterator() {
        // SAFETY: sets the default disposition; where that is not allowed the call does nothing.
        unsafe { libc::signal(signal as i32, libc::SIG_DFL) };
    }
    SigSet::empty().thread_set_mask()
}
