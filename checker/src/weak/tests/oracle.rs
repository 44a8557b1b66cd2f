//! The definitions, tried out: does such an order exist?

use super::notation::{Op, Tiny};

/// Calls `f` with every permutation until it says yes.
pub(super) fn some_permutation(count: usize, f: &mut dyn FnMut(&[usize]) -> bool) -> bool {
    fn go(chosen: &mut Vec<usize>, count: usize, f: &mut dyn FnMut(&[usize]) -> bool) -> bool {
        if chosen.len() == count {
            return f(chosen);
        }
        for next in 0..count {
            if !chosen.contains(&next) {
                chosen.push(next);
                let found = go(chosen, count, f);
                chosen.pop();
                if found {
                    return true;
                }
            }
        }
        false
    }
    go(&mut Vec::new(), count, f)
}

/// A level of Biswas and Enea's framework (OOPSLA 2019, figure 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axiom {
    ReadCommitted,
    ReadAtomic,
    Causal,
}

/// A read of what another transaction wrote last to that key: reader, place in it, key, and the
/// writer; none if the initial value was found.
struct External {
    reader: usize,
    place: usize,
    key: u8,
    writer: Option<usize>,
}

struct Transactions<'a> {
    all: Vec<(usize, &'a [Op])>,
    reads: Vec<External>,
}

impl<'a> Transactions<'a> {
    /// None if some read cannot be explained by itself.
    fn of(tiny: &'a Tiny) -> Option<Self> {
        let all = tiny.transactions();
        let mut reads = Vec::new();
        for (reader, (_, ops)) in all.iter().enumerate() {
            for (place, op) in ops.iter().enumerate().filter(|(_, op)| !op.writes) {
                let own = ops[..place].iter().rfind(|other| other.writes && other.key == op.key);
                if let Some(own) = own {
                    if own.value != op.value {
                        return None;
                    }
                    continue;
                }
                let last = |ops: &[Op]| {
                    let mut writes = ops.iter().filter(|other| other.writes && other.key == op.key);
                    writes.next_back().is_some_and(|write| write.value == op.value)
                };
                let writer = all.iter().position(|(_, ops)| last(ops));
                if op.value != 0 && writer.is_none_or(|writer| writer == reader) {
                    return None;
                }
                reads.push(External { reader, place, key: op.key, writer });
            }
        }
        Some(Self { all, reads })
    }

    fn writes(&self, transaction: usize, key: u8) -> bool {
        self.all[transaction].1.iter().any(|op| op.writes && op.key == key)
    }

    fn in_session(&self, earlier: usize, later: usize) -> bool {
        earlier < later && self.all[earlier].0 == self.all[later].0
    }

    /// Whether `before` is visible to a read.
    fn visible(&self, axiom: Axiom, past: &[Vec<bool>], before: usize, read: &External) -> bool {
        let mut others = self.reads.iter().filter(|other| other.reader == read.reader);
        match axiom {
            Axiom::ReadCommitted => {
                others.any(|other| other.place < read.place && other.writer == Some(before))
            }
            Axiom::ReadAtomic => {
                self.in_session(before, read.reader)
                    || others.any(|other| other.writer == Some(before))
            }
            Axiom::Causal => past[before][read.reader],
        }
    }

    /// The transitive closure of session order and reads-from.
    fn past(&self) -> Vec<Vec<bool>> {
        let count = self.all.len();
        let reads_from =
            |from, to| self.reads.iter().any(|read| read.reader == to && read.writer == Some(from));
        let mut past: Vec<Vec<bool>> = (0..count)
            .map(|from| {
                (0..count).map(|to| self.in_session(from, to) || reads_from(from, to)).collect()
            })
            .collect();
        for via in 0..count {
            for from in 0..count {
                for to in 0..count {
                    past[from][to] |= past[from][via] && past[via][to];
                }
            }
        }
        past
    }
}

/// Whether some total order of the transactions contains session order and reads-from, and the
/// writers of what was read come after all other visible writers of the key.
pub(super) fn holds(tiny: &Tiny, axiom: Axiom) -> bool {
    let Some(transactions) = Transactions::of(tiny) else { return false };
    let past = transactions.past();
    let count = transactions.all.len();
    some_permutation(count, &mut |order| {
        let mut rank = vec![0; count];
        for (place, &transaction) in order.iter().enumerate() {
            rank[transaction] = place;
        }
        let respected =
            (0..count).all(|from| (0..count).all(|to| !past[from][to] || rank[from] < rank[to]));
        respected
            && transactions.reads.iter().all(|read| {
                (0..count).all(|before| {
                    let other = Some(before) != read.writer && before != read.reader;
                    let newer = other
                        && transactions.writes(before, read.key)
                        && transactions.visible(axiom, &past, before, read);
                    !newer || read.writer.is_some_and(|writer| rank[before] < rank[writer])
                })
            })
    })
}
