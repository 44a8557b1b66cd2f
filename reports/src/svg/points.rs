//! Points: one for each operation, or for each place where operations would cover each other.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::canvas::Number;

/// How close two points may be before one of them stands for both.
const CELL: f64 = 2.0;

/// Dots. Those that would cover each other are drawn once: every place where there is an operation
/// shows one, so extremes stay, and the size has a limit, however many operations there are.
pub(crate) fn dots(points: impl Iterator<Item = (f64, f64)>) -> String {
    marks(points, "h0")
}

/// Marks that are open upwards, for values known only to be at least so high; thinned like dots.
pub(crate) fn censored(points: impl Iterator<Item = (f64, f64)>) -> String {
    marks(points, "v-5")
}

fn marks(points: impl Iterator<Item = (f64, f64)>, stroke: &str) -> String {
    let cell = |(x, y): (f64, f64)| ((x / CELL).round() as i64, (y / CELL).round() as i64);
    let mut places = BTreeMap::new();
    for point in points {
        places.entry(cell(point)).or_insert(point);
    }
    let mut path = String::new();
    for (x, y) in places.into_values() {
        let (x, y) = (Number(x), Number(y));
        // Writing to a string cannot fail.
        let _ = write!(path, "M{x} {y}{stroke}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_drawn_once() {
        let points = [(10.0, 5.0), (10.4, 5.1), (10.0, 50.0)];
        assert_eq!(dots(points.into_iter()), "M10 5h0M10 50h0");
        assert_eq!(censored(points.into_iter().take(1)), "M10 5v-5");
    }

    #[test]
    fn a_million_points_have_a_limit() {
        let points = (0..1_000_000_u32).map(|i| {
            (f64::from(i % 1_000), f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 500.0)
        });
        assert!(dots(points).len() < 600_000);
    }
}
