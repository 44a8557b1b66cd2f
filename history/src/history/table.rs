//! A hash table that holds only places in somebody else's list: what is interned is stored once.

use std::hash::{BuildHasher, Hasher};

/// Finds places by hash; the owner of the list compares.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Place + 1; 0 is free. The length is a power of two.
    slots: Vec<u32>,
    used: usize,
}

impl Table {
    /// The place whose element has this hash and is the same.
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut slot = spread(hash) & mask;
        while self.slots[slot] != 0 {
            let place = self.slots[slot] - 1;
            if same(place) {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// Adds a place that [`Table::find`] did not find; `hash_of` is asked again when it grows.
    pub(super) fn insert(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow(hash_of);
        }
        self.put(hash, place);
        self.used += 1;
    }

    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let wider = vec![0; (self.slots.len() * 2).max(16)];
        for slot in std::mem::replace(&mut self.slots, wider) {
            if slot != 0 {
                self.put(hash_of(slot - 1), slot - 1);
            }
        }
    }

    fn put(&mut self, hash: u64, place: u32) {
        let mask = self.slots.len() - 1;
        let mut slot = spread(hash) & mask;
        while self.slots[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = place + 1;
    }
}

/// The multiplication leaves its best bits on top.
fn spread(hash: u64) -> usize {
    (hash >> 32) as usize
}

/// Adds a word to a hash (Knuth's multiplicative hashing, by the golden ratio).
pub(super) fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The hash of a string of bytes.
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash, u64::from_le_bytes(word));
    }
    hash
}

/// Hashes small numbers for the standard library's maps: one multiplication spreads them well
/// enough.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread;

impl BuildHasher for Spread {
    type Hasher = Mixing;

    fn build_hasher(&self) -> Mixing {
        Mixing(0)
    }
}

/// The state of [`Spread`].
pub(super) struct Mixing(u64);

impl Hasher for Mixing {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_bytes(bytes));
    }

    fn write_u32(&mut self, word: u32) {
        self.0 = mix(self.0, u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_inserted_and_nothing_else() {
        let words: Vec<String> = (0..10_000).map(|n| format!("word {n}")).collect();
        let mut table = Table::default();
        let hash_of = |place: u32| hash_bytes(words[place as usize].as_bytes());
        for place in 0..5_000 {
            table.insert(hash_of(place), place, hash_of);
        }
        for place in 0..10_000 {
            let found =
                table.find(hash_of(place), |other| words[other as usize] == words[place as usize]);
            assert_eq!(found, (place < 5_000).then_some(place));
        }
    }
}
