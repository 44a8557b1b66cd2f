//! Which key an operation is about.
//!
//! A key's life is a pure function of the operation's number: counting what was really sent would
//! make it depend on the threads.

use std::collections::HashSet;

use temblor_history::{Key, Seed};

use crate::weighted::Weighted;

/// A slot and the generation of the key that sits in it; written `k3.7` as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// From 0; 0 is the slot chosen most often.
    pub(crate) slot: usize,
    /// How many keys have retired from this slot before.
    pub(crate) generation: u64,
}

impl Place {
    /// The key at this place.
    pub(crate) fn key(self) -> Key {
        Key::Text(self.name())
    }

    /// The key's name.
    pub(crate) fn name(self) -> String {
        format!("k{}.{}", self.slot, self.generation)
    }

    /// The place of a key; none if the key is not of this workload.
    pub(crate) fn of(key: &Key) -> Option<Self> {
        let Key::Text(text) = key else { return None };
        let (slot, generation) = text.strip_prefix('k')?.split_once('.')?;
        Some(Self { slot: slot.parse().ok()?, generation: generation.parse().ok()? })
    }
}

/// The slots, their shares of the load, and how long a key lives.
#[derive(Debug)]
pub(crate) struct Slots {
    choice: Weighted,
    seed: Seed,
    /// Operations on a key before it retires; none: it never does.
    retire_after: Option<u64>,
    /// How far the first key of each slot has aged when the run begins, so that slots with equal
    /// shares don't all retire their keys at once.
    head_start: Vec<u64>,
}

impl Slots {
    /// Zipf's law: the slot of rank r is chosen in proportion to r^-skew; skew 0 is uniform.
    pub(crate) fn new(count: usize, skew: f64, retire_after: Option<u64>, seed: Seed) -> Self {
        let weights: Vec<f64> = (1..=count).map(|rank| (rank as f64).powf(-skew)).collect();
        let head_start = |slot| retire_after.map_or(0, |life| seed.draw("head start", slot) % life);
        Self {
            choice: Weighted::new(&weights),
            seed,
            retire_after,
            head_start: (0..count as u64).map(head_start).collect(),
        }
    }

    /// The place that the `number`-th intended operation is about.
    pub(crate) fn at(&self, number: u64) -> Place {
        let slot = self.choice.choose(self.seed.draw("slot", number));
        Place { slot, generation: self.generation(slot, number) }
    }

    /// The places that these operations are about, each once, in the order of their first one.
    pub(crate) fn met_by(&self, numbers: impl Iterator<Item = u64>) -> Vec<Place> {
        let mut known = HashSet::new();
        numbers.map(|number| self.at(number)).filter(|place| known.insert(*place)).collect()
    }

    /// A key retires after as many operations as its slot's share lets *expect*; the true number
    /// scatters around it, but needs no count of the operations before.
    fn generation(&self, slot: usize, number: u64) -> u64 {
        let Some(life) = self.retire_after else {
            return 0;
        };
        let expected = (u128::from(number) * u128::from(self.choice.share(slot))) >> 64;
        (expected as u64 + self.head_start[slot]) / life
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_zipfs_law() {
        let slots = Slots::new(10, 1.0, None, Seed(3));
        let mut counts = [0f64; 10];
        for number in 0..100_000 {
            counts[slots.at(number).slot] += 1.0;
        }
        let harmonic: f64 = (1..=10).map(|rank| 1.0 / f64::from(rank)).sum();
        for (rank, count) in (1..).zip(counts) {
            let expected = 100_000.0 / (f64::from(rank) * harmonic);
            assert!((count / expected - 1.0).abs() < 0.1, "{rank}: {count} against {expected}");
        }
    }

    #[test]
    fn a_key_lives_about_as_long_as_asked() {
        let slots = Slots::new(5, 0.8, Some(200), Seed(9));
        let mut lives = std::collections::BTreeMap::new();
        for number in 0..100_000 {
            let place = slots.at(number);
            *lives.entry((place.slot, place.generation)).or_insert(0u32) += 1;
        }
        let last: Vec<u64> = (0..5).map(|slot| slots.generation(slot, 99_999)).collect();
        for ((slot, generation), life) in lives {
            let whole = generation > 0 && generation < last[slot];
            assert!(!whole || (120..280).contains(&life), "k{slot}.{generation}: {life}");
        }
    }

    #[test]
    fn keys_and_places_are_one_to_one() {
        let place = Place { slot: 3, generation: 70 };
        assert_eq!(place.key(), Key::Text("k3.70".into()));
        assert_eq!(Place::of(&place.key()), Some(place));
        for foreign in ["", "k3", "k3.", "x3.7", "k3.7.1"] {
            assert_eq!(Place::of(&Key::Text(foreign.into())), None, "{foreign}");
        }
        assert_eq!(Place::of(&Key::Number(3)), None);
    }
}
