//! The general engine against the definition.

use super::{Verdict, decide};
use crate::{
    Unlimited,
    meter::Meter,
    objects::{
        containers::{PriorityQueue, Queue, Stack},
        counter::Counter,
        lock::Lock,
        log::Log,
        multi_register::MultiRegister,
        oracle,
        random::{Play, Random, cases, history, shapes},
        semaphore::Semaphore,
        set::Set,
        string_kv::StringKv,
    },
};

fn agrees<M: Play>() {
    let meter = Meter::new(&Unlimited);
    for (number, shape) in (10_000..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(20) {
            let model = M::object(&mut random);
            let ops = history(&model, &mut random, shape);
            let expected = oracle::linearizable(&model, &ops);
            let found = match decide(&model, &ops, &meter) {
                Verdict::Linearizable => true,
                Verdict::Violation { .. } => false,
                Verdict::Undecided(stopped) => panic!("no budget was set: {stopped:?}"),
            };
            assert_eq!(found, expected, "{}: {ops:#?}", M::NAME);
        }
    }
}

#[test]
fn the_engine_agrees_with_the_definition_on_containers() {
    agrees::<Queue>();
    agrees::<Stack>();
    agrees::<PriorityQueue>();
    agrees::<Set>();
    agrees::<Log>();
}

#[test]
fn the_engine_agrees_with_the_definition_on_numbers_and_locks() {
    agrees::<Counter>();
    agrees::<Lock>();
    agrees::<Semaphore>();
    agrees::<StringKv>();
    agrees::<MultiRegister>();
}
