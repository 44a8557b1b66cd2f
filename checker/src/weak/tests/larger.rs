//! Histories too large for the definitions, against plain closures: many sessions, many rounds.

use temblor_history::Outcome;

use super::{
    notation::{Op, Tiny, judged},
    random::{Settle, Shape, history, replicated},
};
use crate::register::random::{Random, cases};

/// A relation as a matrix of bits.
#[derive(Clone)]
struct Relation(Vec<Vec<u64>>);

impl Relation {
    fn new(count: usize) -> Self {
        Self(vec![vec![0; count.div_ceil(64)]; count])
    }

    fn has(&self, from: usize, to: usize) -> bool {
        self.0[from][to / 64] >> (to % 64) & 1 == 1
    }

    fn add(&mut self, from: usize, to: usize) {
        self.0[from][to / 64] |= 1 << (to % 64);
    }

    /// Warshall's algorithm.
    fn close(&mut self) {
        for via in 0..self.0.len() {
            let row = self.0[via].clone();
            for from in 0..self.0.len() {
                if self.has(from, via) {
                    self.0[from].iter_mut().zip(&row).for_each(|(mine, theirs)| *mine |= theirs);
                }
            }
        }
    }

    fn is_cyclic(&self) -> bool {
        (0..self.0.len()).any(|place| self.has(place, place))
    }
}

struct Read {
    reader: usize,
    place: usize,
    key: u8,
    writer: Option<usize>,
}

struct Plain<'a> {
    all: Vec<(usize, &'a [Op])>,
    reads: Vec<Read>,
}

impl<'a> Plain<'a> {
    /// Reads are plausible by construction; own ones are left out.
    fn of(tiny: &'a Tiny) -> Self {
        let all = tiny.transactions();
        let mut reads = Vec::new();
        for (reader, (_, ops)) in all.iter().enumerate() {
            for (place, op) in ops.iter().enumerate().filter(|(_, op)| !op.writes) {
                let writes = |(_, ops): &(usize, &[Op])| {
                    ops.iter()
                        .any(|other| other.writes && other.key == op.key && other.value == op.value)
                };
                let writer = all.iter().position(writes);
                if writer != Some(reader) {
                    reads.push(Read { reader, place, key: op.key, writer });
                }
            }
        }
        Self { all, reads }
    }

    fn writes(&self, transaction: usize, key: u8) -> bool {
        self.all[transaction].1.iter().any(|op| op.writes && op.key == key)
    }

    fn in_session(&self, earlier: usize, later: usize) -> bool {
        earlier < later && self.all[earlier].0 == self.all[later].0
    }

    fn sessions(&self) -> Relation {
        let mut relation = Relation::new(self.all.len());
        for from in 0..self.all.len() {
            for to in from + 1..self.all.len() {
                if self.in_session(from, to) {
                    relation.add(from, to);
                }
            }
        }
        relation
    }

    fn causality(&self) -> Relation {
        let mut relation = self.sessions();
        for read in &self.reads {
            if let Some(writer) = read.writer {
                relation.add(writer, read.reader);
            }
        }
        relation.close();
        relation
    }

    /// Whether one order serves all, given what is visible to a read; with `alone`, whether no
    /// demand contradicts causality by itself.
    fn holds(&self, alone: bool, visible: impl Fn(&Relation, usize, &Read) -> bool) -> bool {
        let causality = self.causality();
        let mut order = causality.clone();
        for read in &self.reads {
            for before in (0..self.all.len()).filter(|&before| before != read.reader) {
                let newer = Some(before) != read.writer
                    && self.writes(before, read.key)
                    && visible(&causality, before, read);
                match read.writer {
                    None if newer => return false,
                    Some(writer) if newer && alone && causality.has(writer, before) => {
                        return false;
                    }
                    Some(writer) if newer => order.add(before, writer),
                    _ => {}
                }
            }
        }
        if alone {
            return !causality.is_cyclic();
        }
        order.close();
        !order.is_cyclic()
    }

    fn reads_from(&self, reader: usize, before: usize) -> bool {
        self.reads.iter().any(|read| read.reader == reader && read.writer == Some(before))
    }

    fn read_committed(&self) -> bool {
        self.holds(false, |_, before, read| {
            self.reads.iter().any(|other| {
                other.reader == read.reader
                    && other.place < read.place
                    && other.writer == Some(before)
            })
        })
    }

    fn read_atomic(&self) -> bool {
        self.holds(false, |_, before, read| {
            self.in_session(before, read.reader) || self.reads_from(read.reader, before)
        })
    }

    fn causal(&self) -> bool {
        self.holds(false, |causality, before, read| causality.has(before, read.reader))
    }

    fn weakly_causal(&self) -> bool {
        self.holds(true, |causality, before, read| causality.has(before, read.reader))
    }

    /// For each session the least relation that contains `base` and orders what its reads demand.
    fn has_views(&self, base: impl Fn(usize) -> Relation) -> bool {
        let sessions = self.all.iter().map(|(session, _)| session + 1).max().unwrap_or(0);
        (0..sessions).all(|session| {
            let mut relation = base(session);
            relation.close();
            loop {
                let mut more = false;
                for read in self.reads.iter().filter(|read| self.all[read.reader].0 == session) {
                    for before in 0..self.all.len() {
                        let newer = Some(before) != read.writer
                            && self.writes(before, read.key)
                            && relation.has(before, read.reader);
                        match read.writer {
                            None if newer => return false,
                            Some(writer) if newer && !relation.has(before, writer) => {
                                relation.add(before, writer);
                                more = true;
                            }
                            _ => {}
                        }
                    }
                }
                if !more {
                    break;
                }
                relation.close();
            }
            !relation.is_cyclic()
        })
    }

    fn causal_memory(&self) -> bool {
        let causality = self.causality();
        self.has_views(|_| causality.clone())
    }

    fn pram(&self) -> bool {
        self.has_views(|session| {
            let mut relation = self.sessions();
            for read in self.reads.iter().filter(|read| self.all[read.reader].0 == session) {
                if let Some(writer) = read.writer {
                    relation.add(writer, read.reader);
                }
            }
            relation
        })
    }
}

type Plainly = fn(&Plain<'_>) -> bool;

fn compare(shapes: &[Shape], model: &str, levels: &[(&str, Plainly)]) {
    let mut tally = vec![[0_u32; 2]; levels.len()];
    for (seed, shape) in (800..).zip(shapes) {
        let mut random = Random::new(seed);
        for _ in 0..cases(25) {
            let (tiny, order) = history(&mut random, *shape);
            let plain = Plain::of(&tiny);
            let recorded =
                if model == "register" { tiny.single(&order) } else { tiny.transactional(&order) };
            for (place, (level, holds)) in levels.iter().enumerate() {
                let report = judged(&recorded, model, level);
                let bad = |kind: &str| ["internal", "G1b", "future-read"].contains(&kind);
                if report.anomalies.iter().any(|anomaly| bad(&anomaly.kind)) {
                    continue;
                }
                let expected = holds(&plain);
                assert_eq!(
                    report.verdict == Outcome::Pass,
                    expected,
                    "{level} {tiny:?} {report:#?}"
                );
                tally[place][usize::from(expected)] += 1;
            }
        }
    }
    assert!(tally.iter().flatten().all(|&count| count > 20), "{tally:?}");
}

#[test]
fn transactions_of_many_sessions() {
    let mut shapes = Vec::new();
    for (sessions, transactions) in [(5, 30), (18, 60), (33, 80), (50, 120)] {
        for ops in [2, 5] {
            for (keys, wrong) in [(4, 1), (4, 4), (12, 2), (12, 10), (40, 10), (40, 30)] {
                shapes.push(Shape { sessions, transactions, ops, keys, wrong });
            }
        }
    }
    let levels: [(&str, Plainly); 3] = [
        ("read-committed-be", |plain| plain.read_committed()),
        ("read-atomic", |plain| plain.read_atomic()),
        ("causal", |plain| plain.causal()),
    ];
    compare(&shapes, "rw-register", &levels);
}

#[test]
fn registers_of_many_sessions() {
    let mut shapes = Vec::new();
    for (sessions, transactions) in [(2, 16), (3, 24), (4, 30), (19, 60)] {
        for (keys, wrong) in [(1, 10), (2, 5), (2, 20), (3, 10), (6, 5), (6, 20)] {
            shapes.push(Shape { sessions, transactions, ops: 1, keys, wrong });
        }
    }
    compare(&shapes, "register", &REGISTER_LEVELS);
}

const REGISTER_LEVELS: [(&str, Plainly); 4] = [
    ("causal", |plain| plain.weakly_causal()),
    ("causal-convergence", |plain| plain.causal()),
    ("causal-memory", |plain| plain.causal_memory()),
    ("pram", |plain| plain.pram()),
];

/// What replicas answer is legal, unless one read is changed; then the closures decide.
#[test]
fn replicas_keep_their_promises_and_mutations_are_caught() {
    let mut tally = [[0_u32; 2]; REGISTER_LEVELS.len()];
    for (seed, (sessions, keys)) in (900..).zip([(2, 1), (2, 3), (3, 2), (4, 4), (6, 3), (20, 5)]) {
        let mut random = Random::new(seed);
        for case in 0..cases(60) {
            let settle = if case % 2 == 0 { Settle::LastApplied } else { Settle::LastWriter };
            let shape = Shape { sessions, transactions: 12 * sessions, ops: 1, keys, wrong: 0 };
            let (mut tiny, order) = replicated(&mut random, shape, settle);
            let promised = match settle {
                Settle::LastApplied => "causal-memory",
                Settle::LastWriter => "causal-convergence",
            };
            let report = judged(&tiny.single(&order), "register", promised);
            assert_eq!(report.verdict, Outcome::Pass, "{promised} {tiny:?} {report:#?}");
            mutate(&mut random, &mut tiny);
            let plain = Plain::of(&tiny);
            for (place, (level, holds)) in REGISTER_LEVELS.iter().enumerate() {
                let expected = holds(&plain);
                let report = judged(&tiny.single(&order), "register", level);
                assert_eq!(
                    report.verdict == Outcome::Pass,
                    expected,
                    "{level} {tiny:?} {report:#?}"
                );
                tally[place][usize::from(expected)] += 1;
            }
        }
    }
    assert!(tally.iter().flatten().all(|&count| count > 20), "{tally:?}");
}

/// Lets one read find another value that was written to its key.
fn mutate(random: &mut Random, tiny: &mut Tiny) {
    let all: Vec<Op> = tiny.0.iter().flatten().map(|ops| ops[0]).collect();
    let mut reads: Vec<&mut Op> =
        tiny.0.iter_mut().flatten().map(|ops| &mut ops[0]).filter(|op| !op.writes).collect();
    if reads.is_empty() {
        return;
    }
    let chosen = random.below(reads.len() as u32) as usize;
    let read = reads.swap_remove(chosen);
    let values: Vec<u32> =
        all.iter().filter(|op| op.writes && op.key == read.key).map(|op| op.value).collect();
    if !values.is_empty() {
        read.value = values[random.below(values.len() as u32) as usize];
    }
}
