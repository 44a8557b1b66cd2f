//! The definitions of the levels of single registers, tried out: all partial orders, all orders,
//! all sets of visible writes.

use std::{collections::HashSet, sync::OnceLock};

use super::{notation::Tiny, oracle::some_permutation};

/// One operation.
#[derive(Debug, Clone, Copy)]
struct Op {
    session: usize,
    writes: bool,
    key: u8,
    /// For reads: whose write was found.
    found: Option<usize>,
}

/// A history whose reads are plausible by themselves.
#[derive(Debug)]
pub(super) struct Ops(Vec<Op>);

/// Sets of operations.
type Set = u32;

/// Whether one operation is related to another.
type Relation<'a> = &'a dyn Fn(usize, usize) -> bool;

impl Ops {
    /// None if a read found what nobody wrote.
    pub(super) fn of(tiny: &Tiny) -> Option<Self> {
        let all: Vec<_> = tiny.transactions().into_iter().map(|(s, ops)| (s, ops[0])).collect();
        let found = |key, value| {
            all.iter().position(|(_, op)| op.writes && op.key == key && op.value == value)
        };
        let mut ops = Vec::new();
        for &(session, op) in &all {
            let found = if op.writes { None } else { found(op.key, op.value) };
            if !op.writes && op.value != 0 && found.is_none() {
                return None;
            }
            ops.push(Op { session, writes: op.writes, key: op.key, found });
        }
        Some(Self(ops))
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn in_session(&self, earlier: usize, later: usize) -> bool {
        earlier < later && self.0[earlier].session == self.0[later].session
    }

    fn writes(&self) -> Vec<usize> {
        (0..self.len()).filter(|&op| self.0[op].writes).collect()
    }

    fn future_read(&self) -> bool {
        (0..self.len()).any(|op| self.0[op].found.is_some_and(|write| self.in_session(op, write)))
    }

    /// Whether a sequence explains what `read` found.
    fn explains(&self, sequence: &[usize], read: usize) -> bool {
        let before = sequence.iter().take_while(|&&op| op != read);
        let same = |op: &&usize| self.0[**op].writes && self.0[**op].key == self.0[read].key;
        before.filter(same).last().copied() == self.0[read].found
    }

    /// Whether some order of `members` that contains `relation` explains these reads.
    fn some_order(
        &self,
        members: &[usize],
        contains: Relation<'_>,
        reads: &dyn Fn(usize) -> bool,
    ) -> bool {
        some_permutation(members.len(), &mut |places| {
            let sequence: Vec<usize> = places.iter().map(|&place| members[place]).collect();
            let respected = sequence.iter().enumerate().all(|(place, &earlier)| {
                sequence[place + 1..].iter().all(|&later| !contains(later, earlier))
            });
            let is_read = |op: &&usize| !self.0[**op].writes && reads(**op);
            respected && sequence.iter().filter(is_read).all(|&read| self.explains(&sequence, read))
        })
    }

    /// All strict partial orders of this many things, as sets of pairs.
    fn partial_orders(count: usize) -> &'static [u64] {
        static ORDERS: [OnceLock<Vec<u64>>; 7] = [const { OnceLock::new() }; 7];
        ORDERS[count].get_or_init(|| {
            let mut known: HashSet<u64> = HashSet::from([0]);
            let mut open = vec![0_u64];
            while let Some(order) = open.pop() {
                for pair in 0..count * count {
                    if let Some(more) = with_pair(order, pair / count, pair % count, count)
                        && known.insert(more)
                    {
                        open.push(more);
                    }
                }
            }
            known.into_iter().collect()
        })
    }

    /// Whether some causal order that contains session order satisfies a condition.
    fn some_causal_order(&self, f: &dyn Fn(Relation<'_>) -> bool) -> bool {
        let count = self.len();
        let session: u64 = (0..count * count)
            .filter(|pair| self.in_session(pair / count, pair % count))
            .map(|pair| 1 << pair)
            .sum();
        let orders = Self::partial_orders(count).iter();
        orders
            .filter(|&order| order & session == session)
            .any(|order| f(&|from, to| order >> (from * count + to) & 1 == 1))
    }
}

fn with_pair(order: u64, from: usize, to: usize, count: usize) -> Option<u64> {
    let has = |order: u64, from: usize, to: usize| order >> (from * count + to) & 1 == 1;
    if from == to || has(order, from, to) || has(order, to, from) {
        return None;
    }
    let mut more = order;
    for before in (0..count).filter(|&before| before == from || has(order, before, from)) {
        for after in (0..count).filter(|&after| after == to || has(order, to, after)) {
            more |= 1 << (before * count + after);
        }
    }
    (0..count).all(|place| !has(more, place, place)).then_some(more)
}

/// CC: POPL 2017, definition 2 with AxCausalValue.
pub(super) fn causal(ops: &Ops) -> bool {
    ops.some_causal_order(&|co| {
        (0..ops.len()).all(|op| {
            let past: Vec<usize> =
                (0..ops.len()).filter(|&other| other == op || co(other, op)).collect();
            ops.some_order(&past, co, &|read| read == op)
        })
    })
}

/// CCv: AxCausalArb, with an arbitration that contains causal order.
pub(super) fn causal_convergence(ops: &Ops) -> bool {
    ops.some_causal_order(&|co| {
        some_permutation(ops.len(), &mut |arbitration| {
            let respected = arbitration.iter().enumerate().all(|(place, &earlier)| {
                arbitration[place + 1..].iter().all(|&later| !co(later, earlier))
            });
            respected
                && (0..ops.len()).filter(|&op| !ops.0[op].writes).all(|read| {
                    let mut past: Vec<usize> =
                        arbitration.iter().copied().filter(|&op| co(op, read)).collect();
                    past.push(read);
                    ops.explains(&past, read)
                })
        })
    })
}

/// CM: AxCausalSeq, with the return values of the session's past.
pub(super) fn causal_memory(ops: &Ops) -> bool {
    ops.some_causal_order(&|co| {
        (0..ops.len()).all(|op| {
            let past: Vec<usize> =
                (0..ops.len()).filter(|&other| other == op || co(other, op)).collect();
            ops.some_order(&past, co, &|read| read == op || ops.in_session(read, op))
        })
    })
}

/// For each session an order of its operations and all writes.
pub(super) fn pram(ops: &Ops) -> bool {
    let sessions: HashSet<usize> = ops.0.iter().map(|op| op.session).collect();
    sessions.into_iter().all(|session| {
        let own = |op: usize| ops.0[op].session == session;
        let members: Vec<usize> =
            (0..ops.len()).filter(|&op| own(op) || ops.0[op].writes).collect();
        ops.some_order(&members, &|from, to| ops.in_session(from, to), &own)
    })
}

/// One order of everything.
pub(super) fn sequential(ops: &Ops) -> bool {
    let members: Vec<usize> = (0..ops.len()).collect();
    ops.some_order(&members, &|from, to| ops.in_session(from, to), &|_| true)
}

/// What a session guarantee asks of one session's order of the writes and of what its reads see.
struct Guarantee<'a> {
    /// Whether the order has to contain a pair, for this session.
    contains: &'a dyn Fn(usize, usize, usize) -> bool,
    /// What a read has to see, whatever it found.
    must_see: &'a dyn Fn(usize) -> Set,
    /// Whether later reads see all that earlier ones saw.
    monotonic: bool,
    /// What comes with a visible write.
    with: &'a dyn Fn(usize) -> Set,
}

fn guaranteed(ops: &Ops, guarantee: &Guarantee<'_>) -> bool {
    let writes = ops.writes();
    let sessions: HashSet<usize> = ops.0.iter().map(|op| op.session).collect();
    !ops.future_read()
        && sessions.into_iter().all(|session| {
            some_permutation(writes.len(), &mut |places| {
                let order: Vec<usize> = places.iter().map(|&place| writes[place]).collect();
                let respected = order.iter().enumerate().all(|(place, &earlier)| {
                    let rest = &order[place + 1..];
                    rest.iter().all(|&later| !(guarantee.contains)(session, later, earlier))
                });
                respected && sees(ops, guarantee, session, &order, 0, 0)
            })
        })
}

/// Whether the session's reads from `from` on can each see some set of writes.
fn sees(
    ops: &Ops,
    guarantee: &Guarantee<'_>,
    session: usize,
    order: &[usize],
    from: usize,
    seen: Set,
) -> bool {
    let is_next = |&op: &usize| ops.0[op].session == session && !ops.0[op].writes;
    let Some(read) = (from..ops.len()).find(is_next) else { return true };
    let all: Set = order.iter().map(|&write| 1 << write).sum();
    let least = (guarantee.must_see)(read) | if guarantee.monotonic { seen } else { 0 };
    // All subsets of the writes.
    let mut set = all;
    loop {
        let closed = order
            .iter()
            .filter(|&&write| set >> write & 1 == 1)
            .all(|&write| (guarantee.with)(write) & !set == 0);
        if least & !set == 0 && closed {
            let mut visible: Vec<usize> =
                order.iter().copied().filter(|&write| set >> write & 1 == 1).collect();
            visible.push(read);
            if ops.explains(&visible, read) && sees(ops, guarantee, session, order, read + 1, set) {
                return true;
            }
        }
        if set == 0 {
            return false;
        }
        set = (set - 1) & all;
    }
}

fn nothing(_: usize) -> Set {
    0
}

fn set_of(ops: &Ops, is_in: impl Fn(usize) -> bool) -> Set {
    ops.writes().into_iter().filter(|&write| is_in(write)).map(|write| 1 << write).sum()
}

/// A session sees its own writes, in its own order.
pub(super) fn read_your_writes(ops: &Ops) -> bool {
    let guarantee = Guarantee {
        contains: &|session, from, to| ops.0[from].session == session && ops.in_session(from, to),
        must_see: &|read| set_of(ops, |write| ops.in_session(write, read)),
        monotonic: false,
        with: &nothing,
    };
    guaranteed(ops, &guarantee)
}

/// What was seen stays seen; the versions that one session wrote to a key are in its order.
pub(super) fn monotonic_reads(ops: &Ops) -> bool {
    let guarantee = Guarantee {
        contains: &|_, from, to| ops.in_session(from, to) && ops.0[from].key == ops.0[to].key,
        must_see: &nothing,
        monotonic: true,
        with: &nothing,
    };
    guaranteed(ops, &guarantee)
}

/// Also: who sees a write sees what its session had written before, in that order.
pub(super) fn monotonic_writes(ops: &Ops) -> bool {
    let guarantee = Guarantee {
        contains: &|_, from, to| ops.in_session(from, to),
        must_see: &nothing,
        monotonic: true,
        with: &|write| set_of(ops, |earlier| ops.in_session(earlier, write)),
    };
    guaranteed(ops, &guarantee)
}

/// Also: who sees a write sees what its session had found before, in that order.
pub(super) fn writes_follow_reads(ops: &Ops) -> bool {
    let follows = |from: usize, to: usize| {
        (0..ops.len()).any(|read| ops.0[read].found == Some(from) && ops.in_session(read, to))
    };
    let guarantee = Guarantee {
        contains: &|_, from, to| {
            follows(from, to) || ops.in_session(from, to) && ops.0[from].key == ops.0[to].key
        },
        must_see: &nothing,
        monotonic: true,
        with: &|write| set_of(ops, |earlier| follows(earlier, write)),
    };
    guaranteed(ops, &guarantee)
}
