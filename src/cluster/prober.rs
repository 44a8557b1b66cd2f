//! Datagrams between all ports of the switch: what a link does, seen from its two ends.
//!
//! Most datagrams leave from a socket of their own, and so are flows of their own: the order that
//! a link keeps within a flow does not bend the delays that are measured. Arrivals carry the
//! kernel's time of arrival, not that of a late wake-up. Each datagram says three times who it is,
//! so that a flipped bit is seen and does no harm.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, btree_map::Entry},
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

use super::message::{Answer, Arrival, Burst, PortAddress, Volley};
use crate::clock::monotonic_ns;

/// Kept free of servers by its lowness: tcpmux over UDP has no users.
const PORT: u16 = 1;
const MAGIC: u64 = 0x7465_6d62_6c6f_7231;
/// What a datagram says of itself, and how often.
const BLOCK: usize = 32;
const COPIES: usize = 3;
/// The length of a datagram, and of the longest.
pub(super) const LENGTH: usize = BLOCK * COPIES;
pub(super) const LONGEST: usize = 1400;
/// What goes before a datagram on the link: Ethernet, IPv4 and UDP.
pub(super) const HEADERS: usize = 14 + 20 + 8;
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
    /// The sockets of flows that have several datagrams, by volley and receiver.
    flows: BTreeMap<(u64, u8), UdpSocket>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    sent: BTreeMap<u8, Vec<i64>>,
    pending: u32,
    arrivals: Vec<Arrival>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    due_ns: i64,
    volley: u64,
    number: u32,
    to: PortAddress,
    length: usize,
    alone: bool,
}

impl Prober {
    /// Listens in this network namespace.
    pub(super) fn new(own: PortAddress) -> io::Result<Self> {
        let socket = UdpSocket::bind((own.address, PORT))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        setsockopt(&socket, RcvBuf, &BUFFER)?;
        Ok(Self {
            own: own.port,
            socket,
            volleys: BTreeMap::new(),
            waiting: BinaryHeap::new(),
            flows: BTreeMap::new(),
        })
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
        for Burst { to, aim } in &volley.bursts {
            for number in 0..aim.count() {
                let due_ns = begin + aim.leaves_us(number) as i64 * 1000;
                let flood = number >= aim.single + aim.stream;
                self.waiting.push(Reverse(Datagram {
                    due_ns,
                    volley: volley.number,
                    number,
                    to: *to,
                    length: if flood { aim.flood_bytes as usize } else { LENGTH },
                    alone: number < aim.single,
                }));
            }
        }
        let seen = self.volleys.entry(volley.number).or_default();
        seen.pending += volley.bursts.iter().map(|burst| burst.aim.count()).sum::<u32>();
        while self.volleys.len() > REMEMBERED {
            self.volleys.pop_first();
        }
    }

    /// What has become of a volley here, as far as is known.
    pub(super) fn arrivals(&self, volley: u64) -> Answer {
        let Seen { sent, pending, arrivals } =
            self.volleys.get(&volley).cloned().unwrap_or_default();
        Answer::Arrived { sent, pending, arrivals, wrong_checksums: wrong_checksums() }
    }

    /// Sends what is due and takes in what has come.
    pub(super) fn turn(&mut self) {
        while let Some(Reverse(datagram)) = self.waiting.peek().copied() {
            if datagram.due_ns > monotonic_ns() {
                break;
            }
            self.waiting.pop();
            let sent_ns = self.send(&datagram).unwrap_or(0);
            if let Some(seen) = self.volleys.get_mut(&datagram.volley) {
                seen.sent.entry(datagram.to.port).or_default().push(sent_ns);
                seen.pending -= 1;
                if seen.pending == 0 {
                    self.flows.retain(|(volley, _), _| *volley != datagram.volley);
                }
            }
        }
        while let Some((volley, arrival)) = self.receive() {
            self.volleys.entry(volley).or_default().arrivals.push(arrival);
        }
    }

    /// Sends it; says when.
    fn send(&mut self, datagram: &Datagram) -> io::Result<i64> {
        let to = SocketAddrV4::new(datagram.to.address, PORT);
        let mut bytes = [0; LONGEST];
        encode(&mut bytes, datagram.volley, self.own, datagram.number);
        let bytes = &bytes[..datagram.length.clamp(LENGTH, LONGEST)];
        if datagram.alone {
            let alone = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            let sent_ns = monotonic_ns();
            alone.send_to(bytes, to)?;
            return Ok(sent_ns);
        }
        let flow = match self.flows.entry((datagram.volley, datagram.to.port)) {
            Entry::Occupied(flow) => flow.into_mut(),
            Entry::Vacant(flow) => flow.insert(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?),
        };
        let sent_ns = monotonic_ns();
        flow.send_to(bytes, to)?;
        Ok(sent_ns)
    }

    /// One datagram of ours; strangers' are passed over.
    fn receive(&self) -> Option<(u64, Arrival)> {
        loop {
            let mut bytes = [0; LONGEST];
            let (length, stamp) = self.receive_stamped(&mut bytes).ok()?;
            let received_ns = stamp.map_or_else(monotonic_ns, to_monotonic);
            if let Some((volley, from, number, whole)) = decode(&bytes[..length]) {
                return Some((volley, Arrival(from, number, received_ns, whole)));
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

/// Wrong checksums of datagrams that this network namespace has seen: `InCsumErrors` of UDP.
fn wrong_checksums() -> u64 {
    let table = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap_or_default();
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (Some(names), Some(values)) = (lines.next(), lines.next()) else { return 0 };
    let mut fields = names.split(' ').zip(values.split(' '));
    let found = fields.find(|(name, _)| *name == "InCsumErrors");
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
}

fn encode(bytes: &mut [u8; LONGEST], volley: u64, from: u8, number: u32) {
    let mut block = [0; BLOCK];
    block[..8].copy_from_slice(&MAGIC.to_le_bytes());
    block[8..16].copy_from_slice(&volley.to_le_bytes());
    block[16..20].copy_from_slice(&number.to_le_bytes());
    block[20] = from;
    for copy in bytes[..LENGTH].chunks_mut(BLOCK) {
        copy.copy_from_slice(&block);
    }
}

/// Volley, sender, number, and whether it is whole; none: a stranger's.
fn decode(bytes: &[u8]) -> Option<(u64, u8, u32, bool)> {
    let (said, padding) = bytes.split_at_checked(LENGTH)?;
    let (a, rest) = said.split_at(BLOCK);
    let (b, c) = rest.split_at(BLOCK);
    let block = if a == b || a == c { a } else { b };
    let word = |at: usize| Some(u64::from_le_bytes(block.get(at..at + 8)?.try_into().ok()?));
    if word(0)? != MAGIC {
        return None;
    }
    let whole = a == b && b == c && padding.iter().all(|byte| *byte == 0);
    let number = u32::from_le_bytes(block.get(16..20)?.try_into().ok()?);
    Some((word(8)?, block[20], number, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_reads_back_and_a_strangers_does_not() {
        let mut bytes = [0; LONGEST];
        encode(&mut bytes, 7, 3, 500);
        assert_eq!(decode(&bytes[..LENGTH]), Some((7, 3, 500, true)));
        assert_eq!(decode(&bytes), Some((7, 3, 500, true)));
        assert_eq!(decode(&bytes[..LENGTH - 1]), None);
        assert_eq!(decode(&[0; LENGTH]), None);
    }

    #[test]
    fn every_flipped_bit_is_seen_and_does_no_harm() {
        for bit in 0..LONGEST * 8 {
            let mut bytes = [0; LONGEST];
            encode(&mut bytes, 7, 3, 500);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bytes), Some((7, 3, 500, false)), "bit {bit}");
        }
    }
}
