//! What was found, kind by kind: how often, and examples enough to choose from.

use std::collections::BTreeMap;

use super::{
    ordering::{Core, Question},
    shortest::Cycle,
};

/// How many examples of a kind are kept, of those that are preferred and of the others.
const KEPT: usize = 16;

/// One thing found. Micro-operations are places among [`super::extract::Transactions::ops`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// A read found a version that a failed transaction would have written.
    AbortedRead { op: u32, version: u32 },
    /// A read found a version that nobody wrote.
    ThinAir { op: u32, version: u32 },
    /// A read found a version that its writer overwrote itself.
    IntermediateRead { op: u32, version: u32 },
    /// A read contradicts what its own transaction did before, most lately at `before`.
    Internal { op: u32, before: u32 },
    /// A read found what its own transaction wrote later.
    FutureRead { op: u32, write: u32 },
    /// A read found an element twice.
    DuplicateElements { op: u32, version: u32 },
    /// A read is no beginning of the longest list.
    IncompatibleOrder { op: u32 },
    /// A list holds what one transaction appended, by place, the other way round.
    Reordered { first: u32, second: u32 },
    /// Two transactions read the same version and overwrote it.
    LostUpdate { key: u32, first: u32, second: u32 },
    /// A version of a failed transaction was appended to.
    DirtyUpdate { failed: u32, later: u32 },
    /// Versions of one key that each come before the next, and the last before the first.
    CyclicVersions { key: u32, versions: Vec<u32> },
    /// A cycle of transactions.
    Cycle(Cycle),
    /// Transactions that no order explains.
    NoOrder { question: Question, core: Core },
}

/// Counts and examples of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) count: u64,
    preferred: Vec<(u32, Found)>,
    others: Vec<(u32, Found)>,
}

/// Counts and examples of all kinds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tally {
    kinds: BTreeMap<&'static str, Kept>,
}

impl Tally {
    /// Counts a find; `transaction` is where it shows.
    pub(crate) fn add(
        &mut self,
        kind: &'static str,
        transaction: u32,
        is_preferred: impl Fn(u32) -> bool,
        found: impl FnOnce() -> Found,
    ) {
        let kept = self.kinds.entry(kind).or_default();
        kept.count += 1;
        if kept.others.len() < KEPT {
            kept.others.push((transaction, found()));
        } else if kept.preferred.len() < KEPT && is_preferred(transaction) {
            kept.preferred.push((transaction, found()));
        }
    }

    /// Takes what was found in a later part of the history.
    pub(crate) fn merge(&mut self, later: Self) {
        for (kind, found) in later.kinds {
            let kept = self.kinds.entry(kind).or_default();
            kept.count += found.count;
            kept.preferred.extend(found.preferred);
            kept.preferred.truncate(KEPT);
            kept.others.extend(found.others);
            kept.others.truncate(2 * KEPT);
        }
    }

    /// Adds to a count without an example.
    pub(crate) fn count(&mut self, kind: &'static str, more: u64) {
        self.kinds.entry(kind).or_default().count += more;
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.kinds.keys().copied().collect()
    }

    pub(crate) fn count_of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).map_or(0, |kept| kept.count)
    }

    /// The examples of a kind.
    pub(crate) fn examples(&self, kind: &str) -> impl Iterator<Item = &Found> {
        let kept = self.kinds.get(kind);
        let all = kept.into_iter().flat_map(|kept| kept.preferred.iter().chain(&kept.others));
        all.map(|(_, found)| found)
    }
}
