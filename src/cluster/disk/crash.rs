//! A loss of power: names and bytes become what the disk has of them.

use std::{collections::HashSet, ffi::OsString, fs, io};

use temblor_history::Seed;

use super::{
    torn::Dice,
    tree::{Changed, Id, Kind, ROOT, Tree},
};

/// What a loss of power took back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Entries of folders.
    pub(crate) entries: u64,
    /// Files whose bytes were not all synced.
    pub(crate) files: u64,
    /// Of their bytes.
    pub(crate) bytes: u64,
}

impl std::fmt::Display for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { entries, files, bytes } = self;
        write!(f, "{entries} entries of folders, {bytes} bytes in {files} files")
    }
}

/// An entry, and what is on disk under it.
struct Lost {
    folder: Id,
    name: OsString,
    durable: Option<Id>,
}

impl Tree {
    /// Takes back whatever was not synced; with a seed, each sector of it is old or new. Nobody may
    /// have anything open any more.
    pub(super) fn lose_power(&mut self, torn: Option<Seed>) -> io::Result<Forgotten> {
        let lost = self.lost_entries();
        let mut forgotten = Forgotten { entries: lost.len() as u64, ..Forgotten::default() };
        for entry in &lost {
            self.take_away(entry)?;
        }
        for entry in &lost {
            self.put_back(entry)?;
        }
        self.empty_aside()?;
        self.forget_unreachable();
        for (id, node) in &self.nodes {
            let dice = torn.map(|seed| Dice { seed, file: *id });
            let bytes = node.content.lose_power(dice)?;
            forgotten.files += u64::from(bytes > 0);
            forgotten.bytes += bytes;
        }
        Ok(forgotten)
    }

    /// Every entry that differs from the disk; from here on none is said to.
    fn lost_entries(&mut self) -> Vec<Lost> {
        let mut lost = Vec::new();
        for (folder, node) in &mut self.nodes {
            for (name, Changed { durable, .. }) in std::mem::take(&mut node.changed) {
                if node.children.get(&name) != durable.as_ref() {
                    lost.push(Lost { folder: *folder, name, durable });
                }
            }
        }
        // A map's order differs from run to run.
        lost.sort_by(|a, b| (a.folder, &a.name).cmp(&(b.folder, &b.name)));
        lost
    }

    /// Removes what the disk does not have under this name. Folders go aside, with all that is in
    /// them: they may belong elsewhere.
    fn take_away(&mut self, Lost { folder, name, .. }: &Lost) -> io::Result<()> {
        let path = self.path_of(*folder, name)?;
        let Some(id) = self.unname(*folder, name) else { return Ok(()) };
        if self.node(id)?.kind == Kind::Folder {
            fs::rename(path, self.path_aside(id))?;
            self.node_mut(id)?.aside = true;
            return Ok(());
        }
        fs::remove_file(path)
    }

    /// Gives back what the disk has. Every folder that stands in the wrong place is aside by now,
    /// so what is moved here never lands inside itself.
    fn put_back(&mut self, Lost { folder, name, durable }: &Lost) -> io::Result<()> {
        let Some(id) = *durable else { return Ok(()) };
        let (aside, path) = (self.path_aside(id), self.path_of(*folder, name)?);
        if self.node(id)?.kind == Kind::Folder {
            fs::rename(aside, path)?;
            self.node_mut(id)?.aside = false;
        } else {
            fs::hard_link(aside, path)?;
        }
        self.name(id, *folder, name);
        Ok(())
    }

    /// What is still aside has its name back, or never had one on disk.
    fn empty_aside(&mut self) -> io::Result<()> {
        for entry in fs::read_dir(self.folder_aside())? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        for node in self.nodes.values_mut() {
            (node.held, node.aside) = (0, false);
        }
        Ok(())
    }

    /// Forgets whatever cannot be reached from the root.
    fn forget_unreachable(&mut self) {
        let mut reached = vec![ROOT];
        let mut next = 0;
        while let Some(id) = reached.get(next) {
            let children = self.nodes.get(id).map(|node| node.children.values().copied());
            let folders: Vec<Id> = children.into_iter().flatten().collect();
            reached.extend(folders);
            next += 1;
        }
        let reached: HashSet<Id> = reached.into_iter().collect();
        self.nodes.retain(|id, _| reached.contains(id));
        for node in self.nodes.values_mut() {
            node.names.retain(|(folder, _)| reached.contains(folder));
        }
    }
}
