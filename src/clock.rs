//! The one clock: a run's time is nanoseconds of CLOCK_MONOTONIC since the run began.
//!
//! Agents on this machine stamp by the same clock, so their times only need the run's zero taken
//! off. The wall clock is read once, to name the run.

use nix::time::{ClockId, clock_gettime};

/// CLOCK_REALTIME in nanoseconds since 1970. Only for comparing a skewed clock with the right one.
pub(crate) fn wall_ns() -> i64 {
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| ns(&time))
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn monotonic_ns() -> i64 {
    // It cannot fail for a clock that every Linux has; zero would be seen at once.
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |time| ns(&time))
}

/// What to add to [`monotonic_ns`] for nanoseconds since 1970, as the wall clock now has it.
pub(crate) fn wall_offset_ns() -> i64 {
    clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| ns(&time) - monotonic_ns())
}

fn ns(time: &nix::sys::time::TimeSpec) -> i64 {
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}

/// A run's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunClock {
    zero_ns: i64,
}

impl RunClock {
    /// The run begins now.
    pub(crate) fn start() -> Self {
        Self { zero_ns: monotonic_ns() }
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now_ns(&self) -> i64 {
        monotonic_ns() - self.zero_ns
    }

    /// A moment of CLOCK_MONOTONIC in the run's time.
    pub(crate) fn of_monotonic(&self, monotonic_ns: i64) -> i64 {
        monotonic_ns - self.zero_ns
    }
}

/// The wall clock in UTC, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WallTime {
    seconds: i64,
    milliseconds: u32,
}

impl WallTime {
    /// Now.
    pub(crate) fn now() -> Self {
        let time = clock_gettime(ClockId::CLOCK_REALTIME)
            .map_or((0, 0), |time| (time.tv_sec(), time.tv_nsec()));
        Self { seconds: time.0, milliseconds: (time.1 / 1_000_000) as u32 }
    }

    /// A seed for a plan that has none; short, since people type it.
    pub(crate) fn fresh_seed(&self) -> u64 {
        let draw = temblor_history::Seed(self.seconds as u64);
        draw.draw("fresh", u64::from(self.milliseconds) + (u64::from(std::process::id()) << 10))
            >> 44
    }

    /// `2026-11-22T10:04:05.123Z`.
    pub(crate) fn rfc3339(&self) -> String {
        let (year, month, day) = civil_date(self.seconds.div_euclid(86_400));
        let second = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let ms = self.milliseconds;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }

    /// `20261122T100405.123Z`: sorts by time, and is good for a folder's name.
    pub(crate) fn folder_name(&self) -> String {
        self.rfc3339().replace(['-', ':'], "")
    }
}

/// Days since 1970-01-01 to year, month, day of the Gregorian calendar.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_gregorian() {
        let at = |seconds| WallTime { seconds, milliseconds: 7 }.rfc3339();
        assert_eq!(at(0), "1970-01-01T00:00:00.007Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.007Z");
        assert_eq!(at(1_795_341_845), "2026-11-22T10:04:05.007Z");
    }

    #[test]
    fn run_time_begins_with_the_run() {
        let clock = RunClock { zero_ns: 500 };
        assert_eq!(clock.of_monotonic(700), 200);
    }
}
