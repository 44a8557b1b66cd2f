//! `latency.hlog`: response times as HdrHistogram interval logs, for other tools.
//!
//! Version 2 of the format, one histogram for each interval and each tag `function.outcome.phase`.
//! Values are nanoseconds. An operation without an answer counts under `unknown` at the time when
//! it was given up: a censored value, kept apart by its tag. Final reads are left out.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::digest::Digest;
use crate::measure::{PhaseSpan, Timing};
use crate::{ReportError, StoredRun, rfc3339, words};

const SECOND: i64 = 1_000_000_000;
/// Three significant digits, as HdrHistogram's own tools record.
const DIGITS: u8 = 3;
/// At most so many intervals: a day's log stays readable.
const INTERVALS_MOST: i64 = 600;

/// The histograms of a run's load.
pub fn latency_log(run: &StoredRun) -> Result<Vec<u8>, ReportError> {
    let digest = Digest::of(run);
    let (width, intervals) = intervals(&digest);
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let started = rfc3339::leading(&run.manifest.started).map_or(0, |(time, _)| time);
    let started = Duration::from_nanos(u64::try_from(started).unwrap_or(0));
    let start = SystemTime::UNIX_EPOCH + started;
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("Response time in nanoseconds from the intended start, by temblor")
        .add_comment("Tags: function.outcome.phase; unknown: given up at this time, not answered")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1_000_000.0)
        .begin_log_with(&mut log, &mut serializer)
        .map_err(|error| ReportError::Latency(error.to_string()))?;
    let mut histogram =
        Histogram::<u64>::new(DIGITS).map_err(|error| ReportError::Latency(error.to_string()))?;
    for interval in intervals.chunk_by(|a, b| (a.from, &a.tag) == (b.from, &b.tag)) {
        histogram.reset();
        for recorded in interval {
            // Not `saturating_record`: it clamps to what the histogram holds so far.
            histogram
                .record(recorded.response)
                .map_err(|error| ReportError::Latency(error.to_string()))?;
        }
        let from = Duration::from_nanos(interval[0].from.unsigned_abs());
        let length = Duration::from_nanos(width.unsigned_abs());
        writer
            .write_histogram(&histogram, from, length, Tag::new(&interval[0].tag))
            .map_err(|error| ReportError::Latency(error.to_string()))?;
    }
    Ok(log)
}

/// One response time with its place in the log.
struct Recorded {
    from: i64,
    tag: Rc<str>,
    response: u64,
}

/// The width of an interval, and every response time in the order of the log: one histogram at a
/// time is enough then, however many there are.
fn intervals(digest: &Digest<'_>) -> (i64, Vec<Recorded>) {
    let width = (digest.load.length() / INTERVALS_MOST / SECOND + 1) * SECOND;
    let mut tags: HashMap<Place<'_>, Rc<str>> = HashMap::new();
    let mut recorded = Vec::new();
    for timing in digest.timings.load() {
        let from = (timing.intended.div_euclid(width) * width).max(0);
        let tag = place(digest, timing);
        let tag = tags.entry(tag).or_insert_with(|| written(digest, tag)).clone();
        let response = u64::try_from(timing.response()).unwrap_or(0);
        recorded.push(Recorded { from, tag, response });
    }
    recorded.sort_by(|a, b| (a.from, &a.tag).cmp(&(b.from, &b.tag)));
    (width, recorded)
}

/// Function, outcome and phase of an operation.
type Place<'d> = (usize, &'static str, Option<&'d str>);

fn place<'d>(digest: &'d Digest<'_>, timing: &Timing) -> Place<'d> {
    let begun = |phase: &&PhaseSpan| phase.window.from <= timing.intended;
    // The first operations may be wanted just before the first phase is written down.
    let phase = digest.phases.iter().rev().find(begun).or(digest.phases.first());
    let phase = phase.map(|phase| phase.name.as_str());
    (timing.function, words::completion(timing.completion), phase)
}

/// A tag as the format allows it: no comma, no white space.
fn written(digest: &Digest<'_>, (function, outcome, phase): Place<'_>) -> Rc<str> {
    let function = &digest.timings.functions[function];
    let tag = format!("{function}.{outcome}.{}", phase.unwrap_or("none"));
    let allowed = |character: char| character != ',' && !character.is_whitespace();
    tag.chars().map(|c| if allowed(c) { c } else { '_' }).collect::<String>().into()
}
