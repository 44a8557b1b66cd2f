//! Work that the agent has done by a child of its own, made for that and ended at once.
//!
//! What could block, trace, change user or be killed for what it does must not be the agent: that
//! is PID 1 of its node. Whatever becomes of the child, the agent goes on.

#![expect(unsafe_code, reason = "a child that goes on with this program's memory is forked")]

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl::set_pdeathsig,
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{ForkResult, fork, pipe2},
};

use crate::clock::monotonic_ns;

/// Has a child do some work, and returns what it wrote until it ended or the time was up; then it
/// is killed.
pub(super) fn aside(
    at_most: Duration,
    work: impl FnOnce(File) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    let (reading, writing) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the agent has one thread, so that the child may do whatever the agent may; it leaves
    // by _exit, so that nothing of the agent runs twice.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reading);
            let done = set_pdeathsig(Signal::SIGKILL)
                .map_err(io::Error::from)
                .and_then(|()| work(File::from(writing)));
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        ForkResult::Parent { child } => {
            drop(writing);
            let heard = listen(&reading, at_most);
            // It may have ended by itself; nobody else has its number, since it is not reaped yet.
            let _ = kill(child, Signal::SIGKILL);
            while waitpid(child, None) == Err(Errno::EINTR) {}
            heard
        }
    }
}

fn listen(reading: &OwnedFd, at_most: Duration) -> io::Result<Vec<u8>> {
    let deadline = monotonic_ns() + at_most.as_nanos() as i64;
    let mut file = File::from(reading.try_clone()?);
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let left = ((deadline - monotonic_ns()).max(0) / 1_000_000) as u16;
        let mut fds = [PollFd::new(reading.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::from(left)) {
            Ok(0) => return Ok(heard),
            Ok(_) => match file.read(&mut piece)? {
                0 => return Ok(heard),
                count => heard.extend(&piece[..count]),
            },
            Err(Errno::EINTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
}
