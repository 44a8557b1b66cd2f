//! Judges each read by itself, before any order is asked for: what was found must have been
//! written, by somebody whose write did not fail, as the last of its writes to that key, and must
//! agree with what the transaction itself did before. (The read consistency axioms of AWDIT,
//! section 2.2; Plume's patterns a to f.) What remains are reads from other transactions.

use super::{
    observed::Observed,
    sessions::{INITIAL, Numbers, Part, Read, Sessions},
};
use crate::{
    Exhausted,
    meter::{Meter, Share},
    transactions::extract::{self, Kind, MicroOp, NOBODY},
};

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
/// wrote. O(micro-operations), with 8 bytes a key for each thread and 4 a version beside the
/// result.
pub(super) fn judge(observed: &Observed, meter: &Meter<'_>) -> Result<Judged, Exhausted> {
    let mut share = meter.share();
    let seen = seen(observed, &mut share)?;
    let all = observed.all();
    let kept = |place: usize| seen[place] || all[place].is_certain();
    let numbers = Numbers::of(all, observed.session_count(), kept);
    let found = found(observed, &numbers, &mut share)?;
    let keys = observed.key_count();
    let (sessions, bad) = numbers.with(
        keys as u32,
        || vec![(NOBODY, 0); keys],
        |own, place, part| {
            let judging = Judging { observed, found: &found };
            judging.take(place, own, part);
        },
        meter,
    )?;
    share.hold(sessions.bytes())?;
    Ok(Judged { sessions, bad })
}

/// Marks a version that its own transaction overwrote.
const OVERWRITTEN: u32 = 1 << 31;

/// By version: the number of the transaction that wrote it, perhaps marked; [`NOBODY`] if none did.
fn found(
    observed: &Observed,
    numbers: &Numbers,
    share: &mut Share<'_>,
) -> Result<Vec<u32>, Exhausted> {
    let mut found = vec![NOBODY; observed.writers().len()];
    let mut own = vec![(NOBODY, 0); observed.key_count()];
    for (place, &number) in (0..).zip(&numbers.number).filter(|&(_, &number)| number != INITIAL) {
        share.step()?;
        for op in observed.ops_of(place).iter().filter(|op| op.kind == Kind::Write) {
            let (transaction, version) =
                std::mem::replace(&mut own[op.key as usize], (place, op.value));
            if transaction == place {
                found[version as usize] |= OVERWRITTEN;
            }
            found[op.value as usize] = number;
        }
    }
    Ok(found)
}

/// By transaction of unknown outcome: whether another one found what it wrote.
fn seen(observed: &Observed, share: &mut Share<'_>) -> Result<Vec<bool>, Exhausted> {
    let mut seen = vec![false; observed.all().len()];
    let mut by_unknown = vec![false; observed.writers().len()];
    let unknown = (0..).zip(observed.all()).filter(|(_, transaction)| !transaction.is_certain());
    for op in unknown.flat_map(|(transaction, _)| observed.ops_of(transaction)) {
        by_unknown[op.value as usize] = true;
    }
    for reader in 0..observed.all().len() as u32 {
        share.step()?;
        for op in observed.ops_of(reader) {
            let is_read = op.kind == Kind::Read && op.value != extract::INITIAL;
            if is_read && by_unknown[op.value as usize] {
                seen[observed.writers()[op.value as usize].transaction as usize] = true;
            }
        }
    }
    Ok(seen)
}

struct Judging<'a> {
    observed: &'a Observed,
    found: &'a [u32],
}

impl Judging<'_> {
    /// `own` is the last transaction that wrote a key, and the version, by key.
    fn take(
        &self,
        (transaction, number): (u32, u32),
        own: &mut [(u32, u32)],
        part: &mut Part<BadRead>,
    ) {
        let observed = self.observed;
        for (place, op) in observed.places_of(transaction).zip(observed.ops_of(transaction)) {
            if op.kind == Kind::Write {
                own[op.key as usize] = (transaction, op.value);
                part.writes.push(op.key);
                continue;
            }
            let (before, version) = own[op.key as usize];
            let own = (before == transaction).then_some(version);
            match self.find((transaction, number), op, place as u32, own) {
                Ok(Some(writer)) => part.reads.push(Read { key: op.key, writer }),
                Ok(None) => {}
                Err(fault) => {
                    part.others.push(BadRead { fault, reader: transaction, op: place as u32 });
                }
            }
        }
    }

    /// The transaction that a read found; none for its own. `number` is the reader's.
    fn find(
        &self,
        (reader, number): (u32, u32),
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
        let found = self.found[op.value as usize];
        if found == NOBODY {
            let failed = self.observed.failed_writer(op.value).is_some();
            return Err(if failed { Fault::Aborted } else { Fault::ThinAir });
        }
        if found & OVERWRITTEN == 0 && found != number && own.is_none() {
            return Ok(Some(found));
        }
        let writer = self.observed.writers()[op.value as usize];
        Err(match () {
            () if writer.transaction == reader && writer.op > place => Fault::Future,
            () if own.is_some() => Fault::Internal,
            () => Fault::Intermediate,
        })
    }
}
