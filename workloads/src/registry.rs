//! The workloads by name.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use temblor_history::Seed;

use crate::{Workload, append, register, set};

/// The names of all workloads.
pub const WORKLOADS: &[&str] = &[append::NAME, register::NAME, set::NAME];

/// The workload of a resolved plan.
///
/// `parameters` hold every parameter of the workload, defaults filled in; `offered` are the
/// functions of the system under test.
///
/// # Errors
///
/// An unknown name, a parameter that is missing, unknown or out of range, or a function that the
/// system doesn't offer; in words that name it.
pub fn workload(
    name: &str,
    parameters: &BTreeMap<String, Value>,
    seed: Seed,
    offered: &[String],
) -> Result<Arc<dyn Workload>, String> {
    let workload: Arc<dyn Workload> = match name {
        append::NAME => Arc::new(append::Append::new(parameters, seed)?),
        register::NAME => Arc::new(register::Register::new(parameters, seed)?),
        set::NAME => Arc::new(set::Set::new(parameters, seed)?),
        _ => return Err(format!("no workload `{name}`; there are {}", WORKLOADS.join(", "))),
    };
    let lacks = |f: &&&str| !offered.iter().any(|offer| offer == **f);
    match workload.functions().iter().find(lacks) {
        None => Ok(workload),
        Some(f) => {
            let advice = if parameters.contains_key("mix") { "; change the `mix`" } else { "" };
            Err(format!(
                "workload `{name}` uses `{f}`, but the system offers only {}{advice}",
                offered.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn register(offered: &[&str]) -> Result<Arc<dyn Workload>, String> {
        let parameters = json!({
            "keys": 2, "mix": {"read": 1, "write": 1, "cas": 1}, "retire-after": null, "skew": 0
        });
        let parameters = serde_json::from_value(parameters).unwrap();
        let offered: Vec<String> = offered.iter().map(|f| (*f).to_owned()).collect();
        workload("register", &parameters, Seed(1), &offered)
    }

    #[test]
    fn a_function_that_is_not_offered_is_an_error() {
        assert!(register(&["cas", "read", "write"]).is_ok());
        assert_eq!(
            register(&["read", "write"]).err().unwrap(),
            "workload `register` uses `cas`, but the system offers only read, write; change the `mix`"
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let error = workload("bank", &BTreeMap::new(), Seed(1), &[]).err().unwrap();
        assert_eq!(error, "no workload `bank`; there are append, register, set");
    }
}
