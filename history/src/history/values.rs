//! Arguments and results.

mod runs;

use serde_json::Value;

use super::{
    ids::ValueId,
    table::{Table, hash_bytes, mix},
};
use runs::Runs;

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

/// One value; what it holds lies in shared lists.
#[derive(Debug, Clone, Copy)]
enum Stored {
    Null,
    Bool(bool),
    Integer {
        place: u32,
    },
    Text {
        start: u32,
        length: u32,
    },
    Array {
        start: u32,
        length: u32,
    },
    /// The beginning of a run.
    List {
        run: u32,
        length: u32,
    },
    Other {
        place: u32,
    },
}

/// All values of a history: 12 bytes each, and what they hold. Everything but arrays is stored once,
/// and found again by its hash. Arrays seldom repeat, and mostly soon if they do (a completion
/// says what its invocation said): only the latest are found again. Long lists share what they
/// have in common ([`Runs`]).
#[derive(Debug, Clone)]
pub(super) struct Values {
    stored: Vec<Stored>,
    integers: Vec<i64>,
    texts: String,
    elements: Vec<ValueId>,
    runs: Runs,
    others: Vec<Value>,
    table: Table,
    /// Places of arrays by their hash; 0 where none was yet.
    latest: Vec<u32>,
}

/// How many arrays are remembered: what twenty clients say meanwhile, several times over.
const LATEST: usize = 1 << 12;

impl Default for Values {
    fn default() -> Self {
        Self {
            // In the order of `ValueId::NULL`, `FALSE`, `TRUE`.
            stored: vec![Stored::Null, Stored::Bool(false), Stored::Bool(true)],
            integers: Vec::new(),
            texts: String::new(),
            elements: Vec::new(),
            runs: Runs::default(),
            others: Vec::new(),
            table: Table::default(),
            latest: Vec::new(),
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

fn slot(hash: u64) -> usize {
    (hash >> 40) as usize % LATEST
}

/// A place in one of the lists.
fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("too many different values in one history")
}

impl Values {
    pub(super) fn bool(value: bool) -> ValueId {
        if value { ValueId::TRUE } else { ValueId::FALSE }
    }

    pub(super) fn integer(&mut self, value: i64) -> ValueId {
        self.find_integer(value).unwrap_or_else(|| {
            let place = offset(self.integers.len());
            self.integers.push(value);
            self.store_once(Stored::Integer { place })
        })
    }

    pub(super) fn text(&mut self, text: &str) -> ValueId {
        self.find_text(text).unwrap_or_else(|| {
            let (start, length) = (offset(self.texts.len()), offset(text.len()));
            self.texts.push_str(text);
            self.store_once(Stored::Text { start, length })
        })
    }

    /// An array that stands behind this value in another one.
    pub(super) fn array(&mut self, behind: ValueId, elements: &[ValueId]) -> ValueId {
        if let Some((run, length)) = self.runs.lay(behind, elements) {
            return self.list(run, length);
        }
        let hash = hash_array(elements);
        let same = |stored| matches!(stored, Stored::Array { start, length } if self.run(start, length) == elements);
        self.find_latest(hash, same).unwrap_or_else(|| {
            let (start, length) = (offset(self.elements.len()), offset(elements.len()));
            self.elements.extend_from_slice(elements);
            self.store_latest(hash, Stored::Array { start, length })
        })
    }

    /// An array of whole numbers by its text, which begins behind the bracket, if it is already
    /// known or goes on where a known one ends. With it comes how long the text is, bracket included.
    pub(super) fn list_by_text(
        &mut self,
        behind: ValueId,
        text: &[u8],
    ) -> Option<(ValueId, usize)> {
        let (run, length, bytes) = self.runs.lay_text(behind, text)?;
        Some((self.list(run, length), bytes))
    }

    /// Takes another one's values in; says by place what they are here. O(values).
    pub(super) fn adopt(&mut self, other: &Self) -> Vec<ValueId> {
        let mut places = vec![ValueId::NULL; other.stored.len()];
        for (place, &stored) in places.iter_mut().zip(&other.stored) {
            *place = match stored {
                Stored::Bool(value) => Self::bool(value),
                Stored::Integer { place } => self.integer(other.integers[place as usize]),
                Stored::Text { start, length } => self.text(other.slice(start, length)),
                Stored::Other { place } => self.other(&other.others[place as usize]),
                Stored::Null | Stored::Array { .. } | Stored::List { .. } => continue,
            };
        }
        let runs = self.runs.adopt(&other.runs, &places);
        for (place, &stored) in other.stored.iter().enumerate() {
            let here = match stored {
                Stored::Array { start, length } => {
                    let first = offset(self.elements.len());
                    let elements = other.run(start, length).iter();
                    self.elements.extend(elements.map(|element| element.at_home(&places)));
                    Stored::Array { start: first, length }
                }
                Stored::List { run, length } => {
                    self.adopt_list(&other.runs, run, length, runs[run as usize])
                }
                _ => continue,
            };
            places[place] = ValueId::in_table(offset(self.stored.len()));
            self.stored.push(here);
        }
        places
    }

    /// The beginning of another one's run, which may have one that goes on like it here.
    fn adopt_list(&mut self, from: &Runs, run: u32, length: u32, here: Option<u32>) -> Stored {
        if let Some(run) = here {
            return Stored::List { run, length };
        }
        let start = offset(self.elements.len());
        self.elements.extend_from_slice(from.list(run, length));
        Stored::Array { start, length }
    }

    fn list(&mut self, run: u32, length: u32) -> ValueId {
        let hash = mix(mix(ARRAY, u64::from(run)), u64::from(length));
        let same = |stored| matches!(stored, Stored::List { run: r, length: l } if (r, l) == (run, length));
        self.find_latest(hash, same)
            .unwrap_or_else(|| self.store_latest(hash, Stored::List { run, length }))
    }

    fn find_latest(&self, hash: u64, same: impl Fn(Stored) -> bool) -> Option<ValueId> {
        let place = *self.latest.get(slot(hash))?;
        same(self.stored[place as usize]).then(|| ValueId::in_table(place))
    }

    fn store_latest(&mut self, hash: u64, stored: Stored) -> ValueId {
        if self.latest.is_empty() {
            self.latest = vec![0; LATEST];
        }
        let place = offset(self.stored.len());
        self.stored.push(stored);
        self.latest[slot(hash)] = place;
        ValueId::in_table(place)
    }

    /// Any JSON value.
    pub(super) fn intern(&mut self, value: &Value) -> ValueId {
        self.intern_behind(ValueId::NULL, value)
    }

    fn intern_behind(&mut self, behind: ValueId, value: &Value) -> ValueId {
        match value {
            Value::Null => ValueId::NULL,
            Value::Bool(value) => Self::bool(*value),
            Value::Number(number) if number.as_i64().is_some() => {
                self.integer(number.as_i64().unwrap_or_default())
            }
            Value::String(text) => self.text(text),
            Value::Array(list) => {
                let mut elements = Vec::with_capacity(list.len());
                for value in list {
                    let before = elements.last().copied().unwrap_or(ValueId::NULL);
                    elements.push(self.intern_behind(before, value));
                }
                self.array(behind, &elements)
            }
            Value::Number(_) | Value::Object(_) => self.other(value),
        }
    }

    fn other(&mut self, value: &Value) -> ValueId {
        self.find_other(value).unwrap_or_else(|| {
            let place = offset(self.others.len());
            self.others.push(value.clone());
            self.store_once(Stored::Other { place })
        })
    }

    /// The id of a value that is already here; none for arrays, which may have many.
    pub(super) fn find(&self, value: &Value) -> Option<ValueId> {
        match value {
            Value::Null => Some(ValueId::NULL),
            Value::Bool(value) => Some(Self::bool(*value)),
            Value::Number(number) if number.as_i64().is_some() => {
                self.find_integer(number.as_i64()?)
            }
            Value::String(text) => self.find_text(text),
            Value::Array(_) => None,
            Value::Number(_) | Value::Object(_) => self.find_other(value),
        }
    }

    fn find_integer(&self, value: i64) -> Option<ValueId> {
        let small = u64::try_from(value).ok().and_then(ValueId::small_integer);
        small.or_else(|| {
            let same = |known| matches!(known, Stored::Integer { place } if self.integers[place as usize] == value);
            self.find_stored(hash_integer(value), same)
        })
    }

    fn find_text(&self, text: &str) -> Option<ValueId> {
        let same = |known| matches!(known, Stored::Text { start, length } if self.slice(start, length) == text);
        self.find_stored(hash_text(text), same)
    }

    fn find_other(&self, value: &Value) -> Option<ValueId> {
        let same = |known| matches!(known, Stored::Other { place } if self.others[place as usize] == *value);
        self.find_stored(hash_other(value), same)
    }

    fn find_stored(&self, hash: u64, same: impl Fn(Stored) -> bool) -> Option<ValueId> {
        let place = self.table.find(hash, |place| same(self.stored[place as usize]));
        place.map(ValueId::in_table)
    }

    fn store_once(&mut self, stored: Stored) -> ValueId {
        let place = offset(self.stored.len());
        self.stored.push(stored);
        let mut table = std::mem::take(&mut self.table);
        let hash_of = |place: u32| self.hash_stored(self.stored[place as usize]);
        table.insert(hash_of(place), place, hash_of);
        self.table = table;
        ValueId::in_table(place)
    }

    fn hash_stored(&self, stored: Stored) -> u64 {
        match stored {
            Stored::Integer { place } => hash_integer(self.integers[place as usize]),
            Stored::Text { start, length } => hash_text(self.slice(start, length)),
            Stored::Other { place } => hash_other(&self.others[place as usize]),
            // Never in the table.
            Stored::Null | Stored::Bool(_) | Stored::Array { .. } | Stored::List { .. } => 0,
        }
    }

    fn slice(&self, start: u32, length: u32) -> &str {
        &self.texts[start as usize..start as usize + length as usize]
    }

    fn run(&self, start: u32, length: u32) -> &[ValueId] {
        &self.elements[start as usize..start as usize + length as usize]
    }

    pub(super) fn view(&self, id: ValueId) -> ValueView<'_> {
        if let Some(value) = id.as_small_integer() {
            return ValueView::Integer(value);
        }
        match self.stored[id.place()] {
            Stored::Null => ValueView::Null,
            Stored::Bool(value) => ValueView::Bool(value),
            Stored::Integer { place } => ValueView::Integer(self.integers[place as usize]),
            Stored::Text { start, length } => ValueView::Text(self.slice(start, length)),
            Stored::Array { start, length } => ValueView::Array(self.run(start, length)),
            Stored::List { run, length } => ValueView::Array(self.runs.list(run, length)),
            Stored::Other { place } => ValueView::Other(&self.others[place as usize]),
        }
    }

    /// Whether two values are equal as JSON.
    pub(super) fn same(&self, one: ValueId, other: ValueId) -> bool {
        match (self.view(one), self.view(other)) {
            _ if one == other => true,
            (ValueView::Array(one), ValueView::Array(other)) if one.len() == other.len() => {
                one == other || one.iter().zip(other).all(|(&one, &other)| self.same(one, other))
            }
            _ => false,
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
mod tests;
