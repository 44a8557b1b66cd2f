//! Splits a history into independent objects: linearizability is local (Herlihy and Wing 1990,
//! theorem 1).

use std::collections::HashMap;

use temblor_history::{History, KeyId, ValueId};

use super::shape;

/// What an object is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// Operations have no key: there is one object.
    Whole,
    /// The key of its operations.
    Key(KeyId),
    /// The keys that its transactions touch, in the order of their first appearance.
    Keys(Vec<ValueId>),
}

/// One object's share of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which object.
    pub(crate) named: Named,
    /// The places of its operations, in the order of invocations.
    pub(crate) places: Vec<u32>,
}

/// One part for each key.
pub(crate) fn by_key(history: &History) -> Vec<Part> {
    let mut by_key = vec![Vec::new(); history.key_count() + 1];
    for (place, operation) in (0..).zip(history.operations()) {
        by_key[operation.key.map_or(0, |key| key.index() + 1)].push(place);
    }
    let used = by_key.into_iter().filter(|places: &Vec<u32>| !places.is_empty());
    let part = |places: Vec<u32>| {
        let key = history.operations()[places[0] as usize].key;
        Part { named: key.map_or(Named::Whole, Named::Key), places }
    };
    used.map(part).collect()
}

/// One part for each set of keys that transactions connect; transactions that touch no key are
/// left out.
pub(crate) fn by_connected_keys(history: &History) -> Vec<Part> {
    let mut groups = Groups::default();
    for operation in history.operations() {
        let mut keys = keys(history, operation.argument).map(|key| groups.place(key));
        if let Some(first) = keys.next() {
            let others: Vec<u32> = keys.collect();
            for other in others {
                groups.join(first, other);
            }
        }
    }
    let mut part_of = HashMap::new();
    let mut parts: Vec<(Vec<ValueId>, Vec<u32>)> = Vec::new();
    for place in 0..groups.keys.len() as u32 {
        let part = *part_of.entry(groups.root(place)).or_insert_with(|| {
            parts.push((Vec::new(), Vec::new()));
            parts.len() - 1
        });
        parts[part].0.push(groups.keys[place as usize]);
    }
    for (place, operation) in (0..).zip(history.operations()) {
        if let Some(key) = keys(history, operation.argument).next() {
            let key = groups.place(key);
            parts[part_of[&groups.root(key)]].1.push(place);
        }
    }
    parts.into_iter().map(|(keys, places)| Part { named: Named::Keys(keys), places }).collect()
}

/// The keys of a transaction.
fn keys(history: &History, transaction: ValueId) -> impl Iterator<Item = ValueId> {
    let parts = shape::elements(history, transaction).iter();
    parts.filter_map(|&id| shape::micro(history, id)).map(|(_, key, _)| key)
}

/// Disjoint sets of keys (Tarjan 1975, with path halving).
#[derive(Default)]
struct Groups {
    keys: Vec<ValueId>,
    places: HashMap<ValueId, u32>,
    parent: Vec<u32>,
}

impl Groups {
    fn place(&mut self, key: ValueId) -> u32 {
        *self.places.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.parent.push(self.keys.len() as u32 - 1);
            self.keys.len() as u32 - 1
        })
    }

    fn root(&mut self, mut place: u32) -> u32 {
        while self.parent[place as usize] != place {
            let above = self.parent[place as usize];
            self.parent[place as usize] = self.parent[above as usize];
            place = above;
        }
        place
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[one.max(other) as usize] = one.min(other);
    }
}
