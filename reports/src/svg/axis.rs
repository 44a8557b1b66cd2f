//! Axes: time across, counts and logarithmic durations up.

use super::{Anchor, Svg};
use crate::measure::Window;
use crate::words;

/// Width of every figure, in its own units.
pub(crate) const WIDTH: f64 = 1120.0;
/// Where plots begin: left of it stand labels.
pub(crate) const LEFT: f64 = 64.0;
/// Where plots end.
pub(crate) const RIGHT: f64 = 1108.0;

/// Time across the whole plot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeAxis {
    window: Window,
}

impl TimeAxis {
    /// An axis for this window; one of no length is shown as a nanosecond.
    pub(crate) fn new(window: Window) -> Self {
        Self { window: Window { from: window.from, to: window.to.max(window.from + 1) } }
    }

    /// Where a moment lies, held within the plot.
    pub(crate) fn x(&self, time: i64) -> f64 {
        let time = time.clamp(self.window.from, self.window.to);
        let share = (time - self.window.from) as f64 / self.window.length() as f64;
        LEFT + share * (RIGHT - LEFT)
    }

    /// Draws the line with its ticks, and their times where `labelled`.
    pub(crate) fn draw(&self, svg: &mut Svg, y: f64, labelled: bool) {
        svg.line("ax", (LEFT, y), (RIGHT, y));
        let step = round_step(self.window.length() as f64 / 1e9 / 10.0);
        let step_ns = ((step * 1e9) as i64).max(1);
        let first = self.window.from.div_euclid(step_ns) * step_ns;
        let ticks = (0..40).map(|tick| first + tick * step_ns);
        for time in ticks.filter(|time| *time >= self.window.from && *time <= self.window.to) {
            let x = self.x(time);
            svg.line("ax", (x, y), (x, y + 4.0));
            if labelled {
                svg.text("tick", (x, y + 16.0), Anchor::Middle, &tick_label(time, step));
            }
        }
    }
}

/// A linear axis from 0 up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelAxis {
    top: f64,
    bottom: f64,
    most: f64,
}

impl LevelAxis {
    /// An axis between two heights whose top is at least `most`.
    pub(crate) fn new(top: f64, bottom: f64, most: f64) -> Self {
        Self { top, bottom, most: if most > 0.0 { most } else { 1.0 } }
    }

    /// Where a level lies, held within the plot.
    pub(crate) fn y(&self, level: f64) -> f64 {
        self.bottom - (level / self.most).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Draws lines at these levels, each with its label.
    pub(crate) fn draw(&self, svg: &mut Svg, levels: &[(f64, String)]) {
        for (level, label) in levels {
            let y = self.y(*level);
            svg.line("grid", (LEFT, y), (RIGHT, y));
            svg.text("yl", (LEFT - 6.0, y + 4.0), Anchor::End, label);
        }
    }
}

/// A logarithmic axis of durations, in whole decades.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogAxis {
    top: f64,
    bottom: f64,
    /// Decades of nanoseconds: 6 is a millisecond.
    lowest: i32,
    highest: i32,
}

impl LogAxis {
    /// An axis between two heights for durations between these, in nanoseconds.
    pub(crate) fn new(top: f64, bottom: f64, least: i64, most: i64) -> Self {
        let decade = |ns: i64| (ns.max(1_000) as f64).log10();
        let lowest = decade(least).floor() as i32;
        let highest = (decade(most).ceil() as i32).max(lowest + 1);
        Self { top, bottom, lowest, highest }
    }

    /// Where a duration lies, held within the plot.
    pub(crate) fn y(&self, ns: i64) -> f64 {
        let decades = (ns.max(1) as f64).log10() - f64::from(self.lowest);
        let share = decades / f64::from(self.highest - self.lowest);
        self.bottom - share.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Draws a line for each decade with its duration.
    pub(crate) fn draw(&self, svg: &mut Svg) {
        for decade in self.lowest..=self.highest {
            let ns = 10_i64.pow(decade.unsigned_abs());
            let y = self.y(ns);
            svg.line("grid", (LEFT, y), (RIGHT, y));
            svg.text("yl", (LEFT - 6.0, y + 4.0), Anchor::End, &words::duration(ns));
        }
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not less than this.
pub(crate) fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(10.0 * power)
}

fn tick_label(time: i64, step: f64) -> String {
    let decimals = if step >= 1.0 { 0 } else { (-step.log10()).ceil() as usize };
    format!("{:.decimals$} s", time as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn steps_are_round() {
        let steps = [0.3, 1.0, 1.1, 4.9, 7.0, 60.0, 100.0].map(round_step);
        assert_eq!(format!("{steps:?}"), "[0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 100.0]");
    }

    #[test]
    fn time_runs_over_the_whole_plot_and_not_beyond() {
        let axis = TimeAxis::new(Window { from: SECOND, to: 3 * SECOND });
        let places = [0, SECOND, 2 * SECOND, 3 * SECOND, 9 * SECOND].map(|time| axis.x(time));
        assert_eq!(format!("{places:?}"), "[64.0, 64.0, 586.0, 1108.0, 1108.0]");
    }

    #[test]
    fn decades_hold_what_they_were_made_for() {
        let axis = LogAxis::new(0.0, 30.0, 1_500_000, 400_000_000);
        let heights = [1_000_000, 10_000_000, 1_000_000_000, 5].map(|ns| axis.y(ns));
        assert_eq!(format!("{heights:?}"), "[30.0, 20.0, 0.0, 30.0]");
    }

    #[test]
    fn labels_have_the_decimals_of_their_step() {
        let labels = [(20.0, 20 * SECOND), (0.5, SECOND / 2), (0.05, SECOND / 20)];
        let labels = labels.map(|(step, time)| tick_label(time, step));
        assert_eq!(labels, ["20 s", "0.5 s", "0.05 s"]);
    }
}
