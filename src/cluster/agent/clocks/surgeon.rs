//! A process of its own, made for each change of clocks, that traces servers and ends at once.
//!
//! The agent itself traces nobody: it is PID 1, it has to reap and answer, and a thread that does
//! not stop would stay traced for as long as its tracer lives. Whatever becomes of this process,
//! killed in the middle included, the kernel lets go of whom it traced.

#![expect(unsafe_code, reason = "it is forked, so that it can be ended alone")]

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use nix::{
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl::set_pdeathsig,
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::{ForkResult, Pid, fork, pipe2},
};
use serde::{Deserialize, Serialize};
use temblor_faults::ClockSeen;

use super::{Order, Refusal, operate};
use crate::{clock::monotonic_ns, cluster::processes::Stat};

/// However many processes there are, so long at the least.
const BOUND: Duration = Duration::from_secs(1);
/// And so long more for each.
const BOUND_EACH: Duration = Duration::from_millis(300);

/// What became of one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Operated {
    pub(super) pid: i32,
    pub(super) start: u64,
    /// None: it was as it should be.
    pub(super) result: Result<Option<ClockSeen>, Refusal>,
}

/// Does what is asked to each process, one after the other; those that it did not get to in time
/// are not in the answer.
pub(super) fn send(patients: &[Stat], order: Order) -> io::Result<Vec<Operated>> {
    let (reading, writing) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: the agent has one thread, so that the child may do whatever the agent may; it leaves
    // by _exit, so that nothing of the agent runs twice.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(reading);
            let code = i32::from(work(patients, order, writing).is_err());
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => {
            drop(writing);
            let heard = listen(&reading, BOUND + BOUND_EACH * patients.len() as u32);
            // It may have ended by itself; nobody else has its number, since it is not reaped yet.
            let _ = kill(child, Signal::SIGKILL);
            let _ = reap(child);
            heard.map(|bytes| lines(&bytes))
        }
    }
}

fn work(patients: &[Stat], order: Order, writing: OwnedFd) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    let mut out = File::from(writing);
    for patient in patients {
        let result = operate(patient.pid, &patient.name, order);
        let operated = Operated { pid: patient.pid, start: patient.start, result };
        let mut line = serde_json::to_vec(&operated)?;
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

fn listen(reading: &OwnedFd, bound: Duration) -> io::Result<Vec<u8>> {
    let deadline = monotonic_ns() + bound.as_nanos() as i64;
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
            Err(nix::errno::Errno::EINTR) => {}
            Err(why) => return Err(why.into()),
        }
    }
}

fn reap(child: Pid) -> nix::Result<()> {
    loop {
        match waitpid(child, None) {
            Err(nix::errno::Errno::EINTR) => {}
            ended => return ended.map(drop),
        }
    }
}

fn lines(bytes: &[u8]) -> Vec<Operated> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}
