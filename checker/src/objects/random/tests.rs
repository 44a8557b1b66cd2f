//! The generators: what they say is legal is, and what they falsify is often found.

use super::{Play, Random, Shape, cases, history, shapes};
use crate::objects::{
    containers::{PriorityQueue, Queue, Stack},
    counter::Counter,
    lock::Lock,
    log::Log,
    multi_register::MultiRegister,
    oracle,
    semaphore::Semaphore,
    set::Set,
    string_kv::StringKv,
};

fn plays<M: Play>() {
    let (mut legal, mut illegal) = (0, 0);
    for (number, shape) in (1..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(2) {
            let model = M::object(&mut random);
            let truth = history(&model, &mut random, Shape { wrong: 0, ..shape });
            assert!(oracle::linearizable(&model, &truth), "{truth:#?}");
            let told = history(&model, &mut random, shape);
            if oracle::linearizable(&model, &told) { legal += 1 } else { illegal += 1 }
        }
    }
    assert!(legal > 100 && illegal > 20, "{}: {legal} legal, {illegal} not", M::NAME);
}

#[test]
fn every_model_is_played_by_its_rules() {
    plays::<Counter>();
    plays::<Lock>();
    plays::<Log>();
    plays::<MultiRegister>();
    plays::<PriorityQueue>();
    plays::<Queue>();
    plays::<Semaphore>();
    plays::<Set>();
    plays::<Stack>();
    plays::<StringKv>();
}
