//! Choosing among things of unequal weight.

/// A choice among things of unequal weight.
///
/// Bounds are whole numbers of 2⁻⁶⁴, so that the choice itself is exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weighted {
    /// Ascending; thing `i` owns the draws from `bounds[i - 1]` up to, not including, `bounds[i]`.
    bounds: Vec<u64>,
}

impl Weighted {
    /// `weights` are finite, not negative, and not all zero.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let bound = |weight: &f64| {
            sum += weight;
            // A float of 2^64 or more becomes `u64::MAX`.
            (sum / total * 2f64.powi(64)) as u64
        };
        Self { bounds: weights.iter().map(bound).collect() }
    }

    /// How much of all draws this thing owns, in units of 2⁻⁶⁴.
    pub(crate) fn share(&self, thing: usize) -> u64 {
        let below = thing.checked_sub(1).map_or(0, |last| self.bounds[last]);
        self.bounds[thing] - below
    }

    /// The thing that owns this draw.
    pub(crate) fn choose(&self, draw: u64) -> usize {
        let place = self.bounds.partition_point(|bound| *bound <= draw);
        // Rounding may leave the last draws to nobody: they belong to the last thing with a weight.
        if place < self.bounds.len() {
            return place;
        }
        let last = self.bounds[self.bounds.len() - 1];
        self.bounds.partition_point(|bound| *bound < last)
    }
}

#[cfg(test)]
mod tests {
    use temblor_history::Seed;

    use super::*;

    #[test]
    fn weights_own_their_share_and_zero_owns_nothing() {
        let weighted = Weighted::new(&[0.0, 1.0, 0.0, 3.0, 0.0]);
        let mut counts = [0u32; 5];
        for number in 0..40_000 {
            counts[weighted.choose(Seed(1).draw("share", number))] += 1;
        }
        assert_eq!([counts[0], counts[2], counts[4]], [0, 0, 0]);
        assert!((9_500..10_500).contains(&counts[1]), "{counts:?}");
        assert_eq!(weighted.choose(0), 1);
        assert_eq!(weighted.choose(u64::MAX), 3);
    }
}
