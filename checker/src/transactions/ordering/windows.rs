//! A large history, looked at a part at a time, for a violation that a search of the whole would
//! not come to within any budget.
//!
//! **Why a part's violation is the whole's.** Take an order of all transactions (or of all their
//! moments) that explains every read, and leave out all but some transactions. What is left is an
//! order of these, and agrees with every edge between them. A read of a version that one of them
//! wrote still finds it: its writer stands before it, and whoever wrote the key in between would
//! have done so in the whole order too. A read of what an outsider wrote asks nothing of a part
//! ([`Problem::part`] forgets it), and so does a read of an initial value but that no insider wrote
//! before. So if a part has no order, the whole has none. The parts are chosen freely: here,
//! transactions that began one after another, and those that wrote what they read.
//!
//! **Why orders of all parts prove nothing**: they need not fit together. Only an order of the
//! whole that the replay accepted is a pass.

use std::ops::Range;

use rayon::prelude::*;

use super::{Answer, Core, Effort, Problem, Question, decide, smallest};
use crate::{
    Exhausted,
    meter::Meter,
    transactions::{
        extract::{INITIAL, NOBODY, Transactions},
        registers::Orders,
    },
};

/// How many transactions begin in a window: first a few, since what is wrong is mostly near, then
/// more. Half of them are in the next window too.
pub(crate) const SIZES: [usize; 2] = [64, 256];

/// What the windows of one size may cost together, in pairs of transactions and versions looked at:
/// a few seconds. The search of the whole must have its turn.
const MOST: usize = 1 << 28;

/// The first window without an order, as the fewest transactions found. Of a very large history
/// only the first windows are looked at: each takes O(size² + versions) for the known edges, and
/// what the solver takes, of which it has a limited patience.
pub(crate) fn search<'m>(
    all: &Transactions,
    orders: &Orders<'_>,
    question: Question,
    sizes: &[usize],
    meter: &'m Meter<'m>,
) -> Result<Option<Core>, Exhausted> {
    let counting: Vec<u32> = (0..all.all.len() as u32).filter(|&one| orders.counts(one)).collect();
    for &size in sizes {
        let mut cost = 0;
        let windows: Vec<Vec<u32>> = spans(counting.len(), size)
            .into_iter()
            .map(|span| with_writers(all, orders, &counting[span]))
            .take_while(|members| {
                cost += members.len() * members.len() + all.writers.len();
                cost <= MOST
            })
            .collect();
        let found = windows.par_iter().find_map_first(|members| {
            without_order(all, orders, question, members, meter).transpose()
        });
        if let Some(matter) = found.transpose()? {
            return smallest(all, orders, question, &matter, meter);
        }
    }
    Ok(None)
}

/// Where the windows begin and end; none if one holds everything: that is the whole.
fn spans(count: usize, size: usize) -> Vec<Range<usize>> {
    let step = (size / 2).max(1);
    let starts = (0..count).step_by(step).take_while(|start| start + step < count || *start == 0);
    if count <= size {
        return Vec::new();
    }
    starts.map(|start| start..(start + size).min(count)).collect()
}

/// The members, and who wrote what they read.
fn with_writers(all: &Transactions, orders: &Orders<'_>, members: &[u32]) -> Vec<u32> {
    let read = members.iter().flat_map(|&one| orders.touches_of(one)).filter_map(|it| it.read);
    let writers = read
        .filter(|&version| version != INITIAL)
        .map(|version| all.writers[version as usize].transaction)
        .filter(|&writer| writer != NOBODY);
    let mut window: Vec<u32> = members.iter().copied().chain(writers).collect();
    window.sort_unstable();
    window.dedup();
    window
}

/// Those of a window that the argument is about, if no order explains it.
fn without_order<'m>(
    all: &Transactions,
    orders: &Orders<'_>,
    question: Question,
    members: &[u32],
    meter: &'m Meter<'m>,
) -> Result<Option<Vec<u32>>, Exhausted> {
    let Question { isolation, order } = question;
    let problem = Problem::part(all, orders, isolation, order, members, meter)?;
    Ok(match decide(&problem, Effort::Try, meter)? {
        Answer::Order(_) | Answer::Open => None,
        Answer::Nothing(matter) => Some(matter.into_iter().map(|one| problem.name(one)).collect()),
    })
}

#[cfg(test)]
mod tests;
