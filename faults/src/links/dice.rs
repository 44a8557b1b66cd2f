//! Seeded dice: the n-th throw is a hash of the seed and n, so that it depends on nothing else.

use std::f64::consts::TAU;

/// A sequence of throws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed: scramble(seed), thrown: 0 }
    }

    /// The next random number.
    pub(super) fn draw(&mut self) -> u64 {
        self.thrown += 1;
        scramble(self.seed ^ self.thrown)
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something happens that does so with probability `share`. What never or always
    /// happens takes no throw.
    pub(super) fn hits(&mut self, share: f64) -> bool {
        share > 0.0 && (share >= 1.0 || self.unit() < share)
    }

    /// Standard normal (Box and Muller, 1958).
    pub(super) fn normal(&mut self) -> f64 {
        // In (0, 1], for the logarithm.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn scramble(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_fair_and_seeded() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (0..10_000).map(|_| dice.unit()).collect::<Vec<f64>>()
        };
        let low = throws(7).iter().filter(|throw| **throw < 0.1).count();
        assert!((850..1150).contains(&low), "{low} of 10000 at 10 %: five standard deviations");
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        let mut dice = Dice::new(1);
        assert!(dice.hits(1.0) && !dice.hits(0.0) && dice.thrown == 0);
    }
}
