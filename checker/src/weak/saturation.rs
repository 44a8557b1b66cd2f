//! What every sequential order must contain: session order, reads-from, and all that follows from
//! them again and again. Polynomial, and far more than causality; where it is a circle there is no
//! order, and where it is not, little is left to search. (Zennou, Bouajjani, Enea and Erradi,
//! Gradual Consistency Checking, CAV 2019; Gibbons and Korach 1997, section 4.)
//!
//! For a read `r` that found `v`, and another write `w` of its key: where `w` comes before `r` it
//! comes before `v`; where `v` comes before `w`, `r` does. O(n·k) a round for n operations and k
//! sessions, but for the logarithm of searches; clocks take n·k words.

use super::{
    causality::Dependency,
    clocks::Writers,
    edges::Edge,
    order::Dependencies,
    sessions::{INITIAL, Read, Sessions},
};
use crate::{Exhausted, meter::Share};

/// Words of clocks above which nothing is saturated.
const MOST: usize = 1 << 26;

/// Adds all edges that follow; false: there is a circle, or a read of an initial value that came
/// too late.
pub(super) fn saturate(
    sessions: &Sessions,
    writers: &Writers,
    edges: &mut Vec<Edge>,
    share: &mut Share<'_>,
) -> Result<bool, Exhausted> {
    if sessions.len() * sessions.session_count() > MOST {
        return Ok(true);
    }
    loop {
        let dependencies = Dependencies::new(sessions, edges);
        let Some(order) = sorted(&dependencies, sessions) else { return Ok(false) };
        let mut following = Following { sessions, writers, clocks: Vec::new(), edges: Vec::new() };
        following.fill(&dependencies, &order);
        share.hold(following.clocks.len() * 4 + edges.len() * size_of::<Edge>() * 2)?;
        if !following.look() {
            return Ok(false);
        }
        if following.edges.is_empty() {
            return Ok(true);
        }
        edges.append(&mut following.edges);
    }
}

/// An order of all operations that respects the dependencies.
fn sorted(dependencies: &Dependencies<'_>, sessions: &Sessions) -> Option<Vec<u32>> {
    const NEW: u8 = 0;
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![NEW; sessions.len()];
    let mut order = Vec::with_capacity(sessions.len());
    let mut path: Vec<(u32, u32)> = Vec::new();
    for root in 0..sessions.len() as u32 {
        if state[root as usize] == NEW {
            state[root as usize] = OPEN;
            path.push((root, 0));
        }
        while let Some((top, number)) = path.last_mut() {
            *number += 1;
            match dependencies.get(*top, *number - 1) {
                Dependency::On(before) if state[before as usize] == NEW => {
                    state[before as usize] = OPEN;
                    path.push((before, 0));
                }
                Dependency::On(before) if state[before as usize] == OPEN => return None,
                Dependency::On(_) | Dependency::Nothing => {}
                Dependency::End => {
                    state[*top as usize] = DONE;
                    order.push(*top);
                    path.pop();
                }
            }
        }
    }
    Some(order)
}

struct Following<'a> {
    sessions: &'a Sessions,
    writers: &'a Writers,
    /// By operation and session: the first operation that does not come before it, itself not
    /// counted.
    clocks: Vec<u32>,
    edges: Vec<Edge>,
}

impl Following<'_> {
    fn fill(&mut self, dependencies: &Dependencies<'_>, order: &[u32]) {
        let width = self.sessions.session_count();
        self.clocks = vec![0; self.sessions.len() * width];
        for &op in order {
            let mut clock = self.sessions.starts[..width].to_vec();
            let mut number = 0;
            loop {
                match dependencies.get(op, number) {
                    Dependency::On(before) => {
                        let theirs = &self.clocks[before as usize * width..][..width];
                        clock
                            .iter_mut()
                            .zip(theirs)
                            .for_each(|(mine, other)| *mine = (*mine).max(*other));
                        let session = self.sessions.session[before as usize] as usize;
                        clock[session] = clock[session].max(before + 1);
                    }
                    Dependency::Nothing => {}
                    Dependency::End => break,
                }
                number += 1;
            }
            self.clocks[op as usize * width..][..width].copy_from_slice(&clock);
        }
    }

    /// Whether one operation comes before another.
    fn precedes(&self, earlier: u32, later: u32) -> bool {
        let width = self.sessions.session_count();
        let session = self.sessions.session[earlier as usize] as usize;
        self.clocks[later as usize * width + session] > earlier
    }

    /// Collects what follows and was not known; false: a read of an initial value came too late.
    fn look(&mut self) -> bool {
        for reader in 0..self.sessions.len() as u32 {
            for &read in self.sessions.reads(reader) {
                if !self.look_at(reader, read) {
                    return false;
                }
            }
        }
        true
    }

    fn look_at(&mut self, reader: u32, read: Read) -> bool {
        let sessions = self.sessions;
        let same = |one: &u32, other: &u32| {
            sessions.session[*one as usize] == sessions.session[*other as usize]
        };
        for run in self.writers.of_key(read.key).chunk_by(same) {
            let seen = run.partition_point(|&write| self.precedes(write, reader));
            if seen > 0 && read.writer == INITIAL {
                return false;
            }
            if seen > 0
                && run[seen - 1] != read.writer
                && !self.precedes(run[seen - 1], read.writer)
            {
                self.edges.push(Edge { before: run[seen - 1], after: read.writer, reader });
            }
            let replaced = |&write: &u32| {
                write == read.writer || read.writer != INITIAL && !self.precedes(read.writer, write)
            };
            let first = run.partition_point(replaced);
            if first < run.len() && !self.precedes(reader, run[first]) {
                self.edges.push(Edge { before: reader, after: run[first], reader });
            }
        }
        true
    }
}
