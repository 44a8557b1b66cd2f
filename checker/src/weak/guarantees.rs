//! The levels with a view for each session, over all sessions: which of them clash.

use rayon::prelude::*;

use super::{
    causality,
    demands::Demand,
    levels::{self, Contradictions, Level},
    order::{Step, Why},
    sessions::{INITIAL, Sessions},
    story::Contradiction,
    views::{Clash, Links, View, Viewing},
};
use crate::{Exhausted, meter::Meter};

/// A read that misses an earlier write of its own session.
pub(super) const READ_YOUR_WRITES: &str = "read-your-writes";
/// A session that found something, and then something older.
const MONOTONIC_READS: &str = "monotonic-reads";

/// Decides one of the levels of [`View`], plainer ones that it contains first.
pub(super) fn decide(
    sessions: &Sessions,
    view: View,
    meter: &Meter<'_>,
) -> Result<Contradictions, Exhausted> {
    let weaker: &[View] = match view {
        View::MonotonicReads | View::CausalMemory => &[],
        View::MonotonicWrites | View::WritesFollowReads => &[View::MonotonicReads],
        View::Pram => &[View::MonotonicReads, View::MonotonicWrites],
    };
    let plain = match view {
        View::CausalMemory => levels::decide(sessions, Level::Causal, meter)?,
        View::Pram => read_your_writes(sessions),
        _ => future_reads(sessions),
    };
    if !plain.is_empty() {
        return Ok(plain);
    }
    for &view in weaker.iter().chain([&view]) {
        let found = clashes(sessions, view, meter)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Contradictions::default())
}

fn clashes(
    sessions: &Sessions,
    view: View,
    meter: &Meter<'_>,
) -> Result<Contradictions, Exhausted> {
    let links = Links::of(sessions);
    let causality = causality::sort(sessions).ok();
    let clashes: Result<Vec<Option<Clash>>, Exhausted> = (0..sessions.session_count() as u32)
        .into_par_iter()
        .with_max_len(1)
        .map_init(
            || (Viewing::new(sessions, &links, causality.as_ref(), view), meter.share()),
            |(viewing, share), session| viewing.clash(session, share),
        )
        .collect();
    let mut found = Contradictions::default();
    for clash in clashes?.into_iter().flatten() {
        let kind = kind(view, clash.cycle.is_empty());
        found.add(Contradiction { kind, demands: clash.demands, cycle: clash.cycle });
    }
    Ok(found)
}

fn kind(view: View, initial: bool) -> &'static str {
    match view {
        View::MonotonicReads => MONOTONIC_READS,
        View::MonotonicWrites => "monotonic-writes",
        View::WritesFollowReads => "writes-follow-reads",
        View::Pram => "CyclicPRAM",
        View::CausalMemory if initial => "WriteHBInitRead",
        View::CausalMemory => "CyclicHB",
    }
}

/// Reads of what the session itself writes only later.
fn future_reads(sessions: &Sessions) -> Contradictions {
    let mut found = Contradictions::default();
    for reader in 0..sessions.len() as u32 {
        for read in sessions.reads(reader).iter().filter(|read| read.writer != INITIAL) {
            let own = sessions.session[read.writer as usize] == sessions.session[reader as usize];
            if own && read.writer > reader {
                let session = Step { from: reader, to: read.writer, why: Why::Session };
                let reads = Step { from: read.writer, to: reader, why: Why::ReadsFrom };
                let cycle = vec![session, reads];
                found.add(Contradiction { kind: "future-read", demands: Vec::new(), cycle });
            }
        }
    }
    found
}

/// Each read finds the session's own last write of its key, or another session's: never an
/// earlier own one, nor the initial value. (A foreign value may be newer or not: that nobody can
/// say at this level.) O(operations).
pub(super) fn read_your_writes(sessions: &Sessions) -> Contradictions {
    let mut found = future_reads(sessions);
    let mut own: Vec<Option<u32>> = vec![None; sessions.keys as usize];
    for op in 0..sessions.len() as u32 {
        let session = sessions.session[op as usize];
        let is_own = |write: u32| sessions.session[write as usize] == session;
        for read in sessions.reads(op) {
            let Some(before) = own[read.key as usize].filter(|&write| is_own(write)) else {
                continue;
            };
            let after = read.writer;
            if after != INITIAL && (!is_own(after) || after >= before) {
                continue;
            }
            let path = vec![Step { from: before, to: op, why: Why::Session }];
            let demands = vec![Demand { before, after, reader: op, key: read.key, path }];
            let cycle = if after == INITIAL {
                Vec::new()
            } else {
                let session = Step { from: after, to: before, why: Why::Session };
                vec![session, Step { from: before, to: after, why: Why::Demanded }]
            };
            found.add(Contradiction { kind: READ_YOUR_WRITES, demands, cycle });
        }
        for &key in sessions.writes(op) {
            own[key as usize] = Some(op);
        }
    }
    found
}
