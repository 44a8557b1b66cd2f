//! The registers that one node holds. Pure: whoever calls sees to it that records are on disk
//! before an answer leaves.

use std::collections::HashMap;

use temblor_history::Key;

use super::{
    message::{Answer, Question, Record},
    version::{Version, newer},
};

/// The newest version of each register that this node has stored.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Replica {
    registers: HashMap<Key, Version>,
}

impl Replica {
    /// Answers a question, and says what must be on disk before the answer leaves. Storing a
    /// version twice, or one that is no longer the newest, changes nothing: late messages and
    /// duplicates are harmless.
    pub(super) fn answer(&mut self, question: Question) -> (Answer, Option<Record>) {
        let Question { round, key, store } = question;
        let Some(version) = store else {
            let held = self.registers.get(&key).cloned();
            return (Answer { round, held }, None);
        };
        let record = Record { key, version };
        let changed = self.absorb(&record);
        (Answer { round, held: None }, changed.then_some(record))
    }

    /// Takes a record in, if it is newer than what is held; says whether it was.
    pub(super) fn absorb(&mut self, record: &Record) -> bool {
        let held = self.registers.get(&record.key);
        let changes = newer(Some(&record.version), held);
        if changes {
            self.registers.insert(record.key.clone(), record.version.clone());
        }
        changes
    }

    /// All that is held, in no order.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let record = |(key, version): (&Key, &Version)| Record {
            key: key.clone(),
            version: version.clone(),
        };
        self.registers.iter().map(record)
    }

    /// How many registers are held.
    pub(super) fn len(&self) -> usize {
        self.registers.len()
    }
}
