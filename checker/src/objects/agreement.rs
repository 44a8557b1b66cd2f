//! Holds every fast path to the definition, on random small histories of its model.

use super::{
    Timed,
    containers::{PriorityQueue, Queue, Stack},
    counter::Counter,
    log::{self, Log},
    model::{Fast, Model},
    multi_register::MultiRegister,
    oracle::linearizable,
    random::{Play, Random, Shape, cases, history, shapes},
    replay::accepts,
    semaphore::Semaphore,
    set::Set,
    string_kv::StringKv,
};

use crate::{Unlimited, meter::Meter};

/// What became of the histories.
#[derive(Debug, Default)]
struct Count {
    passes: u64,
    violations: u64,
    open: u64,
}

impl Count {
    /// `fitted` gives the specification of a part of the operations.
    fn check<M: Model>(&mut self, (model, ops): Fitted<M>, fitted: Fit<M>) {
        let (model, ops) = (&model, ops.as_slice());
        let legal = linearizable(model, ops);
        match model.fast(ops, &Meter::new(&Unlimited)).expect("no budget was set") {
            Some(Fast::Pass(order)) => {
                assert!(legal && accepts(model, ops, order.iter().copied()), "{order:?} {ops:#?}");
                self.passes += 1;
            }
            Some(Fast::Violation(conflicts)) => {
                assert!(!legal && !conflicts.is_empty(), "{conflicts:?} {ops:#?}");
                for conflict in conflicts {
                    let core = conflict.iter().map(|&place| ops[place as usize].clone());
                    let (model, core) = fitted((model.clone(), core.collect()));
                    assert!(!linearizable(&model, &core), "{conflict:?} {ops:#?}");
                }
                self.violations += 1;
            }
            Some(Fast::Reduced(part)) => {
                let (model, part) = fitted((model.clone(), part));
                assert!(!legal && !linearizable(&model, &part), "{part:?} {ops:#?}");
                self.violations += 1;
            }
            None => self.open += 1,
        }
    }
}

/// A model with operations on it.
type Fitted<M> = (M, Vec<Timed<<M as Model>::Effect>>);

/// Makes a specification speak of these operations only.
type Fit<M> = fn(Fitted<M>) -> Fitted<M>;

/// Most specifications speak of any operations.
fn as_it_is<M: Model>(fitted: Fitted<M>) -> Fitted<M> {
    fitted
}

/// A log has the offsets that its operations name.
fn named_offsets((log, mut ops): Fitted<Log>) -> Fitted<Log> {
    let mut ranks = Vec::new();
    for op in &ops {
        match &op.effect {
            log::Effect::Send(_, rank) => ranks.extend(rank),
            log::Effect::Poll(found) => ranks.extend(found.iter().map(|&(rank, _)| rank)),
        }
    }
    ranks.sort_unstable();
    ranks.dedup();
    let fit = |rank: u32| ranks.partition_point(|&other| other < rank) as u32;
    for op in &mut ops {
        op.effect = match &op.effect {
            log::Effect::Send(value, rank) => log::Effect::Send(*value, rank.map(fit)),
            log::Effect::Poll(found) => {
                log::Effect::Poll(found.iter().map(|&(rank, value)| (fit(rank), value)).collect())
            }
        };
    }
    let offsets = ranks.iter().map(|&rank| log.offsets[rank as usize]).collect();
    let content = ranks.iter().map(|&rank| log.content[rank as usize]).collect();
    (Log::new(offsets, content), ops)
}

/// The oracle tries every order of what is open at once: at most so many clients.
const CLIENTS: u32 = 5;

/// Checks histories of every shape, changed by `change`.
fn check<M: Play>(seed: u64, fitted: Fit<M>, change: impl Fn(Shape) -> Shape) -> Count {
    let mut count = Count::default();
    for (number, shape) in (seed..).zip(shapes()) {
        let shape = change(Shape { clients: shape.clients.min(CLIENTS), ..shape });
        let mut random = Random::new(number);
        for _ in 0..cases(60) {
            let model = M::object(&mut random);
            let ops = history(&model, &mut random, shape);
            count.check(fitted((model, ops)), fitted);
        }
    }
    count
}

fn unique(shape: Shape) -> Shape {
    Shape { values: 0, ..shape }
}

#[test]
fn containers_of_distinct_values_are_decided() {
    for count in [
        check::<Queue>(100, as_it_is, unique),
        check::<Stack>(200, as_it_is, unique),
        check::<PriorityQueue>(300, as_it_is, unique),
    ] {
        let decided = count.passes + count.violations;
        assert!(count.open * 100 < decided && count.violations * 4 > decided, "{count:?}");
    }
}

/// Values that come again are left open, or decided right.
#[test]
fn containers_of_repeated_values_are_not_decided_wrongly() {
    check::<Queue>(400, as_it_is, |shape| shape);
    check::<Stack>(500, as_it_is, |shape| shape);
    check::<PriorityQueue>(600, as_it_is, |shape| shape);
}

#[test]
fn sets_are_decided_where_the_paths_apply() {
    let count = check::<Set>(700, as_it_is, |shape| shape);
    assert!(count.passes > 1_000 && count.violations > 1_000, "{count:?}");
}

#[test]
fn logs_are_decided() {
    let count = check::<Log>(800, named_offsets, unique);
    let decided = count.passes + count.violations;
    assert!(count.open * 20 < decided && count.violations * 8 > decided, "{count:?}");
}

#[test]
fn strings_of_unique_pieces_are_decided() {
    let count = check::<StringKv>(900, as_it_is, unique);
    let decided = count.passes + count.violations;
    assert!(count.open == 0 && count.violations * 8 > decided, "{count:?}");
}

/// Texts that come again: which operation made which string is open.
#[test]
fn strings_of_repeated_pieces_are_often_decided() {
    let count = check::<StringKv>(1_000, as_it_is, |shape| shape);
    assert!(count.passes > 1_000 && count.violations > 1_000, "{count:?}");
    let count = check::<StringKv>(1_050, as_it_is, |shape| Shape { values: 4, ..shape });
    assert!(count.passes > 1_000 && count.violations > 1_000, "{count:?}");
}

#[test]
fn registers_of_unique_values_are_decided_where_they_come_apart() {
    let count = check::<MultiRegister>(1_100, as_it_is, unique);
    assert!(count.passes > 1_000 && count.violations > 1_000, "{count:?}");
    check::<MultiRegister>(1_200, as_it_is, |shape| shape);
}

#[test]
fn counters_and_semaphores_are_decided_where_their_bounds_do() {
    let count = check::<Counter>(1_300, as_it_is, |shape| shape);
    assert!(count.violations > 1_000, "{count:?}");
    let count = check::<Semaphore>(1_400, as_it_is, |shape| shape);
    assert!(count.passes > 1_000 && count.violations > 1_000, "{count:?}");
}
