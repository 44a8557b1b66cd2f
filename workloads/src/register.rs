//! The `register` workload: many keys, each a register that is read, written and, where the
//! system offers it, compared and set.
//!
//! Keys sit in slots. Slots are chosen by Zipf's law, so that a few keys are contended and most
//! are not; after so many operations a slot's key retires and a new one replaces it, so that young
//! keys are always about (some bugs need them) and no key's history grows with the run. When the
//! operations run, and who counts them, is not this module's business.

mod parameters;
mod seen;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use temblor_history::Seed;

use self::{
    parameters::{FUNCTIONS, Parameters},
    seen::Seen,
};
use crate::{
    Answer, Intent, Invocation, Workload,
    slots::{Place, Slots},
    weighted::Weighted,
};

/// Its name in the catalogue.
pub(crate) const NAME: &str = "register";

/// Reads, writes and compare-and-sets over slots of keys.
pub(crate) struct Register {
    slots: Slots,
    mix: Weighted,
    seed: Seed,
    functions: &'static [&'static str],
    seen: Seen,
}

impl Register {
    /// The workload of a resolved plan.
    pub(crate) fn new(parameters: &BTreeMap<String, Value>, seed: Seed) -> Result<Self, String> {
        let Parameters { keys, mix, retire_after, skew } = Parameters::read(parameters)?;
        Ok(Self {
            slots: Slots::new(keys, skew, retire_after, seed),
            mix: Weighted::new(&mix),
            seed,
            functions: functions(mix),
            seen: Seen::new(keys),
        })
    }
}

/// What a mix uses. `read` always: the final reads do.
fn functions(mix: [f64; 3]) -> &'static [&'static str] {
    match (mix[1] > 0.0, mix[2] > 0.0) {
        (true, false) => &["read", "write"],
        (false, true) => &["read", "cas"],
        _ => &FUNCTIONS,
    }
}

impl Workload for Register {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &'static str {
        if self.functions.contains(&"cas") { "cas-register" } else { "register" }
    }

    fn functions(&self) -> &'static [&'static str] {
        self.functions
    }

    /// The value to write is the operation's number, counted from 1: unique in the run.
    fn intend(&self, number: u64) -> Intent {
        let f = FUNCTIONS[self.mix.choose(self.seed.draw("f", number))];
        Intent {
            f,
            key: Some(Arc::new(self.slots.at(number).key())),
            argument: if f == "read" { Value::Null } else { (number + 1).into() },
        }
    }

    /// A cas expects the value last seen for its key, so that it often succeeds; where nothing has
    /// been seen, the initial null.
    fn complete(&self, intent: Intent) -> Invocation {
        let value = if intent.f == "cas" {
            let place = intent.key.as_deref().and_then(Place::of);
            let old = place.map_or(Value::Null, |place| self.seen.last(place));
            Value::Array(vec![old, intent.argument])
        } else {
            intent.argument
        };
        Invocation { f: intent.f, key: intent.key, value, final_read: false }
    }

    fn observe(&self, answer: &Answer<'_>) {
        let Invocation { f, key, value, .. } = answer.invocation;
        let Some(place) = key.as_deref().and_then(Place::of) else {
            return;
        };
        match *f {
            "read" => self.seen.see(place, answer.result),
            "write" => self.seen.see(place, value),
            _ => self.seen.see(place, &value[1]),
        }
    }

    /// Every key that was ever intended, retired ones too, in the order of their first operation.
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

    fn register(mix: &Value, seed: u64) -> Register {
        let parameters = [
            ("keys", json!(4)),
            ("mix", mix.clone()),
            ("retire-after", json!(20)),
            ("skew", json!(0.9)),
        ];
        let named = parameters.map(|(name, value)| (name.to_owned(), value));
        Register::new(&BTreeMap::from(named), Seed(seed)).unwrap()
    }

    fn all() -> Value {
        json!({"read": 0.5, "write": 0.3, "cas": 0.2})
    }

    fn stream(register: &Register, length: u64) -> Vec<Intent> {
        (0..length).map(|number| register.intend(number)).collect()
    }

    proptest! {
        #[test]
        fn one_seed_one_stream(seed: u64) {
            let stream_of = |seed| stream(&register(&all(), seed), 200);
            prop_assert_eq!(stream_of(seed), stream_of(seed));
            prop_assert_ne!(stream_of(seed), stream_of(seed ^ 1));
        }

        #[test]
        fn written_values_are_unique(seed: u64) {
            let intents = stream(&register(&all(), seed), 500);
            let written: Vec<_> = intents.iter().filter(|intent| intent.f != "read").collect();
            let distinct: HashSet<_> = written.iter().map(|intent| &intent.argument).collect();
            prop_assert_eq!(distinct.len(), written.len());
        }

        #[test]
        fn final_reads_name_each_key_once(seed: u64, length in 0u64..500) {
            let register = register(&all(), seed);
            let intended: HashSet<_> = stream(&register, length).into_iter().map(|i| i.key).collect();
            let reads = register.final_reads(length);
            prop_assert_eq!(reads.len(), intended.len());
            prop_assert!(reads.iter().all(|read| read.final_read && intended.contains(&read.key)));
        }
    }

    #[test]
    fn the_mix_decides_functions_and_model() {
        for (mix, functions, model) in [
            (json!({"read": 1, "write": 1}), &["read", "write"][..], "register"),
            (json!({"read": 1, "cas": 1}), &["read", "cas"], "cas-register"),
            (json!({"write": 1, "cas": 1}), &["read", "write", "cas"], "cas-register"),
        ] {
            let register = register(&mix, 1);
            assert_eq!((register.functions(), register.model()), (functions, model));
            let used: HashSet<_> = stream(&register, 100).iter().map(|intent| intent.f).collect();
            let named = mix.as_object().unwrap();
            assert!(used.iter().all(|f| named.contains_key(*f)) && used.len() == named.len());
        }
    }

    #[test]
    fn cas_expects_the_value_last_seen() {
        let register = register(&all(), 5);
        let key = register.intend(0).key;
        let cas = |register: &Register| {
            let intent = Intent { f: "cas", key: key.clone(), argument: json!(9) };
            register.complete(intent).value
        };
        assert_eq!(cas(&register), json!([null, 9]));
        for (f, value, result, expected) in [
            ("write", json!(3), json!(3), json!([3, 9])),
            ("read", json!(null), json!(4), json!([4, 9])),
            ("cas", json!([4, 5]), json!([4, 5]), json!([5, 9])),
        ] {
            let invocation = Invocation { f, key: key.clone(), value, final_read: false };
            register.observe(&Answer { invocation: &invocation, result: &result });
            assert_eq!(cas(&register), expected);
        }
    }
}
