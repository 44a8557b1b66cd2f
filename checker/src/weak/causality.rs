//! Session order and reads-from together: an order in which everything comes after what it
//! depends on, or a cycle where there is none.

use super::sessions::{INITIAL, Sessions};

/// The transactions in an order that respects session order and reads-from.
#[derive(Debug)]
pub(super) struct Causality {
    pub(super) order: Vec<u32>,
    /// By transaction: its place in the order.
    pub(super) rank: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// One thing that a transaction directly depends on.
pub(super) enum Dependency {
    On(u32),
    /// Nothing here, but ask on.
    Nothing,
    /// There are no more.
    End,
}

/// The dependencies of a transaction by their number: its predecessor in the session, then whom it
/// read from.
pub(super) fn dependency(sessions: &Sessions, transaction: u32, number: u32) -> Dependency {
    if number == 0 {
        return sessions.previous(transaction).map_or(Dependency::Nothing, Dependency::On);
    }
    match sessions.reads(transaction).get(number as usize - 1) {
        Some(read) if read.writer == INITIAL || read.writer == transaction => Dependency::Nothing,
        Some(read) => Dependency::On(read.writer),
        None => Dependency::End,
    }
}

/// Sorts by depth-first search from the earliest invocations on, so that the order stays near to
/// real time. An error is some transaction on a cycle. O(transactions + reads).
pub(super) fn sort(sessions: &Sessions) -> Result<Causality, u32> {
    let mut state = vec![State::New; sessions.len()];
    let mut order = Vec::with_capacity(sessions.len());
    let mut rank = vec![0; sessions.len()];
    let mut path: Vec<(u32, u32)> = Vec::new();
    for &root in &sessions.by_time {
        if state[root as usize] != State::New {
            continue;
        }
        state[root as usize] = State::Open;
        path.push((root, 0));
        while let Some((top, number)) = path.last_mut() {
            match dependency(sessions, *top, *number) {
                Dependency::On(before) => match state[before as usize] {
                    State::Done => *number += 1,
                    State::Open => return Err(before),
                    State::New => {
                        *number += 1;
                        state[before as usize] = State::Open;
                        path.push((before, 0));
                    }
                },
                Dependency::Nothing => *number += 1,
                Dependency::End => {
                    state[*top as usize] = State::Done;
                    rank[*top as usize] = order.len() as u32;
                    order.push(*top);
                    path.pop();
                }
            }
        }
    }
    Ok(Causality { order, rank })
}
