//! Functions, keys, nodes and errors: few, and quoted by almost every event.

use super::{
    ids::{FunctionId, KeyId, NodeId, TextId},
    table::{Table, hash_bytes, mix},
};
use crate::Key;

/// Strings, each stored once.
#[derive(Debug, Clone, Default)]
struct Texts {
    list: Vec<Box<str>>,
    table: Table,
}

impl Texts {
    fn find(&self, text: &str) -> Option<u32> {
        let same = |place: u32| &*self.list[place as usize] == text;
        self.table.find(hash_bytes(text.as_bytes()), same)
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(place) = self.find(text) {
            return place;
        }
        let place = self.list.len() as u32;
        self.list.push(text.into());
        let list = &self.list;
        let hash_of = |place: u32| hash_bytes(list[place as usize].as_bytes());
        self.table.insert(hash_of(place), place, hash_of);
        place
    }
}

/// Everything with a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    functions: Texts,
    nodes: Texts,
    errors: Texts,
    keys: Vec<Key>,
    key_table: Table,
}

/// By the index of another one's ids: what they are called here.
pub(super) struct Renamed {
    pub(super) functions: Vec<FunctionId>,
    pub(super) nodes: Vec<NodeId>,
    pub(super) errors: Vec<TextId>,
    pub(super) keys: Vec<KeyId>,
}

fn hash_key(key: &Key) -> u64 {
    match key {
        Key::Number(number) => mix(1, *number as u64),
        Key::Text(text) => hash_bytes(text.as_bytes()),
    }
}

impl Names {
    pub(super) fn intern_function(&mut self, name: &str) -> FunctionId {
        FunctionId::new(self.functions.intern(name))
    }

    pub(super) fn intern_node(&mut self, name: &str) -> NodeId {
        NodeId::new(self.nodes.intern(name))
    }

    pub(super) fn intern_error(&mut self, text: &str) -> TextId {
        TextId::new(self.errors.intern(text))
    }

    pub(super) fn intern_text_key(&mut self, text: &str) -> KeyId {
        let same =
            |place: u32| matches!(&self.keys[place as usize], Key::Text(known) if known == text);
        match self.key_table.find(hash_bytes(text.as_bytes()), same) {
            Some(place) => KeyId::new(place),
            None => self.add_key(Key::Text(text.to_owned())),
        }
    }

    pub(super) fn intern_key(&mut self, key: &Key) -> KeyId {
        let same = |place: u32| self.keys[place as usize] == *key;
        match self.key_table.find(hash_key(key), same) {
            Some(place) => KeyId::new(place),
            None => self.add_key(key.clone()),
        }
    }

    /// Takes another one's names in; says what they are called here.
    pub(super) fn adopt(&mut self, other: &Self) -> Renamed {
        Renamed {
            functions: other.functions.list.iter().map(|name| self.intern_function(name)).collect(),
            nodes: other.nodes.list.iter().map(|name| self.intern_node(name)).collect(),
            errors: other.errors.list.iter().map(|text| self.intern_error(text)).collect(),
            keys: other.keys.iter().map(|key| self.intern_key(key)).collect(),
        }
    }

    fn add_key(&mut self, key: Key) -> KeyId {
        let place = self.keys.len() as u32;
        let hash = hash_key(&key);
        self.keys.push(key);
        let keys = &self.keys;
        self.key_table.insert(hash, place, |place| hash_key(&keys[place as usize]));
        KeyId::new(place)
    }

    pub(super) fn find_function(&self, name: &str) -> Option<FunctionId> {
        self.functions.find(name).map(FunctionId::new)
    }

    pub(super) fn function(&self, id: FunctionId) -> &str {
        &self.functions.list[id.index()]
    }

    pub(super) fn node(&self, id: NodeId) -> &str {
        &self.nodes.list[id.index()]
    }

    pub(super) fn error(&self, id: TextId) -> &str {
        &self.errors.list[id.index()]
    }

    pub(super) fn key(&self, id: KeyId) -> &Key {
        &self.keys[id.index()]
    }

    pub(super) fn key_count(&self) -> usize {
        self.keys.len()
    }
}
