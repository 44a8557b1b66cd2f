//! What a plan may ask of the `register` workload.

use std::collections::BTreeMap;

use serde_json::Value;

use super::NAME;
use crate::parameters::Given;

/// The functions that a mix may name, in the order of its weights.
pub(super) const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// The parameters, valid.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    /// Slots for keys.
    pub(super) keys: usize,
    /// Weights of [`FUNCTIONS`].
    pub(super) mix: [f64; 3],
    /// Operations on a key before it retires; none: it never does.
    pub(super) retire_after: Option<u64>,
    /// Exponent of Zipf's law.
    pub(super) skew: f64,
}

impl Parameters {
    /// Reads them from a resolved plan, where defaults are already filled in.
    pub(super) fn read(parameters: &BTreeMap<String, Value>) -> Result<Self, String> {
        let known = ["keys", "mix", "retire-after", "skew"];
        let given = Given::new(NAME, &known, parameters)?;
        let (keys, mix) = (given.keys()?, given.mix(FUNCTIONS)?);
        if mix[1] + mix[2] <= 0.0 {
            return Err("`mix` changes nothing: give `write` or `cas` a weight above 0".into());
        }
        Ok(Self { keys, mix, retire_after: given.retire_after()?, skew: given.skew()? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: &[(&str, Value)]) -> Result<Parameters, String> {
        let mut all: BTreeMap<String, Value> = BTreeMap::from([
            ("keys".into(), json!(8)),
            ("mix".into(), json!({"read": 0.5, "write": 0.3, "cas": 0.2})),
            ("retire-after".into(), json!(100)),
            ("skew".into(), json!(1)),
        ]);
        for (name, value) in change {
            all.insert((*name).into(), value.clone());
        }
        Parameters::read(&all)
    }

    #[test]
    fn valid_parameters() {
        let parameters = read(&[("retire-after", Value::Null)]).unwrap();
        let expected = Parameters { keys: 8, mix: [0.5, 0.3, 0.2], retire_after: None, skew: 1.0 };
        assert_eq!(parameters, expected);
    }

    #[test]
    fn every_mistake_is_named() {
        for (name, value, part) in [
            ("keys", json!(0), "from 1 to 1000000, not 0"),
            ("keys", json!("8"), "not \"8\""),
            ("mix", json!({"read": 1}), "changes nothing"),
            ("mix", json!({"append": 1}), "it has no `append`"),
            ("mix", json!({"write": -1}), "weight of `write`"),
            ("mix", json!(3), "gives weights to read, write, cas"),
            ("retire-after", json!(0), "null for never, not 0"),
            ("skew", json!(-0.1), "not -0.1"),
            ("depth", json!(1), "no parameter `depth`; it has keys, mix"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.contains(part), "{name}: {error}");
        }
        let error = Parameters::read(&BTreeMap::new()).unwrap_err();
        assert_eq!(error, "workload `register` needs the parameter `keys`");
    }
}
