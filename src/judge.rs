//! From a stored run to its verdict: checkers, validity gates, expectations, and the words.
//!
//! It needs a run's folder and nothing else: no cluster, and no memory of the run. A definite
//! violation outranks everything; gates only turn a pass into inconclusive.

mod budget;
mod conclusion;
mod evidence;
mod expectations;
mod gates;
mod meetings;
mod online;
mod words;

use temblor_checker::{Request, Span, check_preferring};
use temblor_history::{CheckReport, RunFolder, Verdict};

use self::evidence::Evidence;
pub(crate) use self::{budget::Limits, online::PrefixJudge};
use crate::clock::monotonic_ns;

/// Judges a stored run.
///
/// # Errors
/// When the run's files can't be read: in words that name the file.
pub(crate) fn judge(folder: &RunFolder, limits: Limits) -> Result<Verdict, String> {
    let evidence = Evidence::read(folder)?;
    let wanted = &evidence.manifest.consistency;
    let checks: Vec<CheckReport> =
        wanted.iter().map(|consistency| checked(&evidence, consistency, limits)).collect();
    let gates = gates::gates(&evidence, &checks);
    let expectations = expectations::expectations(&evidence);
    Ok(conclusion::conclude(&evidence, checks, gates, expectations))
}

fn checked(evidence: &Evidence, consistency: &str, limits: Limits) -> CheckReport {
    let request = Request::new(evidence.manifest.model.clone(), consistency);
    timed_check(&evidence.history, &request, &evidence.fault_spans(), limits)
}

/// Checks a history and says how long it took. Examples from within the spans are preferred.
pub(crate) fn timed_check(
    history: &temblor_history::History,
    request: &Request,
    prefer: &[Span],
    limits: Limits,
) -> CheckReport {
    let began = monotonic_ns();
    let mut report = check_preferring(history, request, prefer, &limits.budget());
    report.seconds = (monotonic_ns() - began) as f64 / 1e9;
    report
}

/// The report on a history that can't be read: an error in the file, never a verdict.
pub(crate) fn unreadable(request: &Request, errors: Vec<String>) -> CheckReport {
    CheckReport { errors, ..CheckReport::undecided(&request.model, &request.consistency) }
}
