//! The switch: every link of the cluster, in one thread of the controller.
//!
//! Each port is the TAP of a network namespace; frames go where their MAC says, which is fixed.
//! One policy for each directed link decides what becomes of them. While the fate of a sender's
//! single packets is dealt, its kernel may not hand over larger ones. The switch learns nothing,
//! answers nothing, and changes no frame but those that a fault damages.

mod damage;
mod delay;
mod forward;
mod frame;
mod priority;
mod table;

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

use tokio::sync::oneshot;

pub(super) use self::table::{LinkTable, Policies};
use super::trace::Witness;

/// What has become of the frames of one directed link.
#[derive(Debug, Default)]
pub(super) struct LinkCounter {
    passed: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    overflowed: AtomicU64,
    damaged: AtomicU64,
    copied: AtomicU64,
}

/// The same at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkCounts {
    /// Handed to the receiver.
    pub passed: u64,
    /// Dropped because the link is cut.
    pub dropped: u64,
    /// Lost by dice.
    pub lost: u64,
    /// Dropped because too much was waiting on a slow or limited link, or the receiver was full.
    pub overflowed: u64,
    /// Handed over with a flipped bit, found by checksums or not.
    pub damaged: u64,
    /// Copies beside the packets themselves.
    pub copied: u64,
}

/// What the switch's thread is asked.
enum Command {
    /// Use these from now on; the answer comes once it is so.
    Use(Arc<Policies>, oneshot::Sender<io::Result<()>>),
    /// The port's namespace is gone: let go of it.
    Unplug(usize),
}

/// The running switch. Dropping it ends it, and every interface with it.
#[derive(Debug)]
pub(super) struct Switch {
    commands: Sender<Command>,
    /// One byte wakes the thread; the end of it ends the thread.
    wake: Option<UnixStream>,
    counters: Arc<Vec<Vec<LinkCounter>>>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Starts it with these ports, every link passing; who traces is shown every frame.
    pub(super) fn start(ports: Vec<OwnedFd>, witness: Option<Witness>) -> io::Result<Self> {
        let (commands, inbox) = channel();
        let (wake, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let counters = counters(ports.len());
        let bench = forward::Bench::new(ports, witness, Arc::clone(&counters));
        let thread = std::thread::Builder::new()
            .name("switch".into())
            .spawn(move || bench.run(&woken, &inbox))?;
        Ok(Self { commands, wake: Some(wake), counters, thread: Some(thread) })
    }

    /// Puts policies in force; returns when they are.
    pub(super) async fn put(&self, policies: Policies) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        self.command(Command::Use(Arc::new(policies), done))?;
        answer.await.map_err(|_| ended())?
    }

    /// Lets go of a port whose namespace is gone.
    pub(super) fn unplug(&self, port: usize) -> io::Result<()> {
        self.command(Command::Unplug(port))
    }

    /// What has become of the frames of each directed link so far.
    pub(super) fn counts(&self, from: usize, to: usize) -> LinkCounts {
        let counter = &self.counters[from][to];
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        LinkCounts {
            passed: read(&counter.passed),
            dropped: read(&counter.dropped),
            lost: read(&counter.lost),
            overflowed: read(&counter.overflowed),
            damaged: read(&counter.damaged),
            copied: read(&counter.copied),
        }
    }

    fn command(&self, command: Command) -> io::Result<()> {
        self.commands.send(command).map_err(|_| ended())?;
        let wake = self.wake.as_ref().ok_or_else(ended)?;
        nix::unistd::write(wake.as_fd(), &[1])?;
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the switch has ended")
}

fn counters(ports: usize) -> Arc<Vec<Vec<LinkCounter>>> {
    let row = || (0..ports).map(|_| LinkCounter::default()).collect();
    Arc::new((0..ports).map(|_| row()).collect())
}

/// Takes what has been asked.
fn inbox(commands: &Receiver<Command>) -> impl Iterator<Item = Command> {
    commands.try_iter()
}
