//! The `append` workload: transactions that append unique elements to lists and read lists whole,
//! after Elle's `list-append` (Kingsbury and Alvaro, VLDB 2020): what a read returns says in which
//! order everything before it was appended.
//!
//! A transaction is some micro-operations. The p-th of transaction t has the number t·length + p,
//! where length is that of the longest: key, function and element follow from that number alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use temblor_history::Seed;

use crate::{Answer, Intent, Invocation, Workload, parameters::Given, slots::Slots};

/// Its name in the catalogue.
pub(crate) const NAME: &str = "append";

/// Most micro-operations in one transaction.
const LENGTH_MAX: u64 = 64;

/// Transactions over slots of keys.
pub(crate) struct Append {
    slots: Slots,
    /// Micro-operations of the longest transaction.
    length: u64,
    /// Of all micro-operations, those that append; in units of 2⁻⁶⁴.
    appends: u64,
    seed: Seed,
}

impl Append {
    /// The workload of a resolved plan.
    pub(crate) fn new(parameters: &BTreeMap<String, Value>, seed: Seed) -> Result<Self, String> {
        let known = ["keys", "length", "appends", "retire-after", "skew"];
        let given = Given::new(NAME, &known, parameters)?;
        let (length, appends) = (given.count("length", 1..=LENGTH_MAX)?, given.share("appends")?);
        if appends <= 0.0 {
            return Err("`appends` is 0: transactions that only read say nothing".into());
        }
        let life = given.retire_after()?.map(|appended| numbers(appended, appends, length));
        Ok(Self {
            slots: Slots::new(given.keys()?, given.skew()?, life, seed),
            length,
            // A float of 2^64 or more becomes `u64::MAX`.
            appends: (appends * 2f64.powi(64)) as u64,
            seed,
        })
    }

    /// The numbers of a transaction's micro-operations; lengths from 1 on are equally frequent.
    fn numbers_of(&self, transaction: u64) -> impl Iterator<Item = u64> + use<> {
        let length = 1 + self.seed.draw("length", transaction) % self.length;
        let first = transaction * self.length;
        first..first + length
    }

    /// The element to append is the number, counted from 1: unique in the run.
    fn micro_operation(&self, number: u64) -> Value {
        let key = self.slots.at(number).name();
        if self.seed.draw("micro", number) <= self.appends {
            json!(["append", key, number + 1])
        } else {
            json!(["r", key, null])
        }
    }
}

/// For how many numbers a key lives, if so many appends are to be expected: of all numbers some are
/// beyond the end of their transaction, and some are reads.
fn numbers(appended: u64, appends: f64, length: u64) -> u64 {
    let used = (length + 1) as f64 / (2 * length) as f64;
    (appended as f64 / (appends * used)).ceil() as u64
}

impl Workload for Append {
    fn name(&self) -> &'static str {
        NAME
    }

    fn model(&self) -> &'static str {
        "list-append"
    }

    fn functions(&self) -> &'static [&'static str] {
        &["txn"]
    }

    fn intend(&self, number: u64) -> Intent {
        let micros = self.numbers_of(number).map(|number| self.micro_operation(number));
        Intent { f: "txn", key: None, argument: micros.collect() }
    }

    fn complete(&self, intent: Intent) -> Invocation {
        let Intent { f, key, argument } = intent;
        Invocation { f, key, value: argument, final_read: false }
    }

    fn observe(&self, _answer: &Answer<'_>) {}

    /// A transaction that reads one list, for each that was ever intended, in the order of their
    /// first micro-operation.
    fn final_reads(&self, intended: u64) -> Vec<Invocation> {
        let numbers = (0..intended).flat_map(|transaction| self.numbers_of(transaction));
        let read = |place: crate::slots::Place| Invocation {
            f: "txn",
            key: None,
            value: json!([["r", place.name(), null]]),
            final_read: true,
        };
        self.slots.met_by(numbers).into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap as Map, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn append(change: (&str, Value), seed: u64) -> Result<Append, String> {
        let mut parameters = json!({
            "keys": 4, "length": 4, "appends": 0.5, "retire-after": 20, "skew": 0.5
        });
        parameters[change.0] = change.1;
        Append::new(&serde_json::from_value(parameters).unwrap(), Seed(seed))
    }

    fn micros(append: &Append, transactions: u64) -> Vec<Value> {
        let argument = |number| append.intend(number).argument;
        let of = |number| argument(number).as_array().unwrap().clone();
        (0..transactions).flat_map(of).collect()
    }

    proptest! {
        #[test]
        fn elements_are_unique_and_final_reads_name_each_list_once(seed: u64, length in 0u64..200) {
            let append = append(("length", json!(5)), seed).unwrap();
            let micros = micros(&append, length);
            let added: Vec<_> = micros.iter().filter(|micro| micro[0] == "append").collect();
            let distinct: HashSet<_> = added.iter().map(|micro| &micro[2]).collect();
            prop_assert_eq!(distinct.len(), added.len());
            let keys: HashSet<_> = micros.iter().map(|micro| &micro[1]).collect();
            let reads = append.final_reads(length);
            prop_assert_eq!(reads.len(), keys.len());
            for read in reads {
                prop_assert!(read.changes_nothing() && read.final_read);
                prop_assert!(keys.contains(&read.value[0][1]));
            }
        }
    }

    #[test]
    fn transactions_have_every_length_and_both_functions() {
        let append = append(("appends", json!(0.3)), 1).unwrap();
        let length = |number| append.intend(number).argument.as_array().unwrap().len();
        let lengths: HashSet<usize> = (0..100).map(length).collect();
        assert_eq!(lengths, HashSet::from([1, 2, 3, 4]));
        let micros = micros(&append, 10_000);
        let appends = micros.iter().filter(|micro| micro[0] == "append").count();
        let share = appends as f64 / micros.len() as f64;
        assert!((0.28..0.32).contains(&share), "{share}");
    }

    #[test]
    fn a_list_grows_about_as_long_as_asked() {
        let append = append(("retire-after", json!(50)), 9).unwrap();
        let mut lengths = Map::new();
        for micro in micros(&append, 20_000).iter().filter(|micro| micro[0] == "append") {
            *lengths.entry(micro[1].to_string()).or_insert(0u32) += 1;
        }
        let mean = f64::from(lengths.values().sum::<u32>()) / lengths.len() as f64;
        assert!((45.0..55.0).contains(&mean), "{mean}");
    }

    #[test]
    fn mistakes_are_named() {
        for (name, value, part) in [
            ("length", json!(0), "`length` is a whole number from 1 to 64, not 0"),
            ("appends", json!(0), "`appends` is 0"),
            ("appends", json!(2), "a share from 0 to 1, not 2"),
            ("mix", json!({}), "has no parameter `mix`; it has keys, length, appends"),
        ] {
            let error = append((name, value), 1).err().unwrap();
            assert!(error.contains(part), "{name}: {error}");
        }
    }
}
