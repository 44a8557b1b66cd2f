//! Lines over time, thinned by extremes: no peak and no hole is lost, nothing is averaged.

use std::fmt::Write;

use super::canvas::Number;

/// A place in a figure.
type Point = (f64, f64);

/// At most four points for each column one unit wide: the first, the lowest, the highest and the
/// last, in their order.
pub(crate) fn thinned(points: &[Point]) -> Vec<Point> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a.0.floor() as i64 == b.0.floor() as i64) {
        let height = |a: &usize, b: &usize| column[*a].1.total_cmp(&column[*b].1);
        let places = 0..column.len();
        let (Some(low), Some(high)) = (places.clone().min_by(height), places.max_by(height)) else {
            continue;
        };
        let mut places = [0, low, high, column.len() - 1].to_vec();
        places.sort_unstable();
        places.dedup();
        kept.extend(places.into_iter().map(|place| column[place]));
    }
    kept
}

/// A line through the points.
pub(crate) fn steps(points: &[Point]) -> String {
    let mut path = String::new();
    for (place, (x, y)) in points.iter().enumerate() {
        let command = if place == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", Number(*x), Number(*y));
    }
    path
}

/// The area between the points and a height.
pub(crate) fn area(points: &[Point], base: f64) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let (first, last, base) = (Number(first.0), Number(last.0), Number(base));
    format!("{}L{last} {base}L{first} {base}Z", steps(points))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_extremes_and_ends_of_each_column() {
        let points: Vec<Point> = (0..100).map(|i| (1.0 + f64::from(i) / 100.0, 5.0)).collect();
        let mut points = points;
        points[40].1 = 9.0;
        points[70].1 = 1.0;
        points.push((2.0, 5.0));
        assert_eq!(thinned(&points), [(1.0, 5.0), (1.4, 9.0), (1.7, 1.0), (1.99, 5.0), (2.0, 5.0)]);
    }

    #[test]
    fn paths() {
        assert_eq!(steps(&[(1.0, 2.0), (3.05, 4.0)]), "M1 2L3.1 4");
        assert_eq!(area(&[(1.0, 2.0), (3.0, 4.0)], 9.0), "M1 2L3 4L3 9L1 9Z");
        assert_eq!((steps(&[]), area(&[], 1.0)), (String::new(), String::new()));
    }
}
