//! Names: which entries each folder has, and which of them would survive a loss of power.
//!
//! The backing folder always holds the newest names. Beside each folder stands what the disk would
//! hold of the entries that have changed since its last sync. What the disk holds is one of the
//! states that a journaling file system may come back with:
//!
//! - An entry's change is durable when its folder was synced since, or the file itself (see
//!   [`Promise`]); until then a loss of power takes it back.
//! - A rename is one act: both of its entries become durable together.
//! - Whatever becomes durable takes the names of the folders above it along.
//!
//! A file that the disk still has under a name, and that has lost this name, is kept aside: a hard
//! link in a folder that nobody sees. A removed folder is moved there.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::Arc,
};

use super::content::Content;

/// What stands for a file, whatever it is called; never used twice.
pub(super) type Id = u64;
/// The folder that everything is in.
pub(super) const ROOT: Id = 1;
/// Below the root: what has lost its name but not its place on disk.
pub(in crate::cluster) const ASIDE: &str = ".temblor-aside";

/// A place for a name: a folder, and what it is called there.
pub(super) type Entry = (Id, OsString);

/// What the sync of a file says of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Promise {
    /// It makes the file's name durable too, as ext4, XFS and btrfs do.
    #[default]
    NameToo,
    /// It makes its bytes durable alone, which is all that POSIX promises.
    BytesAlone,
}

/// What something is, as far as this matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link, a pipe: names alone.
    Other,
}

/// A file, a folder or something else.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Every name that it has.
    pub(super) names: BTreeSet<Entry>,
    pub(super) children: BTreeMap<OsString, Id>,
    pub(super) content: Arc<Content>,
    /// By name, what is on disk where that may differ from `children`.
    pub(super) changed: BTreeMap<OsString, Changed>,
    /// How many of `changed`, of all folders, hold this on disk.
    pub(super) held: u32,
    /// It is in the folder aside too (a folder: it is there alone).
    pub(super) aside: bool,
}

/// An entry that has changed since its folder's last sync.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// What is on disk under this name.
    pub(super) durable: Option<Id>,
    /// The other ends of renames.
    with: BTreeSet<Entry>,
}

/// All names of one backing folder.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    pub(super) nodes: HashMap<Id, Node>,
    next: Id,
}

pub(super) fn errno(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Tree {
    /// Takes a backing folder as it is: all of it is on disk.
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(root.join(ASIDE))?;
        let mut tree = Self { root, nodes: HashMap::new(), next: ROOT };
        let id = tree.grow(Kind::Folder, Arc::default());
        tree.scan(id, &mut HashMap::new())?;
        Ok(tree)
    }

    fn scan(&mut self, folder: Id, known: &mut HashMap<u64, Id>) -> io::Result<()> {
        for entry in fs::read_dir(self.path(folder)?)? {
            let entry = entry?;
            let (name, found) = (entry.file_name(), entry.metadata()?);
            if folder == ROOT && name == ASIDE {
                continue;
            }
            let kind = match found.file_type() {
                kind if kind.is_dir() => Kind::Folder,
                kind if kind.is_file() => Kind::File,
                _ => Kind::Other,
            };
            if let Some(id) = known.get(&found.ino()) {
                self.name(*id, folder, &name);
                continue;
            }
            let id = self.grow(kind, Arc::default());
            known.insert(found.ino(), id);
            self.name(id, folder, &name);
            if kind == Kind::Folder {
                self.scan(id, known)?;
            }
        }
        Ok(())
    }

    /// Something new, without a name yet.
    pub(super) fn grow(&mut self, kind: Kind, content: Arc<Content>) -> Id {
        let id = self.next;
        self.next += 1;
        let node = Node {
            kind,
            names: BTreeSet::new(),
            children: BTreeMap::new(),
            content,
            changed: BTreeMap::new(),
            held: 0,
            aside: false,
        };
        self.nodes.insert(id, node);
        id
    }

    /// Gives a name, in this account alone.
    pub(super) fn name(&mut self, id: Id, folder: Id, name: &OsStr) {
        if let Some(node) = self.nodes.get_mut(&folder) {
            node.children.insert(name.into(), id);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.names.insert((folder, name.into()));
        }
    }

    /// Takes a name away, in this account alone.
    pub(super) fn unname(&mut self, folder: Id, name: &OsStr) -> Option<Id> {
        let id = self.nodes.get_mut(&folder)?.children.remove(name)?;
        self.nodes.get_mut(&id)?.names.remove(&(folder, name.to_owned()));
        Some(id)
    }

    pub(super) fn node(&self, id: Id) -> io::Result<&Node> {
        self.nodes.get(&id).ok_or_else(|| errno(libc::ESTALE))
    }

    pub(super) fn node_mut(&mut self, id: Id) -> io::Result<&mut Node> {
        self.nodes.get_mut(&id).ok_or_else(|| errno(libc::ESTALE))
    }

    /// What a folder has under a name.
    pub(super) fn child(&self, folder: Id, name: &OsStr) -> io::Result<Id> {
        self.node(folder)?.children.get(name).copied().ok_or_else(|| errno(libc::ENOENT))
    }

    /// Where it is from the root of what servers see; none: it has no name.
    pub(super) fn place(&self, id: Id) -> Option<PathBuf> {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT {
            let (folder, name) = self.nodes.get(&at)?.names.first()?;
            parts.push(name);
            at = *folder;
        }
        Some(parts.into_iter().rev().collect())
    }

    /// Where it is on this machine.
    pub(super) fn path(&self, id: Id) -> io::Result<PathBuf> {
        let mut parts = Vec::new();
        let mut at = id;
        while at != ROOT {
            let node = self.node(at)?;
            let Some((folder, name)) = node.names.first() else {
                if !node.aside {
                    return Err(errno(libc::ESTALE));
                }
                parts.push(aside_name(at));
                break;
            };
            parts.push(name.clone());
            at = *folder;
        }
        let mut path = self.root.clone();
        path.extend(parts.into_iter().rev());
        Ok(path)
    }

    /// Where an entry is, or would be.
    pub(super) fn path_of(&self, folder: Id, name: &OsStr) -> io::Result<PathBuf> {
        Ok(self.path(folder)?.join(name))
    }

    pub(super) fn path_aside(&self, id: Id) -> PathBuf {
        self.root.join(aside_name(id))
    }

    pub(super) fn folder_aside(&self) -> PathBuf {
        self.root.join(ASIDE)
    }

    /// Notes that an entry is about to change, and keeps aside what is on disk under it.
    pub(super) fn about_to_change(&mut self, folder: Id, name: &OsStr) -> io::Result<()> {
        let node = self.node(folder)?;
        if node.changed.contains_key(name) {
            return Ok(());
        }
        let durable = node.children.get(name).copied();
        if let Some(id) = durable {
            self.hold(id)?;
        }
        let changed = Changed { durable, with: BTreeSet::new() };
        self.node_mut(folder)?.changed.insert(name.into(), changed);
        Ok(())
    }

    /// Notes that two entries change in one act. Both are noted to change already.
    pub(super) fn in_one_act(&mut self, one: &Entry, other: &Entry) {
        for (here, there) in [(one, other), (other, one)] {
            let changed =
                self.nodes.get_mut(&here.0).and_then(|node| node.changed.get_mut(&here.1));
            if let Some(changed) = changed {
                changed.with.insert(there.clone());
            }
        }
    }

    /// Whether the disk has it under some name.
    pub(super) fn is_durable(&self, id: Id) -> bool {
        let Some(node) = self.nodes.get(&id) else { return false };
        let unchanged = |(folder, name): &Entry| {
            self.nodes.get(folder).is_some_and(|folder| !folder.changed.contains_key(name))
        };
        id == ROOT || node.held > 0 || node.names.iter().any(unchanged)
    }

    /// A folder's entries are on disk from here on.
    pub(super) fn sync_folder(&mut self, folder: Id) -> io::Result<()> {
        let names: Vec<OsString> = self.node(folder)?.changed.keys().cloned().collect();
        for name in names {
            self.commit((folder, name))?;
        }
        self.sync_names(folder)
    }

    /// Its names are on disk from here on, and those of the folders above it.
    pub(super) fn sync_names(&mut self, id: Id) -> io::Result<()> {
        let Ok(node) = self.node(id) else { return Ok(()) };
        for entry in node.names.clone() {
            let folder = entry.0;
            self.commit(entry)?;
            self.sync_names(folder)?;
        }
        Ok(())
    }

    fn commit(&mut self, (folder, name): Entry) -> io::Result<()> {
        let changed = self.nodes.get_mut(&folder).and_then(|node| node.changed.remove(&name));
        let Some(Changed { durable, with }) = changed else { return Ok(()) };
        for entry in with {
            self.commit(entry)?;
        }
        if let Some(id) = durable {
            self.sync_removed_folder(id)?;
        }
        self.sync_names(folder)?;
        durable.map_or(Ok(()), |id| self.let_go(id))
    }

    /// What left a folder before it was removed has left it on disk too, once that has.
    fn sync_removed_folder(&mut self, id: Id) -> io::Result<()> {
        let node = self.node(id)?;
        if node.kind != Kind::Folder || !node.names.is_empty() {
            return Ok(());
        }
        for name in node.changed.keys().cloned().collect::<Vec<_>>() {
            self.commit((id, name))?;
        }
        Ok(())
    }

    fn hold(&mut self, id: Id) -> io::Result<()> {
        let node = self.node(id)?;
        if node.kind != Kind::Folder && !node.aside {
            fs::hard_link(self.path(id)?, self.path_aside(id))?;
            self.node_mut(id)?.aside = true;
        }
        self.node_mut(id)?.held += 1;
        Ok(())
    }

    /// The disk has it no more under one of the names that it had there.
    fn let_go(&mut self, id: Id) -> io::Result<()> {
        let node = self.node_mut(id)?;
        node.held -= 1;
        if node.held == 0 && node.aside {
            if node.kind == Kind::Folder {
                fs::remove_dir(self.path_aside(id))?;
            } else {
                fs::remove_file(self.path_aside(id))?;
            }
            self.node_mut(id)?.aside = false;
        }
        self.forget(id)
    }

    /// Forgets what has no name, here or on disk, and is not open.
    pub(super) fn forget(&mut self, id: Id) -> io::Result<()> {
        let Ok(node) = self.node(id) else { return Ok(()) };
        if id == ROOT || !node.names.is_empty() || node.held > 0 || node.content.is_open() {
            return Ok(());
        }
        let changed = self.nodes.remove(&id).map(|node| node.changed).unwrap_or_default();
        for lost in changed.into_values().filter_map(|changed| changed.durable) {
            self.let_go(lost)?;
        }
        Ok(())
    }
}

fn aside_name(id: Id) -> OsString {
    format!("{ASIDE}/{id}").into()
}
