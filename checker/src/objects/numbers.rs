//! The values of one object, numbered: algorithms work on numbers, words need the values.

use std::{cmp::Ordering, collections::HashMap, hash::BuildHasherDefault};

use serde_json::{Number, Value};
use temblor_history::{History, ValueId};

use crate::hashing::Quick;

/// A value of one object: its place among the object's values.
pub(crate) type ValueNumber = u32;

/// Values by number, in the order in which they were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers {
    ids: Vec<ValueId>,
    numbers: HashMap<ValueId, ValueNumber, BuildHasherDefault<Quick>>,
}

impl Numbers {
    /// Gives the next number to an initial value, even if it stands nowhere in the history.
    pub(crate) fn initial(&mut self, id: Option<ValueId>) {
        let number = self.ids.len() as ValueNumber;
        self.ids.push(id.unwrap_or(ValueId::NULL));
        self.numbers.extend(id.map(|id| (id, number)));
    }

    /// The number of a value; a new one if it is new.
    pub(crate) fn number(&mut self, id: ValueId) -> ValueNumber {
        *self.numbers.entry(id).or_insert_with(|| {
            self.ids.push(id);
            self.ids.len() as ValueNumber - 1
        })
    }

    /// Numbers these JSON numbers by rank: a greater one gets a greater number, and equal ones
    /// (`1` and `1.0`) get the same. Gives the first two that are equal in size and not the same.
    pub(crate) fn rank(
        &mut self,
        history: &History,
        ids: impl IntoIterator<Item = ValueId>,
    ) -> Option<(Value, Value)> {
        let mut ids: Vec<ValueId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut valued: Vec<(Value, ValueId)> =
            ids.into_iter().map(|id| (history.value(id), id)).collect();
        valued.sort_by(|(one, _), (other, _)| by_value(one, other));
        let mut equal = None;
        for place in 0..valued.len() {
            let (value, id) = &valued[place];
            let same = place > 0 && by_value(&valued[place - 1].0, value) == Ordering::Equal;
            if !same {
                self.ids.push(*id);
            } else if equal.is_none() {
                equal = Some((valued[place - 1].0.clone(), value.clone()));
            }
            self.numbers.insert(*id, self.ids.len() as ValueNumber - 1);
        }
        equal
    }

    /// A value as JSON.
    pub(crate) fn value(&self, history: &History, number: ValueNumber) -> Value {
        history.value(self.ids[number as usize])
    }
}

/// Numbers by their value; what is no number comes first.
fn by_value(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => by_size(one, other),
        _ => one.is_number().cmp(&other.is_number()),
    }
}

/// Exact: integers are never rounded to compare them with each other.
fn by_size(one: &Number, other: &Number) -> Ordering {
    let integer = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (integer(one), integer(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(one), None) => against(one, other),
        (None, Some(other)) => against(other, one).reverse(),
        // JSON has no NaN; and 0.0 is as large as -0.0.
        (None, None) => float(one).partial_cmp(&float(other)).unwrap_or(Ordering::Equal),
    }
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// An integer against a fraction, exactly: by the fraction's whole part, then by the rest.
fn against(integer: i128, fraction: &Number) -> Ordering {
    let fraction = float(fraction);
    // Beyond the range of `i128` the cast saturates, and no integer of JSON lies there.
    let floor = fraction.floor();
    integer.cmp(&(floor as i128)).then(if fraction > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_ordered_by_size_and_exactly() {
        let ordered = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-1.5),
            json!(-1),
            json!(0),
            json!(0.5),
            json!(1),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(1e300),
        ];
        for (place, one) in ordered.iter().enumerate() {
            for (other_place, other) in ordered.iter().enumerate() {
                assert_eq!(by_value(one, other), place.cmp(&other_place), "{one} {other}");
            }
        }
        assert_eq!(by_value(&json!(1), &json!(1.0)), Ordering::Equal);
        assert_eq!(by_value(&json!(-0.0), &json!(0)), Ordering::Equal);
    }
}
