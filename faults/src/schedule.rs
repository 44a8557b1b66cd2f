//! When faults begin and how long they last: pure, out of the seed alone.
//!
//! Every duration is a hash of the seed, the fault's place in the plan, the number of its
//! occurrence and what is drawn, so that no fault's times depend on another's. What waits for
//! events has no time here; whoever sees the events asks for the rest.

use std::time::Duration;

use temblor_history::Seed;

use crate::{Choice, DurationChoice, End, FaultSpec, Group, Rounds, Start, Step, group::weighted};

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
        let every =
            spec.every.as_ref().filter(|_| spec.times.is_none_or(|times| last + 1 < times))?;
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

    /// How long after its turn came a fault of a group begins; none when it waits for something.
    pub fn delay(&self, spec: &FaultSpec, round: u64) -> Option<Duration> {
        match &spec.start {
            Start::At(choice) => Some(self.drawn(spec, round, "at", choice)),
            Start::After(_) => None,
        }
    }

    /// When the first round of a group begins; none when it waits for something.
    pub fn first_round(&self, group: &Group) -> Option<Duration> {
        match &group.start {
            Start::At(choice) => Some(choice.draw(self.group_draw(&group.place, 0, "at"))),
            Start::After(_) => None,
        }
    }

    /// When the round after number `last` begins; none when there is none, or when it would not be
    /// over with its phase.
    pub fn next_round(
        &self,
        group: &Group,
        specs: &[FaultSpec],
        last: u64,
        (began, ended): (Duration, Duration),
    ) -> Option<Duration> {
        let begins = match &group.rounds {
            Rounds::Repeat(_) => ended,
            Rounds::Every { every, .. } => {
                (began + every.draw(self.group_draw(&group.place, last, "every"))).max(ended)
            }
        };
        let lasts = self.round_lasts(group, specs, last + 1);
        let fits = begins < self.phase && begins + lasts <= self.phase;
        (fits && last + 1 < group.rounds.most()).then_some(begins)
    }

    /// How long a round lasts, by what the seed says of its faults; what waits for something is
    /// taken to begin at once.
    fn round_lasts(&self, group: &Group, specs: &[FaultSpec], round: u64) -> Duration {
        let lasts = |step: &Step| {
            let faults = self.chosen(step, round).into_iter().filter_map(|fault| specs.get(fault));
            let whole = |spec: &FaultSpec| {
                self.delay(spec, round).unwrap_or_default()
                    + self.duration(spec, round).unwrap_or_default()
            };
            faults.map(whole).max().unwrap_or_default()
        };
        group.steps.iter().map(lasts).sum()
    }

    /// The faults of a step that come in a round, by their numbers.
    pub fn chosen(&self, step: &Step, round: u64) -> Vec<usize> {
        match &step.choice {
            Choice::All => step.faults.clone(),
            Choice::OneOf(weights) => {
                let one = weighted(weights, self.group_draw(&step.place, round, "one-of"));
                step.faults.get(one).copied().into_iter().collect()
            }
        }
    }

    fn group_draw(&self, place: &str, round: u64, what: &str) -> u64 {
        self.seed.draw(&format!("group.{place}.{what}"), round)
    }

    /// All occurrences, in order of time, those that wait for something first. Each is taken to
    /// last as long as it may; what waits for its beginning stands here once.
    pub fn timeline(&self, specs: &[FaultSpec], groups: &[Group]) -> Vec<Planned> {
        let alone = specs.iter().filter(|spec| !spec.grouped);
        let mut all: Vec<Planned> = alone.flat_map(|spec| self.occurrences(spec)).collect();
        all.extend(groups.iter().flat_map(|group| self.rounds(group, specs)));
        all.sort_by(|a, b| (a.begins, &a.place).cmp(&(b.begins, &b.place)));
        all
    }

    /// All rounds of a group; once something in it waits, what follows has no times, and stands
    /// here once.
    fn rounds(&self, group: &Group, specs: &[FaultSpec]) -> Vec<Planned> {
        let mut all = Vec::new();
        let mut begins = self.first_round(group);
        for round in 0.. {
            let ended = self.round(group, specs, round, begins, &mut all);
            let (Some(began), Some(ended)) = (begins, ended) else { break };
            match self.next_round(group, specs, round, (began, ended)) {
                Some(next) if next > began => begins = Some(next),
                _ => break,
            }
        }
        all
    }

    fn round(
        &self,
        group: &Group,
        specs: &[FaultSpec],
        round: u64,
        begins: Option<Duration>,
        all: &mut Vec<Planned>,
    ) -> Option<Duration> {
        let mut turn = begins;
        for step in &group.steps {
            let mut over = turn;
            for spec in self.chosen(step, round).into_iter().filter_map(|fault| specs.get(fault)) {
                let begins = turn.zip(self.delay(spec, round)).map(|(turn, delay)| turn + delay);
                let lasts = self.duration(spec, round);
                all.push(Planned { place: spec.place.clone(), occurrence: round, begins, lasts });
                let ends = begins.map(|begins| begins + lasts.unwrap_or_default());
                let timed = !matches!(spec.end, End::Until { .. } | End::WithPhase);
                over = over.zip(ends.filter(|_| timed)).map(|(over, ends)| over.max(ends));
            }
            turn = over;
        }
        turn
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
            times: None,
            grouped: false,
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
            assert_eq!(times(&schedule.timeline(&[spec], &[])), expected);
        }
    }

    #[test]
    fn triggers_have_no_times() {
        let waits = spec(Start::After(Trigger::LeaderChanged), End::For(between(3, 3)), None);
        let at = Start::At(between(4, 4));
        let until = End::Until { trigger: Trigger::LeaderChanged, at_most: seconds(9) };
        let specs = [spec(at.clone(), End::WithPhase, None), spec(at, until, None), waits];
        let planned = Schedule::new(7, seconds(30)).timeline(&specs, &[]);
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
            let planned = schedule.timeline(std::slice::from_ref(&spec), &[]);
            prop_assert_eq!(&planned, &schedule.timeline(&[spec], &[]));
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
