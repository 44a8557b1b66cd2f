//! Faults that belong together: in turn, at once, or one out of several.
//!
//! A group knows its faults by their numbers in the phase, so that each of them stays a fault like
//! any other: with its own target, its own words and its own times, which count from its turn.

use crate::{DurationChoice, Start};

/// Faults of one phase that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its place in the plan, such as `chaos.2`: the seed draws by it.
    pub place: String,
    /// When its first round begins.
    pub start: Start,
    /// When the next round begins.
    pub rounds: Rounds,
    /// What comes one after another: each step begins when the one before has ended.
    pub steps: Vec<Step>,
}

/// How often a group comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rounds {
    /// So many times, each right after the one before.
    Repeat(u64),
    /// From the beginning of one to that of the next, which also waits for the end of the last.
    Every {
        /// The distance.
        every: DurationChoice,
        /// At most so many; none: as many as the phase has time for.
        times: Option<u64>,
    },
}

impl Rounds {
    /// How many there are at most.
    pub fn most(&self) -> u64 {
        match self {
            Self::Repeat(times) => *times,
            Self::Every { times, .. } => times.unwrap_or(u64::MAX),
        }
    }
}

/// What begins at once, and is over when the last of it has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place in the plan: the seed draws by it.
    pub place: String,
    /// The faults, by their numbers in the phase.
    pub faults: Vec<usize>,
    /// Which of them come.
    pub choice: Choice,
}

/// Which faults of a step come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// All, at once.
    All,
    /// One in each round, as likely as its weight says; one weight a fault, not all zero.
    OneOf(Vec<u64>),
}

/// The place that a random number stands for, each as likely as its weight says.
pub(crate) fn weighted(weights: &[u64], draw: u64) -> usize {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut left = (u128::from(draw) * sum) >> 64;
    for (place, weight) in weights.iter().enumerate() {
        match left.checked_sub(u128::from(*weight)) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_decide_how_often() {
        let mut counts = [0u32; 3];
        for number in 0..60_000 {
            let draw = temblor_history::Seed(7).draw("weights", number);
            counts[weighted(&[3, 0, 1], draw)] += 1;
        }
        assert_eq!(counts[1], 0);
        // 45,000 expected, a standard deviation of 106: never by chance.
        assert!(counts[0].abs_diff(45_000) < 900, "{counts:?}");
    }
}
