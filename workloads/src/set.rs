//! The `set` workload: many keys, each a set to which elements are added and that is read whole.
//!
//! Every element is unique, and nothing is ever removed: an element that was acknowledged and is
//! missing from a later read is lost. Keys retire as those of registers do, so that reads don't grow
//! with the run.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use temblor_history::Seed;

use crate::{
    Answer, Intent, Invocation, Workload, parameters::Given, slots::Slots, weighted::Weighted,
};

/// Its name in the catalogue.
pub(crate) const NAME: &str = "set";

/// What it calls, in the order of the weights of a mix.
const FUNCTIONS: [&str; 2] = ["add", "read"];

/// Additions to, and reads of, sets over slots of keys.
pub(crate) struct Set {
    slots: Slots,
    mix: Weighted,
    seed: Seed,
}

impl Set {
    /// The workload of a resolved plan.
    pub(crate) fn new(parameters: &BTreeMap<String, Value>, seed: Seed) -> Result<Self, String> {
        let given = Given::new(NAME, &["keys", "mix", "retire-after", "skew"], parameters)?;
        let mix = given.mix(FUNCTIONS)?;
        if mix[0] <= 0.0 {
            return Err("nothing is added: the system must offer `add`, and the `mix` give it \
                        a weight above 0"
                .into());
        }
        let slots = Slots::new(given.keys()?, given.skew()?, given.retire_after()?, seed);
        Ok(Self { slots, mix: Weighted::new(&mix), seed })
    }
}

impl Workload for Set {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &'static str {
        "set"
    }

    /// `read` always: the final reads do.
    fn functions(&self) -> &'static [&'static str] {
        &FUNCTIONS
    }

    /// The element to add is the operation's number, counted from 1: unique in the run.
    fn intend(&self, number: u64) -> Intent {
        let f = FUNCTIONS[self.mix.choose(self.seed.draw("f", number))];
        Intent {
            f,
            key: Some(Arc::new(self.slots.at(number).key())),
            argument: if f == "read" { Value::Null } else { (number + 1).into() },
        }
    }

    fn complete(&self, intent: Intent) -> Invocation {
        let Intent { f, key, argument } = intent;
        Invocation { f, key, value: argument, final_read: false }
    }

    fn observe(&self, _answer: &Answer<'_>) {}

    /// Every set that was ever intended, retired ones too, in the order of their first operation.
    fn final_reads(&self, intended: u64) -> Vec<Invocation> {
        self.slots.met_by(0..intended).into_iter().map(Invocation::final_read).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(mix: &Value, seed: u64) -> Result<Set, String> {
        let parameters = json!({"keys": 4, "mix": mix, "retire-after": 20, "skew": 0.9});
        Set::new(&serde_json::from_value(parameters).unwrap(), Seed(seed))
    }

    proptest! {
        #[test]
        fn elements_are_unique_and_final_reads_name_each_set_once(seed: u64, length in 0u64..500) {
            let set = set(&json!({"add": 0.7, "read": 0.3}), seed).unwrap();
            let intents: Vec<Intent> = (0..length).map(|number| set.intend(number)).collect();
            let added: Vec<_> = intents.iter().filter(|intent| intent.f == "add").collect();
            let distinct: HashSet<_> = added.iter().map(|intent| &intent.argument).collect();
            prop_assert_eq!(distinct.len(), added.len());
            let keys: HashSet<_> = intents.iter().map(|intent| intent.key.clone()).collect();
            let reads = set.final_reads(length);
            prop_assert_eq!(reads.len(), keys.len());
            prop_assert!(reads.iter().all(|read| read.changes_nothing() && keys.contains(&read.key)));
        }
    }

    #[test]
    fn a_set_that_never_grows_is_a_mistake() {
        let error = set(&json!({"read": 1}), 1).err().unwrap();
        assert!(error.starts_with("nothing is added: the system must offer `add`"), "{error}");
        assert!(set(&json!({"add": 1, "pop": 1}), 1).err().unwrap().contains("has no `pop`"));
    }
}
