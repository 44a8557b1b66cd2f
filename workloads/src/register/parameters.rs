//! What a plan may ask of the `register` workload.

use std::collections::BTreeMap;

use serde_json::Value;

/// The functions that a mix may name, in the order of its weights.
pub(super) const FUNCTIONS: [&str; 3] = ["read", "write", "cas"];

/// Most keys at once: each costs a lock and an entry in two tables.
const KEYS_MAX: u64 = 1_000_000;

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
        if let Some(name) = parameters.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!(
                "workload `register` has no parameter `{name}`; it has {}",
                known.join(", ")
            ));
        }
        let get = |name: &str| {
            let missing = || format!("workload `register` needs the parameter `{name}`");
            parameters.get(name).ok_or_else(missing)
        };
        Ok(Self {
            keys: keys(get("keys")?)?,
            mix: mix(get("mix")?)?,
            retire_after: retire_after(get("retire-after")?)?,
            skew: skew(get("skew")?)?,
        })
    }
}

fn keys(value: &Value) -> Result<usize, String> {
    match value.as_u64() {
        Some(keys @ 1..=KEYS_MAX) => Ok(keys as usize),
        _ => Err(format!("`keys` is a whole number from 1 to {KEYS_MAX}, not {value}")),
    }
}

fn retire_after(value: &Value) -> Result<Option<u64>, String> {
    match value.as_u64() {
        Some(operations @ 1..) => Ok(Some(operations)),
        None if value.is_null() => Ok(None),
        _ => Err(format!(
            "`retire-after` is a number of operations from 1 on, or null for never, not {value}"
        )),
    }
}

fn skew(value: &Value) -> Result<f64, String> {
    let skew = value.as_f64().filter(|skew| (0.0..=10.0).contains(skew));
    skew.ok_or_else(|| {
        format!("`skew` is a number from 0 (all keys alike) to 10, not {value}; 1 is Zipf's own")
    })
}

fn mix(value: &Value) -> Result<[f64; 3], String> {
    let wrong = || {
        format!(
            "`mix` gives weights to {}, as in {{ read: 0.5, write: 0.5 }}",
            FUNCTIONS.join(", ")
        )
    };
    let mut mix = [0.0; 3];
    for (function, weight) in value.as_object().ok_or_else(wrong)? {
        let place = FUNCTIONS.iter().position(|known| known == function);
        let place = place.ok_or_else(|| format!("{}; it has no `{function}`", wrong()))?;
        let weight = weight.as_f64().filter(|weight| (0.0..=1e9).contains(weight));
        mix[place] =
            weight.ok_or_else(|| format!("the weight of `{function}` is not a number ≥ 0"))?;
    }
    if mix[1] + mix[2] <= 0.0 {
        return Err("`mix` changes nothing: give `write` or `cas` a weight above 0".into());
    }
    Ok(mix)
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
