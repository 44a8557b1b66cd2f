//! Numbers keys and versions, and lays lists over the longest one of their key.

use std::{collections::HashMap, hash::BuildHasherDefault, ops::Range};

use rayon::prelude::*;
use temblor_history::{History, HistoryError, HistoryErrors, ValueId, ValueView};

use super::{
    Bounds, FailedWrite, INITIAL, Kind, MicroOp, Model, NOBODY, Transactions, Unread, Writer,
    parse::{Raw, RawOp},
};
use crate::{
    Exhausted,
    hashing::Quick,
    meter::{Meter, Share},
};

type Map = HashMap<ValueId, u32, BuildHasherDefault<Quick>>;

/// Gives everything its number, the keys side by side: versions of one key are numbered together, in
/// the order in which they come, behind those of its longest list. O(micro-operations + elements of
/// all lists): lists are compared with the longest one of their key, and only those that differ
/// from it are looked up.
pub(super) fn number(
    history: &History,
    model: Model,
    raw: Raw,
    meter: &Meter<'_>,
) -> Result<Transactions, Unread> {
    let Raw { all, starts, ops: raw_ops, failed, sessions, .. } = raw;
    let mut share = meter.share();
    share.hold(size_of_val(&all[..]) + NUMBERING * raw_ops.len())?;
    let keyed = Keyed::of(&raw_ops, &failed, &mut share)?;
    let sheets: Result<Vec<Sheet>, Exhausted> = keyed
        .shares()
        .into_par_iter()
        .map(|keys| {
            let mut share = meter.share();
            let mut sheet = Sheet::default();
            for key in keys {
                sheet.take(history, model, keyed.ops_of(&raw_ops, &failed, key), &mut share)?;
            }
            Ok(sheet)
        })
        .collect();
    let ops = raw_ops.iter().zip(&keyed.key_of);
    let ops = ops.map(|(raw, &key)| MicroOp { kind: raw.kind, key, value: 0 }).collect();
    let failed = failed.iter().map(|&(source, _)| FailedWrite { version: 0, source }).collect();
    drop(raw_ops);
    let mut transactions = Transactions {
        model,
        all,
        starts,
        ops,
        sessions,
        failed,
        key_versions: vec![0],
        writers: Vec::new(),
        orders: Vec::new(),
        lists: Vec::new(),
        elements: Vec::new(),
        keys: keyed.keys,
        values: Vec::new(),
    };
    let mut places = keyed.places.iter();
    for sheet in sheets? {
        transactions.join(sheet, &mut places);
    }
    transactions.failed.sort_by_key(|failed| (failed.version, failed.source));
    share.hold(transactions.bytes())?;
    transactions.find_writers(history)?;
    Ok(transactions)
}

/// Bytes that are in use for each micro-operation while it gets its numbers: itself twice, its
/// place and its number, and, for about every other one, a version with its place in a map.
const NUMBERING: usize = 50;

/// Micro-operations of whole keys that one thread numbers at a time.
const SHARE: u32 = 1 << 15;

/// Micro-operations sorted by key: a counting sort. Those that failed stand behind all others.
struct Keyed {
    keys: Vec<ValueId>,
    /// By place.
    key_of: Vec<u32>,
    /// The places of key k are `places[starts[k]..starts[k + 1]]`.
    starts: Vec<u32>,
    places: Vec<u32>,
}

impl Keyed {
    fn of(
        raw_ops: &[RawOp],
        failed: &[(u32, RawOp)],
        share: &mut Share<'_>,
    ) -> Result<Self, Exhausted> {
        let (mut keys, mut numbers) = (Vec::new(), Map::default());
        let mut key_of = Vec::with_capacity(raw_ops.len() + failed.len());
        let mut starts = vec![0];
        for op in raw_ops.iter().chain(failed.iter().map(|(_, op)| op)) {
            share.step()?;
            let key = *numbers.entry(op.key).or_insert_with(|| {
                keys.push(op.key);
                starts.push(0);
                keys.len() as u32 - 1
            });
            starts[key as usize + 1] += 1;
            key_of.push(key);
        }
        for key in 1..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut ends = starts.clone();
        let mut places = vec![0; key_of.len()];
        for (place, &key) in (0..).zip(&key_of) {
            let end = &mut ends[key as usize];
            places[*end as usize] = place;
            *end += 1;
        }
        Ok(Self { keys, key_of, starts, places })
    }

    /// All keys, in parts that are worth a thread.
    fn shares(&self) -> Vec<Range<u32>> {
        let mut shares = Vec::new();
        let mut first = 0;
        for key in 0..self.keys.len() as u32 {
            let enough = self.starts[key as usize + 1] - self.starts[first as usize] >= SHARE;
            if enough || key as usize + 1 == self.keys.len() {
                shares.push(first..key + 1);
                first = key + 1;
            }
        }
        shares
    }

    fn ops_of<'r>(
        &'r self,
        raw_ops: &'r [RawOp],
        failed: &'r [(u32, RawOp)],
        key: u32,
    ) -> impl Iterator<Item = RawOp> + Clone + 'r {
        let places = self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize;
        let op = |place: usize| raw_ops.get(place).copied();
        let of = move |&place: &u32| {
            op(place as usize).unwrap_or_else(|| failed[place as usize - raw_ops.len()].1)
        };
        self.places[places].iter().map(of)
    }
}

/// Some keys with their versions, all numbered from 0.
#[derive(Default)]
struct Sheet {
    /// By key: where its versions end.
    ends: Vec<u32>,
    values: Vec<ValueId>,
    /// By micro-operation, key by key: its version or its list.
    numbers: Vec<u32>,
    orders: Vec<Bounds>,
    lists: Vec<Bounds>,
    elements: Vec<u32>,
}

impl Sheet {
    /// Numbers what a key has.
    fn take(
        &mut self,
        history: &History,
        model: Model,
        ops: impl Iterator<Item = RawOp> + Clone,
        share: &mut Share<'_>,
    ) -> Result<(), Exhausted> {
        let list = |id: ValueId| match history.view(id) {
            ValueView::Array(elements) => elements,
            _ => &[],
        };
        let mut versions = Map::default();
        let mut longest: &[ValueId] = &[];
        if model == Model::ListAppend {
            for op in ops.clone().filter(|op| op.kind == Kind::Read) {
                let read = list(op.value);
                longest = if read.len() > longest.len() { read } else { longest };
            }
            let order = self.store(&mut versions, longest);
            self.orders.push(order);
        }
        for op in ops {
            share.step()?;
            let number = match (op.kind, model) {
                (Kind::Read, Model::ListAppend) => {
                    let read = list(op.value);
                    let bounds = if longest.starts_with(read) {
                        let start = self.orders.last().map_or(0, |order| order.start);
                        Bounds { start, length: read.len() as u32 }
                    } else {
                        self.store(&mut versions, read)
                    };
                    self.lists.push(bounds);
                    self.lists.len() as u32 - 1
                }
                (Kind::Read, Model::RwRegister) if op.value == ValueId::NULL => INITIAL,
                _ => self.version(&mut versions, op.value),
            };
            self.numbers.push(number);
        }
        self.ends.push(self.values.len() as u32);
        Ok(())
    }

    fn version(&mut self, versions: &mut Map, value: ValueId) -> u32 {
        let next = self.values.len() as u32;
        let number = *versions.entry(value).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }

    fn store(&mut self, versions: &mut Map, list: &[ValueId]) -> Bounds {
        let start = self.elements.len() as u32;
        for &element in list {
            let version = self.version(versions, element);
            self.elements.push(version);
        }
        Bounds { start, length: list.len() as u32 }
    }
}

impl Transactions {
    /// Takes the next keys in; `places` are those of their micro-operations.
    fn join<'p>(&mut self, sheet: Sheet, places: &mut impl Iterator<Item = &'p u32>) {
        let versions = self.values.len() as u32;
        let (lists, elements) = (self.lists.len() as u32, self.elements.len() as u32);
        let moved = |bounds: Bounds| Bounds { start: bounds.start + elements, ..bounds };
        self.values.extend(sheet.values);
        self.key_versions.extend(sheet.ends.iter().map(|end| versions + end));
        self.orders.extend(sheet.orders.into_iter().map(moved));
        self.lists.extend(sheet.lists.into_iter().map(moved));
        self.elements.extend(sheet.elements.iter().map(|version| versions + version));
        let of_lists = self.model == Model::ListAppend;
        let ops = self.ops.len();
        for (number, &place) in sheet.numbers.into_iter().zip(places) {
            match self.ops.get_mut(place as usize) {
                Some(op) if of_lists && op.kind == Kind::Read => op.value = lists + number,
                Some(op) if number == INITIAL => op.value = INITIAL,
                Some(op) => op.value = versions + number,
                None => self.failed[place as usize - ops].version = versions + number,
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
