//! Writes times for readers: nanoseconds of a run, or the places of events where times are missing.

/// How the times of one witness are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moments {
    /// Digits after the point of a second; none: the history has no times.
    decimals: Option<usize>,
}

impl Moments {
    /// As few digits as tell these times apart.
    pub(crate) fn telling_apart(times: &[i64], has_times: bool) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        times.dedup();
        let distinct = |decimals: &u32| {
            let mut rounded: Vec<i64> =
                times.iter().map(|ns| ns / 10_i64.pow(9 - decimals)).collect();
            rounded.dedup();
            rounded.len() == times.len()
        };
        let decimals = [3, 6].into_iter().find(distinct).unwrap_or(9);
        Self { decimals: has_times.then_some(decimals as usize) }
    }

    /// Whether there are times at all.
    pub(crate) fn known(self) -> bool {
        self.decimals.is_some()
    }

    /// `2.004 s`, or `event 12`.
    pub(crate) fn moment(self, at: i64) -> String {
        match self.decimals {
            Some(decimals) => format!("{}.{} s", at / 1_000_000_000, fraction(at, decimals)),
            None => format!("event {at}"),
        }
    }
}

fn fraction(ns: i64, decimals: usize) -> String {
    let mut digits = format!("{:09}", ns.rem_euclid(1_000_000_000));
    digits.truncate(decimals);
    digits
}

/// A span of time, with two digits or more.
pub(crate) fn span(ns: i64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    let ns = ns as f64;
    match units.into_iter().find(|(unit, _)| ns >= *unit) {
        Some((unit, name)) if ns / unit < 9.95 => format!("{:.1} {name}", ns / unit),
        Some((unit, name)) => format!("{:.0} {name}", ns / unit),
        None => format!("{ns} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let spans = [7, 950, 1_500, 9_990_000, 96_000_000, 1_240_000_000, 61_000_000_000];
        assert_eq!(
            spans.map(span),
            ["7 ns", "950 ns", "1.5 µs", "10 ms", "96 ms", "1.2 s", "61 s"]
        );
    }

    #[test]
    fn moments_are_as_precise_as_they_have_to_be() {
        let written = |times: &[i64]| {
            let moments = Moments::telling_apart(times, true);
            times.iter().map(|&at| moments.moment(at)).collect::<Vec<_>>()
        };
        assert_eq!(written(&[2_004_000_000, 2_100_900_000]), ["2.004 s", "2.100 s"]);
        assert_eq!(written(&[1_999_999, 1_000_001]), ["0.001999 s", "0.001000 s"]);
        assert_eq!(written(&[7, 5]), ["0.000000007 s", "0.000000005 s"]);
        assert_eq!(Moments::telling_apart(&[1, 2], false).moment(2), "event 2");
    }
}
