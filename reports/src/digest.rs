//! What several reports need of a run, worked out once.

use temblor_history::{Fault, Happening};

use crate::measure::{
    Availability, Latency, Measure, PhaseSpan, ShedLoad, Timings, Window, availability, latency,
    load_window, longest_gap, phase_spans, run_window,
};
use crate::{StoredRun, words};

/// A run with its times.
#[derive(Debug)]
pub(crate) struct Digest<'a> {
    pub(crate) run: &'a StoredRun,
    pub(crate) timings: Timings,
    pub(crate) shed: ShedLoad,
    /// When load was on.
    pub(crate) load: Window,
    /// What figures show: from the first phase to the run's end.
    pub(crate) shown: Window,
    pub(crate) phases: Vec<PhaseSpan>,
}

/// Faults that were to happen, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FaultCounts {
    /// All but optional ones that did not happen.
    pub(crate) due: u64,
    /// Of these, how many began with evidence that agrees.
    pub(crate) verified: u64,
    /// How many began, or may have.
    pub(crate) began: u64,
    /// Of these, how many ended with evidence that agrees.
    pub(crate) clean: u64,
}

impl<'a> Digest<'a> {
    pub(crate) fn of(run: &'a StoredRun) -> Self {
        let timings = Timings::of(&run.history);
        let phases = phase_spans(&run.events, &timings);
        let whole = run_window(&run.events, &timings);
        let from = phases.first().map_or(whole.from, |phase| phase.window.from);
        Self {
            run,
            shed: ShedLoad::of(&run.events),
            load: load_window(&run.events, &timings),
            shown: Window { from, ..whole },
            phases,
            timings,
        }
    }

    pub(crate) fn availability(&self) -> Availability {
        availability(&self.timings, &self.shed, self.load)
    }

    pub(crate) fn longest_gap(&self) -> Window {
        longest_gap(&self.timings, self.load)
    }

    pub(crate) fn latency(&self, measure: Measure) -> Latency {
        latency(&self.timings, self.load, measure)
    }

    pub(crate) fn fault_counts(&self) -> FaultCounts {
        let faults = || self.run.faults.iter();
        let due = |fault: &&Fault| fault.began.is_some() || !fault.optional;
        let began = |fault: &&Fault| fault.began.is_some() || fault.failed.is_some();
        FaultCounts {
            due: faults().filter(due).count() as u64,
            verified: faults().filter(|fault| fault.verified()).count() as u64,
            began: faults().filter(began).count() as u64,
            clean: faults().filter(began).filter(|fault| fault.clean()).count() as u64,
        }
    }

    /// A statement as a sentence that leaves the run's names as they are.
    pub(crate) fn sentence(&self, statement: &str) -> String {
        let manifest = &self.run.manifest;
        let nodes = manifest.nodes.iter().map(|node| node.name.as_str());
        let names: Vec<&str> = nodes.chain([manifest.system.name.as_str()]).collect();
        words::sentence(statement, &names)
    }

    /// Servers that ended by themselves and log lines that must never appear, in words.
    pub(crate) fn server_failures(&self) -> Vec<(i64, String)> {
        let failure = |event: &temblor_history::RunEvent| match &event.what {
            Happening::ServerExit { node, server, status, caused_by: None } => {
                Some((event.time, format!("{server} on {node} ended by itself: {status}")))
            }
            Happening::NeverLine { node, pattern, line } => {
                Some((event.time, format!("the log of {node} says “{pattern}”: {line}")))
            }
            _ => None,
        };
        self.run.events.iter().filter_map(failure).collect()
    }
}
