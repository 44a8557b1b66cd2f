//! Judges each read by itself, before any order is asked for: what was found must have been
//! written, by somebody whose write did not fail, as the last of its writes to that key, and must
//! agree with what the transaction itself did before. (The read consistency axioms of AWDIT,
//! section 2.2; Plume's patterns a to f.) What remains are reads from other transactions.

use super::{
    observed::Observed,
    sessions::{INITIAL, Numbers, Read, Sessions},
};
use crate::transactions::extract::{self, Kind, MicroOp, NOBODY, Writer};

/// What is wrong with one read, the plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fault {
    /// Nobody wrote it.
    ThinAir,
    /// Its write failed.
    Aborted,
    /// Its writer overwrote it in the same transaction.
    Intermediate,
    /// The transaction itself, or a later one of the same session, writes it later.
    Future,
    /// The transaction itself had written something else to the key before.
    Internal,
}

impl Fault {
    /// The name of the anomaly.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::ThinAir => "thin-air",
            Self::Aborted => "G1a",
            Self::Intermediate => "G1b",
            Self::Future => "future-read",
            Self::Internal => "internal",
        }
    }
}

/// A read that cannot be explained at any level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadRead {
    pub(super) fault: Fault,
    /// The reading transaction, by its place among the observed ones.
    pub(super) reader: u32,
    /// The micro-operation, by its place among all.
    pub(super) op: u32,
}

/// What the reads say.
#[derive(Debug)]
pub(super) struct Judged {
    /// Reads from others; bad ones are left out.
    pub(super) sessions: Sessions,
    pub(super) bad: Vec<BadRead>,
}

/// Judges all reads. A transaction whose outcome is unknown counts if somebody found what it
/// wrote. O(micro-operations), with 12 bytes a key and one a micro-operation beside the result.
pub(super) fn judge(observed: &Observed) -> Judged {
    let seen = seen(observed);
    let all = observed.all();
    let kept = |place: usize| seen[place] || all[place].is_certain();
    let numbers = Numbers::of(all, observed.session_count(), kept);
    let number = numbers.number.clone();
    let mut judging = Judging {
        observed,
        number: &number,
        overwritten: overwritten(observed),
        own: vec![(NOBODY, 0); observed.key_count()],
        bad: Vec::new(),
    };
    let (reads, writes) = counts(observed);
    let keys = observed.key_count() as u32;
    let sessions = numbers.with(keys, reads, writes, |place, reads, writes| {
        judging.take(place as u32, reads, writes);
    });
    Judged { sessions, bad: judging.bad }
}

fn counts(observed: &Observed) -> (usize, usize) {
    let transactions = 0..observed.all().len() as u32;
    let ops = transactions.flat_map(|transaction| observed.ops_of(transaction));
    let reads = ops.filter(|op| op.kind == Kind::Read).count();
    (reads, observed.op_count() - reads)
}

/// By transaction of unknown outcome: whether another one found what it wrote.
fn seen(observed: &Observed) -> Vec<bool> {
    let mut seen = vec![false; observed.all().len()];
    let mut by_unknown = vec![false; observed.writers().len()];
    let unknown = (0..).zip(observed.all()).filter(|(_, transaction)| !transaction.is_certain());
    for op in unknown.flat_map(|(transaction, _)| observed.ops_of(transaction)) {
        by_unknown[op.value as usize] = true;
    }
    for reader in 0..observed.all().len() as u32 {
        for op in observed.ops_of(reader) {
            let is_read = op.kind == Kind::Read && op.value != extract::INITIAL;
            if is_read && by_unknown[op.value as usize] {
                seen[observed.writers()[op.value as usize].transaction as usize] = true;
            }
        }
    }
    seen
}

/// Who wrote what a read found; none for writes, the initial value, and where nobody did.
fn writer(observed: &Observed, op: &MicroOp) -> Option<Writer> {
    if op.kind == Kind::Write || op.value == extract::INITIAL {
        return None;
    }
    Some(observed.writers()[op.value as usize]).filter(|writer| writer.transaction != NOBODY)
}

/// By micro-operation: whether it is a write that its own transaction overwrites.
fn overwritten(observed: &Observed) -> Vec<bool> {
    let mut overwritten = vec![false; observed.op_count()];
    let mut last = vec![NOBODY; observed.key_count()];
    for transaction in 0..observed.all().len() as u32 {
        let ops = observed.places_of(transaction).zip(observed.ops_of(transaction));
        for (place, op) in ops.rev().filter(|(_, op)| op.kind == Kind::Write) {
            overwritten[place] = last[op.key as usize] == transaction;
            last[op.key as usize] = transaction;
        }
    }
    overwritten
}

struct Judging<'a> {
    observed: &'a Observed,
    number: &'a [u32],
    overwritten: Vec<bool>,
    /// By key: the last transaction that wrote it, and the version.
    own: Vec<(u32, u32)>,
    bad: Vec<BadRead>,
}

impl Judging<'_> {
    fn take(&mut self, transaction: u32, reads: &mut Vec<Read>, writes: &mut Vec<u32>) {
        let observed = self.observed;
        for (place, op) in observed.places_of(transaction).zip(observed.ops_of(transaction)) {
            if op.kind == Kind::Write {
                self.own[op.key as usize] = (transaction, op.value);
                writes.push(op.key);
                continue;
            }
            let (writer_before, version) = self.own[op.key as usize];
            let own = (writer_before == transaction).then_some(version);
            match self.find(transaction, op, place as u32, own) {
                Ok(Some(writer)) => reads.push(Read { key: op.key, writer }),
                Ok(None) => {}
                Err(fault) => {
                    self.bad.push(BadRead { fault, reader: transaction, op: place as u32 });
                }
            }
        }
    }

    /// The transaction that a read found; none for its own.
    fn find(
        &self,
        reader: u32,
        op: &MicroOp,
        place: u32,
        own: Option<u32>,
    ) -> Result<Option<u32>, Fault> {
        if own == Some(op.value) {
            return Ok(None);
        }
        if op.value == extract::INITIAL {
            return if own.is_some() { Err(Fault::Internal) } else { Ok(Some(INITIAL)) };
        }
        let Some(writer) = writer(self.observed, op) else {
            let failed = self.observed.failed_writer(op.value).is_some();
            return Err(if failed { Fault::Aborted } else { Fault::ThinAir });
        };
        if writer.transaction == reader && writer.op > place {
            return Err(Fault::Future);
        }
        if own.is_some() {
            return Err(Fault::Internal);
        }
        if self.overwritten[writer.op as usize] {
            return Err(Fault::Intermediate);
        }
        Ok(Some(self.number[writer.transaction as usize]))
    }
}
