//! Orders tried out: what they break, and whether there is nothing.

use super::problem::{Isolation, Problem};
use crate::transactions::{
    classify::Order,
    extract::{INITIAL, NEVER},
};

/// Something that an order gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Between a write (or the beginning) and who read it another wrote the key.
    Read { reader: u32, writer: Option<u32>, between: u32 },
    /// Two that wrote one key overlap.
    Overlap { one: u32, other: u32 },
}

/// Of all that wrote in between, so many of the first and of the last are named.
const FIRST: usize = 16;
const LAST: usize = 4;

/// What an order breaks; nothing if it explains every read. O(nodes + micro-operations).
pub(crate) fn broken(problem: &Problem, order: &[u32]) -> Vec<Broken> {
    let mut replay = Replay {
        problem,
        commits: vec![Vec::new(); problem.keys as usize],
        places: vec![u32::MAX; problem.versions as usize],
        began: vec![0; problem.transactions.len()],
        found: Vec::new(),
    };
    for (place, &node) in (0..).zip(order) {
        let Some(transaction) = problem.transaction(node) else { continue };
        if problem.reads_at(node) {
            replay.began[transaction as usize] = place;
            replay.read(transaction);
        }
        if problem.writes_at(node) {
            replay.write(transaction, place);
        }
    }
    replay.found
}

struct Replay<'p> {
    problem: &'p Problem,
    /// By key: who wrote it so far, and when.
    commits: Vec<Vec<(u32, u32)>>,
    /// By version: its place among those.
    places: Vec<u32>,
    began: Vec<u32>,
    found: Vec<Broken>,
}

impl Replay<'_> {
    fn read(&mut self, reader: u32) {
        for touch in self.problem.touches(reader) {
            let Some(version) = touch.read else { continue };
            let commits = &self.commits[touch.key as usize];
            let (writer, first) = match version {
                INITIAL => (None, 0),
                // An edge has its writer before.
                version => {
                    let writer = self.problem.writers[version as usize];
                    (Some(writer), self.places[version as usize] as usize + 1)
                }
            };
            let later = &commits[first..];
            let named = later.iter().take(FIRST).chain(later.iter().skip(FIRST).rev().take(LAST));
            let broken = named.map(|&(between, _)| Broken::Read { reader, writer, between });
            self.found.extend(broken);
        }
    }

    fn write(&mut self, writer: u32, place: u32) {
        for touch in self.problem.touches(writer) {
            let Some(version) = touch.written else { continue };
            let commits = &mut self.commits[touch.key as usize];
            if self.problem.isolation == Isolation::Snapshots {
                let began = self.began[writer as usize];
                let since = commits.iter().rev().take_while(|(_, at)| *at > began);
                let overlaps = since.take(FIRST);
                self.found.extend(
                    overlaps.map(|&(other, _)| Broken::Overlap { one: other, other: writer }),
                );
            }
            self.places[version as usize] = commits.len() as u32;
            commits.push((writer, place));
        }
    }
}

/// Whether an order of the moments of all transactions explains every read, by the definition and
/// without any of what led to it. O(moments + micro-operations).
pub(crate) fn accepts(problem: &Problem, moments: &[u32]) -> bool {
    let mut state = vec![(INITIAL, 0_u32); problem.keys as usize];
    let mut read_at = vec![0_u32; problem.transactions.len()];
    let mut written = vec![false; problem.transactions.len()];
    for (place, &node) in (1..).zip(moments) {
        let Some(one) = problem.transaction(node) else { return false };
        let touches = problem.touches(one);
        if problem.reads_at(node) {
            let fits = |version| state[version as usize].0;
            let explained =
                touches.iter().all(|touch| touch.read.is_none_or(|found| found == fits(touch.key)));
            let again = std::mem::replace(&mut read_at[one as usize], place) != 0;
            if again || !explained {
                return false;
            }
        }
        if problem.writes_at(node) {
            let began = read_at[one as usize];
            let again = std::mem::replace(&mut written[one as usize], true);
            if again || began == 0 {
                return false;
            }
            for touch in touches {
                let Some(version) = touch.written else { continue };
                let present = &mut state[touch.key as usize];
                if present.1 > began {
                    return false;
                }
                *present = (version, place);
            }
        }
    }
    let complete = problem.counting().all(|one| written[one as usize]);
    complete && keeps_order(problem, moments)
}

/// Whether nobody reads before somebody writes who had to be first: seen from the end, what is
/// still to come must not have completed before.
fn keeps_order(problem: &Problem, moments: &[u32]) -> bool {
    let groups = match problem.order {
        Order::Data => return true,
        Order::Process => {
            problem.transactions.iter().map(|one| one.session).max().map_or(0, |last| last + 1)
        }
        Order::Realtime => 1,
    };
    let group = |one: u32| match problem.order {
        Order::Process => problem.transactions[one as usize].session as usize,
        _ => 0,
    };
    let mut earliest_end = vec![NEVER; groups as usize];
    for &node in moments.iter().rev() {
        let Some(one) = problem.transaction(node) else { return false };
        let transaction = problem.transactions[one as usize];
        let earliest_end = &mut earliest_end[group(one)];
        // Serially the two are one moment.
        if problem.reads_at(node) && *earliest_end < transaction.invoked {
            return false;
        }
        if problem.writes_at(node) {
            *earliest_end = transaction.completed.min(*earliest_end);
        }
    }
    true
}
