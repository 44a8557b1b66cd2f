//! Numbers keys and versions, and lays lists over the longest one of their key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use temblor_history::{History, HistoryError, HistoryErrors, ValueId, ValueView};

use super::{
    Bounds, FailedWrite, INITIAL, Kind, MicroOp, Model, NOBODY, Transactions, Unread, Writer,
    parse::{Raw, RawOp},
};
use crate::meter::Share;

/// Ids are small numbers: one multiplication spreads them well enough.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0.rotate_left(29) ^ u64::from(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

type Map<K> = HashMap<K, u32, BuildHasherDefault<Spread>>;

/// Gives everything its number. O(micro-operations + elements of all lists): lists are compared
/// with the longest one of their key, and only those that differ from it are looked up.
pub(super) fn number(
    history: &History,
    model: Model,
    raw: Raw,
    share: &mut Share<'_>,
) -> Result<Transactions, Unread> {
    let Raw { all, starts, ops: raw_ops, failed, sessions, .. } = raw;
    share.hold(size_of_val(&all[..]) + NUMBERING * raw_ops.len())?;
    let mut numbering = Numbering::new(history, raw_ops.len());
    let mut ops: Vec<MicroOp> = Vec::with_capacity(raw_ops.len());
    for op in &raw_ops {
        share.step()?;
        ops.push(numbering.keyed(*op));
    }
    let failed_keys: Vec<u32> = failed.iter().map(|(_, op)| numbering.key(op.key)).collect();
    if model == Model::ListAppend {
        numbering.order_keys(&ops, &raw_ops);
    }
    for (op, raw) in ops.iter_mut().zip(&raw_ops) {
        share.step()?;
        op.value = match (op.kind, model) {
            (Kind::Read, Model::ListAppend) => numbering.read_list(op.key, raw.value),
            (Kind::Read, Model::RwRegister) if raw.value == ValueId::NULL => INITIAL,
            _ => numbering.version(op.key, raw.value),
        };
    }
    drop(raw_ops);
    let failed = failed.iter().zip(failed_keys).map(|((source, raw), key)| FailedWrite {
        version: numbering.version(key, raw.value),
        source: *source,
    });
    let mut transactions = Transactions {
        model,
        all,
        starts,
        ops,
        sessions,
        failed: failed.collect(),
        key_versions: Vec::new(),
        writers: Vec::new(),
        orders: numbering.orders,
        lists: numbering.lists,
        elements: numbering.elements,
        keys: numbering.keys,
        values: numbering.values,
    };
    transactions.renumber(&numbering.version_keys);
    share.hold(transactions.bytes())?;
    transactions.find_writers(history)?;
    Ok(transactions)
}

/// Bytes that are in use for each micro-operation while it gets its numbers: itself twice, and,
/// for about every other one, a version with its place in the map.
const NUMBERING: usize = 50;

/// What has a number so far. Versions are numbered as they come.
struct Numbering<'h> {
    history: &'h History,
    keys: Vec<ValueId>,
    key_numbers: Map<ValueId>,
    versions: Map<(u32, ValueId)>,
    version_keys: Vec<u32>,
    values: Vec<ValueId>,
    /// By key: the longest list as the file has it.
    longest: Vec<ValueId>,
    orders: Vec<Bounds>,
    lists: Vec<Bounds>,
    elements: Vec<u32>,
}

impl<'h> Numbering<'h> {
    fn new(history: &'h History, micro_ops: usize) -> Self {
        Self {
            history,
            keys: Vec::new(),
            key_numbers: Map::default(),
            // About half of them write.
            versions: Map::with_capacity_and_hasher(micro_ops / 2, BuildHasherDefault::default()),
            version_keys: Vec::new(),
            values: Vec::new(),
            longest: Vec::new(),
            orders: Vec::new(),
            lists: Vec::new(),
            elements: Vec::new(),
        }
    }

    fn key(&mut self, id: ValueId) -> u32 {
        let keys = &mut self.keys;
        *self.key_numbers.entry(id).or_insert_with(|| {
            keys.push(id);
            keys.len() as u32 - 1
        })
    }

    fn keyed(&mut self, raw: RawOp) -> MicroOp {
        MicroOp { kind: raw.kind, key: self.key(raw.key), value: 0 }
    }

    fn version(&mut self, key: u32, value: ValueId) -> u32 {
        let next = self.values.len() as u32;
        let number = *self.versions.entry((key, value)).or_insert(next);
        if number == next {
            self.values.push(value);
            self.version_keys.push(key);
        }
        number
    }

    fn list(&self, id: ValueId) -> &'h [ValueId] {
        match self.history.view(id) {
            ValueView::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The longest list of each key becomes its order; among equals the first.
    fn order_keys(&mut self, ops: &[MicroOp], raw: &[RawOp]) {
        self.longest = vec![ValueId::NULL; self.keys.len()];
        let mut lengths = vec![0; self.keys.len()];
        for (op, raw) in ops.iter().zip(raw).filter(|(op, _)| op.kind == Kind::Read) {
            let length = self.list(raw.value).len();
            if length > lengths[op.key as usize] {
                lengths[op.key as usize] = length;
                self.longest[op.key as usize] = raw.value;
            }
        }
        for key in 0..self.keys.len() as u32 {
            let bounds = self.store(key, self.longest[key as usize]);
            self.orders.push(bounds);
        }
    }

    fn store(&mut self, key: u32, id: ValueId) -> Bounds {
        let list = self.list(id);
        let start = self.elements.len() as u32;
        for &element in list {
            let version = self.version(key, element);
            self.elements.push(version);
        }
        Bounds { start, length: list.len() as u32 }
    }

    fn read_list(&mut self, key: u32, id: ValueId) -> u32 {
        let (list, longest) = (self.list(id), self.list(self.longest[key as usize]));
        let bounds = if longest.starts_with(list) {
            Bounds { start: self.orders[key as usize].start, length: list.len() as u32 }
        } else {
            self.store(key, id)
        };
        self.lists.push(bounds);
        self.lists.len() as u32 - 1
    }
}

impl Transactions {
    /// Versions key by key, otherwise in the order in which they came: a counting sort.
    fn renumber(&mut self, version_keys: &[u32]) {
        let mut ends = vec![0; self.keys.len() + 1];
        for &key in version_keys {
            ends[key as usize + 1] += 1;
        }
        for key in 1..ends.len() {
            ends[key] += ends[key - 1];
        }
        self.key_versions.clone_from(&ends);
        let place = |&key: &u32| {
            ends[key as usize] += 1;
            ends[key as usize] - 1
        };
        let places: Vec<u32> = version_keys.iter().map(place).collect();
        let old = self.values.clone();
        for (value, &place) in old.iter().zip(&places) {
            self.values[place as usize] = *value;
        }
        for element in &mut self.elements {
            *element = places[*element as usize];
        }
        for failed in &mut self.failed {
            failed.version = places[failed.version as usize];
        }
        self.failed.sort_by_key(|failed| (failed.version, failed.source));
        let lists = self.model == Model::ListAppend;
        for op in &mut self.ops {
            let is_version = op.kind == Kind::Write || !lists && op.value != INITIAL;
            if is_version {
                op.value = places[op.value as usize];
            }
        }
    }

    /// Who wrote what; one value written twice to one key is a mistake of the file.
    fn find_writers(&mut self, history: &History) -> Result<(), HistoryErrors> {
        let nobody = Writer { transaction: NOBODY, op: NOBODY };
        let mut writers = vec![nobody; self.values.len()];
        let mut twice: Vec<(u32, u32, u32)> = Vec::new();
        for transaction in 0..self.all.len() as u32 {
            let source = self.all[transaction as usize].source;
            for place in self.places_of(transaction) {
                let op = self.ops[place];
                if op.kind == Kind::Read {
                    continue;
                }
                let writer = &mut writers[op.value as usize];
                if *writer == nobody {
                    *writer = Writer { transaction, op: place as u32 };
                } else {
                    let first = self.all[writer.transaction as usize].source;
                    twice.push((first, source, op.value));
                }
            }
        }
        let pairs = self.failed.windows(2).filter(|pair| pair[0].version == pair[1].version);
        twice.extend(pairs.map(|pair| (pair[0].source, pair[1].source, pair[0].version)));
        for failed in &self.failed {
            let writer = writers[failed.version as usize];
            if writer != nobody {
                let other = self.all[writer.transaction as usize].source;
                let (first, second) = (other.min(failed.source), other.max(failed.source));
                twice.push((first, second, failed.version));
            }
        }
        self.writers = writers;
        if twice.is_empty() { Ok(()) } else { Err(self.written_twice(history, twice)) }
    }

    fn written_twice(&self, history: &History, mut twice: Vec<(u32, u32, u32)>) -> HistoryErrors {
        twice.sort_unstable();
        let line =
            |source: u32| history.line_of(history.operations()[source as usize].invoke_index);
        let mut errors = HistoryErrors::default();
        for (first, second, version) in twice {
            let deed = match self.model {
                Model::ListAppend => "appended",
                Model::RwRegister => "written",
            };
            let value = self.value(history, version);
            let key = self.key(history, self.key_of(version));
            let first = line(first);
            let what = format!(
                "{value} is {deed} to key {key} a second time, after line {first}: nobody can say \
                 whose a read found"
            );
            errors.push(HistoryError { line: Some(line(second)), what });
        }
        errors
    }
}
