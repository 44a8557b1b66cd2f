//! The switch's thread: frames in, by their link's policy out.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, atomic::Ordering, mpsc::Receiver},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::{prctl::set_timerslack, time::TimeSpec},
    unistd::{read, write},
};
use temblor_faults::{Fate, Passage, Path};

use super::{
    Command, LinkCounter, Policies, damage,
    delay::{Arriving, Delays, Link},
    frame::{Destination, destination, flow},
    inbox, priority,
};
use crate::{
    clock::monotonic_ns,
    cluster::{
        tap::{self, HEADER},
        trace::Witness,
    },
};

/// Frames taken from one port before the next port has its turn.
const BATCH: usize = 64;
/// So many batches may be a port's whole queue.
const DRAINED: usize = 16;
/// A frame with segmentation left to the receiver, its headers, and the TAP's.
const LARGEST: usize = 65536 + 128;

/// Everything that the thread owns.
pub(super) struct Bench {
    ports: Vec<Option<OwnedFd>>,
    offloaded: Vec<bool>,
    paths: Vec<Vec<Path>>,
    counters: Arc<Vec<Vec<LinkCounter>>>,
    delays: Delays,
    witness: Option<Witness>,
    /// Room for what is used for a moment only.
    fates: Vec<Fate>,
    damaged: Vec<u8>,
}

impl Bench {
    pub(super) fn new(
        ports: Vec<OwnedFd>,
        witness: Option<Witness>,
        counters: Arc<Vec<Vec<LinkCounter>>>,
    ) -> Self {
        let count = ports.len();
        Self {
            ports: ports.into_iter().map(Some).collect(),
            offloaded: vec![true; count],
            paths: vec![vec![Path::default(); count]; count],
            counters,
            delays: Delays::default(),
            witness,
            fates: Vec::new(),
            damaged: Vec::new(),
        }
    }

    /// Until the other end of `woken` is closed.
    pub(super) fn run(mut self, woken: &UnixStream, commands: &Receiver<Command>) {
        // Without this the kernel may wake a thread 50 µs late.
        let _ = set_timerslack(1);
        priority::come_first();
        let mut buffer = vec![0; LARGEST];
        loop {
            self.release();
            if let Some(witness) = &mut self.witness {
                witness.turn(monotonic_ns());
            }
            let Some((called, ready)) = self.wait(woken) else {
                continue;
            };
            if called && !self.obey(woken, commands, &mut buffer) {
                return;
            }
            for port in ready {
                self.take_in(port, &mut buffer);
            }
        }
    }

    /// Whether the thread is called, and which ports have frames; none: look again.
    fn wait(&self, woken: &UnixStream) -> Option<(bool, Vec<usize>)> {
        let told = self.witness.as_ref().and_then(Witness::due_ns);
        let due = self.delays.next_due_ns().into_iter().chain(told).min().map(|due_ns| {
            TimeSpec::from_duration(Duration::from_nanos((due_ns - monotonic_ns()).max(0) as u64))
        });
        let open = self.ports.iter().enumerate();
        let open: Vec<_> = open.filter_map(|(port, tap)| Some((port, tap.as_ref()?))).collect();
        let mut fds = vec![PollFd::new(woken.as_fd(), PollFlags::POLLIN)];
        fds.extend(open.iter().map(|(_, tap)| PollFd::new(tap.as_fd(), PollFlags::POLLIN)));
        ppoll(&mut fds, due, None).ok()?;
        let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        let ports = open.iter().zip(&fds[1..]).filter(|(_, fd)| ready(fd));
        Some((ready(&fds[0]), ports.map(|((port, _), _)| *port).collect()))
    }

    /// Does what it is told; false: the controller has let go.
    fn obey(
        &mut self,
        woken: &UnixStream,
        commands: &Receiver<Command>,
        buffer: &mut [u8],
    ) -> bool {
        let mut calls = [0; 64];
        if matches!(read(woken, &mut calls), Ok(0)) {
            return false;
        }
        for command in inbox(commands) {
            match command {
                Command::Use(policies, done) => {
                    // Nobody waits any more: then nobody wants to know.
                    let _ = done.send(self.put(&policies, buffer));
                }
                Command::Unplug(port) => self.ports[port] = None,
            }
        }
        true
    }

    /// Puts policies in force. Frames that came before them fare by those before: among them may
    /// be larger ones than single packets.
    fn put(&mut self, policies: &Policies, buffer: &mut [u8]) -> io::Result<()> {
        self.set_offloads(policies)?;
        for _ in 0..DRAINED {
            (0..self.ports.len()).for_each(|port| self.take_in(port, buffer));
        }
        for (row, hops) in self.paths.iter_mut().zip(policies) {
            for (path, hops) in row.iter_mut().zip(hops) {
                path.update(hops);
            }
        }
        Ok(())
    }

    fn set_offloads(&mut self, policies: &Policies) -> io::Result<()> {
        for (port, tap) in self.ports.iter().enumerate() {
            let mut hops = policies[port].iter().flatten();
            let wanted = !hops.any(|hop| hop.policy.is_per_packet());
            if let Some(tap) = tap.as_ref().filter(|_| wanted != self.offloaded[port]) {
                tap::offload(tap, wanted)?;
                self.offloaded[port] = wanted;
            }
        }
        Ok(())
    }

    /// Lets the frames go whose time has come. A cut that came meanwhile cuts them too.
    fn release(&mut self) {
        while let Some(waiting) = self.delays.take(monotonic_ns()) {
            let (from, to) = waiting.link;
            if self.paths[from][to].is_cut() {
                self.count(waiting.link, |counter| &counter.dropped);
            } else {
                self.hand_over(waiting.link, &waiting.frame);
            }
            self.delays.reuse(waiting.frame);
        }
    }

    fn take_in(&mut self, port: usize, buffer: &mut [u8]) {
        for _ in 0..BATCH {
            let Some(tap) = &self.ports[port] else {
                return;
            };
            match read(tap, buffer) {
                Ok(length) => self.forward(port, &buffer[..length]),
                Err(Errno::EAGAIN) => return,
                Err(Errno::EINTR) => {}
                // Its namespace is gone.
                Err(_) => self.ports[port] = None,
            }
        }
    }

    fn forward(&mut self, from: usize, frame: &[u8]) {
        let destination = destination(frame, self.ports.len());
        if let Some(witness) = &mut self.witness {
            witness.sent(from, destination.port(), frame, monotonic_ns());
        }
        match destination {
            Destination::One(to) if to != from => self.send((from, to), frame),
            Destination::Others => {
                for to in (0..self.ports.len()).filter(|to| *to != from) {
                    self.send((from, to), frame);
                }
            }
            Destination::One(_) | Destination::Nowhere => {}
        }
    }

    /// Does to a frame what its link's policies say.
    fn send(&mut self, link: Link, frame: &[u8]) {
        let path = &mut self.paths[link.0][link.1];
        if path.is_clear() && self.delays.is_empty(link) {
            return self.hand_over(link, frame);
        }
        let now_ns = monotonic_ns();
        let mut fates = std::mem::take(&mut self.fates);
        path.pass(frame.len() - HEADER, now_ns, &mut |fate| fates.push(fate));
        let mut copies = 0;
        for fate in fates.drain(..) {
            match fate {
                Fate::Cut => self.count(link, |counter| &counter.dropped),
                Fate::Lost => self.count(link, |counter| &counter.lost),
                Fate::Overflowed => self.count(link, |counter| &counter.overflowed),
                Fate::Arrives(passage) => {
                    copies += 1;
                    self.deliver(link, frame, &passage, now_ns);
                }
            }
        }
        (1..copies).for_each(|_| self.count(link, |counter| &counter.copied));
        self.fates = fates;
    }

    fn deliver(&mut self, link: Link, frame: &[u8], passage: &Passage, now_ns: i64) {
        if passage.is_whole() {
            return self.hold_or_hand_over(link, frame, passage, now_ns);
        }
        let mut damaged = std::mem::take(&mut self.damaged);
        damaged.clear();
        damaged.extend_from_slice(frame);
        let mut hit = false;
        if let Some(draw) = passage.corrupt_silently {
            hit |= damage::corrupt_silently(&mut damaged, draw);
        }
        if let Some(draw) = passage.corrupt {
            if damage::is_uncut(&damaged) {
                // The receiver would not accept it: damaged or lost is the same.
                self.damaged = damaged;
                return self.count(link, |counter| &counter.lost);
            }
            hit |= damage::corrupt(&mut damaged, draw);
        }
        if hit {
            self.count(link, |counter| &counter.damaged);
        }
        self.hold_or_hand_over(link, &damaged, passage, now_ns);
        self.damaged = damaged;
    }

    fn hold_or_hand_over(&mut self, link: Link, frame: &[u8], passage: &Passage, now_ns: i64) {
        let (flow, due_ns) = (flow(frame), passage.due_ns);
        if due_ns <= now_ns && !self.delays.holds(link, flow, now_ns) {
            return self.hand_over(link, frame);
        }
        let held_ns = passage.held_ns;
        let arriving = Arriving { link, flow, now_ns, due_ns, held_ns, frame };
        if !self.delays.hold(&arriving) {
            self.count(link, |counter| &counter.overflowed);
        }
    }

    fn hand_over(&mut self, link: Link, frame: &[u8]) {
        let Some(tap) = &self.ports[link.1] else {
            return;
        };
        if write(tap, frame).is_ok() {
            self.count(link, |counter| &counter.passed);
            if let Some(witness) = &mut self.witness {
                witness.arrived(link, frame, monotonic_ns());
            }
        } else {
            self.count(link, |counter| &counter.overflowed);
        }
    }

    fn count(
        &self,
        (from, to): Link,
        which: impl Fn(&LinkCounter) -> &std::sync::atomic::AtomicU64,
    ) {
        which(&self.counters[from][to]).fetch_add(1, Ordering::Relaxed);
    }
}
