//! Operations a second over time, by completion, and the load that was shed.

use temblor_history::{Completion, Happening, RunEvent};

use super::{SECOND, Timings, Window};

/// Load that no client could take, as the runner counted it, second by second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShedLoad {
    seconds: Vec<(Window, u64)>,
}

impl ShedLoad {
    /// Reads the run's load events; each speaks of the second that ends with it.
    pub fn of(events: &[RunEvent]) -> Self {
        let mut seconds = Vec::new();
        let mut last = i64::MIN;
        for event in events {
            if let Happening::Load { shed, .. } = event.what {
                let from = last.max(event.time - SECOND);
                seconds.push((Window { from, to: event.time }, shed));
                last = event.time;
            }
        }
        Self { seconds }
    }

    /// The seconds with what was shed in each.
    #[cfg(test)]
    pub(crate) fn from_seconds(seconds: &[(Window, u64)]) -> Self {
        Self { seconds: seconds.to_vec() }
    }

    /// What was shed in the seconds whose middle lies in the window.
    pub fn within(&self, window: Window) -> u64 {
        let middle = |second: &Window| second.from + second.length() / 2;
        let seconds = self.seconds.iter();
        seconds.filter(|(second, _)| window.holds(middle(second))).map(|(_, shed)| shed).sum()
    }
}

/// Counts in bins of equal width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Where the first bin begins.
    pub from: i64,
    /// How wide a bin is, nanoseconds.
    pub width: i64,
    /// Operations that ended in each bin: ok, refused, fail, info.
    pub ended: Vec<[u64; 4]>,
    /// Operations intended in each bin, shed ones included.
    pub intended: Vec<u64>,
    /// Of those intended in each bin, how many ended ok (whenever that was).
    pub served: Vec<u64>,
    /// Of those intended in each bin, how many ended ok or were refused.
    pub answered: Vec<u64>,
    /// Of those intended in each bin, how many were shed.
    pub shed: Vec<u64>,
}

impl Rates {
    /// The middle of a bin, nanoseconds since the run began.
    pub fn middle(&self, bin: usize) -> i64 {
        self.from + self.width * bin as i64 + self.width / 2
    }

    /// A count as a rate a second.
    pub fn per_second(&self, count: u64) -> f64 {
        count as f64 * SECOND as f64 / self.width as f64
    }
}

/// The width of a bin for a run of this length: a round number that makes at least 120 bins where
/// the run is long enough (but no bin shorter than `least`), and at most 4,000 bins. Wide bins
/// hide short outages, so long runs get many narrow ones, which charts thin out by extremes.
pub fn bin_width(window: Window, least: i64) -> i64 {
    const ROUND: [i64; 8] = [1, 2, 4, 8, 20, 40, 120, 240]; // quarter seconds
    let widths = ROUND.into_iter().map(|quarters| quarters * SECOND / 4);
    let fits = |width: &i64| *width >= least && window.length() / width < 4_000;
    let enough = |width: &i64| window.length() / width >= 120 && *width <= SECOND;
    let mut fitting = widths.filter(fits);
    let first = fitting.next().unwrap_or(window.length() / 2_000);
    fitting.take_while(enough).last().unwrap_or(first)
}

/// Counts the load by bins over the window. Completions count where they happened, intentions where
/// they were intended; final reads count as completions only.
pub fn rates(timings: &Timings, shed: &ShedLoad, window: Window, width: i64) -> Rates {
    let bins = (window.length() / width + 1) as usize;
    let bin = |time: i64| {
        let at = (time - window.from).div_euclid(width);
        usize::try_from(at).ok().filter(|at| *at < bins)
    };
    let mut rates = Rates {
        from: window.from,
        width,
        ended: vec![[0; 4]; bins],
        intended: vec![0; bins],
        served: vec![0; bins],
        answered: vec![0; bins],
        shed: vec![0; bins],
    };
    for (second, count) in &shed.seconds {
        if let Some(at) = bin(second.from + second.length() / 2) {
            rates.intended[at] += count;
            rates.shed[at] += count;
        }
    }
    for timing in &timings.operations {
        if let Some(at) = bin(timing.ended) {
            rates.ended[at][place(timing.completion)] += 1;
        }
        if let Some(at) = bin(timing.intended).filter(|_| !timing.final_read) {
            rates.intended[at] += 1;
            let (ok, refused) = (Completion::Ok, Completion::Refused);
            rates.served[at] += u64::from(timing.completion == ok);
            rates.answered[at] += u64::from([ok, refused].contains(&timing.completion));
        }
    }
    rates
}

/// Where a completion is counted in [`Rates::ended`].
pub(crate) fn place(completion: Completion) -> usize {
    match completion {
        Completion::Ok => 0,
        Completion::Refused => 1,
        Completion::Fail => 2,
        Completion::Info => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Timing;

    fn timing(intended: i64, ended: i64, completion: Completion) -> Timing {
        let invoked = intended;
        Timing { function: 0, node: None, intended, invoked, ended, completion, final_read: false }
    }

    #[test]
    fn completions_count_where_they_happened_and_intentions_where_they_were_wanted() {
        let ok = timing(SECOND / 2, SECOND + 1, Completion::Ok);
        let lost = timing(SECOND / 4, 2 * SECOND - 1, Completion::Info);
        let timings = Timings { operations: vec![lost, ok], ..Timings::default() };
        let shed = ShedLoad::from_seconds(&[(Window { from: 0, to: SECOND }, 3)]);
        let rates = rates(&timings, &shed, Window { from: 0, to: 2 * SECOND - 1 }, SECOND);
        let expected = Rates {
            from: 0,
            width: SECOND,
            ended: vec![[0; 4], [1, 0, 0, 1]],
            intended: vec![5, 0],
            served: vec![1, 0],
            answered: vec![1, 0],
            shed: vec![3, 0],
        };
        assert_eq!(rates, expected);
    }

    #[test]
    fn load_events_speak_of_the_second_before_them() {
        let load = |time, shed| RunEvent { time, what: Happening::Load { intended: 9, shed } };
        let events = [load(SECOND, 1), load(2 * SECOND, 2), load(5 * SECOND / 2, 4)];
        let shed = ShedLoad::of(&events);
        assert_eq!(shed.within(Window { from: 0, to: SECOND }), 1);
        assert_eq!(shed.within(Window { from: SECOND, to: 5 * SECOND / 2 }), 6);
    }

    #[test]
    fn bins_stay_few_however_long_the_run() {
        let width = |seconds: i64| {
            let window = Window { from: 0, to: seconds * SECOND };
            (bin_width(window, 1) * 4 / SECOND, bin_width(window, SECOND) * 4 / SECOND)
        };
        let widths = [10, 60, 120, 1_800, 3_999, 4_000, 86_400, 604_800].map(width);
        let expected = [(1, 4), (2, 4), (4, 4), (4, 4), (4, 4), (8, 8), (120, 120), (1209, 1209)];
        assert_eq!(widths, expected);
    }
}
