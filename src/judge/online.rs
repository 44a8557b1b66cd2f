//! Judging a run that goes on: what has been recorded so far, by the checkers of the end.
//!
//! Only what a prefix can prove: no gate, no expectation, and nothing that speaks of final reads.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use temblor_checker::{Budget, Exhausted, Request, check, judged_from_final_reads};
use temblor_history::{History, Outcome, RunFolder};

use super::{Limits, budget::Running};

/// Threads that give way to the clients and the servers.
const NICE: i32 = 19;

/// What prefixes of one run are checked for.
pub(crate) struct PrefixJudge {
    folder: RunFolder,
    model: String,
    consistency: Vec<String>,
    limits: Limits,
    /// Made at the first check: a program that has threads can't enter namespaces.
    threads: OnceLock<Option<rayon::ThreadPool>>,
}

impl PrefixJudge {
    /// None where nothing could be said before the end.
    pub(crate) fn new(
        folder: RunFolder,
        model: &str,
        consistency: &[String],
        limits: Limits,
    ) -> Option<Self> {
        let early = consistency.iter().filter(|name| !judged_from_final_reads(name));
        let consistency: Vec<String> = early.cloned().collect();
        let some = !consistency.is_empty();
        let threads = OnceLock::new();
        some.then(|| Self { folder, model: model.to_owned(), consistency, limits, threads })
    }

    /// The first violation that the history holds by now, in a sentence. A history that can't be
    /// read holds none: whoever reads it at the end says what is wrong with it.
    pub(crate) fn violation(&self, give_up: &AtomicBool) -> Option<String> {
        let threads = self.threads.get_or_init(threads).as_ref()?;
        threads.install(|| {
            let history = History::read_file(&self.folder.history()).ok()?;
            self.consistency.iter().find_map(|name| self.violated(&history, name, give_up))
        })
    }

    fn violated(
        &self,
        history: &History,
        consistency: &str,
        give_up: &AtomicBool,
    ) -> Option<String> {
        let request = Request::new(self.model.clone(), consistency);
        let budget = Abandoned { budget: self.limits.budget(), give_up };
        let report = check(history, &request, &budget);
        if report.verdict != Outcome::Violation {
            return None;
        }
        let sentence = |text: &String| text.lines().next().unwrap_or_default().to_owned();
        let said = report.anomalies.first().map(|anomaly| sentence(&anomaly.explanation));
        Some(said.unwrap_or_else(|| format!("{consistency} is violated")))
    }
}

fn threads() -> Option<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().start_handler(|_| give_way()).build().ok()
}

#[expect(unsafe_code, reason = "nix has no setpriority")]
fn give_way() {
    // On Linux a priority is a thread's own. Without it the check is only less polite.
    // SAFETY: it takes numbers and changes this thread alone.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

/// A budget that is also used up when nobody wants the answer any more.
struct Abandoned<'a> {
    budget: Running,
    give_up: &'a AtomicBool,
}

impl Budget for Abandoned<'_> {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        if self.give_up.load(Relaxed) {
            return Some(Exhausted::Deadline);
        }
        self.budget.exhausted(bytes)
    }
}
