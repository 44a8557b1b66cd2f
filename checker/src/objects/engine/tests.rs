//! The general engine, and each half of it, against the definition.

use super::{Depth, Timed, Verdict, decide};
use crate::{
    Unlimited,
    meter::Meter,
    objects::{
        NEVER,
        model::Model,
        oracle,
        random::{Play, Random, Trial, cases, containers, history, numbers_and_locks, shapes},
    },
};

/// The oracle tries every order of what is open at once: at most so many changes.
const CHANGES: usize = 9;

struct Agreement;

impl Trial for Agreement {
    fn of<M: Play>(&mut self) {
        for (number, shape) in (10_000..).zip(shapes()) {
            let mut random = Random::new(number);
            for _ in 0..cases(6) * shape.times() {
                let model = M::object(&mut random);
                let ops = history(&model, &mut random, shape);
                let changes = ops.iter().filter(|op| !M::observes(&op.effect)).count();
                if changes <= CHANGES {
                    agree(&model, &ops);
                }
            }
        }
    }
}

fn agree<M: Model>(model: &M, ops: &[Timed<M::Effect>]) {
    let legal = oracle::linearizable(model, ops);
    let found = match decide(model, ops, &Meter::new(&Unlimited)) {
        Verdict::Linearizable => true,
        Verdict::Violation { .. } => false,
        Verdict::Undecided(stopped) => panic!("no budget was set: {stopped:?}"),
    };
    assert_eq!(found, legal, "{}: {ops:#?}", M::NAME);
    // The depth-first half also names the first return that nothing explains, by what is known of
    // all answers.
    match Depth::new(model, ops).advance(usize::MAX) {
        Some(Verdict::Violation { event }) => {
            assert!(!legal, "{}: {ops:#?}", M::NAME);
            assert!(!oracle::linearizable(model, &up_to::<M>(ops, event)));
            assert!(oracle::linearizable(model, &up_to::<M>(ops, event - 1)));
        }
        found => {
            assert_eq!(found, Some(Verdict::Linearizable));
            assert!(legal, "{}: {ops:#?}", M::NAME);
        }
    }
}

/// What has to be explained by this event; what returns later may serve, as it did.
fn up_to<M: Model>(ops: &[Timed<M::Effect>], event: u32) -> Vec<Timed<M::Effect>> {
    let begun = ops.iter().filter(|op| op.invoked <= event);
    let open = |op: &Timed<M::Effect>| Timed { returned: NEVER, ..op.clone() };
    let cut = begun.map(|op| if op.returned > event { open(op) } else { op.clone() });
    cut.filter(|op| op.certain() || !M::observes(&op.effect)).collect()
}

#[test]
fn the_engine_agrees_with_the_definition_on_containers() {
    containers(&mut Agreement);
}

#[test]
fn the_engine_agrees_with_the_definition_on_numbers_and_locks() {
    numbers_and_locks(&mut Agreement);
}
