//! The one seed: every choice is a hash of it, a name and a number, so that no thread races
//! another for random numbers and one change of a plan does not shift all the rest.

/// A run's seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// A uniform 64-bit number for the `number`-th choice called `what`.
    pub fn draw(self, what: &str, number: u64) -> u64 {
        let name = what.bytes().fold(self.0, |hash, byte| mix(hash ^ u64::from(byte)));
        mix(name ^ mix(number))
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", OOPSLA 2014), with its increment so that zero does not stay zero.
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_name_and_number() {
        let draws = [
            Seed(1).draw("deal", 0),
            Seed(2).draw("deal", 0),
            Seed(1).draw("deal", 1),
            Seed(1).draw("dealt", 0),
        ];
        for (place, draw) in draws.iter().enumerate() {
            assert!(!draws[..place].contains(draw));
        }
        assert_eq!(draws[0], Seed(1).draw("deal", 0));
    }
}
