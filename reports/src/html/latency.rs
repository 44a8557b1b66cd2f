//! Latency as tables: by function and phase, during each kind of fault, and by outcome.

use temblor_history::Completion;

use crate::digest::Digest;
use crate::measure::{Latency, Measure, Timing, Window};
use crate::words;

use super::table::{Cell, Table};

/// The latency part of the page.
#[derive(Debug)]
pub(crate) struct LatencyTables {
    /// Response time by function and period.
    pub(crate) response: Table,
    /// Service time by function and period.
    pub(crate) service: Table,
    /// Response time by function, period and outcome.
    pub(crate) outcomes: Table,
}

/// A phase, or all the times in which one kind of fault was on.
struct Period {
    name: String,
    windows: Vec<Window>,
}

impl Period {
    fn holds(&self, time: i64) -> bool {
        self.windows.iter().any(|window| window.holds(time))
    }
}

const PERCENTS: [f64; 5] = [50.0, 90.0, 99.0, 99.9, 100.0];
const NUMBERS: [(&str, bool); 6] =
    [("count", true), ("p50", true), ("p90", true), ("p99", true), ("p99.9", true), ("max", true)];

pub(crate) fn latency_tables(digest: &Digest<'_>) -> LatencyTables {
    let periods = periods(digest);
    LatencyTables {
        response: by_period(digest, &periods, Measure::Response),
        service: by_period(digest, &periods, Measure::Service),
        outcomes: by_outcome(digest, &periods),
    }
}

fn periods(digest: &Digest<'_>) -> Vec<Period> {
    let of_phase = |phase: &crate::measure::PhaseSpan| Period {
        name: phase.name.clone(),
        windows: vec![phase.window],
    };
    let mut periods: Vec<Period> = digest.phases.iter().map(of_phase).collect();
    if periods.is_empty() {
        periods.push(Period { name: "whole run".into(), windows: vec![digest.load] });
    }
    let phases = periods.len();
    for fault in &digest.run.faults {
        let Some(began) = fault.began else { continue };
        let to = fault.healed.map_or(digest.shown.to, |healed| healed.latest);
        let window = Window { from: began.earliest, to };
        let name = format!("during {}", fault.fault);
        match periods[phases..].iter_mut().find(|period| period.name == name) {
            Some(period) => period.windows.push(window),
            None => periods.push(Period { name, windows: vec![window] }),
        }
    }
    periods
}

fn columns(first: &[(&'static str, bool)]) -> Table {
    let columns: Vec<_> = first.iter().chain(&NUMBERS).copied().collect();
    Table::new(&columns)
}

fn numbers(latency: &Latency) -> impl Iterator<Item = Cell> + '_ {
    let count = words::count(latency.count() as u64);
    let percentiles = PERCENTS.map(|percent| words::quantile(latency.percentile(percent)));
    std::iter::once(count).chain(percentiles).map(Cell::from)
}

/// The load of one function in one period.
fn of<'d>(
    digest: &'d Digest<'_>,
    period: &Period,
    function: usize,
) -> impl Iterator<Item = &'d Timing> {
    let load = digest.timings.load();
    load.filter(move |timing| timing.function == function && period.holds(timing.intended))
}

fn by_period(digest: &Digest<'_>, periods: &[Period], measure: Measure) -> Table {
    let mut table = columns(&[("operation", false), ("when", false)]);
    for (function, name) in digest.timings.functions.iter().enumerate() {
        for period in periods {
            let latency = Latency::of(of(digest, period, function), measure);
            if latency.count() > 0 {
                let mut row = vec![Cell::code(name.clone()), period.name.clone().into()];
                row.extend(numbers(&latency));
                table.push(row);
            }
        }
    }
    table
}

fn by_outcome(digest: &Digest<'_>, periods: &[Period]) -> Table {
    let mut table = columns(&[("operation", false), ("when", false), ("outcome", false)]);
    let all = [Completion::Ok, Completion::Refused, Completion::Fail, Completion::Info];
    for (function, name) in digest.timings.functions.iter().enumerate() {
        for period in periods {
            for completion in all {
                let ended = |timing: &&Timing| timing.completion == completion;
                let times = of(digest, period, function).filter(ended);
                let latency = Latency::of_each(times, Measure::Response);
                if latency.count() > 0 {
                    let outcome = words::completion(completion);
                    let mut row =
                        vec![Cell::code(name.clone()), period.name.clone().into(), outcome.into()];
                    row.extend(numbers(&latency));
                    table.push(row);
                }
            }
        }
    }
    table
}
