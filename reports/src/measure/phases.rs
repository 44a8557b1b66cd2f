//! Where a run's phases begin and end, and when its load ran.

use temblor_history::{Happening, RunEvent};

use super::{Timings, Window};

/// A phase as it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseSpan {
    /// Its name, unique in the run.
    pub name: String,
    /// From its begin to the next phase's, or to the run's end.
    pub window: Window,
}

/// The phase in which retired and living keys are read once more; it carries no load.
const FINAL_READS: &str = "final-reads";

/// The whole run: from 0 to its last event, whoever wrote it (a killed run has no `RunEnded`).
pub fn run_window(events: &[RunEvent], timings: &Timings) -> Window {
    let last = events.iter().map(|event| event.time).max().unwrap_or(0);
    Window { from: 0, to: last.max(timings.end()) }
}

/// The phases in order.
pub fn phase_spans(events: &[RunEvent], timings: &Timings) -> Vec<PhaseSpan> {
    let mut spans: Vec<PhaseSpan> = Vec::new();
    let close = |spans: &mut Vec<PhaseSpan>, time: i64| {
        if let Some(open) = spans.last_mut() {
            open.window.to = open.window.to.min(time);
        }
    };
    for event in events {
        match &event.what {
            Happening::PhaseBegan { phase } => {
                close(&mut spans, event.time);
                let window = Window { from: event.time, to: i64::MAX };
                spans.push(PhaseSpan { name: phase.clone(), window });
            }
            Happening::RunEnded => close(&mut spans, event.time),
            _ => {}
        }
    }
    close(&mut spans, run_window(events, timings).to);
    spans
}

/// The window of the phase with this name.
pub fn phase_window(events: &[RunEvent], timings: &Timings, name: &str) -> Option<Window> {
    let spans = phase_spans(events, timings);
    spans.into_iter().find(|span| span.name == name).map(|span| span.window)
}

/// When load was on: from the first phase's begin to the last second in which the schedule wanted
/// operations; without such a record, to the final reads, or to the last operation.
pub fn load_window(events: &[RunEvent], timings: &Timings) -> Window {
    let spans = phase_spans(events, timings);
    let from = spans.first().map_or(0, |span| span.window.from);
    let wanted = events.iter().filter_map(|event| match event.what {
        Happening::Load { intended, .. } if intended > 0 => Some(event.time),
        _ => None,
    });
    let final_reads = || spans.iter().find(|span| span.name == FINAL_READS).map(|s| s.window.from);
    let last = || timings.load().map(|timing| timing.ended).max().unwrap_or(from);
    let to = wanted.max().or_else(final_reads).unwrap_or_else(last);
    Window { from, to: to.max(from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(time: i64, phase: &str) -> RunEvent {
        RunEvent { time, what: Happening::PhaseBegan { phase: phase.into() } }
    }

    fn span(name: &str, from: i64, to: i64) -> PhaseSpan {
        PhaseSpan { name: name.into(), window: Window { from, to } }
    }

    #[test]
    fn a_phase_ends_where_the_next_begins() {
        let ended = RunEvent { time: 90, what: Happening::RunEnded };
        let events = [began(5, "steady"), began(20, "chaos"), began(70, "final-reads"), ended];
        let spans = phase_spans(&events, &Timings::default());
        let expected = [span("steady", 5, 20), span("chaos", 20, 70), span("final-reads", 70, 90)];
        assert_eq!(spans, expected);
        assert_eq!(load_window(&events, &Timings::default()), Window { from: 5, to: 70 });
    }

    #[test]
    fn the_last_phase_of_a_killed_run_ends_with_its_last_event() {
        let load = RunEvent { time: 31, what: Happening::Load { intended: 5, shed: 0 } };
        let events = [began(0, "steady"), load];
        assert_eq!(phase_spans(&events, &Timings::default()), [span("steady", 0, 31)]);
        assert_eq!(load_window(&events, &Timings::default()), Window { from: 0, to: 31 });
    }
}
