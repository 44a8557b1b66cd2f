//! What chance alone would bring: bands that hold but once in a million, and no wider.

/// A result that chance alone would bring less often than this does not count as chance. Each
/// clause of each link is judged by it.
pub(super) const CHANCE: f64 = 1e-6;

/// Whether `hits` of `count` is no surprise when each hits with a probability between `least` and
/// `most`: the tails of the binomial distribution.
pub(super) fn is_plausible(count: u32, hits: u32, least: f64, most: f64) -> bool {
    at_least(count, hits, most) > CHANCE && at_most(count, hits, least) > CHANCE
}

/// How many of `count` may hit at least and at most, for people.
pub(super) fn band(count: u32, least: f64, most: f64) -> (u32, u32) {
    let first = (0..=count).find(|hits| at_most(count, *hits, least) > CHANCE);
    let last = (0..=count).rev().find(|hits| at_least(count, *hits, most) > CHANCE);
    (first.unwrap_or(count), last.unwrap_or(0))
}

fn at_most(count: u32, hits: u32, share: f64) -> f64 {
    match share {
        share if share <= 0.0 => 1.0,
        share if share >= 1.0 => f64::from(u8::from(hits >= count)),
        _ => terms(count, share).take(hits as usize + 1).sum(),
    }
}

fn at_least(count: u32, hits: u32, share: f64) -> f64 {
    match share {
        share if share >= 1.0 => 1.0,
        share if share <= 0.0 => f64::from(u8::from(hits == 0)),
        _ => terms(count, share).skip(hits as usize).sum(),
    }
}

/// The probabilities of 0, 1, … hits, by the ratio of each to the one before.
fn terms(count: u32, share: f64) -> impl Iterator<Item = f64> {
    let odds = (share / (1.0 - share)).ln();
    let first = f64::from(count) * (1.0 - share).ln();
    (0..=count).scan(first, move |term, hits| {
        let probability = term.exp();
        *term += (f64::from(count - hits) / f64::from(hits + 1)).ln() + odds;
        Some(probability)
    })
}

/// How far an empirical distribution function of so many samples strays from the true one, but
/// once in a million, to one side (Dvoretzky, Kiefer and Wolfowitz, 1956; Massart, 1990).
pub(super) fn stray(samples: usize) -> f64 {
    ((1.0 / CHANCE).ln() / (2.0 * samples.max(1) as f64)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_hold_all_but_a_millionth() {
        // Of 200 at 10 %: sd 4.24.
        assert_eq!(band(200, 0.1, 0.1), (3, 43));
        assert!(!is_plausible(200, 2, 0.1, 0.1) && !is_plausible(200, 44, 0.1, 0.1));
        assert_eq!(band(5, 0.0, 0.0), (0, 0));
        assert_eq!(band(5, 1.0, 1.0), (5, 5));
        assert_eq!(band(100, 0.0, 0.1).0, 0);
        let all: f64 = terms(2000, 0.003).sum();
        assert!((all - 1.0).abs() < 1e-9);
        assert!(is_plausible(14_000, 140, 0.01, 0.01), "a thousandth of a thousandth is no zero");
    }

    #[test]
    fn few_samples_stray_far() {
        assert!((stray(200) - 0.186).abs() < 0.001);
        assert!(stray(5) > 1.0);
    }
}
