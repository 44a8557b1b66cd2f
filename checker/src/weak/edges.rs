//! Read committed and read atomic: which transactions must be committed before which others. The
//! level holds if some order respects these edges, session order and reads-from (Biswas and Enea,
//! OOPSLA 2019, figure 2).
//!
//! Both take O(n·√n·log n) for n micro-operations, as AWDIT's algorithms 1 and 2 (PLDI 2025) but
//! for the logarithm: of two sets of keys the smaller one is gone through, and the other is asked.

use rayon::prelude::*;

use super::sessions::{INITIAL, Read, Sessions};
use crate::{Exhausted, meter::Meter};

/// `before` must be committed before `after`: somebody read a key from `after` that `before` wrote
/// too, and `before` was visible to that read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) before: u32,
    /// [`INITIAL`] if the initial value was found: nothing comes before that.
    pub(super) after: u32,
    /// Whose read it was; of several any one.
    pub(super) reader: u32,
}

/// No transaction.
const NOBODY: u32 = u32::MAX - 1;

/// What a thread remembers of a key.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The reading transaction that this is about.
    reader: u32,
    /// Whom it read the key from; of several the first two different ones, as far as looked at.
    first: u32,
    second: u32,
    /// The last transaction of the session that wrote the key.
    own: u32,
}

/// One session's share of the work.
struct Walk<'a> {
    sessions: &'a Sessions,
    by_key: Vec<Seen>,
    /// The keys that the current transaction reads, as far as looked at.
    keys: Vec<u32>,
    /// By read of the current transaction: whether it is the first from its writer.
    is_first: Vec<bool>,
    by_writer: Vec<(u32, u32)>,
    edges: Vec<Edge>,
}

/// The edges of read committed: a transaction that reads y from T2 and later x from T1, where T2
/// wrote x too, shows that T2 was committed before T1.
pub(super) fn read_committed(
    sessions: &Sessions,
    meter: &Meter<'_>,
) -> Result<Vec<Edge>, Exhausted> {
    gather(sessions, meter, Walk::read_committed)
}

/// The edges of read atomic: the same, in whatever order the transaction reads, and also where T2
/// is an earlier transaction of the session.
pub(super) fn read_atomic(sessions: &Sessions, meter: &Meter<'_>) -> Result<Vec<Edge>, Exhausted> {
    gather(sessions, meter, Walk::read_atomic)
}

/// Transactions between two questions to the budget.
const SLICE: u32 = 1 << 12;

fn gather<'a>(
    sessions: &'a Sessions,
    meter: &Meter<'_>,
    find: impl Fn(&mut Walk<'a>, u32) + Sync,
) -> Result<Vec<Edge>, Exhausted> {
    let nothing = Seen { reader: NOBODY, first: NOBODY, second: NOBODY, own: NOBODY };
    let walk = || Walk {
        sessions,
        by_key: vec![nothing; sessions.keys as usize],
        keys: Vec::new(),
        is_first: Vec::new(),
        by_writer: Vec::new(),
        edges: Vec::new(),
    };
    let parts: Result<Vec<Vec<Edge>>, Exhausted> = (0..sessions.session_count())
        .into_par_iter()
        .map_init(
            || (walk(), meter.share()),
            |(walk, share), session| {
                let (start, end) = (sessions.starts[session], sessions.starts[session + 1]);
                for transaction in start..end {
                    find(walk, transaction);
                    if transaction.is_multiple_of(SLICE) {
                        share.hold(walk.bytes())?;
                    }
                }
                Ok(std::mem::take(&mut walk.edges))
            },
        )
        .collect();
    Ok(parts?.concat())
}

impl Walk<'_> {
    fn bytes(&self) -> usize {
        self.by_key.len() * size_of::<Seen>() + self.edges.capacity() * size_of::<Edge>()
    }

    fn read_committed(&mut self, reader: u32) {
        let reads = self.sessions.reads(reader);
        if reads.len() < 2 {
            return;
        }
        self.mark_first(reads);
        self.keys.clear();
        for (place, read) in reads.iter().enumerate().rev() {
            if read.writer != INITIAL && self.is_first[place] {
                self.compare(reader, read.writer);
            }
            self.note(reader, *read);
        }
    }

    fn read_atomic(&mut self, reader: u32) {
        let reads = self.sessions.reads(reader);
        self.keys.clear();
        for read in reads {
            let own = self.by_key[read.key as usize].own;
            let in_session = own != NOBODY
                && self.sessions.session[own as usize] == self.sessions.session[reader as usize];
            if in_session && own != read.writer {
                self.edges.push(Edge { before: own, after: read.writer, reader });
            }
            self.note(reader, *read);
        }
        if reads.len() > 1 {
            self.mark_first(reads);
            for (place, read) in reads.iter().enumerate() {
                if read.writer != INITIAL && self.is_first[place] {
                    self.compare(reader, read.writer);
                }
            }
        }
        for &key in self.sessions.writes(reader) {
            self.by_key[key as usize].own = reader;
        }
    }

    fn mark_first(&mut self, reads: &[Read]) {
        self.by_writer.clear();
        self.by_writer.extend((0..).zip(reads).map(|(place, read)| (read.writer, place)));
        self.by_writer.sort_unstable();
        self.by_writer.dedup_by_key(|(writer, _)| *writer);
        self.is_first.clear();
        self.is_first.resize(reads.len(), false);
        for &(_, place) in &self.by_writer {
            self.is_first[place as usize] = true;
        }
    }

    /// Remembers whom a key was read from: the last one noted comes first.
    fn note(&mut self, reader: u32, read: Read) {
        let seen = &mut self.by_key[read.key as usize];
        if seen.reader != reader {
            *seen = Seen { reader, first: read.writer, second: NOBODY, own: seen.own };
            self.keys.push(read.key);
        } else if seen.first != read.writer {
            (seen.first, seen.second) = (read.writer, seen.first);
        }
    }

    /// `visible` wrote some of the noted keys too: it comes before the others that were read.
    fn compare(&mut self, reader: u32, visible: u32) {
        let written = self.sessions.writes(visible);
        if written.len() <= self.keys.len() {
            for &key in written {
                self.order(reader, visible, key);
            }
        } else {
            for place in 0..self.keys.len() {
                let key = self.keys[place];
                if written.binary_search(&key).is_ok() {
                    self.order(reader, visible, key);
                }
            }
        }
    }

    fn order(&mut self, reader: u32, visible: u32, key: u32) {
        let seen = self.by_key[key as usize];
        if seen.reader != reader {
            return;
        }
        let other = if seen.first == visible { seen.second } else { seen.first };
        if other != NOBODY {
            self.edges.push(Edge { before: visible, after: other, reader });
        }
    }
}
