//! What single reads show to be wrong, whatever the order of transactions: one pass.
//!
//! The definitions are Adya's (G1a, G1b), Cerone, Bernardi and Gotsman's (`internal`, their axiom
//! INT) and Elle's (the rest).

use rayon::prelude::*;

use super::{
    extract::{INITIAL, Kind, Model, NOBODY, Transactions},
    names,
    tally::{Found, Tally},
};
use crate::{Exhausted, meter::Meter};

/// How many transactions one thread takes at a time.
const CHUNK: usize = 1 << 15;

/// Looks at every read. O(micro-operations), as far as lists are beginnings of the longest one.
pub(crate) fn examine(
    transactions: &Transactions,
    is_preferred: &(impl Fn(u32) -> bool + Sync),
    meter: &Meter<'_>,
) -> Result<Tally, Exhausted> {
    let faults = Faults::of(transactions);
    let numbers: Vec<u32> = (0..transactions.all.len() as u32).collect();
    let parts: Result<Vec<Tally>, Exhausted> = numbers
        .par_chunks(CHUNK)
        .map(|chunk| {
            let mut share = meter.share();
            let mut pass = Pass {
                all: transactions,
                faults: &faults,
                is_preferred,
                latest: vec![(NOBODY, NOBODY); transactions.key_count()],
                previous: Vec::new(),
                tally: Tally::default(),
            };
            for &transaction in chunk {
                share.step()?;
                pass.transaction(transaction);
            }
            Ok(pass.tally)
        })
        .collect();
    let mut tally = Tally::default();
    for part in parts? {
        tally.merge(part);
    }
    Ok(tally)
}

/// What is wrong with versions, known before the reads are looked at.
struct Faults {
    /// By version: whether its writer wrote the key again.
    intermediate: Vec<bool>,
    /// By key: how long a beginning of its order shows nothing bad of this kind.
    failed_from: Vec<u32>,
    unwritten_from: Vec<u32>,
    repeated_from: Vec<u32>,
}

impl Faults {
    fn of(all: &Transactions) -> Self {
        let mut faults = Self {
            intermediate: vec![false; all.writers.len()],
            failed_from: vec![u32::MAX; all.key_count()],
            unwritten_from: vec![u32::MAX; all.key_count()],
            repeated_from: vec![u32::MAX; all.key_count()],
        };
        faults.find_intermediate(all);
        for key in 0..all.key_count() as u32 {
            // Versions are numbered in the order of the list: a number that does not grow has
            // been there.
            let mut next = all.versions_of(key).start;
            for (place, &version) in (0..).zip(all.order(key)) {
                let at = key as usize;
                if version < next {
                    faults.repeated_from[at] = faults.repeated_from[at].min(place);
                }
                next = next.max(version + 1);
                if all.writers[version as usize].transaction == NOBODY {
                    let failed = all.failed_writer(version).is_some();
                    let from =
                        if failed { &mut faults.failed_from } else { &mut faults.unwritten_from };
                    from[at] = from[at].min(place);
                }
            }
        }
        faults
    }

    fn find_intermediate(&mut self, all: &Transactions) {
        for transaction in 0..all.all.len() as u32 {
            let ops = all.ops_of(transaction);
            for (place, op) in ops.iter().enumerate().filter(|(_, op)| op.kind == Kind::Write) {
                let mut later = ops[place + 1..].iter();
                self.intermediate[op.value as usize] =
                    later.any(|other| other.kind == Kind::Write && other.key == op.key);
            }
        }
    }
}

struct Pass<'t, P> {
    all: &'t Transactions,
    faults: &'t Faults,
    is_preferred: &'t P,
    /// By key: which transaction touched it last, and its last micro-operation there.
    latest: Vec<(u32, u32)>,
    /// By micro-operation of this transaction: the one before it on its key.
    previous: Vec<u32>,
    tally: Tally,
}

impl<P: Fn(u32) -> bool> Pass<'_, P> {
    fn transaction(&mut self, transaction: u32) {
        if !self.all.all[transaction as usize].is_certain() {
            return;
        }
        self.previous.clear();
        let mut is_internal = false;
        for place in self.all.places_of(transaction) {
            let (op, place) = (self.all.ops[place], place as u32);
            let latest = &mut self.latest[op.key as usize];
            let previous = if latest.0 == transaction { latest.1 } else { NOBODY };
            *latest = (transaction, place);
            self.previous.push(previous);
            match op.kind {
                Kind::Write => self.write(transaction, place, previous),
                Kind::Read => {
                    if previous != NOBODY && !is_internal && !self.is_expected(transaction, place) {
                        is_internal = true;
                        let found = || Found::Internal { op: place, before: previous };
                        self.add(names::INTERNAL, transaction, found);
                    }
                    match self.all.model {
                        Model::ListAppend => self.list(transaction, place),
                        Model::RwRegister => self.version(transaction, place, op.value),
                    }
                }
            }
        }
    }

    fn add(&mut self, kind: &'static str, transaction: u32, found: impl FnOnce() -> Found) {
        self.tally.add(kind, transaction, self.is_preferred, found);
    }

    /// The micro-operation before one on the same key in the same transaction.
    fn before(&self, transaction: u32, place: u32) -> Option<u32> {
        let first = self.all.starts[transaction as usize];
        let previous = self.previous[(place - first) as usize];
        (previous != NOBODY).then_some(previous)
    }

    /// Whether a read finds what its transaction left there.
    fn is_expected(&self, transaction: u32, place: u32) -> bool {
        let op = self.all.ops[place as usize];
        if self.all.model == Model::RwRegister {
            let before = self.before(transaction, place).map(|place| self.all.ops[place as usize]);
            return before.is_none_or(|before| before.value == op.value);
        }
        let mut list = self.all.list(op.value);
        let mut at = place;
        while let Some(before) = self.before(transaction, at) {
            let earlier = self.all.ops[before as usize];
            match earlier.kind {
                Kind::Read => return list == self.all.list(earlier.value),
                Kind::Write => match list.split_last() {
                    Some((&last, rest)) if last == earlier.value => list = rest,
                    _ => return false,
                },
            }
            at = before;
        }
        true
    }

    /// Whether an earlier read of the transaction found what it writes here.
    fn write(&mut self, transaction: u32, place: u32, previous: u32) {
        if previous == NOBODY {
            return;
        }
        let write = self.all.ops[place as usize];
        let mut at = place;
        while let Some(before) = self.before(transaction, at) {
            let earlier = self.all.ops[before as usize];
            if earlier.kind == Kind::Read && self.shows(earlier.value, write.value) {
                let found = || Found::FutureRead { op: before, write: place };
                return self.add(names::FUTURE_READ, transaction, found);
            }
            at = before;
        }
    }

    fn shows(&self, read: u32, version: u32) -> bool {
        match self.all.model {
            Model::RwRegister => read == version,
            Model::ListAppend => self.all.list(read).contains(&version),
        }
    }

    /// A read of a register.
    fn version(&mut self, transaction: u32, op: u32, version: u32) {
        if version == INITIAL {
            return;
        }
        let writer = self.all.writers[version as usize].transaction;
        if writer == NOBODY {
            self.unwritten(transaction, op, version);
        } else if writer != transaction && self.faults.intermediate[version as usize] {
            let found = || Found::IntermediateRead { op, version };
            self.add(names::INTERMEDIATE_READ, transaction, found);
        }
    }

    fn unwritten(&mut self, transaction: u32, op: u32, version: u32) {
        if self.all.failed_writer(version).is_some() {
            self.add(names::ABORTED_READ, transaction, || Found::AbortedRead { op, version });
        } else {
            self.add(names::THIN_AIR, transaction, || Found::ThinAir { op, version });
        }
    }

    /// A read of a list.
    fn list(&mut self, transaction: u32, op: u32) {
        let read = self.all.ops[op as usize];
        let list = self.all.list(read.value);
        let Some(&last) = list.last() else { return };
        if self.faults.intermediate[last as usize]
            && self.all.writers[last as usize].transaction != transaction
        {
            let found = || Found::IntermediateRead { op, version: last };
            self.add(names::INTERMEDIATE_READ, transaction, found);
        }
        let key = read.key as usize;
        let shown = |from: u32| list.get(from as usize).copied();
        let (failed, unwritten, repeated) = if self.all.is_prefix(read.value, read.key) {
            let faults = self.faults;
            (
                shown(faults.failed_from[key]),
                shown(faults.unwritten_from[key]),
                shown(faults.repeated_from[key]),
            )
        } else {
            self.add(names::INCOMPATIBLE_ORDER, transaction, || Found::IncompatibleOrder { op });
            self.faults_in(list)
        };
        if let Some(version) = failed {
            self.unwritten(transaction, op, version);
        }
        if let Some(version) = unwritten {
            self.unwritten(transaction, op, version);
        }
        if let Some(version) = repeated {
            let found = || Found::DuplicateElements { op, version };
            self.add(names::DUPLICATE_ELEMENTS, transaction, found);
        }
    }

    /// The first element that failed, that nobody wrote, and that stands twice.
    fn faults_in(&self, list: &[u32]) -> (Option<u32>, Option<u32>, Option<u32>) {
        let unwritten = |version: &&u32| self.all.writers[**version as usize].transaction == NOBODY;
        let failed = |version: &&u32| self.all.failed_writer(**version).is_some();
        let mut sorted = list.to_vec();
        sorted.sort_unstable();
        let repeated = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let mut without_writer = list.iter().filter(unwritten);
        (
            without_writer.clone().find(failed).copied(),
            without_writer.find(|version| !failed(version)).copied(),
            repeated,
        )
    }
}
