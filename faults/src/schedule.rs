//! When faults begin and how long they last: pure, out of the seed alone.
//!
//! Every duration is a hash of the seed, the fault's place in the plan, the number of its
//! occurrence and what is drawn, so that no fault's times depend on another's. What waits for
//! events has no time here; whoever sees the events asks for the rest.

use std::time::Duration;

use temblor_history::Seed;

use crate::{DurationChoice, End, FaultSpec, Start};

/// The times of faults in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    seed: Seed,
    phase: Duration,
}

/// One occurrence of a fault, as far as the seed alone says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The fault's place in the plan.
    pub place: String,
    /// Which occurrence, from 0.
    pub occurrence: u64,
    /// When it begins, from the beginning of its phase; none: when what it waits for happens.
    pub begins: Option<Duration>,
    /// How long it lasts: none for one that ends at once. For one that waits for its end, the
    /// longest; for one that ends with its phase, what is left of it.
    pub lasts: Option<Duration>,
}

impl Schedule {
    /// The times of faults in a phase of this length.
    pub fn new(seed: u64, phase: Duration) -> Self {
        Self { seed: Seed(seed), phase }
    }

    /// When the first occurrence begins, from the beginning of the phase; none when it waits for
    /// something to happen.
    pub fn first(&self, spec: &FaultSpec) -> Option<Duration> {
        match &spec.start {
            Start::At(choice) => Some(self.drawn(spec, 0, "at", choice)),
            Start::After(_) => None,
        }
    }

    /// When the occurrence after number `last` begins, given when that one began and ended; none
    /// when there is none, or when it would not be over with its phase.
    ///
    /// A plan says from beginning to beginning; a new occurrence never begins before the last one
    /// has ended.
    pub fn next(
        &self,
        spec: &FaultSpec,
        last: u64,
        began: Duration,
        ended: Duration,
    ) -> Option<Duration> {
        let every = spec.every.as_ref()?;
        let begins = (began + self.drawn(spec, last, "every", every)).max(ended);
        let lasts = self.duration(spec, last + 1).unwrap_or_default();
        (begins < self.phase && begins + lasts <= self.phase).then_some(begins)
    }

    /// How long an occurrence lasts: drawn, or the bound of one that waits for its end; none when
    /// it ends at once or with its phase.
    pub fn duration(&self, spec: &FaultSpec, occurrence: u64) -> Option<Duration> {
        match &spec.end {
            End::For(choice) => Some(self.drawn(spec, occurrence, "for", choice)),
            End::Until { at_most, .. } => Some(*at_most),
            End::WithPhase | End::AtOnce => None,
        }
    }

    /// The random number that deals an occurrence's target.
    pub fn target(&self, spec: &FaultSpec, occurrence: u64) -> u64 {
        self.draw(spec, occurrence, "target")
    }

    fn draw(&self, spec: &FaultSpec, occurrence: u64, what: &str) -> u64 {
        let name = format!("fault.{}.{what}", spec.place);
        self.seed.draw(&name, occurrence)
    }

    fn drawn(
        &self,
        spec: &FaultSpec,
        occurrence: u64,
        what: &str,
        choice: &DurationChoice,
    ) -> Duration {
        choice.draw(self.draw(spec, occurrence, what))
    }

    /// All occurrences, in order of time, those that wait for something first. Each is taken to
    /// last as long as it may; what waits for its beginning stands here once.
    pub fn timeline(&self, specs: &[FaultSpec]) -> Vec<Planned> {
        let mut all: Vec<Planned> = specs.iter().flat_map(|spec| self.occurrences(spec)).collect();
        all.sort_by(|a, b| (a.begins, &a.place).cmp(&(b.begins, &b.place)));
        all
    }

    fn occurrences(&self, spec: &FaultSpec) -> Vec<Planned> {
        let planned = |occurrence: u64, begins: Option<Duration>| Planned {
            place: spec.place.clone(),
            occurrence,
            begins,
            lasts: match (&spec.end, begins) {
                (End::WithPhase, Some(begins)) => Some(self.phase.saturating_sub(begins)),
                _ => self.duration(spec, occurrence),
            },
        };
        let Some(mut begins) = self.first(spec) else { return vec![planned(0, None)] };
        let mut all = vec![planned(0, Some(begins))];
        for last in 0.. {
            let ended = begins + all.last().and_then(|last| last.lasts).unwrap_or_default();
            match self.next(spec, last, begins, ended) {
                Some(next) if next > begins => begins = next,
                _ => break,
            }
            all.push(planned(last + 1, Some(begins)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{FaultKind, NodeFault, Target, Trigger, Where};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn between(least: u64, most: u64) -> DurationChoice {
        DurationChoice::Between { least: seconds(least), most: seconds(most) }
    }

    fn spec(start: Start, end: End, every: Option<DurationChoice>) -> FaultSpec {
        FaultSpec {
            place: "chaos.0".to_owned(),
            name: "kill".to_owned(),
            kind: FaultKind::node(NodeFault::Kill),
            on: Where::Target(Target::One),
            remember: None,
            start,
            end,
            every,
            optional: false,
        }
    }

    fn times(planned: &[Planned]) -> Vec<(Option<u64>, Option<u64>)> {
        let whole = |time: Option<Duration>| time.map(|time| time.as_secs());
        planned.iter().map(|one| (whole(one.begins), whole(one.lasts))).collect()
    }

    #[test]
    fn occurrences_fit_into_their_phase() {
        let fixed = |at, lasts, every| {
            let every = Some(between(every, every));
            spec(Start::At(between(at, at)), End::For(between(lasts, lasts)), every)
        };
        let schedule = Schedule::new(7, seconds(30));
        let cases = [
            (fixed(2, 5, 10), vec![(2, 5), (12, 5), (22, 5)]),
            (fixed(2, 9, 10), vec![(2, 9), (12, 9)]),
            (fixed(0, 8, 3), vec![(0, 8), (8, 8), (16, 8)]),
        ];
        for (spec, expected) in cases {
            let expected: Vec<_> =
                expected.into_iter().map(|(at, lasts)| (Some(at), Some(lasts))).collect();
            assert_eq!(times(&schedule.timeline(&[spec])), expected);
        }
    }

    #[test]
    fn triggers_have_no_times() {
        let waits = spec(Start::After(Trigger::LeaderChanged), End::For(between(3, 3)), None);
        let at = Start::At(between(4, 4));
        let until = End::Until { trigger: Trigger::LeaderChanged, at_most: seconds(9) };
        let specs = [spec(at.clone(), End::WithPhase, None), spec(at, until, None), waits];
        let planned = Schedule::new(7, seconds(30)).timeline(&specs);
        assert_eq!(times(&planned), [(None, Some(3)), (Some(4), Some(26)), (Some(4), Some(9))]);
    }

    proptest! {
        #[test]
        fn one_seed_gives_one_timeline(
            seed: u64,
            at in 0u64..20, lasts in 1u64..10, every in 1u64..20, width in 0u64..5,
        ) {
            let spec = spec(
                Start::At(between(at, at + width)),
                End::For(between(lasts, lasts + width)),
                Some(between(every, every + width)),
            );
            let schedule = Schedule::new(seed, seconds(60));
            let planned = schedule.timeline(std::slice::from_ref(&spec));
            prop_assert_eq!(&planned, &schedule.timeline(&[spec]));
            for pair in planned.windows(2) {
                let (Some(before), Some(after)) = (pair[0].begins, pair[1].begins) else {
                    return Err(TestCaseError::fail("a time is missing"));
                };
                let ended = before + pair[0].lasts.unwrap_or_default();
                prop_assert!(after >= ended, "one begins before the last has ended");
                prop_assert!(after + pair[1].lasts.unwrap_or_default() <= seconds(60));
            }
        }
    }
}
