//! Frames that wait on slow links, in the order in which they are due.
//!
//! Order is kept within a flow, not within a link: with jitter and many connections, a link's
//! order would push every delay up to the largest of late.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// Bytes that may wait on one link; more are dropped, as a router would.
const LIMIT: usize = 32 << 20;
/// Flows remembered before those that are over are looked for.
const FLOWS: usize = 4096;
/// Rooms for frames that are kept for the next ones, and the largest that are worth it.
const SPARE: usize = 4096;
const SMALL: usize = 4096;

/// A directed link, by the numbers of its ports.
pub(super) type Link = (usize, usize);

/// A frame on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    due_ns: i64,
    number: u64,
    pub(super) link: Link,
    pub(super) frame: Vec<u8>,
}

/// A frame that is to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arriving<'a> {
    pub(super) link: Link,
    pub(super) flow: u64,
    pub(super) now_ns: i64,
    pub(super) due_ns: i64,
    /// For so long of that it is held back after its turn in its flow, for others to overtake it.
    pub(super) held_ns: i64,
    pub(super) frame: &'a [u8],
}

/// All frames that wait.
#[derive(Debug, Default)]
pub(super) struct Delays {
    heap: BinaryHeap<Reverse<Waiting>>,
    last_due_ns: HashMap<(Link, u64), i64>,
    bytes: HashMap<Link, usize>,
    number: u64,
    spare: Vec<Vec<u8>>,
}

impl Delays {
    /// Takes a frame in until it is due, or until the frame before it in its flow has left. False:
    /// too much waits on this link, and it is dropped.
    pub(super) fn hold(&mut self, arriving: &Arriving<'_>) -> bool {
        let Arriving { link, flow, now_ns, mut due_ns, held_ns, frame } = *arriving;
        let bytes = self.bytes.entry(link).or_default();
        if *bytes + frame.len() > LIMIT {
            return false;
        }
        *bytes += frame.len();
        self.forget_flows(now_ns);
        let turn_ns = due_ns - held_ns;
        let last = self.last_due_ns.entry((link, flow)).or_insert(turn_ns);
        *last = turn_ns.max(*last);
        due_ns = *last + held_ns;
        self.number += 1;
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.extend_from_slice(frame);
        self.heap.push(Reverse(Waiting { due_ns, number: self.number, link, frame: kept }));
        true
    }

    /// Takes back the room of a frame that has gone, for the next one.
    pub(super) fn reuse(&mut self, mut room: Vec<u8>) {
        if self.spare.len() < SPARE && room.capacity() <= SMALL {
            room.clear();
            self.spare.push(room);
        }
    }

    /// Whether nothing waits on this link.
    pub(super) fn is_empty(&self, link: Link) -> bool {
        self.heap.is_empty() || self.bytes.get(&link).is_none_or(|bytes| *bytes == 0)
    }

    /// Whether a frame of this flow still waits, so that the next one must not overtake it.
    pub(super) fn holds(&self, link: Link, flow: u64, now_ns: i64) -> bool {
        !self.is_empty(link)
            && self.last_due_ns.get(&(link, flow)).is_some_and(|due_ns| *due_ns > now_ns)
    }

    /// When the next frame is due.
    pub(super) fn next_due_ns(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(waiting)| waiting.due_ns)
    }

    /// The next frame, if it is due.
    pub(super) fn take(&mut self, now_ns: i64) -> Option<Waiting> {
        if self.next_due_ns()? > now_ns {
            return None;
        }
        let Reverse(waiting) = self.heap.pop()?;
        if let Some(bytes) = self.bytes.get_mut(&waiting.link) {
            *bytes -= waiting.frame.len();
        }
        Some(waiting)
    }

    fn forget_flows(&mut self, now_ns: i64) {
        if self.last_due_ns.len() >= FLOWS && self.number.is_multiple_of(FLOWS as u64) {
            self.last_due_ns.retain(|_, due_ns| *due_ns > now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arriving(flow: u64, due_ns: i64, frame: &[u8]) -> Arriving<'_> {
        Arriving { link: (0, 1), flow, now_ns: 0, due_ns, held_ns: 0, frame }
    }

    #[test]
    fn what_is_held_back_is_overtaken_and_makes_nobody_wait() {
        let mut delays = Delays::default();
        delays.hold(&Arriving { held_ns: 35, ..arriving(1, 50, b"a") });
        delays.hold(&arriving(1, 20, b"b"));
        delays.hold(&arriving(1, 30, b"c"));
        let left: Vec<u8> = std::iter::from_fn(|| delays.take(60)).map(|w| w.frame[0]).collect();
        assert_eq!(left, b"bca");
    }

    #[test]
    fn frames_leave_when_due_and_in_order_within_their_flow() {
        let mut delays = Delays::default();
        for (flow, due_ns, name) in [(1, 50, b"a"), (1, 20, b"b"), (2, 30, b"c"), (2, 70, b"d")] {
            assert!(delays.hold(&arriving(flow, due_ns, name)));
        }
        assert_eq!(delays.next_due_ns(), Some(30));
        assert!(delays.take(29).is_none());
        let left: Vec<u8> = std::iter::from_fn(|| delays.take(60)).map(|w| w.frame[0]).collect();
        assert_eq!(left, b"cab");
        assert!(delays.holds((0, 1), 2, 60) && !delays.holds((0, 1), 1, 60));
        assert_eq!(delays.bytes[&(0, 1)], 1);
    }

    #[test]
    fn a_link_holds_only_so_much() {
        let mut delays = Delays::default();
        assert!(delays.hold(&arriving(1, 9, &vec![0; LIMIT])));
        assert!(!delays.hold(&arriving(1, 9, b"x")));
        assert!(delays.hold(&Arriving { link: (1, 0), ..arriving(1, 9, b"x") }));
    }
}
