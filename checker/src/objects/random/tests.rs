//! The generators: what they say is legal is, and what they falsify is often found.

use super::{Play, Random, Shape, Trial, cases, containers, history, numbers_and_locks, shapes};
use crate::objects::oracle;

struct ByTheRules;

impl Trial for ByTheRules {
    fn of<M: Play>(&mut self) {
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
}

#[test]
fn every_model_is_played_by_its_rules() {
    containers(&mut ByTheRules);
    numbers_and_locks(&mut ByTheRules);
}
