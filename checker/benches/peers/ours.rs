//! Our side of a row: one history, loaded and checked in a process of its own.

use std::{path::Path, time::Instant};

use temblor_checker::{Request, Unlimited, VersionOrder, check};
use temblor_history::{History, ImportOptions};

use crate::measured::Measured;

/// Loads and checks: FILE MODEL CONSISTENCY VERSION-ORDERS; prints verdict, load and check seconds.
#[expect(clippy::disallowed_methods, reason = "what is measured is the time of this process")]
pub(crate) fn run(arguments: &[String]) -> Result<String, String> {
    let [file, model, consistency, orders] = arguments else {
        return Err("ours FILE MODEL CONSISTENCY VERSION-ORDERS".to_owned());
    };
    let began = Instant::now();
    let history = History::import_file(Path::new(file), &ImportOptions::default())
        .map_err(|errors| errors.to_string())?;
    let loaded = began.elapsed().as_secs_f64();
    let mut request = Request::new(model, consistency);
    request.version_orders = match orders.as_str() {
        "linearizable" => vec![VersionOrder::Linearizable],
        _ => Vec::new(),
    };
    let report = check(&history, &request, &Unlimited);
    let checked = began.elapsed().as_secs_f64() - loaded;
    let words = report.errors.into_iter().chain(report.reason).collect::<Vec<_>>().join("; ");
    // Taking a large history apart is no part of an answer.
    std::mem::forget(history);
    Ok(format!("{} {loaded:.6} {checked:.6} {words}", report.verdict))
}

/// The verdict that it printed.
pub(crate) fn verdict(run: &Measured) -> String {
    let words: Vec<&str> = run.said.split_whitespace().collect();
    match words.as_slice() {
        [verdict @ ("pass" | "violation"), ..] => (*verdict).to_owned(),
        [verdict, _, _, why @ ..] => format!("{verdict} {}", why.join(" ")),
        _ => "none".to_owned(),
    }
}

/// How long the check took, without loading.
pub(crate) fn check_alone(run: &Measured) -> Option<f64> {
    run.said.split_whitespace().nth(2)?.parse().ok()
}
