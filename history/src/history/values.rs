//! Arguments and results, each different one stored once.

use serde_json::Value;

use super::{
    ids::ValueId,
    table::{Table, hash_bytes, mix},
};

/// What a value is, without copying it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueView<'a> {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// A string.
    Text(&'a str),
    /// An array, by its elements.
    Array(&'a [ValueId]),
    /// Anything else: an object, a fraction, a number beyond `i64`.
    Other(&'a Value),
}

/// One different value. Strings and arrays lie in shared lists.
#[derive(Debug, Clone)]
enum Stored {
    Null,
    Bool(bool),
    Integer(i64),
    Text { start: usize, length: u32 },
    Array { start: usize, length: u32 },
    Other(Box<Value>),
}

/// All values of a history.
#[derive(Debug, Clone)]
pub(super) struct Values {
    stored: Vec<Stored>,
    texts: String,
    elements: Vec<ValueId>,
    table: Table,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            // In the order of `ValueId::NULL`, `FALSE`, `TRUE`.
            stored: vec![Stored::Null, Stored::Bool(false), Stored::Bool(true)],
            texts: String::new(),
            elements: Vec::new(),
            table: Table::default(),
        }
    }
}

const TEXT: u64 = 0x7465_7874;
const ARRAY: u64 = 0x6172_7261;
const INTEGER: u64 = 0x696e_7465;

fn hash_text(text: &str) -> u64 {
    mix(hash_bytes(text.as_bytes()), TEXT)
}

fn hash_array(elements: &[ValueId]) -> u64 {
    let fold = |hash, element: &ValueId| mix(hash, u64::from(element.bits()));
    elements.iter().fold(ARRAY, fold)
}

fn hash_integer(value: i64) -> u64 {
    mix(INTEGER, value as u64)
}

/// Canonical: the keys of an object are sorted.
fn hash_other(value: &Value) -> u64 {
    hash_bytes(value.to_string().as_bytes())
}

impl Values {
    pub(super) fn bool(value: bool) -> ValueId {
        if value { ValueId::TRUE } else { ValueId::FALSE }
    }

    pub(super) fn integer(&mut self, value: i64) -> ValueId {
        let small = u64::try_from(value).ok().and_then(ValueId::small_integer);
        small.unwrap_or_else(|| {
            let same = |known: &Stored| matches!(known, Stored::Integer(n) if *n == value);
            self.find_stored(hash_integer(value), same)
                .unwrap_or_else(|| self.store(Stored::Integer(value)))
        })
    }

    pub(super) fn text(&mut self, text: &str) -> ValueId {
        if let Some(id) = self.find_text(text) {
            return id;
        }
        let (start, length) = (self.texts.len(), text.len() as u32);
        self.texts.push_str(text);
        self.store(Stored::Text { start, length })
    }

    pub(super) fn array(&mut self, elements: &[ValueId]) -> ValueId {
        if let Some(id) = self.find_array(elements) {
            return id;
        }
        let (start, length) = (self.elements.len(), elements.len() as u32);
        self.elements.extend_from_slice(elements);
        self.store(Stored::Array { start, length })
    }

    /// Any JSON value.
    pub(super) fn intern(&mut self, value: &Value) -> ValueId {
        match value {
            Value::Null => ValueId::NULL,
            Value::Bool(value) => Self::bool(*value),
            Value::Number(number) if number.as_i64().is_some() => {
                self.integer(number.as_i64().unwrap_or_default())
            }
            Value::String(text) => self.text(text),
            Value::Array(list) => {
                let elements: Vec<ValueId> = list.iter().map(|value| self.intern(value)).collect();
                self.array(&elements)
            }
            Value::Number(_) | Value::Object(_) => self.other(value),
        }
    }

    fn other(&mut self, value: &Value) -> ValueId {
        self.find_other(value).unwrap_or_else(|| self.store(Stored::Other(Box::new(value.clone()))))
    }

    /// The id of a value that is already here.
    pub(super) fn find(&self, value: &Value) -> Option<ValueId> {
        match value {
            Value::Null => Some(ValueId::NULL),
            Value::Bool(value) => Some(Self::bool(*value)),
            Value::Number(number) if number.as_i64().is_some() => {
                self.find_integer(number.as_i64()?)
            }
            Value::String(text) => self.find_text(text),
            Value::Array(list) => {
                let elements: Option<Vec<ValueId>> =
                    list.iter().map(|value| self.find(value)).collect();
                self.find_array(&elements?)
            }
            Value::Number(_) | Value::Object(_) => self.find_other(value),
        }
    }

    fn find_integer(&self, value: i64) -> Option<ValueId> {
        let small = u64::try_from(value).ok().and_then(ValueId::small_integer);
        small.or_else(|| {
            let same = |known: &Stored| matches!(known, Stored::Integer(n) if *n == value);
            self.find_stored(hash_integer(value), same)
        })
    }

    fn find_text(&self, text: &str) -> Option<ValueId> {
        let same = |known: &Stored| matches!(known, Stored::Text { start, length } if self.slice(*start, *length) == text);
        self.find_stored(hash_text(text), same)
    }

    fn find_array(&self, elements: &[ValueId]) -> Option<ValueId> {
        let same = |known: &Stored| matches!(known, Stored::Array { start, length } if self.run(*start, *length) == elements);
        self.find_stored(hash_array(elements), same)
    }

    fn find_other(&self, value: &Value) -> Option<ValueId> {
        let same = |known: &Stored| matches!(known, Stored::Other(other) if **other == *value);
        self.find_stored(hash_other(value), same)
    }

    fn find_stored(&self, hash: u64, same: impl Fn(&Stored) -> bool) -> Option<ValueId> {
        let place = self.table.find(hash, |place| same(&self.stored[place as usize]));
        place.map(ValueId::in_table)
    }

    fn store(&mut self, stored: Stored) -> ValueId {
        let place = self.stored.len() as u32;
        self.stored.push(stored);
        let mut table = std::mem::take(&mut self.table);
        let hash_of = |place: u32| self.hash_stored(&self.stored[place as usize]);
        table.insert(hash_of(place), place, hash_of);
        self.table = table;
        ValueId::in_table(place)
    }

    fn hash_stored(&self, stored: &Stored) -> u64 {
        match stored {
            // Never in the table: their ids are fixed.
            Stored::Null | Stored::Bool(_) => 0,
            Stored::Integer(value) => hash_integer(*value),
            Stored::Text { start, length } => hash_text(self.slice(*start, *length)),
            Stored::Array { start, length } => hash_array(self.run(*start, *length)),
            Stored::Other(value) => hash_other(value),
        }
    }

    fn slice(&self, start: usize, length: u32) -> &str {
        &self.texts[start..start + length as usize]
    }

    fn run(&self, start: usize, length: u32) -> &[ValueId] {
        &self.elements[start..start + length as usize]
    }

    pub(super) fn view(&self, id: ValueId) -> ValueView<'_> {
        if let Some(value) = id.as_small_integer() {
            return ValueView::Integer(value);
        }
        match &self.stored[id.place()] {
            Stored::Null => ValueView::Null,
            Stored::Bool(value) => ValueView::Bool(*value),
            Stored::Integer(value) => ValueView::Integer(*value),
            Stored::Text { start, length } => ValueView::Text(self.slice(*start, *length)),
            Stored::Array { start, length } => ValueView::Array(self.run(*start, *length)),
            Stored::Other(value) => ValueView::Other(value),
        }
    }

    pub(super) fn value(&self, id: ValueId) -> Value {
        match self.view(id) {
            ValueView::Null => Value::Null,
            ValueView::Bool(value) => Value::Bool(value),
            ValueView::Integer(value) => Value::from(value),
            ValueView::Text(text) => Value::from(text),
            ValueView::Array(elements) => elements.iter().map(|&id| self.value(id)).collect(),
            ValueView::Other(value) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
            json!([]),
            json!([1]),
            json!(["1"]),
            json!([[1, 2], null]),
            json!([1, 2]),
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
}
