//! What comes back is what went in, and equality is that of JSON.

use super::*;
use proptest::prelude::*;
use serde_json::json;

#[test]
fn equal_json_has_equal_ids_and_comes_back_as_it_was() {
    let values = [
        json!(null),
        json!(false),
        json!(true),
        json!(0),
        json!(2_147_483_647),
        json!(2_147_483_648_u64),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1.0),
        json!(1.5),
        json!(""),
        json!("1"),
        json!({"b": 1, "a": [2]}),
    ];
    let mut table = Values::default();
    let first: Vec<ValueId> = values.iter().map(|value| table.intern(value)).collect();
    let again: Vec<ValueId> = values.iter().map(|value| table.intern(value)).collect();
    assert_eq!(first, again);
    let different: std::collections::HashSet<ValueId> = first.iter().copied().collect();
    assert_eq!(different.len(), values.len());
    for (id, value) in first.iter().zip(&values) {
        assert_eq!(table.value(*id), *value);
        assert_eq!(table.find(value), Some(*id));
    }
    assert_eq!(table.find(&json!("not there")), None);
}

/// Lists that grow, that part, that repeat; now and then something else.
fn arrays() -> impl Strategy<Value = Vec<Value>> {
    let numbers = prop_oneof![9 => 0..3_i64, 1 => prop::sample::select(vec![-1, i64::MAX])];
    let list = prop_oneof![
        (0..40_usize).prop_map(|length| (0..length as i64).map(Value::from).collect::<Value>()),
        (prop::collection::vec(numbers, 0..7)).prop_map(Value::from),
        Just(json!([1, 2, 3, "4", 5])),
        Just(json!([[0, 1, 2, 3, 4], ["append", 1, 2], null])),
    ];
    prop::collection::vec(list, 0..40)
}

proptest! {
    #[test]
    fn arrays_come_back_and_are_the_same_exactly_when_their_json_is(arrays in arrays()) {
        let mut table = Values::default();
        let ids: Vec<ValueId> = arrays.iter().map(|array| table.intern(array)).collect();
        for (one, id) in arrays.iter().zip(&ids) {
            prop_assert_eq!(&table.value(*id), one);
            for (other, other_id) in arrays.iter().zip(&ids) {
                prop_assert_eq!(table.same(*id, *other_id), one == other);
            }
        }
    }

    #[test]
    fn lists_by_their_text_are_what_the_text_says(arrays in arrays(), broken in 0..60_usize) {
        let mut table = Values::default();
        for array in &arrays {
            let mut text = array.to_string().into_bytes();
            text.extend_from_slice(b",17]");
            if let Some((id, bytes)) = table.list_by_text(ValueId::NULL, &text[1..]) {
                prop_assert_eq!(&table.value(id), array);
                prop_assert_eq!(bytes, text.len() - 5);
            }
            text.truncate(broken);
            if broken > 0 && let Some((id, bytes)) = table.list_by_text(ValueId::NULL, &text[1..]) {
                let read: Value = serde_json::from_slice(&text[..=bytes]).expect("a whole list");
                prop_assert_eq!(table.value(id), read);
            }
            table.intern(array);
        }
    }
}
