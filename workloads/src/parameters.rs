//! What a plan asks of a workload: parameters by name, each read and bounded in one way for all
//! workloads. Which of them a workload has, and what they mean together, is its own business.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde_json::Value;

/// Most keys at once: each costs a lock and an entry in two tables.
const KEYS_MAX: u64 = 1_000_000;

/// The parameters of a resolved plan, where defaults are already filled in.
pub(crate) struct Given<'p> {
    workload: &'static str,
    parameters: &'p BTreeMap<String, Value>,
}

impl<'p> Given<'p> {
    /// The parameters of a workload that knows these names and no others.
    pub(crate) fn new(
        workload: &'static str,
        known: &[&str],
        parameters: &'p BTreeMap<String, Value>,
    ) -> Result<Self, String> {
        match parameters.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { workload, parameters }),
            Some(name) => Err(format!(
                "workload `{workload}` has no parameter `{name}`; it has {}",
                known.join(", ")
            )),
        }
    }

    fn get(&self, name: &str) -> Result<&'p Value, String> {
        let missing = || format!("workload `{}` needs the parameter `{name}`", self.workload);
        self.parameters.get(name).ok_or_else(missing)
    }

    /// Slots for keys.
    pub(crate) fn keys(&self) -> Result<usize, String> {
        self.count("keys", 1..=KEYS_MAX).map(|keys| keys as usize)
    }

    /// A whole number within bounds.
    pub(crate) fn count(&self, name: &str, within: RangeInclusive<u64>) -> Result<u64, String> {
        let value = self.get(name)?;
        value.as_u64().filter(|count| within.contains(count)).ok_or_else(|| {
            let (least, most) = within.into_inner();
            format!("`{name}` is a whole number from {least} to {most}, not {value}")
        })
    }

    /// How long a key lives; none: for ever.
    pub(crate) fn retire_after(&self) -> Result<Option<u64>, String> {
        let value = self.get("retire-after")?;
        match value.as_u64() {
            Some(operations @ 1..) => Ok(Some(operations)),
            None if value.is_null() => Ok(None),
            _ => Err(format!(
                "`retire-after` is a number of operations from 1 on, or null for never, not {value}"
            )),
        }
    }

    /// Exponent of Zipf's law.
    pub(crate) fn skew(&self) -> Result<f64, String> {
        let value = self.get("skew")?;
        let skew = value.as_f64().filter(|skew| (0.0..=10.0).contains(skew));
        skew.ok_or_else(|| {
            format!(
                "`skew` is a number from 0 (all keys alike) to 10, not {value}; 1 is Zipf's own"
            )
        })
    }

    /// A share of the whole, from 0 to 1.
    pub(crate) fn share(&self, name: &str) -> Result<f64, String> {
        let value = self.get(name)?;
        let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
        share.ok_or_else(|| format!("`{name}` is a share from 0 to 1, not {value}"))
    }

    /// Weights of these functions; a function that isn't named has none.
    pub(crate) fn mix<const N: usize>(&self, functions: [&str; N]) -> Result<[f64; N], String> {
        let wrong = || {
            let names = functions.join(", ");
            format!("`mix` gives weights to {names}, as in {{ {}: 0.5 }}", functions[0])
        };
        let mut mix = [0.0; N];
        for (function, weight) in self.get("mix")?.as_object().ok_or_else(wrong)? {
            let place = functions.iter().position(|known| known == function);
            let place = place.ok_or_else(|| format!("{}; it has no `{function}`", wrong()))?;
            let weight = weight.as_f64().filter(|weight| (0.0..=1e9).contains(weight));
            mix[place] =
                weight.ok_or_else(|| format!("the weight of `{function}` is not a number ≥ 0"))?;
        }
        Ok(mix)
    }
}
