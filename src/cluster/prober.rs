//! Datagrams between all ports of the switch: what a link does, seen from its two ends.
//!
//! Each datagram leaves from a socket of its own, and so is a flow of its own: the order that a
//! link keeps within a flow does not bend the delays that are measured. Arrivals carry the
//! kernel's time of arrival, not that of a late wake-up.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    io::{self, IoSliceMut},
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use nix::{
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt,
            sockopt::{RcvBuf, ReceiveTimestampns},
        },
        time::TimeSpec,
    },
    time::{ClockId, clock_gettime},
};

use super::message::{Answer, Arrival, PortAddress, Volley};
use crate::clock::monotonic_ns;

/// Kept free of servers by its lowness: tcpmux over UDP has no users.
const PORT: u16 = 1;
const MAGIC: u64 = 0x7465_6d62_6c6f_7231;
const LENGTH: usize = 32;
/// Volleys whose arrivals are remembered.
const REMEMBERED: usize = 64;
/// Datagrams wait here while their reader is busy.
const BUFFER: usize = 1 << 20;

/// One port's end of the probing.
#[derive(Debug)]
pub(super) struct Prober {
    own: u8,
    socket: UdpSocket,
    volleys: BTreeMap<u64, Seen>,
    /// By due time.
    waiting: BinaryHeap<Reverse<Datagram>>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    sent: BTreeMap<u8, u32>,
    pending: u32,
    arrivals: Vec<Arrival>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    due_ns: i64,
    volley: u64,
    number: u32,
    to: PortAddress,
}

impl Prober {
    /// Listens in this network namespace.
    pub(super) fn new(own: PortAddress) -> io::Result<Self> {
        let socket = UdpSocket::bind((own.address, PORT))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        setsockopt(&socket, RcvBuf, &BUFFER)?;
        Ok(Self { own: own.port, socket, volleys: BTreeMap::new(), waiting: BinaryHeap::new() })
    }

    /// What to wait on for arrivals.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// When the next datagram is to leave.
    pub(super) fn next_due_ns(&self) -> Option<i64> {
        self.waiting.peek().map(|Reverse(datagram)| datagram.due_ns)
    }

    /// Begins a volley: its datagrams leave from [`Prober::turn`].
    pub(super) fn fire(&mut self, volley: &Volley) {
        let begin = monotonic_ns();
        for burst in &volley.bursts {
            for number in 0..burst.count {
                let due_ns = begin + i64::from(number) * volley.spacing_us as i64 * 1000;
                let to = burst.to;
                self.waiting.push(Reverse(Datagram { due_ns, volley: volley.number, number, to }));
            }
        }
        let seen = self.volleys.entry(volley.number).or_default();
        seen.pending += volley.bursts.iter().map(|burst| burst.count).sum::<u32>();
        while self.volleys.len() > REMEMBERED {
            self.volleys.pop_first();
        }
    }

    /// What has become of a volley here, as far as is known.
    pub(super) fn arrivals(&self, volley: u64) -> Answer {
        let Seen { sent, pending, arrivals } =
            self.volleys.get(&volley).cloned().unwrap_or_default();
        Answer::Arrived { sent, pending, arrivals }
    }

    /// Sends what is due and takes in what has come.
    pub(super) fn turn(&mut self) {
        while let Some(Reverse(datagram)) = self.waiting.peek().copied() {
            if datagram.due_ns > monotonic_ns() {
                break;
            }
            self.waiting.pop();
            let sent = self.send(&datagram).is_ok();
            if let Some(seen) = self.volleys.get_mut(&datagram.volley) {
                *seen.sent.entry(datagram.to.port).or_default() += u32::from(sent);
                seen.pending -= 1;
            }
        }
        while let Some((volley, arrival)) = self.receive() {
            self.volleys.entry(volley).or_default().arrivals.push(arrival);
        }
    }

    fn send(&self, datagram: &Datagram) -> io::Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let bytes = encode(datagram.volley, self.own, datagram.number, monotonic_ns());
        socket.send_to(&bytes, SocketAddrV4::new(datagram.to.address, PORT)).map(drop)
    }

    /// One datagram of ours; strangers' are passed over.
    fn receive(&self) -> Option<(u64, Arrival)> {
        loop {
            let mut bytes = [0; LENGTH];
            let (length, stamp) = self.receive_stamped(&mut bytes).ok()?;
            let received_ns = stamp.map_or_else(monotonic_ns, to_monotonic);
            if let Some((volley, from, sent_ns)) = decode(&bytes[..length]) {
                return Some((volley, Arrival { from, sent_ns, received_ns }));
            }
        }
    }

    fn receive_stamped(&self, bytes: &mut [u8]) -> nix::Result<(usize, Option<TimeSpec>)> {
        let mut beside = nix::cmsg_space!(TimeSpec);
        let mut into = [IoSliceMut::new(bytes)];
        let flags = MsgFlags::empty();
        let message =
            recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut into, Some(&mut beside), flags)?;
        let stamp = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
            _ => None,
        });
        Ok((message.bytes, stamp))
    }
}

/// The kernel stamps by the wall clock. Both clocks are read now, so only a step of the wall
/// clock in the moments since the arrival would matter.
fn to_monotonic(stamp: TimeSpec) -> i64 {
    let ns = |time: TimeSpec| time.tv_sec() * 1_000_000_000 + time.tv_nsec();
    let age = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |now| ns(now) - ns(stamp));
    monotonic_ns() - age.max(0)
}

fn encode(volley: u64, from: u8, number: u32, sent_ns: i64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[8..16].copy_from_slice(&volley.to_le_bytes());
    bytes[16..24].copy_from_slice(&sent_ns.to_le_bytes());
    bytes[24..28].copy_from_slice(&number.to_le_bytes());
    bytes[28] = from;
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, u8, i64)> {
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    if bytes.len() != LENGTH || word(0)? != MAGIC {
        return None;
    }
    Some((word(8)?, bytes[28], word(16)? as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_reads_back_and_a_strangers_does_not() {
        let bytes = encode(7, 3, 1, -5);
        assert_eq!(decode(&bytes), Some((7, 3, -5)));
        assert_eq!(decode(&bytes[..31]), None);
        assert_eq!(decode(&[0; LENGTH]), None);
    }
}
