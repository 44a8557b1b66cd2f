//! How much of what was wanted was served, and the longest silence.

use temblor_history::Completion;

use super::{ShedLoad, Timings, Window};

/// What became of the operations intended in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Availability {
    /// Operations that the schedule wanted: invoked ones and shed ones.
    pub intended: u64,
    /// Of these, how many ended ok.
    pub ok: u64,
    /// Of these, how many the system itself refused: answers, but not counted as available.
    pub refused: u64,
    /// Of these, how many no client could take.
    pub shed: u64,
}

impl Availability {
    /// Ok over intended, 0 to 1; none where nothing was intended.
    pub fn share(&self) -> Option<f64> {
        (self.intended > 0).then(|| self.ok as f64 / self.intended as f64)
    }

    /// Ok or refused over intended, 0 to 1: the share that got a definite answer.
    pub fn answered(&self) -> Option<f64> {
        (self.intended > 0).then(|| (self.ok + self.refused) as f64 / self.intended as f64)
    }
}

/// Ok over intended, for the operations intended within the window. Shed load is known by the
/// second: a second belongs to the window that holds its middle.
pub fn availability(timings: &Timings, shed: &ShedLoad, window: Window) -> Availability {
    let shed = shed.within(window);
    let mut seen = Availability { intended: shed, shed, ..Availability::default() };
    for timing in timings.load().filter(|timing| window.holds(timing.intended)) {
        seen.intended += 1;
        match timing.completion {
            Completion::Ok => seen.ok += 1,
            Completion::Refused => seen.refused += 1,
            Completion::Fail | Completion::Info => {}
        }
    }
    seen
}

/// The longest time in the window without an ok from any client, edges included; the earliest, if
/// several are as long. Without a single ok it is the whole window.
pub fn longest_gap(timings: &Timings, window: Window) -> Window {
    let answered = |completion| completion == Completion::Ok;
    let mut ends: Vec<i64> = timings
        .operations
        .iter()
        .filter(|timing| answered(timing.completion) && window.holds(timing.ended))
        .map(|timing| timing.ended)
        .collect();
    ends.sort_unstable();
    ends.push(window.to);
    let mut longest = Window { from: window.from, to: window.from };
    let mut last = window.from;
    for end in ends {
        if end - last > longest.length() {
            longest = Window { from: last, to: end };
        }
        last = end;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Timing;

    fn timings(operations: &[(i64, i64, Completion)]) -> Timings {
        let timing = |&(intended, ended, completion)| Timing {
            function: 0,
            node: None,
            intended,
            invoked: intended,
            ended,
            completion,
            final_read: false,
        };
        let operations = operations.iter().map(timing).collect();
        Timings { operations, ..Timings::default() }
    }

    #[test]
    fn shed_load_counts_as_not_served() {
        use Completion::{Fail, Info, Ok, Refused};
        let timings = timings(&[(1, 2, Ok), (2, 9, Info), (3, 4, Fail), (4, 5, Refused)]);
        let shed = ShedLoad::from_seconds(&[(Window { from: 0, to: 10 }, 4)]);
        let seen = availability(&timings, &shed, Window { from: 0, to: 10 });
        assert_eq!(seen, Availability { intended: 8, ok: 1, refused: 1, shed: 4 });
        assert_eq!(seen.share(), Some(0.125));
        assert_eq!(seen.answered(), Some(0.25));
    }

    #[test]
    fn nothing_intended_is_no_availability() {
        let none = availability(&timings(&[]), &ShedLoad::default(), Window { from: 0, to: 10 });
        assert_eq!(none.share(), None);
    }

    #[test]
    fn an_operation_belongs_to_the_window_in_which_it_was_intended() {
        let timings = timings(&[(9, 15, Completion::Ok), (10, 11, Completion::Ok)]);
        let seen = availability(&timings, &ShedLoad::default(), Window { from: 0, to: 10 });
        assert_eq!((seen.ok, seen.intended), (1, 1));
    }

    #[test]
    fn a_gap_runs_between_oks_and_to_the_edges() {
        use Completion::{Info, Ok};
        let gap = |operations: &[(i64, i64, Completion)]| {
            let gap = longest_gap(&timings(operations), Window { from: 0, to: 100 });
            (gap.from, gap.to)
        };
        assert_eq!(gap(&[]), (0, 100));
        assert_eq!(gap(&[(1, 10, Ok), (2, 70, Ok), (3, 20, Info), (80, 90, Ok)]), (10, 70));
        assert_eq!(gap(&[(1, 10, Ok), (2, 20, Ok)]), (20, 100));
        assert_eq!(gap(&[(1, 60, Ok), (2, 90, Ok)]), (0, 60));
    }
}
