//! Decides one register: the fast path first, the general engine for what it leaves open.

use super::{
    RegisterOp, refusals, replay,
    sweep::{self, Stopped, Verdict},
    zones::{self, Arrangement, Conflict},
};
use crate::meter::Meter;

/// What is known of one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// There is a legal order.
    Linearizable,
    /// There is none. The conflicts are what the fast path found; the general engine gives none.
    Violation(Vec<Conflict>),
    /// The budget ran out.
    Undecided(Stopped),
}

/// What the fast path makes of it, if it can decide.
pub(crate) fn fast(ops: &[RegisterOp]) -> Option<Judgement> {
    match zones::arrange(ops) {
        Arrangement::Repeated => None,
        Arrangement::Conflicts(conflicts) => Some(Judgement::Violation(conflicts)),
        Arrangement::Order(order) => {
            let order = refusals::place(ops, &order)?;
            replay::accepts(ops, &order).then_some(Judgement::Linearizable)
        }
    }
}

/// Decides.
pub(crate) fn judge(ops: &[RegisterOp], meter: &Meter<'_>) -> Judgement {
    fast(ops).unwrap_or_else(|| match sweep::decide(ops, meter) {
        Verdict::Linearizable => Judgement::Linearizable,
        Verdict::Violation { .. } => Judgement::Violation(Vec::new()),
        Verdict::Undecided(stopped) => Judgement::Undecided(stopped),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::register::{
        oracle,
        random::{Random, Shape, cases, history, shapes},
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
                match fast(&ops) {
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
                let decided = fast(&ops).map(|found| found == Judgement::Linearizable);
                assert_eq!(decided, Some(expected), "{ops:#?}");
            }
        }
    }
}
