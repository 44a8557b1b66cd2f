//! The probes of the clients' port: a thread of the controller, in the clients' network.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
    unistd::{read, write},
};
use tokio::sync::oneshot;

use super::{
    message::{Answer, PortAddress, Volley},
    prober::Prober,
};
use crate::clock::monotonic_ns;

enum Command {
    Fire(Volley),
    Arrivals(u64, oneshot::Sender<Answer>),
}

/// The running thread; dropping it ends it.
#[derive(Debug)]
pub(super) struct ClientsProber {
    commands: Sender<Command>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl ClientsProber {
    pub(super) fn start(own: PortAddress) -> io::Result<Self> {
        let prober = Prober::new(own)?;
        let (commands, inbox) = channel();
        let (wake, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let thread = std::thread::Builder::new()
            .name("clients-probes".into())
            .spawn(move || run(prober, &woken, &inbox))?;
        Ok(Self { commands, wake: Some(wake), thread: Some(thread) })
    }

    /// Begins a volley.
    pub(super) fn fire(&self, volley: Volley) -> io::Result<()> {
        self.command(Command::Fire(volley))
    }

    /// What has become of one.
    pub(super) async fn arrivals(&self, volley: u64) -> io::Result<Answer> {
        let (asked, answer) = oneshot::channel();
        self.command(Command::Arrivals(volley, asked))?;
        answer.await.map_err(|_| io::Error::other("the thread has ended"))
    }

    fn command(&self, command: Command) -> io::Result<()> {
        let ended = || io::Error::other("the thread has ended");
        self.commands.send(command).map_err(|_| ended())?;
        write(self.wake.as_ref().ok_or_else(ended)?.as_fd(), &[1])?;
        Ok(())
    }
}

impl Drop for ClientsProber {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut prober: Prober, woken: &UnixStream, commands: &Receiver<Command>) {
    loop {
        let due = prober.next_due_ns().map(|due_ns| {
            TimeSpec::from_duration(Duration::from_nanos((due_ns - monotonic_ns()).max(0) as u64))
        });
        let mut fds = [
            PollFd::new(woken.as_fd(), PollFlags::POLLIN),
            PollFd::new(prober.fd(), PollFlags::POLLIN),
        ];
        // An interrupted wait is only a shorter one.
        let _ = ppoll(&mut fds, due, None);
        prober.turn();
        if matches!(read(woken, &mut [0; 64]), Ok(0)) {
            return;
        }
        for command in commands.try_iter() {
            match command {
                Command::Fire(volley) => prober.fire(&volley),
                // Who has gone away needs no answer.
                Command::Arrivals(volley, asked) => drop(asked.send(prober.arrivals(volley))),
            }
        }
    }
}
