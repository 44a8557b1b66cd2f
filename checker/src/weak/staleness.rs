//! How stale reads were. A measure, no verdict: it says how far a store that promises little is
//! from keeping up.
//!
//! A read of a value `v` *misses* a write of its key that was invoked after the write of `v` was
//! acknowledged (so that it certainly came later), and that was acknowledged before the read began.
//! Its staleness is the time from the first such acknowledgement to the read's beginning: how long
//! what it found had been out of date (Golab, Li and Shah, Analyzing Consistency Properties for Fun
//! and Profit, PODC 2011: Δ, of a single read, and at least). Values that several operations wrote,
//! or that nobody certainly wrote, are passed over.

use temblor_history::{History, HistoryErrors, Key};

use crate::{
    Unlimited,
    meter::Meter,
    register::{
        Effect, NEVER, RegisterOp,
        extract::{self, Model, Register},
    },
};

/// How stale the reads of a history were.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Staleness {
    /// Reads that could be judged.
    pub reads: u64,
    /// The stale ones, the stalest first.
    pub stale: Vec<StaleRead>,
}

/// A read that missed an acknowledged write.
#[derive(Debug, Clone, PartialEq)]
pub struct StaleRead {
    /// Which object; none where operations have no key.
    pub key: Option<Key>,
    /// The logical client.
    pub process: u64,
    /// The node talked to.
    pub node: Option<String>,
    /// Index of the read's invocation among the events.
    pub invoke_index: u32,
    /// When the read was invoked, nanoseconds since the run began.
    pub invoked: i64,
    /// How long what it found had been out of date then, nanoseconds.
    pub behind: i64,
}

impl Staleness {
    /// The staleness that this share of all judged reads does not exceed, nanoseconds: 0.5 is the
    /// median. Fresh reads count as 0.
    pub fn quantile(&self, share: f64) -> i64 {
        let rank = (self.reads as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let above = self.reads.saturating_sub(rank.max(1)) as usize;
        self.stale.get(above).map_or(0, |read| read.behind)
    }
}

/// Measures a history of the model `register` or `cas-register`. It needs times
/// ([`History::has_times`]); without them spans count events. O(n log n).
pub fn staleness(history: &History, model: &str) -> Result<Staleness, HistoryErrors> {
    let model = if model == "cas-register" { Model::CasRegister } else { Model::Register };
    let mut measured = Staleness::default();
    for register in extract::registers(history, model, &Meter::new(&Unlimited))? {
        measure(history, &register, &mut measured);
    }
    measured.stale.sort_by_key(|read| (std::cmp::Reverse(read.behind), read.invoke_index));
    Ok(measured)
}

/// An acknowledged write: events, the value, and the time of the acknowledgement.
#[derive(Debug, Clone, Copy)]
struct Acknowledged {
    invoked: u32,
    returned: u32,
    at: i64,
}

fn measure(history: &History, register: &Register, measured: &mut Staleness) {
    let times = |op: &RegisterOp| &history.operations()[op.source as usize];
    let mut writes: Vec<Acknowledged> = register
        .ops
        .iter()
        .filter(|op| op.effect.written().is_some() && op.returned != NEVER)
        .map(|op| Acknowledged {
            invoked: op.invoked,
            returned: op.returned,
            at: times(op).completed.unwrap_or_default(),
        })
        .collect();
    writes.sort_unstable_by_key(|write| write.invoked);
    let first = first_of_rest(&writes);
    let settled = settled(register);
    for op in &register.ops {
        let Effect::Read(value) = op.effect else { continue };
        let Some(since) = settled.get(value as usize).copied().flatten() else { continue };
        measured.reads += 1;
        let later = writes.partition_point(|write| write.invoked < since);
        let missed = first.get(later).filter(|earliest| earliest.returned < op.invoked);
        if let Some(earliest) = missed {
            let operation = times(op);
            measured.stale.push(StaleRead {
                key: register.key.map(|key| history.key(key).clone()),
                process: operation.process,
                node: operation.node.map(|node| history.node_name(node).to_owned()),
                invoke_index: operation.invoke_index,
                invoked: operation.invoked,
                behind: operation.invoked - earliest.at,
            });
        }
    }
}

/// By place: of the writes from there on the one acknowledged first.
fn first_of_rest(writes: &[Acknowledged]) -> Vec<Acknowledged> {
    let mut first = writes.to_vec();
    for place in (0..first.len().saturating_sub(1)).rev() {
        if first[place + 1].returned < first[place].returned {
            first[place] = first[place + 1];
        }
    }
    first
}

/// By value: the event by which its only write was acknowledged; 0 for the initial one that nobody
/// writes.
fn settled(register: &Register) -> Vec<Option<u32>> {
    let values = register.ops.iter().filter_map(|op| op.effect.tested().max(op.effect.written()));
    let count = values.max().unwrap_or_default() as usize + 1;
    let mut writers = vec![(0_u32, 0_u32); count];
    for op in &register.ops {
        if let Some(value) = op.effect.written() {
            let (number, returned) = writers[value as usize];
            writers[value as usize] = (number + 1, returned.max(op.returned));
        }
    }
    let since = |(value, (number, returned)): (usize, (u32, u32))| match (value, number) {
        (0, 0) => Some(0),
        (_, 1) if returned != NEVER => Some(returned),
        _ => None,
    };
    writers.into_iter().enumerate().map(since).collect()
}
