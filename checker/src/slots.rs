//! Sets of pending operations, by slot: two words in place, more where more are pending.

use std::hash::{Hash, Hasher};

/// A set of slots. Sets that are compared have the same number of words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Slots {
    near: [u64; NEAR],
    far: Vec<u64>,
}

const NEAR: usize = 2;

impl Slots {
    /// Makes room for this slot; every set of a sweep is widened together.
    pub(crate) fn widen(&mut self, slot: u32) {
        let words = slot as usize / 64 + 1;
        if words > NEAR + self.far.len() {
            self.far.resize(words - NEAR, 0);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.far.len() * 8
    }

    fn word(&self, slot: u32) -> u64 {
        let word = slot as usize / 64;
        if word < NEAR { self.near[word] } else { self.far[word - NEAR] }
    }

    fn word_mut(&mut self, slot: u32) -> &mut u64 {
        let word = slot as usize / 64;
        if word < NEAR { &mut self.near[word] } else { &mut self.far[word - NEAR] }
    }

    pub(crate) fn has(&self, slot: u32) -> bool {
        self.word(slot) & bit(slot) != 0
    }

    pub(crate) fn add(&mut self, slot: u32) {
        *self.word_mut(slot) |= bit(slot);
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        *self.word_mut(slot) &= !bit(slot);
    }

    pub(crate) fn remove_all(&mut self, others: &Self) {
        for (word, other) in self.near.iter_mut().zip(&others.near) {
            *word &= !other;
        }
        for (word, other) in self.far.iter_mut().zip(&others.far) {
            *word &= !other;
        }
    }

    /// What is in both.
    pub(crate) fn both(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (word, other) in both.near.iter_mut().zip(&other.near) {
            *word &= other;
        }
        for (word, other) in both.far.iter_mut().zip(&other.far) {
            *word &= other;
        }
        both
    }

    pub(crate) fn count(&self) -> u32 {
        self.near.iter().chain(&self.far).map(|word| word.count_ones()).sum()
    }

    pub(crate) fn within(&self, other: &Self) -> bool {
        let outside = |(word, other): (&u64, &u64)| word & !other != 0;
        !self.near.iter().zip(&other.near).any(outside)
            && !self.far.iter().zip(&other.far).any(outside)
    }
}

impl Hash for Slots {
    /// Word by word: the lengths of sets that are compared are the same.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for &word in self.near.iter().chain(&self.far) {
            state.write_u64(word);
        }
    }
}

fn bit(slot: u32) -> u64 {
    1 << (slot % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_set_of_any_width() {
        let mut set = Slots::default();
        set.widen(1_000);
        let mut other = set.clone();
        for slot in [0, 63, 64, 127, 128, 1_000] {
            set.add(slot);
            assert!(set.has(slot) && !other.has(slot));
            assert!(other.within(&set) && !set.within(&other));
        }
        other.add(128);
        assert_eq!(set.both(&other), other);
        set.remove_all(&other);
        assert!(!set.has(128) && set.has(127) && !other.within(&set));
        set.remove(127);
        assert!(!set.has(127));
    }
}
