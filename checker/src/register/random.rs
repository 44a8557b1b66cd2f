//! Random small histories of one register: mostly plausible, often wrong.

use super::{Effect, NEVER, RegisterOp, operations::INITIAL};

/// A small generator of numbers (SplitMix64, Steele et al. 2014): the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (self.next() % u64::from(bound)) as u32
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}

/// What histories should look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) ops: u32,
    pub(crate) clients: u32,
    /// Different values where they repeat; 0: every written value is new.
    pub(crate) values: u32,
    /// Percent of operations that are cas.
    pub(crate) cas: u32,
    /// Percent of writes and cas whose outcome is unknown.
    pub(crate) unknown: u32,
    /// Percent of answers that are made up.
    pub(crate) wrong: u32,
}

/// A history of a register that is sometimes wrong. Every operation takes effect at a random
/// moment of its interval; what it would have answered is then falsified now and then.
pub(crate) fn history(random: &mut Random, shape: Shape) -> Vec<RegisterOp> {
    let mut made = Making {
        random,
        shape,
        value: INITIAL,
        fresh: 0,
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
        if start && (busy == 0 || made.random.chance(50)) {
            made.invoke();
        } else {
            made.advance();
        }
    }
}

struct Pending {
    place: usize,
    invoked: u32,
    wanted: Effect,
    done: Option<Effect>,
}

struct Making<'a> {
    random: &'a mut Random,
    shape: Shape,
    value: u32,
    fresh: u32,
    ops: Vec<Option<RegisterOp>>,
    pending: Vec<Pending>,
    event: u32,
}

impl Making<'_> {
    fn any_value(&mut self) -> u32 {
        let known = if self.shape.values == 0 { self.fresh } else { self.shape.values };
        self.random.below(known + 1)
    }

    fn new_value(&mut self) -> u32 {
        if self.shape.values == 0 {
            self.fresh += 1;
            self.fresh
        } else {
            // Now and then the initial value again.
            self.random.below(self.shape.values + 1)
        }
    }

    fn invoke(&mut self) {
        let wanted = if self.random.chance(self.shape.cas) {
            let old = if self.random.chance(60) { self.value } else { self.any_value() };
            match self.new_value() {
                new if new == old => Effect::Read(old),
                new => Effect::Cas { old, new },
            }
        } else if self.random.chance(50) {
            Effect::Write(self.new_value())
        } else {
            Effect::Read(INITIAL)
        };
        self.pending.push(Pending {
            place: self.ops.len(),
            invoked: self.event,
            wanted,
            done: None,
        });
        self.ops.push(None);
        self.event += 1;
    }

    /// Lets a pending operation take effect, or return if it has.
    fn advance(&mut self) {
        let at = self.random.below(self.pending.len() as u32) as usize;
        let unknown = self.random.chance(self.shape.unknown);
        let wanted = self.pending[at].wanted;
        if unknown && wanted.written().is_some() {
            let pending = self.pending.swap_remove(at);
            if pending.done.is_none() && self.random.chance(50) {
                self.take_effect(wanted);
            }
            self.finish(&pending, Some(wanted), NEVER);
        } else if let Some(done) = self.pending[at].done {
            let pending = self.pending.swap_remove(at);
            let told = self.falsified(done);
            let returned = self.event;
            self.event += 1;
            self.finish(&pending, told, returned);
        } else {
            self.pending[at].done = Some(self.take_effect(wanted));
        }
    }

    fn take_effect(&mut self, wanted: Effect) -> Effect {
        match wanted {
            Effect::Read(_) | Effect::Differs(_) => Effect::Read(self.value),
            Effect::Cas { old, .. } if old != self.value => Effect::Differs(old),
            Effect::Write(new) | Effect::Cas { new, .. } => {
                self.value = new;
                wanted
            }
        }
    }

    fn falsified(&mut self, done: Effect) -> Option<Effect> {
        if !self.random.chance(self.shape.wrong) {
            return Some(done);
        }
        match done {
            Effect::Read(_) => Some(Effect::Read(self.any_value())),
            Effect::Differs(_) => Some(Effect::Differs(self.any_value())),
            Effect::Cas { old, .. } if self.random.chance(50) => Some(Effect::Differs(old)),
            // A write that is not recorded at all: somebody may have read it.
            Effect::Write(_) | Effect::Cas { .. } => None,
        }
    }

    fn finish(&mut self, pending: &Pending, told: Option<Effect>, returned: u32) {
        self.ops[pending.place] = told.map(|effect| RegisterOp {
            effect,
            invoked: pending.invoked,
            returned,
            source: pending.place as u32,
        });
    }
}

/// How many random cases a test tries; `TEMBLOR_CASES` multiplies it for a long run.
pub(crate) fn cases(usual: u64) -> u64 {
    let factor = std::env::var("TEMBLOR_CASES").ok();
    usual * factor.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// The shapes that between them reach every rule.
pub(crate) fn shapes() -> impl Iterator<Item = Shape> {
    let sizes = [(4, 3), (6, 3), (8, 4), (10, 5), (12, 12)];
    sizes.into_iter().flat_map(|(ops, clients)| {
        [0, 1, 2, 4].into_iter().flat_map(move |values| {
            [(0, 0), (0, 25), (40, 0), (40, 25), (80, 15)].into_iter().flat_map(
                move |(cas, unknown)| {
                    [0, 10, 50].into_iter().map(move |wrong| Shape {
                        ops,
                        clients,
                        values,
                        cas,
                        unknown,
                        wrong,
                    })
                },
            )
        })
    })
}
