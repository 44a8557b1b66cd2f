//! A quick hash for tables inside one check.

use std::hash::{Hash, Hasher};

/// Multiplicative hashing (Knuth): quick, and without random keys, so that one history is always
/// examined in one way.
#[derive(Debug, Default)]
pub(crate) struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(26) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_u128(&mut self, word: u128) {
        self.write_u64((word >> 64) as u64);
        self.write_u64(word as u64);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// 128 bits of a value, from two multiplications of different factors a word, each folded. Of n
/// different values two have the same with a probability of about n² / 2¹²⁹.
pub(crate) fn fingerprint(value: &impl Hash) -> u128 {
    let mut print = Fingerprint::default();
    value.hash(&mut print);
    // Twice more, so that the last word has been through as much as the others.
    print.write_u64(0x2545_F491_4F6C_DD1D);
    print.write_u64(0x9E37_79B9_7F4A_7C15);
    (u128::from(print.low) << 64) | u128::from(print.high)
}

/// What becomes of the words of a value.
#[derive(Debug)]
struct Fingerprint {
    low: u64,
    high: u64,
}

impl Default for Fingerprint {
    /// Digits of π.
    fn default() -> Self {
        Self { low: 0x243F_6A88_85A3_08D3, high: 0x1319_8A2E_0370_7344 }
    }
}

/// Both halves of a product.
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.low ^ self.high
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
        self.write_u64(bytes.len() as u64);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_u64(&mut self, word: u64) {
        let low = folded(self.low ^ word, 0xA409_3822_299F_31D1);
        self.high = folded(self.high ^ word.rotate_left(32), 0x082E_FA98_EC4E_6C89) ^ low;
        self.low = low.rotate_left(23);
    }

    fn write_u128(&mut self, word: u128) {
        self.write_u64(word as u64);
        self.write_u64((word >> 64) as u64);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Values that differ little have different fingerprints, in each half.
    #[test]
    fn fingerprints_tell_values_apart() {
        let mut seen = [HashSet::new(), HashSet::new()];
        for one in 0..300_u32 {
            for other in 0..300_u64 {
                let print = fingerprint(&(one, other));
                assert!(seen[0].insert(print as u64) && seen[1].insert((print >> 64) as u64));
            }
        }
    }
}
