//! Transactions by session, with what each read from whom and which keys each wrote: what is left
//! of a history once its reads are known to be plausible. Transactions are renumbered so that
//! those of one session are consecutive; session order is then the order of numbers.

use crate::transactions::extract::Transaction;

/// The writer of the initial values.
pub(super) const INITIAL: u32 = u32::MAX;

/// A read of what another transaction wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) key: u32,
    /// The transaction that wrote what was found, or [`INITIAL`].
    pub(super) writer: u32,
}

/// Who read from whom. About 24 bytes a transaction, 8 a read, 4 a write.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// The transactions of session s are `starts[s]..starts[s + 1]`.
    pub(super) starts: Vec<u32>,
    /// By transaction.
    pub(super) session: Vec<u32>,
    read_starts: Vec<u32>,
    reads: Vec<Read>,
    write_starts: Vec<u32>,
    writes: Vec<u32>,
    /// By transaction: its place among the observed ones.
    pub(super) source: Vec<u32>,
    /// The transactions in the order of their invocations.
    pub(super) by_time: Vec<u32>,
    pub(super) keys: u32,
}

impl Sessions {
    pub(super) fn len(&self) -> usize {
        self.session.len()
    }

    /// What it takes.
    pub(super) fn bytes(&self) -> usize {
        self.len() * 20 + self.reads.len() * size_of::<Read>() + self.writes.len() * 4
    }

    pub(super) fn session_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Reads from others, in the order in which they were made.
    pub(super) fn reads(&self, transaction: u32) -> &[Read] {
        let t = transaction as usize;
        &self.reads[self.read_starts[t] as usize..self.read_starts[t + 1] as usize]
    }

    /// The keys written, each once, ascending.
    pub(super) fn writes(&self, transaction: u32) -> &[u32] {
        let t = transaction as usize;
        &self.writes[self.write_starts[t] as usize..self.write_starts[t + 1] as usize]
    }

    pub(super) fn writes_key(&self, transaction: u32, key: u32) -> bool {
        self.writes(transaction).binary_search(&key).is_ok()
    }

    /// The transaction before this one in its session.
    pub(super) fn previous(&self, transaction: u32) -> Option<u32> {
        let t = transaction as usize;
        (t > 0 && self.session[t - 1] == self.session[t]).then(|| transaction - 1)
    }

    /// How many writes there are.
    pub(super) fn write_count(&self) -> usize {
        self.writes.len()
    }
}

impl Sessions {
    /// These transactions alone, ascending; who is read from has to be among them. The sources
    /// become places in `kept`.
    pub(super) fn restricted(&self, kept: &[u32]) -> Self {
        let new = |old: u32| kept.binary_search(&old).ok().map(|place| place as u32);
        let mut part = Self { keys: self.keys, starts: vec![0], ..Self::default() };
        (part.read_starts, part.write_starts) = (vec![0], vec![0]);
        for end in &self.starts[1..] {
            part.starts.push(kept.partition_point(|old| old < end) as u32);
        }
        for (place, &old) in (0..).zip(kept) {
            part.session.push(self.session[old as usize]);
            part.source.push(place);
            for read in self.reads(old) {
                let writer = new(read.writer).unwrap_or(INITIAL);
                part.reads.push(Read { key: read.key, writer });
            }
            part.writes.extend_from_slice(self.writes(old));
            part.read_starts.push(part.reads.len() as u32);
            part.write_starts.push(part.writes.len() as u32);
        }
        part.by_time = self.by_time.iter().filter_map(|&old| new(old)).collect();
        part
    }
}

/// Numbers transactions session by session before their reads and writes are known.
#[derive(Debug)]
pub(super) struct Numbers {
    /// By place among the observed ones; [`INITIAL`] for those left out.
    pub(super) number: Vec<u32>,
    sessions: Sessions,
}

impl Numbers {
    /// `kept` says which transactions count. O(transactions).
    pub(super) fn of(all: &[Transaction], sessions: u32, kept: impl Fn(usize) -> bool) -> Self {
        let mut starts = vec![0_u32; sessions as usize + 1];
        for (place, transaction) in all.iter().enumerate() {
            starts[transaction.session as usize + 1] += u32::from(kept(place));
        }
        for session in 0..sessions as usize {
            starts[session + 1] += starts[session];
        }
        let count = starts[sessions as usize] as usize;
        let mut next = starts.clone();
        let mut numbered =
            Sessions { session: vec![0; count], source: vec![0; count], starts, ..<_>::default() };
        numbered.by_time.reserve_exact(count);
        let mut number = vec![INITIAL; all.len()];
        for (place, transaction) in all.iter().enumerate().filter(|&(place, _)| kept(place)) {
            let free = &mut next[transaction.session as usize];
            number[place] = *free;
            numbered.session[*free as usize] = transaction.session;
            numbered.source[*free as usize] = place as u32;
            numbered.by_time.push(*free);
            *free += 1;
        }
        Self { number, sessions: numbered }
    }

    /// Fills reads and writes in: `of` is asked for each transaction in the order of numbers, by
    /// its place among the observed ones. Written keys may come in any order and repeat.
    pub(super) fn with(
        mut self,
        keys: u32,
        reads: usize,
        writes: usize,
        mut of: impl FnMut(usize, &mut Vec<Read>, &mut Vec<u32>),
    ) -> Sessions {
        let sessions = &mut self.sessions;
        sessions.keys = keys;
        sessions.reads.reserve_exact(reads);
        sessions.writes.reserve_exact(writes);
        sessions.read_starts.reserve_exact(sessions.source.len() + 1);
        sessions.write_starts.reserve_exact(sessions.source.len() + 1);
        sessions.read_starts.push(0);
        sessions.write_starts.push(0);
        let mut own = Vec::new();
        for &place in &sessions.source {
            own.clear();
            of(place as usize, &mut sessions.reads, &mut own);
            own.sort_unstable();
            own.dedup();
            sessions.writes.extend_from_slice(&own);
            sessions.read_starts.push(sessions.reads.len() as u32);
            sessions.write_starts.push(sessions.writes.len() as u32);
        }
        self.sessions
    }
}
