//! What a folder is after random calls and losses of power, said as plainly as possible: two whole
//! pictures, the newest and the one on disk, and syncs that copy from one to the other.
//!
//! Nothing of the layer's own bookkeeping is used: no undo, no keeping aside.

use std::collections::{BTreeMap, BTreeSet};

use super::super::torn::SECTOR;

pub(super) type Id = u64;
pub(super) const ROOT: Id = 1;
type Entry = (Id, String);

/// One picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) entries: BTreeMap<Entry, Id>,
    /// The bytes of files; folders are not in here.
    pub(super) files: BTreeMap<Id, Vec<u8>>,
}

/// Both pictures.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) now: Picture,
    pub(super) disk: Picture,
    /// Entries that changed in one act, since neither of them was synced.
    acts: Vec<(Entry, Entry)>,
    /// Entries that changed since they were synced.
    touched: BTreeSet<Entry>,
    /// The lowest cut of each file since its last sync.
    cuts: BTreeMap<Id, usize>,
    pub(super) folders: BTreeSet<Id>,
    /// The sync of a file carries its bytes alone.
    pub(super) strict: bool,
}

impl Model {
    pub(super) fn new(strict: bool) -> Self {
        Self { folders: [ROOT].into(), strict, ..Self::default() }
    }

    pub(super) fn names(&self, id: Id) -> Vec<Entry> {
        let named = self.now.entries.iter().filter(|(_, named)| **named == id);
        named.map(|(entry, _)| entry.clone()).collect()
    }

    pub(super) fn is_empty(&self, folder: Id) -> bool {
        self.now.entries.keys().all(|(at, _)| *at != folder)
    }

    /// Whether a folder is, or is in, another.
    pub(super) fn is_within(&self, mut folder: Id, above: Id) -> bool {
        while folder != above {
            match self.names(folder).first() {
                Some((parent, _)) => folder = *parent,
                None => return false,
            }
        }
        true
    }

    pub(super) fn create(&mut self, entry: Entry, id: Id, folder: bool) {
        self.link(entry, id);
        if folder {
            self.folders.insert(id);
        } else {
            self.now.files.insert(id, Vec::new());
            self.disk.files.insert(id, Vec::new());
        }
    }

    pub(super) fn link(&mut self, entry: Entry, id: Id) {
        self.touched.insert(entry.clone());
        self.now.entries.insert(entry, id);
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        self.touched.insert(entry.clone());
        self.now.entries.remove(entry);
    }

    pub(super) fn rename(&mut self, from: Entry, to: Entry, exchange: bool) {
        let (moved, replaced) = (self.now.entries[&from], self.now.entries.get(&to).copied());
        if replaced == Some(moved) {
            return;
        }
        self.remove(&from);
        self.link(to.clone(), moved);
        if let Some(replaced) = replaced.filter(|_| exchange) {
            self.link(from.clone(), replaced);
        }
        self.acts.push((from, to));
    }

    pub(super) fn write(&mut self, id: Id, offset: usize, bytes: &[u8]) {
        let file = self.now.files.get_mut(&id).unwrap();
        file.resize(file.len().max(offset + bytes.len()), 0);
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn resize(&mut self, id: Id, size: usize) {
        let file = self.now.files.get_mut(&id).unwrap();
        if size < file.len() {
            let cut = self.cuts.entry(id).or_insert(size);
            *cut = (*cut).min(size);
        }
        file.resize(size, 0);
    }

    pub(super) fn sync(&mut self, id: Id, data_alone: bool) {
        self.disk.files.insert(id, self.now.files[&id].clone());
        self.cuts.remove(&id);
        if !(self.strict || data_alone && self.is_reachable_on_disk(id)) {
            self.sync_names(id);
        }
    }

    pub(super) fn sync_folder(&mut self, folder: Id) {
        for entry in self.entries_of(folder) {
            self.commit(&entry);
        }
        self.sync_names(folder);
    }

    fn entries_of(&self, folder: Id) -> Vec<Entry> {
        self.touched.iter().filter(|(at, _)| *at == folder).cloned().collect()
    }

    fn sync_names(&mut self, id: Id) {
        for entry in self.names(id) {
            self.commit(&entry);
            self.sync_names(entry.0);
        }
    }

    /// Copies an entry to disk, and whatever cannot be on disk or off it without it.
    fn commit(&mut self, entry: &Entry) {
        if !self.touched.remove(entry) {
            return;
        }
        let before = self.disk.entries.get(entry).copied();
        match self.now.entries.get(entry) {
            Some(id) => drop(self.disk.entries.insert(entry.clone(), *id)),
            None => drop(self.disk.entries.remove(entry)),
        }
        while let Some(place) = self.acts.iter().position(|(from, to)| from == entry || to == entry)
        {
            let (from, to) = self.acts.remove(place);
            self.commit(if from == *entry { &to } else { &from });
        }
        let removed = |id: &Id| self.folders.contains(id) && self.names(*id).is_empty();
        if let Some(gone) = before.filter(removed) {
            for entry in self.entries_of(gone) {
                self.commit(&entry);
            }
        }
        self.sync_names(entry.0);
    }

    fn reachable(picture: &Picture) -> BTreeSet<Id> {
        let mut reached = BTreeSet::from([ROOT]);
        loop {
            let more: Vec<Id> = picture
                .entries
                .iter()
                .filter(|((folder, _), id)| reached.contains(folder) && !reached.contains(id))
                .map(|(_, id)| *id)
                .collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }

    fn is_reachable_on_disk(&self, id: Id) -> bool {
        Self::reachable(&self.disk).contains(&id)
    }

    /// The power is gone: the picture on disk is the newest one. Torn, `found` tells what each file
    /// holds; the error says why it cannot.
    pub(super) fn lose_power(
        &mut self,
        found: Option<&BTreeMap<Id, Vec<u8>>>,
    ) -> Result<(), String> {
        let reached = Self::reachable(&self.disk);
        self.disk.entries.retain(|(folder, _), _| reached.contains(folder));
        self.folders.retain(|folder| reached.contains(folder));
        self.disk.files.retain(|id, _| reached.contains(id));
        if let Some(found) = found {
            for (id, old) in &mut self.disk.files {
                let (new, found) = (&self.now.files[id], &found[id]);
                check_torn(old, new, self.cuts.get(id).copied(), found)
                    .map_err(|why| format!("file {id}: {why}"))?;
                old.clone_from(found);
            }
        }
        self.now = self.disk.clone();
        self.acts.clear();
        self.touched.clear();
        self.cuts.clear();
        Ok(())
    }
}

/// Whether a file may hold this after a torn loss of power.
fn check_torn(old: &[u8], new: &[u8], cut: Option<usize>, found: &[u8]) -> Result<(), String> {
    if let Some(cut) = cut {
        let low = cut / SECTOR as usize * SECTOR as usize;
        if found.len() == old.len()
            && found.get(low..) == old.get(low..)
            && sectors(old, new, low.min(found.len()), found)
        {
            return Ok(());
        }
    }
    let low = cut.unwrap_or(old.len()).min(old.len());
    let sizes = low.min(new.len())..=new.len();
    if !sizes.contains(&found.len()) {
        return Err(format!("{} bytes, not one of {sizes:?}", found.len()));
    }
    let old = &old[..low];
    if sectors(old, new, found.len(), found) {
        return Ok(());
    }
    Err("a sector is neither old nor new".into())
}

/// Each sector up to `end` is old (zeros where there was nothing) or new.
fn sectors(old: &[u8], new: &[u8], end: usize, found: &[u8]) -> bool {
    let of = |bytes: &[u8], from: usize, to: usize| -> Vec<u8> {
        (from..to).map(|at| bytes.get(at).copied().unwrap_or(0)).collect()
    };
    (0..end).step_by(SECTOR as usize).all(|from| {
        let to = (from + SECTOR as usize).min(end);
        let found = of(found, from, to);
        found == of(old, from, to) || found == of(new, from, to)
    })
}
