//! What a run is expected to keep besides consistency: availability, latency, servers that stay
//! up, logs without a panic. One that fails is a violation of kind `expectation`.

use std::time::Duration;

use temblor_history::{Expectation, Happening};
use temblor_reports::measure::{Measure, ShedLoad, Window, availability, latency, longest_gap};

use super::evidence::Evidence;

/// All expectations: the plan's, and those that hold for every run.
pub(super) fn expectations(evidence: &Evidence) -> Vec<Expectation> {
    let mut all = vec![unexpected_exits(evidence), never_lines(evidence)];
    all.extend(availability_ok(evidence));
    all.extend(gap(evidence));
    all.extend(latencies(evidence));
    all
}

fn unexpected_exits(evidence: &Evidence) -> Expectation {
    let exits: Vec<String> = evidence
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Happening::ServerExit { node, server, status, caused_by: None } => {
                Some(format!("{server} on {node}: {status} at {:.1} s", event.time as f64 / 1e9))
            }
            _ => None,
        })
        .collect();
    none_of("no-unexpected-exits", "no server ends unless a fault ends it", &exits)
}

fn never_lines(evidence: &Evidence) -> Expectation {
    let lines: Vec<String> = evidence
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Happening::NeverLine { node, line, .. } => Some(format!("{node}: {line}")),
            _ => None,
        })
        .collect();
    none_of("no-never-lines", "no log line that the system's file says must never appear", &lines)
}

fn none_of(name: &str, asked: &str, found: &[String]) -> Expectation {
    Expectation {
        name: name.into(),
        holds: found.is_empty(),
        asked: asked.into(),
        found: if found.is_empty() { "none".into() } else { found.join("; ") },
    }
}

fn availability_ok(evidence: &Evidence) -> Option<Expectation> {
    let least = evidence.manifest.expect.availability_ok?;
    let during = evidence.manifest.expect.availability_during.as_deref();
    let asked = format!("at least {:.1}% of intended operations ok{}", least * 100.0, over(during));
    let shed = ShedLoad::of(&evidence.events);
    let seen = evidence.window(during).map(|window| availability(&evidence.timings, &shed, window));
    let share = seen.and_then(|seen| seen.share());
    let found = match (seen, share) {
        (Some(seen), Some(share)) => {
            format!("{:.2}%: {} of {} ok", share * 100.0, seen.ok, seen.intended)
        }
        _ => "nothing was intended".into(),
    };
    let holds = share.is_some_and(|share| share >= least);
    Some(Expectation { name: "availability.ok".into(), holds, asked, found })
}

fn gap(evidence: &Evidence) -> Option<Expectation> {
    let most = evidence.manifest.expect.longest_gap_ns?;
    let during = evidence.manifest.expect.availability_during.as_deref();
    let asked = format!("never longer than {} without an ok{}", duration(most), over(during));
    let gap = evidence.window(during).map(|window| longest_gap(&evidence.timings, window));
    let found = gap.map_or_else(
        || "the phase never began".into(),
        |gap: Window| format!("{} from {:.1} s on", duration(gap.length()), gap.from as f64 / 1e9),
    );
    let holds = gap.is_some_and(|gap| gap.length() <= most);
    Some(Expectation { name: "availability.longest-gap".into(), holds, asked, found })
}

fn latencies(evidence: &Evidence) -> Vec<Expectation> {
    let during = evidence.manifest.expect.latency_during.as_deref();
    let Some(window) = evidence.window(during) else { return Vec::new() };
    let seen = latency(&evidence.timings, window, Measure::Response);
    let bounds = evidence.manifest.expect.latency.iter();
    bounds
        .map(|(percent, bound)| {
            let quantile = seen.percentile(*percent);
            let found = quantile.map_or_else(
                || "no operation".into(),
                |quantile| {
                    let sign = if quantile.exact() { "" } else { "≥ " };
                    format!("{sign}{}", duration(quantile.at_least))
                },
            );
            Expectation {
                name: format!("latency.p{percent}"),
                holds: quantile.is_some_and(|quantile| quantile.within(*bound)),
                asked: format!("p{percent} at most {}{}", duration(*bound), over(during)),
                found,
            }
        })
        .collect()
}

fn over(during: Option<&str>) -> String {
    during.map_or_else(String::new, |phase| format!(" during {phase}"))
}

fn duration(ns: i64) -> String {
    format!("{:?}", Duration::from_micros(ns.max(0) as u64 / 1000))
}
