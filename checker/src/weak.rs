//! The weak and causal levels of transactions and registers.
//!
//! All of them are about sessions and who read from whom, none about real time. A history is first
//! read into dense transactions ([`observed`]), each read is judged by itself ([`reads`]), and what
//! remains ([`sessions`]) is decided exactly, in polynomial time: written values are unique, so
//! that everybody knows whose write a read found.

mod causality;
mod clocks;
mod demands;
mod edges;
mod eventual;
mod guarantees;
mod lattice;
mod levels;
mod observed;
mod order;
mod reads;
mod saturation;
mod sequential;
mod sessions;
mod staleness;
mod story;
mod views;

pub use staleness::{StaleRead, Staleness, staleness};

#[cfg(test)]
mod tests;

use temblor_history::{Anomaly, CheckReport, History, Outcome};

use crate::{
    Budget, Exhausted, Request,
    check::Span,
    findings::{Finding, anomalies},
    meter::Meter,
    register::extract::Model,
    transactions::extract::Unread,
    words::counted,
};
use levels::{Contradictions, Level};
use observed::Observed;
use reads::{BadRead, Judged};
use story::Story;
use views::View;

/// How a level is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Order(Level),
    View(View),
    ReadYourWrites,
    Sequential,
}

/// Whether a level is one of this module's.
pub(crate) fn is_weak(consistency: &str) -> bool {
    consistency == "eventual" || question(consistency, "").is_some()
}

fn question(consistency: &str, model: &str) -> Option<Question> {
    Some(match consistency {
        "read-committed-be" => Question::Order(Level::ReadCommitted),
        "read-atomic" => Question::Order(Level::ReadAtomic),
        "causal" if model == "register" => Question::Order(Level::Causal),
        "causal" | "causal-convergence" => Question::Order(Level::Convergent),
        "causal-memory" => Question::View(View::CausalMemory),
        "pram" => Question::View(View::Pram),
        "monotonic-reads" => Question::View(View::MonotonicReads),
        "monotonic-writes" => Question::View(View::MonotonicWrites),
        "writes-follow-reads" => Question::View(View::WritesFollowReads),
        "read-your-writes" => Question::ReadYourWrites,
        "sequential" => Question::Sequential,
        _ => return None,
    })
}

/// Checks a history and fills the report in.
pub(crate) fn check(
    history: &History,
    request: &Request,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    if request.consistency == "eventual" {
        let cas = request.model == "cas-register";
        let model = if cas { Model::CasRegister } else { Model::Register };
        return eventual::check(history, model, prefer, report);
    }
    let meter = Meter::new(budget);
    if let Err(exhausted) = judge(history, request, prefer, &meter, report) {
        let what = exhausted_words(exhausted);
        report.verdict = Outcome::Inconclusive;
        report.reason = Some(format!("{what} while the history was read: nothing is decided"));
    }
}

fn judge(
    history: &History,
    request: &Request,
    prefer: &[Span],
    meter: &Meter<'_>,
    report: &mut CheckReport,
) -> Result<(), Exhausted> {
    let observed = match Observed::of(history, &request.model, meter) {
        Ok(observed) => observed,
        Err(Unread::Mistakes(errors)) => {
            report.errors = errors.lines();
            return Ok(());
        }
        Err(Unread::Exhausted(exhausted)) => return Err(exhausted),
    };
    let mut holding = meter.share();
    holding.hold(observed.bytes())?;
    if let Some(why) = observed.ambiguous() {
        report.verdict = Outcome::Inconclusive;
        report.reason = Some(why.to_owned());
        return Ok(());
    }
    let judged = reads::judge(&observed, meter)?;
    let checking = Checking { history, observed: &observed, judged: &judged, prefer };
    if judged.bad.is_empty() {
        checking.decide(request, meter, report);
    } else {
        checking.report_bad_reads(report);
    }
    Ok(())
}

fn exhausted_words(exhausted: Exhausted) -> &'static str {
    match exhausted {
        Exhausted::Deadline => "the deadline passed",
        Exhausted::Memory => "the memory limit was reached",
    }
}

/// Why a level stays undecided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stopped {
    exhausted: Exhausted,
    /// How many operations of a sequential order were found.
    ordered: Option<usize>,
}

impl From<Exhausted> for Stopped {
    fn from(exhausted: Exhausted) -> Self {
        Self { exhausted, ordered: None }
    }
}

struct Checking<'a> {
    history: &'a History,
    observed: &'a Observed,
    judged: &'a Judged,
    prefer: &'a [Span],
}

/// How many bad reads of a kind are told, to choose the clearest from.
const TOLD: usize = 16;

impl Checking<'_> {
    fn decide(&self, request: &Request, meter: &Meter<'_>, report: &mut CheckReport) {
        let Some(question) = question(&request.consistency, &request.model) else {
            unreachable!("{} is no weak level", request.consistency)
        };
        match self.answer(question, meter) {
            Ok(found) if found.is_empty() => {
                report.verdict = Outcome::Pass;
                report.complete = true;
            }
            Ok(found) => {
                self.report(&found, report);
                let broken = |level: &str| self.is_broken(level, &request.model, meter);
                lattice::fill(report, broken);
            }
            Err(stopped) => self.gave_up(&stopped, report),
        }
    }

    /// Whether a level certainly does not hold.
    fn is_broken(&self, level: &str, model: &str, meter: &Meter<'_>) -> bool {
        match question(level, model) {
            Some(Question::Order(level)) => {
                levels::holds(&self.judged.sessions, level, meter) == Ok(false)
            }
            Some(question) => self.answer(question, meter).is_ok_and(|found| !found.is_empty()),
            None => false,
        }
    }

    fn answer(&self, question: Question, meter: &Meter<'_>) -> Result<Contradictions, Stopped> {
        let sessions = &self.judged.sessions;
        match question {
            Question::Order(level) => Ok(levels::decide(sessions, level, meter)?),
            Question::View(view) => Ok(guarantees::decide(sessions, view, meter)?),
            Question::ReadYourWrites => Ok(guarantees::read_your_writes(sessions)),
            Question::Sequential => sequential::decide(sessions, meter),
        }
    }

    fn gave_up(&self, stopped: &Stopped, report: &mut CheckReport) {
        let what = exhausted_words(stopped.exhausted);
        let sessions = &self.judged.sessions;
        let of = format!(
            "{} of {}",
            counted(sessions.len(), "operation"),
            counted(sessions.session_count(), "client")
        );
        report.verdict = Outcome::Inconclusive;
        report.reason = Some(match stopped.ordered {
            Some(ordered) => format!(
                "{what} while an order of {of} was searched; causal memory and causal convergence \
                 hold, and {ordered} were put in order at the most"
            ),
            None => format!("{what} while {of} were compared; each read by itself is in order"),
        });
    }

    fn report(&self, found: &Contradictions, report: &mut CheckReport) {
        let told = |told| {
            let keys = story::keys(&self.judged.sessions, told);
            self.story(story::involved(told)).about(keys).contradiction(told)
        };
        let mut findings: Vec<Finding> = found.examples.iter().map(told).collect();
        if let Some((ops, minimal)) = &found.core {
            findings.push(self.story(ops.clone()).without_order(ops, *minimal));
        }
        self.conclude(&findings, &found.counts, report);
    }

    fn story(&self, transactions: Vec<u32>) -> Story<'_> {
        let sessions = &self.judged.sessions;
        let source = |transaction| story::source(self.observed, sessions, transaction);
        let sources = transactions.into_iter().map(source).collect();
        Story::of(self.history, self.observed, sessions, sources)
    }

    fn report_bad_reads(&self, report: &mut CheckReport) {
        let mut bad = self.judged.bad.clone();
        bad.sort_by_key(|bad| bad.fault);
        let mut findings = Vec::new();
        let mut counts: Vec<(&'static str, u64)> = Vec::new();
        for of_kind in bad.chunk_by(|one, other| one.fault == other.fault) {
            counts.push((of_kind[0].fault.kind(), of_kind.len() as u64));
            findings.extend(of_kind.iter().take(TOLD).map(|bad| self.tell_bad_read(bad)));
        }
        self.conclude(&findings, &counts, report);
        lattice::fill(report, |_| true);
    }

    fn tell_bad_read(&self, bad: &BadRead) -> Finding {
        Story::bad_read(self.history, self.observed, &self.judged.sessions, bad)
    }

    fn conclude(
        &self,
        findings: &[Finding],
        counts: &[(&'static str, u64)],
        report: &mut CheckReport,
    ) {
        report.verdict = Outcome::Violation;
        report.complete = true;
        report.not = vec![report.consistency.clone()];
        let kinds: Vec<&'static str> = counts.iter().map(|&(kind, _)| kind).collect();
        report.anomalies = anomalies(findings, &kinds, self.prefer);
        for &(kind, count) in counts {
            match report.anomalies.iter_mut().find(|anomaly| anomaly.kind == kind) {
                Some(anomaly) => anomaly.count = count,
                None => report.anomalies.push(unexplained(kind, count)),
            }
        }
    }
}

/// What was found, and for which no example could be put into words.
fn unexplained(kind: &str, count: u64) -> Anomaly {
    Anomaly {
        kind: kind.to_owned(),
        count,
        definite: true,
        ops: Vec::new(),
        explanation: "No order exists; an example small enough to show was not found.".to_owned(),
        witness: None,
    }
}
