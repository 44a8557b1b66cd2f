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
use temblor_faults::LinkPolicy;

use super::{
    Command, LinkCounter, Policies,
    delay::{Delays, Link},
    frame::{Destination, destination, flow},
    inbox, priority,
};
use crate::{clock::monotonic_ns, cluster::tap};

/// Frames taken from one port before the next port has its turn.
const BATCH: usize = 64;
/// A frame with segmentation left to the receiver, its headers, and the TAP's.
const LARGEST: usize = 65536 + 128;

/// Everything that the thread owns.
pub(super) struct Bench {
    ports: Vec<Option<OwnedFd>>,
    offloaded: Vec<bool>,
    policies: Arc<Policies>,
    counters: Arc<Vec<Vec<LinkCounter>>>,
    delays: Delays,
    seed: u64,
    /// Frames that each link's dice have been thrown for.
    thrown: Vec<Vec<u64>>,
}

impl Bench {
    pub(super) fn new(
        ports: Vec<OwnedFd>,
        seed: u64,
        counters: Arc<Vec<Vec<LinkCounter>>>,
    ) -> Self {
        let count = ports.len();
        Self {
            ports: ports.into_iter().map(Some).collect(),
            offloaded: vec![true; count],
            policies: Arc::new(vec![vec![LinkPolicy::default(); count]; count]),
            counters,
            delays: Delays::default(),
            seed,
            thrown: vec![vec![0; count]; count],
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
            let Some((called, ready)) = self.wait(woken) else {
                continue;
            };
            if called && !self.obey(woken, commands) {
                return;
            }
            for port in ready {
                self.take_in(port, &mut buffer);
            }
        }
    }

    /// Whether the thread is called, and which ports have frames; none: look again.
    fn wait(&self, woken: &UnixStream) -> Option<(bool, Vec<usize>)> {
        let due = self.delays.next_due_ns().map(|due_ns| {
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
    fn obey(&mut self, woken: &UnixStream, commands: &Receiver<Command>) -> bool {
        let mut calls = [0; 64];
        if matches!(read(woken, &mut calls), Ok(0)) {
            return false;
        }
        for command in inbox(commands) {
            match command {
                Command::Use(policies, done) => {
                    self.policies = policies;
                    // Nobody waits any more: then nobody wants to know.
                    let _ = done.send(self.set_offloads());
                }
                Command::Unplug(port) => self.ports[port] = None,
            }
        }
        true
    }

    fn set_offloads(&mut self) -> io::Result<()> {
        for (port, tap) in self.ports.iter().enumerate() {
            let wanted = !self.policies[port].iter().any(LinkPolicy::is_per_packet);
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
            if self.policies[from][to].drop {
                self.count(waiting.link, |counter| &counter.dropped);
            } else {
                self.hand_over(waiting.link, &waiting.frame);
            }
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
        match destination(frame, self.ports.len()) {
            Destination::One(to) if to != from => self.send((from, to), frame),
            Destination::Others => {
                for to in (0..self.ports.len()).filter(|to| *to != from) {
                    self.send((from, to), frame);
                }
            }
            Destination::One(_) | Destination::Nowhere => {}
        }
    }

    /// Does to a frame what its link's policy says.
    fn send(&mut self, link: Link, frame: &[u8]) {
        let policy = self.policies[link.0][link.1];
        if policy.drop {
            return self.count(link, |counter| &counter.dropped);
        }
        if policy.loss > 0.0 && self.throw(link) < policy.loss {
            return self.count(link, |counter| &counter.lost);
        }
        let now_ns = monotonic_ns();
        let slow = !policy.delay.is_zero() || !policy.jitter.is_zero();
        if !slow && !self.delays.holds(link, flow(frame), now_ns) {
            return self.hand_over(link, frame);
        }
        let due_ns = now_ns + self.delay_ns(link, &policy);
        if !self.delays.hold(link, flow(frame), now_ns, due_ns, frame) {
            self.count(link, |counter| &counter.overflowed);
        }
    }

    /// Uniform in delay ± jitter, never less than nothing.
    fn delay_ns(&mut self, link: Link, policy: &LinkPolicy) -> i64 {
        let jitter = policy.jitter.as_nanos() as f64;
        let offset = if jitter > 0.0 { jitter * (2.0 * self.throw(link) - 1.0) } else { 0.0 };
        (policy.delay.as_nanos() as i64 + offset as i64).max(0)
    }

    /// The link's next number in [0, 1): a hash of seed, link and how many went before.
    fn throw(&mut self, (from, to): Link) -> f64 {
        self.thrown[from][to] += 1;
        let place = (from as u64) << 56 | (to as u64) << 48 | self.thrown[from][to];
        (scramble(scramble(self.seed) ^ place) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn hand_over(&mut self, link: Link, frame: &[u8]) {
        let Some(tap) = &self.ports[link.1] else {
            return;
        };
        if write(tap, frame).is_ok() {
            self.count(link, |counter| &counter.passed);
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

/// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn scramble(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_fair_seeded_and_each_link_has_its_own() {
        let throws = |seed, link| {
            let mut bench = Bench::new(Vec::new(), seed, Arc::default());
            bench.thrown = vec![vec![0; 2]; 2];
            (0..10_000).map(|_| bench.throw(link)).collect::<Vec<f64>>()
        };
        let lost = throws(7, (0, 1)).iter().filter(|throw| **throw < 0.1).count();
        assert!((900..1100).contains(&lost), "{lost} of 10000 at 10 %");
        assert_eq!(throws(7, (0, 1)), throws(7, (0, 1)));
        assert_ne!(throws(7, (0, 1)), throws(7, (1, 0)));
        assert_ne!(throws(7, (0, 1)), throws(8, (0, 1)));
    }
}
