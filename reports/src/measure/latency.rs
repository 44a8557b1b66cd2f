//! Percentiles of response and service time, in which an operation without an answer is a censored
//! value: it took at least as long as the client waited, nobody knows how much longer.
//!
//! A percentile over censored values is a pair of bounds, as in survival analysis: the lower one
//! takes each such operation as if it had answered at the moment it was given up, the upper one as
//! if it never had. Where the two agree the percentile is exact.

use temblor_history::Completion;

use super::{Timing, Timings, Window};

/// Which time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// From the intended start: what a user of an open system waits. The default of reports.
    Response,
    /// From the actual start: what the system took.
    Service,
}

impl Measure {
    /// The time of one operation, nanoseconds.
    pub fn of(self, timing: &Timing) -> i64 {
        match self {
            Self::Response => timing.response(),
            Self::Service => timing.service(),
        }
    }
}

/// A percentile, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile {
    /// Not less than this.
    pub at_least: i64,
    /// Not more than this; none where time-outs leave it open.
    pub at_most: Option<i64>,
}

impl Quantile {
    /// Whether it is certainly within the bound.
    pub fn within(&self, bound: i64) -> bool {
        self.at_most.is_some_and(|most| most <= bound)
    }

    /// Whether it is known exactly.
    pub fn exact(&self) -> bool {
        self.at_most == Some(self.at_least)
    }
}

/// A set of times, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latency {
    answered: Vec<i64>,
    /// Answered and given up together.
    all: Vec<i64>,
}

impl Latency {
    /// The times of these operations. Definite failures are left out: they did not happen, and a
    /// quickly refused connection would make a cluster look fast; they count in availability.
    pub fn of<'a>(timings: impl Iterator<Item = &'a Timing>, measure: Measure) -> Self {
        Self::of_each(timings.filter(|timing| timing.completion != Completion::Fail), measure)
    }

    /// The times of these operations, whichever way they ended: for tables by outcome.
    pub fn of_each<'a>(timings: impl Iterator<Item = &'a Timing>, measure: Measure) -> Self {
        let mut latency = Self::default();
        for timing in timings {
            if timing.completion != Completion::Info {
                latency.answered.push(measure.of(timing));
            }
            latency.all.push(measure.of(timing));
        }
        latency.answered.sort_unstable();
        latency.all.sort_unstable();
        latency
    }

    /// How many operations it speaks of.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// How many of them were given up without an answer.
    pub fn censored(&self) -> usize {
        self.all.len() - self.answered.len()
    }

    /// The percentile (0 to 100; 100 is the maximum) by nearest rank: the smallest value that at
    /// least so many per cent of the operations don't exceed. None where there are no operations.
    pub fn percentile(&self, percent: f64) -> Option<Quantile> {
        // The slack keeps 99.9% of 1,000 at rank 999: the product is a hair above it.
        let rank = (percent * self.all.len() as f64 / 100.0 - 1e-6).ceil() as usize;
        let at = rank.max(1) - 1;
        let at_least = *self.all.get(at.min(self.all.len().checked_sub(1)?))?;
        Some(Quantile { at_least, at_most: self.answered.get(at).copied() })
    }
}

/// The latency of the load that was intended within the window.
pub fn latency(timings: &Timings, window: Window, measure: Measure) -> Latency {
    Latency::of(timings.load().filter(|timing| window.holds(timing.intended)), measure)
}

/// Percentiles of one bin of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyOver {
    /// The middle of the bin, nanoseconds since the run began.
    pub middle: i64,
    /// The median.
    pub median: Quantile,
    /// The 99th percentile.
    pub p99: Quantile,
}

/// Response time over time: percentiles of each bin's own operations, by intended start. Bins
/// without operations are left out.
pub fn latency_over_time(timings: &Timings, window: Window, width: i64) -> Vec<LatencyOver> {
    let bins = (window.length() / width + 1) as usize;
    let mut by_bin: Vec<Vec<&Timing>> = vec![Vec::new(); bins];
    for timing in timings.load().filter(|timing| window.holds(timing.intended)) {
        by_bin[((timing.intended - window.from) / width) as usize].push(timing);
    }
    let over = |(bin, timings): (usize, Vec<&Timing>)| {
        let latency = Latency::of(timings.into_iter(), Measure::Response);
        Some(LatencyOver {
            middle: window.from + width * bin as i64 + width / 2,
            median: latency.percentile(50.0)?,
            p99: latency.percentile(99.0)?,
        })
    };
    by_bin.into_iter().enumerate().filter_map(over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times: &[(i64, Completion)]) -> Latency {
        let timing = |&(time, completion)| Timing {
            function: 0,
            node: None,
            intended: 0,
            invoked: time / 2,
            ended: time,
            completion,
            final_read: false,
        };
        let timings: Vec<Timing> = times.iter().map(timing).collect();
        Latency::of(timings.iter(), Measure::Response)
    }

    fn bounds(latency: &Latency, percent: f64) -> (i64, Option<i64>) {
        let quantile = latency.percentile(percent).unwrap();
        (quantile.at_least, quantile.at_most)
    }

    #[test]
    fn nearest_rank() {
        let times: Vec<_> = (1..=10).map(|time| (time * 10, Completion::Ok)).collect();
        let latency = of(&times);
        let percentiles = [0.0, 10.0, 10.1, 50.0, 90.0, 99.0, 100.0];
        let expected = [10, 10, 20, 50, 90, 100, 100].map(|time| (time, Some(time)));
        assert_eq!(percentiles.map(|percent| bounds(&latency, percent)), expected);
        assert_eq!(Latency::default().percentile(50.0), None);
    }

    #[test]
    fn ranks_survive_rounding() {
        let times: Vec<_> = (1..=1_000).map(|time| (time, Completion::Ok)).collect();
        let latency = of(&times);
        let ranks = [0.1, 29.0, 57.0, 99.0, 99.9].map(|percent| bounds(&latency, percent).0);
        assert_eq!(ranks, [1, 290, 570, 990, 999]);
    }

    #[test]
    fn a_time_out_bounds_a_percentile_from_below() {
        use Completion::{Info, Ok};
        let latency = of(&[(1, Ok), (2, Ok), (3, Ok), (1000, Info)]);
        assert_eq!((latency.count(), latency.censored()), (4, 1));
        assert_eq!(bounds(&latency, 75.0), (3, Some(3)));
        assert_eq!(bounds(&latency, 100.0), (1000, None));
    }

    /// A connection that broke early may belong to an operation that would have been the slowest.
    #[test]
    fn an_early_censored_value_leaves_every_percentile_above_it_open() {
        use Completion::{Info, Ok};
        let latency = of(&[(1, Info), (2, Ok), (3, Ok), (4, Ok)]);
        assert_eq!(bounds(&latency, 25.0), (1, Some(2)));
        assert_eq!(bounds(&latency, 50.0), (2, Some(3)));
        assert_eq!(bounds(&latency, 100.0), (4, None));
        assert!(latency.percentile(50.0).unwrap().within(3));
        assert!(!latency.percentile(50.0).unwrap().within(2));
    }

    #[test]
    fn failures_are_no_latencies() {
        use Completion::{Fail, Ok, Refused};
        let latency = of(&[(1, Fail), (5, Refused), (9, Ok)]);
        assert_eq!((latency.count(), bounds(&latency, 50.0)), (2, (5, Some(5))));
    }

    #[test]
    fn bins_keep_their_own_percentiles() {
        let timing = |intended: i64, response: i64| Timing {
            function: 0,
            node: None,
            intended,
            invoked: intended,
            ended: intended + response,
            completion: Completion::Ok,
            final_read: false,
        };
        let operations = vec![timing(0, 7), timing(1, 9), timing(25, 100)];
        let timings = Timings { operations, ..Timings::default() };
        let over = latency_over_time(&timings, Window { from: 0, to: 30 }, 10);
        let exact = |time| Quantile { at_least: time, at_most: Some(time) };
        let expected = [
            LatencyOver { middle: 5, median: exact(7), p99: exact(9) },
            LatencyOver { middle: 25, median: exact(100), p99: exact(100) },
        ];
        assert_eq!(over, expected);
    }
}
