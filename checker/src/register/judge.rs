//! Decides one register: the fast path first, the general engine for what it leaves open.

use super::{
    RegisterOp, refusals, replay,
    sweep::{self, Stopped, Verdict},
    zones::{self, Arrangement, Conflict},
};
use crate::{Exhausted, meter::Meter};

/// What is known of one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Violation(Evidence),
    /// The budget ran out.
    Undecided(Stopped),
}

/// How a violation is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The fast path found these.
    Conflicts(Vec<Conflict>),
    /// The general engine knew at this event, from all that comes later too.
    Event(u32),
}

/// What the fast path makes of it, if it can decide.
pub(crate) fn fast(ops: &[RegisterOp], meter: &Meter<'_>) -> Result<Option<Judgement>, Exhausted> {
    meter.ask(ops.len())?;
    let arrangement = zones::arrange(ops, meter);
    meter.in_time()?;
    let order = match arrangement {
        Arrangement::Repeated => return Ok(None),
        Arrangement::Conflicts(conflicts) => {
            return Ok(Some(Judgement::Violation(Evidence::Conflicts(conflicts))));
        }
        Arrangement::Order(order) => order,
    };
    meter.ask(ops.len())?;
    let placed = refusals::place(ops, &order, meter);
    meter.ask(ops.len())?;
    let accepted =
        placed.is_some_and(|order| replay::accepts(ops, meter.paced(order.iter().copied())));
    meter.in_time()?;
    Ok(accepted.then_some(Judgement::Linearizable))
}

/// Decides.
pub(crate) fn judge(ops: &[RegisterOp], meter: &Meter<'_>) -> Judgement {
    match fast(ops, meter) {
        Ok(Some(judgement)) => judgement,
        Ok(None) => match sweep::decide(ops, meter) {
            Verdict::Linearizable => Judgement::Linearizable,
            Verdict::Violation { event } => Judgement::Violation(Evidence::Event(event)),
            Verdict::Undecided(stopped) => Judgement::Undecided(stopped),
        },
        Err(exhausted) => Judgement::Undecided(Stopped::at_once(exhausted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Unlimited,
        register::{
            oracle,
            random::{Random, Shape, cases, history, shapes},
        },
    };

    /// The fast path may leave a history open; what it decides has to be right.
    #[test]
    fn the_fast_path_agrees_with_the_definition() {
        let (mut passes, mut violations, mut open) = (0, 0, 0);
        let unique = shapes().map(|shape| Shape { values: 0, ..shape });
        for (number, shape) in (1_000..).zip(unique) {
            let mut random = Random::new(number);
            for _ in 0..cases(700) {
                let ops = history(&mut random, shape);
                let legal = oracle::linearizable(&ops);
                match fast(&ops, &Meter::new(&Unlimited)).expect("no budget was set") {
                    Some(Judgement::Linearizable) => {
                        assert!(legal, "{ops:#?}");
                        passes += 1;
                    }
                    Some(_) => {
                        assert!(!legal, "{ops:#?}");
                        violations += 1;
                    }
                    None => open += 1,
                }
            }
        }
        assert!(passes > 50_000 && violations > 50_000, "{passes} {violations} {open}");
        assert!(open * 50 < passes + violations, "{passes} {violations} {open}");
    }

    /// Without refused cas it decides everything.
    #[test]
    fn the_fast_path_is_complete_without_refusals() {
        for (number, shape) in (2_000..).zip(shapes()) {
            let mut random = Random::new(number);
            let shape = Shape { values: 0, ..shape };
            for _ in 0..cases(200) {
                let mut ops = history(&mut random, shape);
                ops.retain(|op| !matches!(op.effect, crate::register::Effect::Differs(_)));
                let expected = oracle::linearizable(&ops);
                let found = fast(&ops, &Meter::new(&Unlimited)).expect("no budget was set");
                let decided = found.map(|found| found == Judgement::Linearizable);
                assert_eq!(decided, Some(expected), "{ops:#?}");
            }
        }
    }
}
