//! Dealing nodes out of a random number.

/// The same items in an order that the random number decides (Fisher and Yates).
pub(crate) fn dealt(items: &[String], draw: u64) -> Vec<String> {
    let seed = temblor_history::Seed(draw);
    let mut dealt = items.to_vec();
    for place in (1..dealt.len()).rev() {
        let other = seed.draw("deal", place as u64) % (place as u64 + 1);
        dealt.swap(place, other as usize);
    }
    dealt
}
