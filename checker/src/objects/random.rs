//! Random small histories of any model: valid by construction, then falsified now and then.

mod plays;

use super::{
    containers::{PriorityQueue, Queue, Stack},
    counter::Counter,
    lock::Lock,
    log::Log,
    model::Model,
    multi_register::MultiRegister,
    semaphore::Semaphore,
    set::Set,
    string_kv::StringKv,
    timed::{NEVER, Timed},
};
pub(crate) use crate::register::random::{Random, cases};

/// How a model is played.
pub(crate) trait Play: Model {
    /// An object to play with.
    fn object(random: &mut Random) -> Self;

    /// What a client asks for, as the effect that it would have with an unknown outcome; of
    /// an observation it is anything of its kind.
    fn wish(&self, player: &mut Player<'_>, state: &Self::State) -> Self::Effect;

    /// Lets a wish come true, or find that it can't. None where the answer says nothing.
    fn perform(&self, state: &mut Self::State, wish: &Self::Effect) -> Option<Self::Effect>;

    /// What a wish leaves in the history if its outcome is unknown.
    fn unknown(wish: &Self::Effect) -> Option<Self::Effect> {
        (!Self::observes(wish)).then(|| wish.clone())
    }

    /// A wrong answer in place of a right one, or none at all.
    fn falsified(&self, player: &mut Player<'_>, told: &Self::Effect) -> Option<Self::Effect>;
}

/// Who asks, and what values there are.
pub(crate) struct Player<'a> {
    pub(crate) random: &'a mut Random,
    pub(crate) shape: Shape,
    /// The logical client that asks.
    pub(crate) process: u32,
    fresh: u32,
}

impl Player<'_> {
    /// A value to put in: a new one where values are unique.
    pub(crate) fn new_value(&mut self) -> u32 {
        if self.shape.values == 0 {
            self.fresh += 1;
            return self.fresh - 1;
        }
        self.random.below(self.shape.values)
    }

    /// A new number, greater than all before.
    pub(crate) fn new_token(&mut self) -> u32 {
        self.fresh += 1;
        self.fresh
    }

    /// A value that may be there.
    pub(crate) fn any_value(&mut self) -> u32 {
        let known = if self.shape.values == 0 { self.fresh } else { self.shape.values };
        self.random.below(known + 1)
    }

    /// Whether this operation is one that changes or puts in, rather than one that takes or asks.
    pub(crate) fn puts(&mut self) -> bool {
        self.random.chance(self.shape.puts)
    }
}

/// What histories should look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) ops: u32,
    pub(crate) clients: u32,
    /// Different values where they repeat; 0: every value that is put in is new.
    pub(crate) values: u32,
    /// Percent of operations that put something in.
    pub(crate) puts: u32,
    /// Percent of operations whose outcome is unknown.
    pub(crate) unknown: u32,
    /// Percent of answers that are made up.
    pub(crate) wrong: u32,
}

/// The shapes that between them reach every rule.
pub(crate) fn shapes() -> impl Iterator<Item = Shape> {
    let sizes = [(4, 3), (6, 3), (8, 4), (10, 5), (12, 12)];
    sizes.into_iter().flat_map(|(ops, clients)| {
        [0, 1, 2, 4].into_iter().flat_map(move |values| {
            [(50, 0), (50, 25), (70, 10), (30, 15)].into_iter().flat_map(move |(puts, unknown)| {
                [0, 8, 40].into_iter().map(move |wrong| Shape {
                    ops,
                    clients,
                    values,
                    puts,
                    unknown,
                    wrong,
                })
            })
        })
    })
}

impl Shape {
    /// How many times as often as the largest histories those of this size are tried: they are so
    /// much cheaper, and show most mistakes.
    pub(crate) fn times(&self) -> u64 {
        match self.ops {
            ..=4 => 8,
            5..=6 => 4,
            7..=8 => 2,
            _ => 1,
        }
    }
}

/// What is tried with every model.
pub(crate) trait Trial {
    fn of<M: Play>(&mut self);
}

/// Models of what goes in and comes out.
pub(crate) fn containers(trial: &mut impl Trial) {
    trial.of::<Queue>();
    trial.of::<Stack>();
    trial.of::<PriorityQueue>();
    trial.of::<Set>();
    trial.of::<Log>();
}

/// The others.
pub(crate) fn numbers_and_locks(trial: &mut impl Trial) {
    trial.of::<Counter>();
    trial.of::<Lock>();
    trial.of::<Semaphore>();
    trial.of::<StringKv>();
    trial.of::<MultiRegister>();
}

/// A history of an object that is sometimes wrong. Every operation takes effect at a random moment
/// of its interval; what it answers is then falsified now and then.
pub(crate) fn history<M: Play>(
    model: &M,
    random: &mut Random,
    shape: Shape,
) -> Vec<Timed<M::Effect>> {
    let player = Player { random, shape, process: 0, fresh: 0 };
    let mut made = Making {
        model,
        player,
        state: model.initial(),
        clients: (0..shape.clients).collect(),
        processes: shape.clients,
        ops: Vec::new(),
        pending: Vec::new(),
        event: 0,
    };
    loop {
        let busy = made.pending.len() as u32;
        let started = made.ops.len() as u32;
        if started == shape.ops && busy == 0 {
            return made.ops.into_iter().flatten().collect();
        }
        let start = started < shape.ops && busy < shape.clients;
        if start && (busy == 0 || made.player.random.chance(50)) {
            made.invoke();
        } else {
            made.advance();
        }
    }
}

struct Pending<E> {
    place: usize,
    process: u32,
    invoked: u32,
    wish: E,
    /// What it found, once it has taken effect.
    done: Option<Answer<E>>,
}

/// What an operation tells, if anything.
#[derive(Clone)]
struct Answer<E>(Option<E>);

struct Making<'a, M: Play> {
    model: &'a M,
    player: Player<'a>,
    state: M::State,
    /// The processes that are idle.
    clients: Vec<u32>,
    processes: u32,
    ops: Vec<Option<Timed<M::Effect>>>,
    pending: Vec<Pending<M::Effect>>,
    event: u32,
}

impl<M: Play> Making<'_, M> {
    fn invoke(&mut self) {
        let idle = self.player.random.below(self.clients.len() as u32) as usize;
        let process = self.clients.swap_remove(idle);
        self.player.process = process;
        let wish = self.model.wish(&mut self.player, &self.state);
        let (place, invoked) = (self.ops.len(), self.event);
        self.pending.push(Pending { place, process, invoked, wish, done: None });
        self.ops.push(None);
        self.event += 1;
    }

    /// Lets a pending operation take effect, or return if it has.
    fn advance(&mut self) {
        let at = self.player.random.below(self.pending.len() as u32) as usize;
        if self.player.random.chance(self.player.shape.unknown) {
            let pending = self.pending.swap_remove(at);
            if pending.done.is_none() && self.player.random.chance(50) {
                self.model.perform(&mut self.state, &pending.wish);
            }
            // A process whose operation's outcome is unknown never acts again.
            self.clients.push(self.processes);
            self.processes += 1;
            let told = M::unknown(&pending.wish);
            self.finish(&pending, told, NEVER);
        } else if let Some(done) = self.pending[at].done.clone() {
            let pending = self.pending.swap_remove(at);
            self.clients.push(pending.process);
            self.player.process = pending.process;
            let told = done.0.and_then(|done| {
                let wrong = self.player.random.chance(self.player.shape.wrong);
                if wrong { self.model.falsified(&mut self.player, &done) } else { Some(done) }
            });
            let returned = self.event;
            self.event += 1;
            self.finish(&pending, told, returned);
        } else {
            let done = self.model.perform(&mut self.state, &self.pending[at].wish);
            self.pending[at].done = Some(Answer(done));
        }
    }

    fn finish(&mut self, pending: &Pending<M::Effect>, told: Option<M::Effect>, returned: u32) {
        self.ops[pending.place] = told.map(|effect| Timed {
            effect,
            invoked: pending.invoked,
            returned,
            source: pending.place as u32,
        });
    }
}

#[cfg(test)]
mod tests;
