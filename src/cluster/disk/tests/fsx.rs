//! Random calls with losses of power in between, on the volume and on the model.

use std::{collections::BTreeMap, ffi::OsStr, fmt::Write as _};

use temblor_history::Seed;

use super::{
    super::{
        tree::{Kind, Promise},
        volume::{Change, Maker, Volume},
    },
    Folder, cases,
    model::{Id, Model, ROOT},
};

/// Calls of one history.
const CALLS: u64 = 150;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const LONGEST: u64 = 20_000;

/// One history: a volume, its model, and what was done so far.
struct Play {
    volume: Volume,
    model: Model,
    /// Files that are open, one entry for each time.
    open: Vec<Id>,
    seed: Seed,
    call: u64,
    told: String,
}

impl Play {
    fn draw(&self, what: &str, below: u64) -> u64 {
        self.seed.draw(what, self.call) % below
    }

    fn tell(&mut self, what: &str) {
        let _ = writeln!(self.told, "{}: {what}", self.call);
    }

    fn folder(&self, what: &str) -> Id {
        // Folders that were removed are no places to make things in.
        let folders: Vec<Id> = self
            .model
            .folders
            .iter()
            .copied()
            .filter(|folder| self.model.is_within(*folder, ROOT))
            .collect();
        folders[self.draw(what, folders.len() as u64) as usize]
    }

    fn entry(&self, what: &str) -> (Id, String) {
        let name = NAMES[self.draw(&format!("{what} name"), NAMES.len() as u64) as usize];
        (self.folder(what), name.to_owned())
    }

    fn file(&self) -> Option<Id> {
        let open = self.draw("of the open ones", 3) == 0;
        let named: Vec<Id> = if open {
            self.open.clone()
        } else {
            self.model.now.entries.values().copied().filter(|id| self.is_file(*id)).collect()
        };
        let place = self.draw("file", named.len().max(1) as u64) as usize;
        named.get(place).copied()
    }

    fn is_file(&self, id: Id) -> bool {
        self.model.now.files.contains_key(&id)
    }

    fn act(&mut self, torn: bool) {
        match self.draw("call", 40) {
            0..=5 => self.create(),
            6..=8 => self.make_folder(),
            9..=11 => self.remove(),
            12..=15 => self.rename(),
            16 => self.link(),
            17..=24 => self.write(),
            25..=27 => self.resize(),
            28 => self.punch(),
            29..=31 => self.sync(),
            32..=33 => self.sync_folder(),
            34..=35 => self.open_or_close(),
            36 => self.read(),
            _ if self.draw("power", 4) == 0 => self.lose_power(torn),
            _ => self.write(),
        }
    }

    fn create(&mut self) {
        let (folder, name) = self.entry("create");
        let made = self.volume.create(folder, OsStr::new(&name), maker());
        if self.model.now.entries.contains_key(&(folder, name.clone())) {
            return assert!(made.is_err(), "{}", self.told);
        }
        let id = made.unwrap().id;
        self.tell(&format!("create {id} as {folder}/{name}"));
        self.model.create((folder, name), id, false);
        if self.draw("stay open", 3) == 0 {
            self.open.push(id);
        } else {
            self.volume.close(id);
        }
    }

    fn make_folder(&mut self) {
        let (folder, name) = self.entry("mkdir");
        let made = self.volume.make_folder(folder, OsStr::new(&name), maker());
        if self.model.now.entries.contains_key(&(folder, name.clone())) {
            return assert!(made.is_err(), "{}", self.told);
        }
        let id = made.unwrap().id;
        self.tell(&format!("mkdir {id} as {folder}/{name}"));
        self.model.create((folder, name), id, true);
    }

    fn remove(&mut self) {
        let entries: Vec<_> = self.model.now.entries.keys().cloned().collect();
        let Some((folder, name)) =
            entries.get(self.draw("remove", entries.len().max(1) as u64) as usize).cloned()
        else {
            return;
        };
        let id = self.model.now.entries[&(folder, name.clone())];
        self.tell(&format!("remove {id} at {folder}/{name}"));
        if self.model.folders.contains(&id) {
            let removed = self.volume.remove_folder(folder, OsStr::new(&name));
            if !self.model.is_empty(id) {
                return assert!(removed.is_err(), "{}", self.told);
            }
            removed.unwrap();
        } else {
            self.volume.unlink(folder, OsStr::new(&name)).unwrap();
        }
        self.model.remove(&(folder, name));
    }

    fn rename(&mut self) {
        let entries: Vec<_> = self.model.now.entries.keys().cloned().collect();
        let Some(from) =
            entries.get(self.draw("rename", entries.len().max(1) as u64) as usize).cloned()
        else {
            return;
        };
        let to = self.entry("to");
        let (moved, replaced) =
            (self.model.now.entries[&from], self.model.now.entries.get(&to).copied());
        let exchange = replaced.is_some() && self.draw("exchange", 4) == 0;
        // What the kernel refuses before it asks.
        let folder = |id: Id| self.model.folders.contains(&id);
        let into_itself = folder(moved) && self.model.is_within(to.0, moved)
            || exchange
                && replaced.is_some_and(|id| folder(id) && self.model.is_within(from.0, id));
        let unlike = replaced.is_some_and(|id| folder(id) != folder(moved) && !exchange);
        if into_itself || unlike {
            return;
        }
        self.tell(&format!("rename {moved}: {from:?} to {to:?}, exchange: {exchange}"));
        let flags = if exchange { libc::RENAME_EXCHANGE } else { 0 };
        let (old, new) = (OsStr::new(&from.1), OsStr::new(&to.1));
        let renamed = self.volume.rename((from.0, old), (to.0, new), flags);
        let full = replaced.is_some_and(|id| id != moved && !exchange && !self.model.is_empty(id));
        if full {
            return assert!(renamed.is_err(), "{}", self.told);
        }
        renamed.unwrap();
        self.model.rename(from, to, exchange);
    }

    fn link(&mut self) {
        let Some(id) = self.file().filter(|id| !self.model.names(*id).is_empty()) else { return };
        let (folder, name) = self.entry("link");
        if self.model.now.entries.contains_key(&(folder, name.clone())) {
            return;
        }
        self.tell(&format!("link {id} as {folder}/{name}"));
        self.volume.link(id, folder, OsStr::new(&name)).unwrap();
        self.model.link((folder, name), id);
    }

    fn bytes(&self) -> Vec<u8> {
        let length = 1 + self.draw("length", if self.draw("long", 5) == 0 { 9000 } else { 700 });
        let first = self.draw("first", 251);
        (0..length).map(|at| ((first + at * 7) % 251 + 1) as u8).collect()
    }

    /// Works on a file while it is open.
    fn opened<T>(&mut self, id: Id, work: impl FnOnce(&Volume) -> T) -> T {
        self.volume.open_file(id).unwrap();
        let done = work(&self.volume);
        self.volume.close(id);
        done
    }

    fn write(&mut self) {
        let Some(id) = self.file() else { return };
        let size = self.model.now.files[&id].len() as u64;
        let offset = if self.draw("append", 2) == 0 { size } else { self.draw("offset", LONGEST) };
        let bytes = self.bytes();
        self.tell(&format!("write {id}: {} bytes at {offset}", bytes.len()));
        self.opened(id, |volume| volume.write(id, offset, &bytes)).unwrap();
        self.model.write(id, offset as usize, &bytes);
    }

    fn resize(&mut self) {
        let Some(id) = self.file() else { return };
        let size = if self.draw("to nothing", 4) == 0 { 0 } else { self.draw("size", LONGEST) };
        self.tell(&format!("resize {id} to {size}"));
        self.volume.change(id, Change { size: Some(size), ..Change::default() }).unwrap();
        self.model.resize(id, size as usize);
    }

    fn punch(&mut self) {
        let Some(id) = self.file() else { return };
        let size = self.model.now.files[&id].len() as u64;
        let (from, length) = (self.draw("from", LONGEST), 1 + self.draw("length", 9000));
        let to = (from + length).min(size);
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        self.tell(&format!("punch {id}: {length} bytes at {from}"));
        self.opened(id, |volume| volume.allocate(id, mode, from, length)).unwrap();
        if from < to {
            self.model.write(id, from as usize, &vec![0; (to - from) as usize]);
        }
    }

    fn sync(&mut self) {
        let Some(id) = self.file() else { return };
        let data_alone = self.draw("data alone", 2) == 0;
        self.tell(&format!("sync {id}, data alone: {data_alone}"));
        self.volume.sync(id, data_alone).unwrap();
        self.model.sync(id, data_alone);
    }

    fn sync_folder(&mut self) {
        let folder = self.folder("sync folder");
        self.tell(&format!("sync folder {folder}"));
        self.volume.sync_folder(folder).unwrap();
        self.model.sync_folder(folder);
    }

    fn open_or_close(&mut self) {
        if self.draw("close", 2) == 0 && !self.open.is_empty() {
            let id = self.open.swap_remove(self.draw("which", self.open.len() as u64) as usize);
            self.tell(&format!("close {id}"));
            return self.volume.close(id);
        }
        if let Some(id) = self.file() {
            self.tell(&format!("open {id}"));
            self.volume.open_file(id).unwrap();
            self.open.push(id);
        }
    }

    fn read(&mut self) {
        let Some(id) = self.file() else { return };
        let found = self.opened(id, |volume| volume.read(id, 0, 2 * LONGEST as usize)).unwrap();
        assert!(found == self.model.now.files[&id], "bytes of {id} differ\n{}", self.told);
    }

    fn lose_power(&mut self, torn: bool) {
        self.tell("the power is lost");
        let seed = torn.then_some(Seed(self.seed.draw("torn", self.call)));
        self.volume.lose_power(seed).unwrap();
        self.open.clear();
        let found = self.files();
        let lost = self.model.lose_power(torn.then_some(&found));
        lost.unwrap_or_else(|why| panic!("{why}\n{}", self.told));
        self.compare();
    }

    /// The bytes of every file that can be reached.
    fn files(&mut self) -> BTreeMap<Id, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![ROOT];
        while let Some(folder) = folders.pop() {
            for (_, id, kind) in self.volume.list(folder).unwrap() {
                if kind == Kind::Folder {
                    folders.push(id);
                } else {
                    let bytes = self.opened(id, |volume| volume.read(id, 0, 1 << 20)).unwrap();
                    found.insert(id, bytes);
                }
            }
        }
        found
    }

    /// Every entry and every byte, by the volume's account and in the backing folder.
    fn compare(&mut self) {
        let mut entries = BTreeMap::new();
        let mut folders = vec![ROOT];
        while let Some(folder) = folders.pop() {
            for (name, id, kind) in self.volume.list(folder).unwrap() {
                let path = self.volume.path(id).unwrap();
                assert_eq!(
                    path.is_dir(),
                    kind == Kind::Folder,
                    "{}\n{}",
                    path.display(),
                    self.told
                );
                entries.insert((folder, name.into_string().unwrap()), id);
                if kind == Kind::Folder {
                    folders.push(id);
                }
                let names = self.volume.looks(id).unwrap().names as usize;
                assert!(
                    kind == Kind::Folder || names == self.model.names(id).len(),
                    "{}",
                    self.told
                );
            }
        }
        assert_eq!(entries, self.model.now.entries, "\n{}", self.told);
        let mut named = self.model.now.files.clone();
        named.retain(|id, _| self.model.now.entries.values().any(|entry| entry == id));
        assert!(self.files() == named, "bytes differ\n{}", self.told);
    }
}

fn maker() -> Maker {
    let (user, group) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
    Maker { user, group, mode: 0o755 }
}

fn play(seed: u64, torn: bool, strict: bool) {
    let folder = Folder::new(&format!("fsx-{torn}-{strict}-{seed}"));
    let promise = if strict { Promise::BytesAlone } else { Promise::NameToo };
    let mut play = Play {
        volume: Volume::open(folder.0.clone(), promise).unwrap(),
        model: Model::new(strict),
        open: Vec::new(),
        seed: Seed(seed),
        call: 0,
        told: String::new(),
    };
    for call in 0..CALLS {
        play.call = call;
        play.act(torn);
    }
    play.compare();
    play.lose_power(torn);
    let aside = std::fs::read_dir(folder.0.join(super::super::ASIDE)).unwrap().count();
    assert_eq!(aside, 0, "something is left aside\n{}", play.told);
}

#[test]
fn what_survives_is_what_the_model_says() {
    for seed in 0..cases(300) {
        play(seed, false, false);
        play(seed, false, true);
    }
}

#[test]
fn torn_files_are_old_or_new_sector_by_sector() {
    for seed in 0..cases(300) {
        play(seed, true, false);
    }
}
