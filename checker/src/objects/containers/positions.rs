//! A growing set of numbers below a bound, with neighbours: the next element and the previous one.

/// Words of 64 bits in layers; a bit of an upper layer says that the word below has one.
///
/// Every question and every insertion looks at no more than log₆₄ of the bound words twice.
#[derive(Debug, Clone)]
pub(super) struct Positions {
    layers: Vec<Vec<u64>>,
}

impl Positions {
    /// The empty set of numbers below `bound`.
    pub(super) fn below(bound: usize) -> Self {
        let mut layers = Vec::new();
        let mut words = bound.div_ceil(64).max(1);
        loop {
            layers.push(vec![0; words]);
            if words == 1 {
                return Self { layers };
            }
            words = words.div_ceil(64);
        }
    }

    pub(super) fn insert(&mut self, position: u32) {
        let mut at = position as usize;
        for layer in &mut self.layers {
            let word = &mut layer[at / 64];
            let known = *word != 0;
            *word |= 1 << (at % 64);
            if known {
                return;
            }
            at /= 64;
        }
    }

    /// The least element from here on.
    pub(super) fn next(&self, from: u32) -> Option<u32> {
        let mut at = from as usize;
        for (height, layer) in self.layers.iter().enumerate() {
            let word = layer.get(at / 64)? >> (at % 64);
            if word != 0 {
                return Some(self.descend(height, at + word.trailing_zeros() as usize, false));
            }
            at = at / 64 + 1;
        }
        None
    }

    /// The greatest element up to here.
    pub(super) fn previous(&self, to: u32) -> Option<u32> {
        let mut at = to as usize;
        for (height, layer) in self.layers.iter().enumerate() {
            let word = layer[at / 64] << (63 - at % 64);
            if word != 0 {
                return Some(self.descend(height, at - word.leading_zeros() as usize, true));
            }
            at = (at / 64).checked_sub(1)?;
        }
        None
    }

    /// The first or last element below a bit of a layer.
    fn descend(&self, height: usize, bit: usize, last: bool) -> u32 {
        let mut at = bit;
        for layer in self.layers[..height].iter().rev() {
            let word = layer[at];
            let within = if last { word.ilog2() } else { word.trailing_zeros() };
            at = at * 64 + within as usize;
        }
        at as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_are_those_of_a_sorted_set() {
        for bound in [1_u32, 63, 64, 65, 4_096, 4_097, 300_000] {
            let mut set = Positions::below(bound as usize);
            let mut known = BTreeSet::new();
            for step in 0..200_u64 {
                let position = (step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as u32 % bound;
                if step % 2 == 0 {
                    set.insert(position);
                    known.insert(position);
                }
                assert_eq!(set.next(position), known.range(position..).next().copied());
                assert_eq!(set.previous(position), known.range(..=position).next_back().copied());
            }
        }
    }
}
