//! What happens when in a simulation, and what comes of chance. What the steps do is not its
//! business.

use std::{cmp::Reverse, collections::BinaryHeap, io};

/// Nanoseconds: latency before and after the effect, and thinking.
pub(super) const LATENCY: u64 = 1_000_000;
pub(super) const THINKING: u64 = 100_000;

/// What happens next to a client or an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Invoke { process: u64 },
    TakeEffect { number: usize },
    Complete { number: usize },
}

/// The steps to come, and the clock.
pub(super) struct Agenda {
    /// The time of the last step, nanoseconds.
    pub(super) now: u64,
    random: u64,
    /// The second number keeps the order of planning.
    steps: BinaryHeap<Reverse<(u64, u64, Step)>>,
    planned: u64,
}

/// A system that takes steps.
pub(super) trait Simulated {
    fn agenda(&mut self) -> &mut Agenda;
    /// The process begins an operation, unless there have been enough.
    fn invoke(&mut self, process: u64) -> io::Result<()>;
    fn take_effect(&mut self, number: usize);
    fn complete(&mut self, number: usize) -> io::Result<()>;
}

/// Runs a system until nothing is left to happen.
pub(super) fn run(system: &mut impl Simulated, clients: u64) -> io::Result<()> {
    for process in 0..clients {
        system.agenda().plan(THINKING, Step::Invoke { process });
    }
    while let Some(step) = system.agenda().next() {
        match step {
            Step::Invoke { process } => system.invoke(process)?,
            Step::TakeEffect { number } => system.take_effect(number),
            Step::Complete { number } => system.complete(number)?,
        }
    }
    Ok(())
}

impl Agenda {
    pub(super) fn new(seed: u64) -> Self {
        Self { now: 0, random: seed, steps: BinaryHeap::new(), planned: 0 }
    }

    /// SplitMix64 (Steele et al. 2014).
    pub(super) fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.random;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// Plans a step after a random span of this mean, exponentially distributed.
    pub(super) fn plan(&mut self, mean: u64, step: Step) {
        let uniform = (self.random() >> 11) as f64 / (1_u64 << 53) as f64;
        let span = (-(1.0 - uniform).ln() * mean as f64) as u64 + 1;
        self.planned += 1;
        self.steps.push(Reverse((self.now + span, self.planned, step)));
    }

    fn next(&mut self) -> Option<Step> {
        let Reverse((at, _, step)) = self.steps.pop()?;
        self.now = at;
        Some(step)
    }
}
