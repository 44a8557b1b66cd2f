//! What is left out honestly leaves every legal history legal.

use super::Part;
use crate::objects::{
    oracle,
    random::{Play, Random, Shape, Trial, cases, containers, history, numbers_and_locks, shapes},
};

struct StaysLegal;

impl Trial for StaysLegal {
    fn of<M: Play>(&mut self) {
        stays_legal::<M>();
    }
}

fn stays_legal<M: Play>() {
    let mut tried = 0;
    for (number, shape) in (20_000..).zip(shapes()) {
        let mut random = Random::new(number);
        for _ in 0..cases(8) {
            let model = M::object(&mut random);
            let shape = Shape { wrong: shape.wrong.min(8), ..shape };
            let ops = history(&model, &mut random, shape);
            if !oracle::linearizable(&model, &ops) {
                continue;
            }
            let whole = Part::new(&model, ops.clone());
            assert!(oracle::linearizable(&whole.model, &whole.ops), "{whole:#?} of {ops:#?}");
            let last = random.below(2 * shape.ops);
            let units = whole.units();
            let some: Vec<_> = units.into_iter().filter(|_| random.chance(40)).collect();
            let base = whole.ops.get(random.below(shape.ops) as usize);
            let parts = [
                Some(whole.beginning(last)),
                whole.without(&some),
                base.and_then(|base| whole.from(base)),
            ];
            for part in parts.into_iter().flatten() {
                tried += 1;
                assert!(
                    oracle::linearizable(&part.model, &part.ops),
                    "{part:#?} of {whole:#?} without {some:?}"
                );
            }
        }
    }
    assert!(tried > 1_000, "{}: {tried}", M::NAME);
}

#[test]
fn whatever_is_left_out_legal_histories_stay_legal() {
    containers(&mut StaysLegal);
    numbers_and_locks(&mut StaysLegal);
}
