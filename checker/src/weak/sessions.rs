//! Transactions by session, with what each read from whom and which keys each wrote: what is left
//! of a history once its reads are known to be plausible. Transactions are renumbered so that
//! those of one session are consecutive; session order is then the order of numbers.

use rayon::prelude::*;

use crate::{Exhausted, meter::Meter, transactions::extract::Transaction};

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

    /// Fills reads and writes in, the sessions in parallel: `of` is asked for each transaction in
    /// the order of numbers, by its place among the observed ones and its number. Written keys may
    /// come in any order and repeat. `scratch` makes what one thread needs. Also returns whatever
    /// else was found.
    pub(super) fn with<S, T: Send>(
        mut self,
        keys: u32,
        scratch: impl Fn() -> S + Send + Sync,
        of: impl Fn(&mut S, (u32, u32), &mut Part<T>) + Sync,
        meter: &Meter<'_>,
    ) -> Result<(Sessions, Vec<T>), Exhausted> {
        let sessions = &self.sessions;
        let parts: Result<Vec<Part<T>>, Exhausted> = (0..sessions.session_count())
            .into_par_iter()
            .map_init(scratch, |scratch, session| {
                let (mut part, mut share) = (Part::new(), meter.share());
                for number in sessions.starts[session]..sessions.starts[session + 1] {
                    share.step()?;
                    let writes = part.writes.len();
                    of(scratch, (sessions.source[number as usize], number), &mut part);
                    part.close(writes);
                }
                Ok(part)
            })
            .collect();
        let parts = parts?;
        self.sessions.keys = keys;
        let mut others = Vec::new();
        let sessions = &mut self.sessions;
        sessions.reads.reserve_exact(parts.iter().map(|part| part.reads.len()).sum());
        sessions.writes.reserve_exact(parts.iter().map(|part| part.writes.len()).sum());
        (sessions.read_starts, sessions.write_starts) = (vec![0], vec![0]);
        for mut part in parts {
            let (reads, writes) = (sessions.reads.len() as u32, sessions.writes.len() as u32);
            sessions.read_starts.extend(part.ends.iter().map(|&(end, _)| reads + end));
            sessions.write_starts.extend(part.ends.iter().map(|&(_, end)| writes + end));
            sessions.reads.append(&mut part.reads);
            sessions.writes.append(&mut part.writes);
            others.append(&mut part.others);
        }
        Ok((self.sessions, others))
    }
}

/// One session's share of reads and writes.
pub(super) struct Part<T> {
    pub(super) reads: Vec<Read>,
    pub(super) writes: Vec<u32>,
    /// By transaction: where its reads and its writes end.
    ends: Vec<(u32, u32)>,
    pub(super) others: Vec<T>,
}

impl<T> Part<T> {
    fn new() -> Self {
        Self { reads: Vec::new(), writes: Vec::new(), ends: Vec::new(), others: Vec::new() }
    }

    /// Ends a transaction whose writes began here: each key once, ascending.
    fn close(&mut self, began: usize) {
        self.writes[began..].sort_unstable();
        let mut kept = began;
        for place in began..self.writes.len() {
            if kept == began || self.writes[kept - 1] != self.writes[place] {
                self.writes[kept] = self.writes[place];
                kept += 1;
            }
        }
        self.writes.truncate(kept);
        self.ends.push((self.reads.len() as u32, self.writes.len() as u32));
    }
}
