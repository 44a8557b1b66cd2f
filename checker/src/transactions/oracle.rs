//! Small histories judged from the definitions alone: every order of transactions, every snapshot.

/// A micro-operation: what a read found (the whole list; registers have at most one element), or
/// what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Micro {
    Read(usize, Vec<u32>),
    Write(usize, u32),
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Ok,
    Info,
    Fail,
}

/// One transaction. Times are numbers of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Txn {
    pub(crate) process: u64,
    pub(crate) invoked: u32,
    pub(crate) completed: u32,
    pub(crate) ended: Ended,
    pub(crate) micro: Vec<Micro>,
}

/// Which transactions must come before which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Respect {
    Nothing,
    Sessions,
    RealTime,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) lists: bool,
    /// Whether reads may come from any earlier state (snapshot isolation), or from the last one.
    pub(crate) snapshots: bool,
    pub(crate) respect: Respect,
}

const KEYS: usize = 3;

type State = [Vec<u32>; KEYS];

/// Whether some order of commits, and some snapshots, explain every read.
pub(crate) fn holds(history: &[Txn], question: Question) -> bool {
    let counting: Vec<&Txn> = history.iter().filter(|txn| txn.ended != Ended::Fail).collect();
    let mut search = Search {
        counting,
        question,
        states: vec![State::default()],
        writes: Vec::new(),
        committed_at: vec![None; history.len()],
    };
    search.run()
}

struct Search<'h> {
    counting: Vec<&'h Txn>,
    question: Question,
    /// After each commit, the beginning included.
    states: Vec<State>,
    /// The keys that each commit wrote.
    writes: Vec<Vec<usize>>,
    committed_at: Vec<Option<usize>>,
}

impl Search<'_> {
    fn run(&mut self) -> bool {
        let open = |(place, txn): (usize, &&Txn)| {
            txn.ended == Ended::Ok && self.committed_at[place].is_none()
        };
        if !self.counting.iter().enumerate().any(open) {
            return true;
        }
        (0..self.counting.len()).any(|place| {
            if self.committed_at[place].is_some() || !self.may_commit(place) {
                return false;
            }
            self.commit(place);
            let found = self.run();
            self.undo(place);
            found
        })
    }

    fn precedes(&self, one: &Txn, other: &Txn) -> bool {
        let before = one.ended == Ended::Ok && one.completed < other.invoked;
        match self.question.respect {
            Respect::Nothing => false,
            Respect::Sessions => before && one.process == other.process,
            Respect::RealTime => before,
        }
    }

    fn may_commit(&self, place: usize) -> bool {
        let txn = self.counting[place];
        let mut earliest = 0;
        for (other, &committed) in self.counting.iter().zip(&self.committed_at) {
            if !self.precedes(other, txn) {
                continue;
            }
            match committed {
                None => return false,
                Some(at) => earliest = earliest.max(at + 1),
            }
        }
        let now = self.states.len() - 1;
        if !self.question.snapshots {
            return self.explains(now, txn);
        }
        let written: Vec<usize> = keys_written(txn);
        (earliest..=now).any(|snapshot| {
            let conflicts = self.writes[snapshot..]
                .iter()
                .any(|keys| keys.iter().any(|key| written.contains(key)));
            !conflicts && self.explains(snapshot, txn)
        })
    }

    fn explains(&self, snapshot: usize, txn: &Txn) -> bool {
        let mut state = self.states[snapshot].clone();
        txn.micro.iter().all(|micro| match micro {
            Micro::Write(key, value) => {
                state[*key].push(*value);
                true
            }
            // What a transaction with an unknown outcome read is not known.
            Micro::Read(..) if txn.ended == Ended::Info => true,
            Micro::Read(key, found) if self.question.lists => state[*key] == *found,
            Micro::Read(key, found) => state[*key].last() == found.last(),
        })
    }

    fn commit(&mut self, place: usize) {
        let mut state = self.states[self.states.len() - 1].clone();
        for micro in &self.counting[place].micro {
            if let Micro::Write(key, value) = micro {
                state[*key].push(*value);
            }
        }
        self.committed_at[place] = Some(self.states.len() - 1);
        self.writes.push(keys_written(self.counting[place]));
        self.states.push(state);
    }

    fn undo(&mut self, place: usize) {
        self.committed_at[place] = None;
        self.writes.pop();
        self.states.pop();
    }
}

fn keys_written(txn: &Txn) -> Vec<usize> {
    let written = txn.micro.iter().filter_map(|micro| match micro {
        Micro::Write(key, _) => Some(*key),
        Micro::Read(..) => None,
    });
    written.collect()
}

/// Parallel snapshot isolation by its axioms: some order of all transactions and some part of it
/// that is transitive, what is *visible*, such that reads find what is visible, and of two that
/// write one key one is visible to the other (Cerone, Bernardi and Gotsman, CONCUR 2015, figure 1).
/// Lists only; all transactions took effect.
pub(crate) fn holds_in_parallel(history: &[Txn]) -> bool {
    let mut order: Vec<usize> = Vec::new();
    some_order(history.len(), &mut order, &mut |order| some_visibility(history, order))
}

fn some_order(
    count: usize,
    order: &mut Vec<usize>,
    fits: &mut dyn FnMut(&[usize]) -> bool,
) -> bool {
    if order.len() == count {
        return fits(order);
    }
    (0..count).any(|next| {
        if order.contains(&next) {
            return false;
        }
        order.push(next);
        let found = some_order(count, order, fits);
        order.pop();
        found
    })
}

fn some_visibility(history: &[Txn], order: &[usize]) -> bool {
    let count = order.len();
    let pairs: Vec<(usize, usize)> =
        (0..count).flat_map(|late| (0..late).map(move |early| (early, late))).collect();
    (0_u32..1 << pairs.len()).any(|chosen| {
        let is_visible = |early: usize, late: usize| {
            let place = pairs.iter().position(|&pair| pair == (early, late));
            place.is_some_and(|place| chosen >> place & 1 == 1)
        };
        let transitive = pairs.iter().all(|&(a, b)| {
            (b + 1..count).all(|c| !is_visible(a, b) || !is_visible(b, c) || is_visible(a, c))
        });
        let conflicts = |a: usize, b: usize| {
            let theirs = keys_written(&history[order[b]]);
            keys_written(&history[order[a]]).iter().any(|key| theirs.contains(key))
        };
        transitive
            && pairs.iter().all(|&(a, b)| !conflicts(a, b) || is_visible(a, b))
            && (0..count).all(|late| {
                let seen = (0..late).filter(|&early| is_visible(early, late));
                let mut state = State::default();
                for txn in seen.map(|early| &history[order[early]]) {
                    for micro in &txn.micro {
                        if let Micro::Write(key, value) = micro {
                            state[*key].push(*value);
                        }
                    }
                }
                finds(&history[order[late]], state)
            })
    })
}

/// Whether a transaction finds what it read, beginning with this state.
fn finds(txn: &Txn, mut state: State) -> bool {
    txn.micro.iter().all(|micro| match micro {
        Micro::Write(key, value) => {
            state[*key].push(*value);
            true
        }
        Micro::Read(key, found) => state[*key] == *found,
    })
}
