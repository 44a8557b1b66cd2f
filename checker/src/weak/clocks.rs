//! Transactional causal consistency, causal convergence and causal consistency: for each read the
//! last transaction of each session that wrote its key and is in its causal past. Unless that one
//! is in the past of the transaction that was read from as well, it must come before it.
//!
//! AWDIT's algorithm 3 (PLDI 2025): O(n·k) for n micro-operations and k sessions, but for the
//! logarithm of searches that are seldom needed. Clocks of all sessions at once would take
//! transactions × sessions words. As the column of one session never depends on another's, the
//! columns are computed [`COLUMNS`] at a time: memory is transactions × 64 bytes for each thread,
//! however many sessions there are.

use rayon::prelude::*;

use super::{
    causality::Causality,
    edges::Edge,
    sessions::{INITIAL, Read, Sessions},
};
use crate::{
    Exhausted,
    meter::{Meter, Share},
};

/// Sessions looked at in one pass: their clocks fill one cache line.
const COLUMNS: usize = 16;

/// By session of a pass: the first transaction that is not in the past.
type Clock = [u32; COLUMNS];

/// The writers of each key, ascending: sessions one after the other.
#[derive(Debug)]
pub(super) struct Writers {
    starts: Vec<u32>,
    transactions: Vec<u32>,
}

impl Writers {
    /// A counting sort.
    pub(super) fn of(sessions: &Sessions) -> Self {
        let mut starts = vec![0_u32; sessions.keys as usize + 2];
        for transaction in 0..sessions.len() as u32 {
            for &key in sessions.writes(transaction) {
                starts[key as usize + 2] += 1;
            }
        }
        for key in 2..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut transactions = vec![0; sessions.write_count()];
        for transaction in 0..sessions.len() as u32 {
            for &key in sessions.writes(transaction) {
                let place = &mut starts[key as usize + 1];
                transactions[*place as usize] = transaction;
                *place += 1;
            }
        }
        starts.pop();
        Self { starts, transactions }
    }

    pub(super) fn of_key(&self, key: u32) -> &[u32] {
        &self.transactions
            [self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize]
    }
}

/// The writes of one session to one key.
#[derive(Debug, Clone, Copy)]
struct Run {
    column: u32,
    /// The last one that was passed in the causal order; 0 if none was.
    last: u32,
    /// Places among the writers: the first, and one after the last that was passed.
    begin: u32,
    passed: u32,
}

/// The runs of one pass, by key.
struct Runs {
    starts: Vec<u32>,
    all: Vec<Run>,
}

impl Runs {
    fn of(sessions: &Sessions, writers: &Writers, columns: std::ops::Range<usize>) -> Self {
        let (low, high) = (sessions.starts[columns.start], sessions.starts[columns.end]);
        let mut runs = Self { starts: vec![0], all: Vec::new() };
        for key in 0..sessions.keys {
            let of_key = writers.of_key(key);
            let from = of_key.partition_point(|&writer| writer < low);
            let until = of_key.partition_point(|&writer| writer < high);
            let mut column = COLUMNS as u32;
            for (place, &writer) in (from..).zip(&of_key[from..until]) {
                let of_writer = sessions.session[writer as usize] - columns.start as u32;
                if of_writer != column {
                    column = of_writer;
                    let begin = writers.starts[key as usize] + place as u32;
                    runs.all.push(Run { column, last: 0, begin, passed: begin });
                }
            }
            runs.starts.push(runs.all.len() as u32);
        }
        runs
    }

    fn of_key(&mut self, key: u32) -> &mut [Run] {
        let (start, end) = (self.starts[key as usize], self.starts[key as usize + 1]);
        &mut self.all[start as usize..end as usize]
    }
}

/// The edges that causality demands; those between transactions that are in causal order already
/// are left out.
pub(super) fn edges(
    sessions: &Sessions,
    causality: &Causality,
    writers: &Writers,
    meter: &Meter<'_>,
) -> Result<Vec<Edge>, Exhausted> {
    let passes = passes(sessions.session_count());
    let parts: Result<Vec<Vec<Edge>>, Exhausted> = passes
        .into_par_iter()
        .with_max_len(1)
        .map(|columns| {
            let mut pass = Pass::new(sessions, writers, columns, meter);
            pass.walk(causality, true)?;
            Ok(pass.edges)
        })
        .collect();
    Ok(parts?.concat())
}

/// Of these edges those whose `after` is in the causal past of their `before`: they contradict
/// causality by themselves.
pub(super) fn contradicting(
    sessions: &Sessions,
    causality: &Causality,
    writers: &Writers,
    edges: &[Edge],
    meter: &Meter<'_>,
) -> Result<Vec<Edge>, Exhausted> {
    let rank = |transaction: u32| causality.rank[transaction as usize];
    let backwards: Vec<Edge> = edges
        .iter()
        .filter(|edge| edge.after != INITIAL && rank(edge.after) < rank(edge.before))
        .copied()
        .collect();
    if backwards.is_empty() {
        return Ok(backwards);
    }
    let parts: Result<Vec<Vec<Edge>>, Exhausted> = passes(sessions.session_count())
        .into_par_iter()
        .with_max_len(1)
        .map(|columns| {
            let mut pass = Pass::new(sessions, writers, columns, meter);
            pass.walk(causality, false)?;
            Ok(backwards
                .iter()
                .filter(|edge| pass.knows(edge.before, edge.after))
                .copied()
                .collect())
        })
        .collect();
    Ok(parts?.concat())
}

/// The sessions in portions: few, but enough for each thread to have one.
fn passes(sessions: usize) -> Vec<std::ops::Range<usize>> {
    let threads = rayon::current_num_threads().min(sessions / 4).max(1);
    let count = sessions.div_ceil(COLUMNS).next_multiple_of(threads);
    let size = sessions.div_ceil(count.max(1)).max(1);
    (0..sessions).step_by(size).map(|start| start..(start + size).min(sessions)).collect()
}

struct Pass<'a> {
    sessions: &'a Sessions,
    writers: &'a Writers,
    columns: std::ops::Range<usize>,
    runs: Runs,
    /// By transaction: what is in its past, itself included.
    clocks: Vec<Clock>,
    edges: Vec<Edge>,
    share: Share<'a>,
}

/// Transactions between two questions to the budget.
const SLICE: usize = 1 << 12;

impl<'a> Pass<'a> {
    fn new(
        sessions: &'a Sessions,
        writers: &'a Writers,
        columns: std::ops::Range<usize>,
        meter: &'a Meter<'a>,
    ) -> Self {
        Self {
            sessions,
            writers,
            runs: Runs::of(sessions, writers, columns.clone()),
            columns,
            clocks: Vec::new(),
            edges: Vec::new(),
            share: meter.share(),
        }
    }

    fn hold(&mut self) -> Result<(), Exhausted> {
        self.share.hold(
            self.sessions.len() * size_of::<Clock>()
                + self.edges.capacity() * size_of::<Edge>()
                + self.runs.all.capacity() * size_of::<Run>(),
        )
    }

    /// Computes all clocks; `looking` for edges.
    fn walk(&mut self, causality: &Causality, looking: bool) -> Result<(), Exhausted> {
        self.hold()?;
        self.clocks = vec![[0; COLUMNS]; self.sessions.len()];
        for slice in causality.order.chunks(SLICE) {
            for &transaction in slice {
                self.take(transaction, looking);
            }
            self.hold()?;
        }
        Ok(())
    }

    /// Whether a transaction of one of these sessions is in the past of another one.
    fn knows(&self, later: u32, earlier: u32) -> bool {
        let session = self.sessions.session[earlier as usize] as usize;
        self.columns.contains(&session)
            && self.clocks[later as usize][session - self.columns.start] > earlier
    }

    fn take(&mut self, transaction: u32, looking: bool) {
        let past = self.past(transaction);
        for read in self.sessions.reads(transaction).iter().filter(|_| looking) {
            let known = match read.writer {
                INITIAL => self.nothing(),
                writer => self.clocks[writer as usize],
            };
            self.look(transaction, *read, &past, &known);
        }
        let session = self.sessions.session[transaction as usize] as usize;
        let mut clock = past;
        if self.columns.contains(&session) {
            let column = session - self.columns.start;
            clock[column] = transaction + 1;
            if looking {
                self.pass(transaction, column as u32);
            }
        }
        self.clocks[transaction as usize] = clock;
    }

    /// Nothing is in the past.
    fn nothing(&self) -> Clock {
        let mut clock = [0; COLUMNS];
        let starts = &self.sessions.starts[self.columns.clone()];
        clock[..starts.len()].copy_from_slice(starts);
        clock
    }

    /// What is in the past of a transaction, without itself.
    fn past(&self, transaction: u32) -> Clock {
        let mut clock = match self.sessions.previous(transaction) {
            Some(previous) => self.clocks[previous as usize],
            None => self.nothing(),
        };
        for read in self.sessions.reads(transaction).iter().filter(|read| read.writer != INITIAL) {
            let other = &self.clocks[read.writer as usize];
            for (mine, theirs) in clock.iter_mut().zip(other) {
                *mine = (*mine).max(*theirs);
            }
        }
        clock
    }

    /// Compares what is in the past of a reader with what the transaction that it read from knew.
    fn look(&mut self, reader: u32, read: Read, past: &Clock, known: &Clock) {
        for run in self.runs.of_key(read.key) {
            let column = run.column as usize;
            if run.passed == run.begin || run.last < known[column] || past[column] <= known[column]
            {
                continue;
            }
            let passed = &self.writers.transactions[run.begin as usize..run.passed as usize];
            let before = passed.partition_point(|&writer| writer < past[column]);
            if before > 0 && passed[before - 1] >= known[column] {
                self.edges.push(Edge { before: passed[before - 1], after: read.writer, reader });
            }
        }
    }

    fn pass(&mut self, transaction: u32, column: u32) {
        for &key in self.sessions.writes(transaction) {
            let runs = self.runs.of_key(key);
            if let Some(run) = runs.iter_mut().find(|run| run.column == column) {
                run.last = transaction;
                run.passed += 1;
            }
        }
    }
}
