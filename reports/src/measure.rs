//! What a run's clients experienced, in numbers: pure functions over times, each with its definition.
//!
//! | number | definition |
//! | --- | --- |
//! | [`availability`] | operations that ended ok, over operations intended, shed ones included |
//! | [`longest_gap`] | the longest time without an ok from any client |
//! | [`latency`] | percentiles of response or service time, by nearest rank, never averaged |
//! | [`recovery`] | from a fault's heal to the first ok on each node that it touched |
//!
//! Operations belong to a window by when they were *intended*, so that a stall cannot move its
//! victims into calmer times. Final reads are no load: only recovery looks at them.
//! Nothing here draws, formats or judges.

mod availability;
mod latency;
mod phases;
mod rates;
mod recovery;
mod timing;

pub use availability::{Availability, availability, longest_gap};
pub use latency::{Latency, LatencyOver, Measure, Quantile, latency, latency_over_time};
pub use phases::{PhaseSpan, load_window, phase_spans, phase_window, run_window};
pub use rates::{Rates, ShedLoad, bin_width, rates};
pub use recovery::{Recovery, recovery, touched_nodes};
pub use timing::{Timing, Timings};

/// A stretch of time, nanoseconds since the run began: `from` belongs to it, `to` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
}

impl Window {
    /// Whether the moment lies within.
    pub fn holds(&self, time: i64) -> bool {
        self.from <= time && time < self.to
    }

    /// How long it is, nanoseconds; never negative.
    pub fn length(&self) -> i64 {
        self.to.saturating_sub(self.from).max(0)
    }
}

/// One second in nanoseconds.
pub(crate) const SECOND: i64 = 1_000_000_000;
