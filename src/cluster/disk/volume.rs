//! A folder whose un-synced changes can be taken back: what the layer does for each call, on a
//! backing folder, as plain functions. No kernel is needed to call them.
//!
//! One lock orders all changes of names; the bytes of a file have a lock of their own. Permissions
//! are not checked here: the kernel has done so. Attributes (owners, modes, times, extended ones)
//! are never taken back.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::{
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
    sys::{
        stat::{Mode, SFlag, UtimensatFlags, mknod, utimensat},
        statvfs::{Statvfs, statvfs},
        time::TimeSpec,
    },
};
use temblor_history::Seed;

use super::{
    content::Content,
    crash::Forgotten,
    tree::{ASIDE, Id, Kind, Promise, ROOT, Tree, errno},
};

/// Who makes something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maker {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) mode: u32,
}

/// What something is like now.
#[derive(Debug)]
pub(super) struct Looks {
    pub(super) id: Id,
    pub(super) found: Metadata,
    /// Of what servers see: one that is kept aside has a name more than that.
    pub(super) names: u32,
}

/// What to change of the attributes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    pub(super) mode: Option<u32>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) accessed: Option<TimeSpec>,
    pub(super) modified: Option<TimeSpec>,
}

/// A backing folder, and what of it is not synced.
#[derive(Debug)]
pub(super) struct Volume {
    root: PathBuf,
    promise: Promise,
    tree: Mutex<Tree>,
}

impl Volume {
    /// Takes a folder as it is: all of it is on disk.
    pub(super) fn open(root: PathBuf, promise: Promise) -> io::Result<Self> {
        let tree = Mutex::new(Tree::open(root.clone())?);
        Ok(Self { root, promise, tree })
    }

    pub(super) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is, for servers; none: it has no name.
    pub(super) fn place(&self, id: Id) -> Option<PathBuf> {
        self.tree().place(id)
    }

    /// Where it is on this machine.
    pub(super) fn path(&self, id: Id) -> io::Result<PathBuf> {
        self.tree().path(id)
    }

    pub(super) fn lookup(&self, folder: Id, name: &OsStr) -> io::Result<Looks> {
        let tree = self.tree();
        looks(&tree, tree.child(folder, name)?)
    }

    pub(super) fn looks(&self, id: Id) -> io::Result<Looks> {
        looks(&self.tree(), id)
    }

    /// Makes a file, which is open once from then on.
    pub(super) fn create(&self, folder: Id, name: &OsStr, maker: Maker) -> io::Result<Looks> {
        let mut tree = self.tree();
        let path = place_for(&mut tree, folder, name)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(maker.mode & 0o7777);
        let file = options.open(&path)?;
        own(&tree, folder, &path, maker)?;
        let id = tree.grow(Kind::File, Arc::new(Content::created(file)));
        tree.name(id, folder, name);
        looks(&tree, id)
    }

    pub(super) fn make_folder(&self, folder: Id, name: &OsStr, maker: Maker) -> io::Result<Looks> {
        self.make(folder, name, maker, Kind::Folder, |path| {
            fs::DirBuilder::new().mode(maker.mode & 0o7777).create(path)
        })
    }

    pub(super) fn make_link(
        &self,
        folder: Id,
        name: &OsStr,
        maker: Maker,
        to: &Path,
    ) -> io::Result<Looks> {
        self.make(folder, name, maker, Kind::Other, |path| symlink(to, path))
    }

    /// A pipe, a socket, a device; a regular file too.
    pub(super) fn make_node(
        &self,
        folder: Id,
        name: &OsStr,
        maker: Maker,
        device: u64,
    ) -> io::Result<Looks> {
        let kind = SFlag::from_bits_truncate(maker.mode & libc::S_IFMT);
        if kind.is_empty() || kind == SFlag::S_IFREG {
            let made = self.create(folder, name, maker)?;
            self.close(made.id);
            return Ok(made);
        }
        let mode = Mode::from_bits_truncate(maker.mode);
        self.make(folder, name, maker, Kind::Other, |path| Ok(mknod(path, kind, mode, device)?))
    }

    fn make(
        &self,
        folder: Id,
        name: &OsStr,
        maker: Maker,
        kind: Kind,
        make: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<Looks> {
        let mut tree = self.tree();
        let path = place_for(&mut tree, folder, name)?;
        make(&path)?;
        own(&tree, folder, &path, maker)?;
        let id = tree.grow(kind, Arc::default());
        tree.name(id, folder, name);
        looks(&tree, id)
    }

    /// One name more for a file.
    pub(super) fn link(&self, id: Id, folder: Id, name: &OsStr) -> io::Result<Looks> {
        let mut tree = self.tree();
        let path = place_for(&mut tree, folder, name)?;
        fs::hard_link(tree.path(id)?, path)?;
        tree.name(id, folder, name);
        looks(&tree, id)
    }

    pub(super) fn read_link(&self, id: Id) -> io::Result<PathBuf> {
        fs::read_link(self.tree().path(id)?)
    }

    pub(super) fn unlink(&self, folder: Id, name: &OsStr) -> io::Result<()> {
        let mut tree = self.tree();
        let id = tree.child(folder, name)?;
        tree.about_to_change(folder, name)?;
        fs::remove_file(tree.path_of(folder, name)?)?;
        tree.unname(folder, name);
        tree.forget(id)
    }

    pub(super) fn remove_folder(&self, folder: Id, name: &OsStr) -> io::Result<()> {
        let mut tree = self.tree();
        let id = tree.child(folder, name)?;
        if !tree.node(id)?.children.is_empty() {
            return Err(errno(libc::ENOTEMPTY));
        }
        tree.about_to_change(folder, name)?;
        put_away(&mut tree, id)?;
        tree.unname(folder, name);
        tree.forget(id)
    }

    /// Moves an entry, in one act; what was there before is gone, or (`flags`) changes places.
    pub(super) fn rename(
        &self,
        from: (Id, &OsStr),
        to: (Id, &OsStr),
        flags: u32,
    ) -> io::Result<()> {
        let mut tree = self.tree();
        let moved = tree.child(from.0, from.1)?;
        let replaced = tree.child(to.0, to.1).ok();
        if replaced == Some(moved) && flags & libc::RENAME_NOREPLACE == 0 {
            // Two names of one file: POSIX asks for nothing.
            return Ok(());
        }
        check_rename(&tree, replaced, flags)?;
        tree.about_to_change(from.0, from.1)?;
        tree.about_to_change(to.0, to.1)?;
        tree.in_one_act(&(from.0, from.1.into()), &(to.0, to.1.into()));
        let exchange = flags & libc::RENAME_EXCHANGE != 0;
        if let Some(replaced) = replaced.filter(|_| !exchange) {
            let node = tree.node(replaced)?;
            if node.kind == Kind::Folder && node.held > 0 {
                put_away(&mut tree, replaced)?;
            }
        }
        let (old, new) = (tree.path_of(from.0, from.1)?, tree.path_of(to.0, to.1)?);
        renameat2(AT_FDCWD, &old, AT_FDCWD, &new, RenameFlags::from_bits_retain(flags))?;
        tree.unname(from.0, from.1);
        let replaced = tree.unname(to.0, to.1);
        tree.name(moved, to.0, to.1);
        match replaced {
            Some(other) if exchange => tree.name(other, from.0, from.1),
            Some(gone) => tree.forget(gone)?,
            None => {}
        }
        Ok(())
    }

    /// What is in a folder.
    pub(super) fn list(&self, folder: Id) -> io::Result<Vec<(OsString, Id, Kind)>> {
        let tree = self.tree();
        let node = tree.node(folder)?;
        let kind = |id: &Id| tree.nodes.get(id).map_or(Kind::Other, |node| node.kind);
        Ok(node.children.iter().map(|(name, id)| (name.clone(), *id, kind(id))).collect())
    }

    /// The folder that it is in; the root is in itself.
    pub(super) fn parent(&self, id: Id) -> Id {
        let tree = self.tree();
        tree.nodes.get(&id).and_then(|node| node.names.first()).map_or(ROOT, |(folder, _)| *folder)
    }

    pub(super) fn open_file(&self, id: Id) -> io::Result<()> {
        let tree = self.tree();
        let node = tree.node(id)?;
        if node.content.is_open() {
            // It may have no name any more.
            return node.content.open(Path::new(""));
        }
        node.content.open(&tree.path(id)?)
    }

    pub(super) fn close(&self, id: Id) {
        let mut tree = self.tree();
        if let Ok(node) = tree.node(id) {
            node.content.close();
            // Nothing can fail but the removal of what is aside, which is not there then.
            let _ = tree.forget(id);
        }
    }

    pub(super) fn read(&self, id: Id, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.content(id)?.read(offset, length)
    }

    pub(super) fn write(&self, id: Id, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.content(id)?.write(offset, bytes)
    }

    pub(super) fn allocate(&self, id: Id, mode: i32, offset: u64, length: u64) -> io::Result<()> {
        self.content(id)?.allocate(mode, offset, length)
    }

    pub(super) fn content(&self, id: Id) -> io::Result<Arc<Content>> {
        Ok(Arc::clone(&self.tree().node(id)?.content))
    }

    /// Works on a file that may or may not be open or have a name.
    pub(super) fn with_file<T>(
        &self,
        id: Id,
        work: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        let tree = self.tree();
        let content = Arc::clone(&tree.node(id)?.content);
        let path = tree.path(id).unwrap_or_default();
        drop(tree);
        content.with_file(&path, work)
    }

    pub(super) fn change(&self, id: Id, change: Change) -> io::Result<Looks> {
        let tree = self.tree();
        let content = Arc::clone(&tree.node(id)?.content);
        let path = tree.path(id).unwrap_or_default();
        if let Some(size) = change.size {
            content.resize(&path, size)?;
        }
        if path.as_os_str().is_empty() {
            // Open and without a name: nobody can look at these attributes later.
            return looks(&tree, id);
        }
        if change.user.is_some() || change.group.is_some() {
            lchown(&path, change.user, change.group)?;
        }
        if let Some(mode) = change.mode {
            fs::set_permissions(&path, Permissions::from_mode(mode & 0o7777))?;
        }
        if change.accessed.is_some() || change.modified.is_some() {
            let omit = TimeSpec::new(0, libc::UTIME_OMIT);
            let times = [change.accessed, change.modified].map(|time| time.unwrap_or(omit));
            let flags = UtimensatFlags::NoFollowSymlink;
            utimensat(AT_FDCWD, &path, &times[0], &times[1], flags)?;
        }
        looks(&tree, id)
    }

    /// The file is on disk from here on; its name too, as was promised. A sync of the data alone
    /// carries the name of a file that has none on disk yet.
    pub(super) fn sync(&self, id: Id, data_alone: bool) -> io::Result<()> {
        let mut tree = self.tree();
        tree.node(id)?.content.sync();
        if self.promise == Promise::NameToo && !(data_alone && tree.is_durable(id)) {
            tree.sync_names(id)?;
        }
        Ok(())
    }

    /// The folder's entries are on disk from here on.
    pub(super) fn sync_folder(&self, id: Id) -> io::Result<()> {
        self.tree().sync_folder(id)
    }

    /// How much space there is.
    pub(super) fn space(&self) -> io::Result<Statvfs> {
        Ok(statvfs(&self.root)?)
    }

    /// The power is gone. Nobody may have anything open: what calls later finds it closed.
    pub(super) fn lose_power(&self, torn: Option<Seed>) -> io::Result<Forgotten> {
        self.tree().lose_power(torn)
    }
}

fn looks(tree: &Tree, id: Id) -> io::Result<Looks> {
    let node = tree.node(id)?;
    let found = match node.content.metadata() {
        Some(found) => found?,
        None => fs::symlink_metadata(tree.path(id)?)?,
    };
    let names = match node.kind {
        Kind::Folder => {
            let folders = node.children.values().filter(|child| {
                tree.nodes.get(child).is_some_and(|child| child.kind == Kind::Folder)
            });
            2 + folders.count()
        }
        _ => node.names.len(),
    };
    Ok(Looks { id, found, names: names as u32 })
}

/// The path for something new, whose entry is about to change.
fn place_for(tree: &mut Tree, folder: Id, name: &OsStr) -> io::Result<PathBuf> {
    if tree.child(folder, name).is_ok() {
        return Err(errno(libc::EEXIST));
    }
    if folder == ROOT && name == ASIDE {
        return Err(errno(libc::EPERM));
    }
    if tree.path(folder).is_err() || (folder != ROOT && tree.node(folder)?.names.is_empty()) {
        return Err(errno(libc::ENOENT));
    }
    tree.about_to_change(folder, name)?;
    tree.path_of(folder, name)
}

/// Gives what was just made to its maker; in a folder with the set-group bit, to its group.
fn own(tree: &Tree, folder: Id, path: &Path, maker: Maker) -> io::Result<()> {
    let above = fs::metadata(tree.path(folder)?)?;
    let inherits = above.mode() & libc::S_ISGID != 0;
    let group = if inherits { above.gid() } else { maker.group };
    let made = fs::symlink_metadata(path)?;
    if (made.uid(), made.gid()) != (maker.user, group) {
        lchown(path, Some(maker.user), Some(group))?;
    }
    if !made.is_symlink() && made.mode() & 0o7777 != maker.mode & 0o7777 {
        let bit = if inherits && made.is_dir() { libc::S_ISGID } else { 0 };
        fs::set_permissions(path, Permissions::from_mode(maker.mode & 0o7777 | bit))?;
    }
    Ok(())
}

/// Removes an empty folder, or keeps it aside while the disk has it.
fn put_away(tree: &mut Tree, id: Id) -> io::Result<()> {
    let path = tree.path(id)?;
    if tree.node(id)?.held == 0 {
        return fs::remove_dir(path);
    }
    fs::rename(path, tree.path_aside(id))?;
    tree.node_mut(id)?.aside = true;
    Ok(())
}

fn check_rename(tree: &Tree, replaced: Option<Id>, flags: u32) -> io::Result<()> {
    let known = libc::RENAME_EXCHANGE | libc::RENAME_NOREPLACE;
    if flags & !known != 0 {
        return Err(errno(libc::EINVAL));
    }
    let Some(replaced) = replaced else {
        let exchange = flags & libc::RENAME_EXCHANGE != 0;
        return if exchange { Err(errno(libc::ENOENT)) } else { Ok(()) };
    };
    if flags & libc::RENAME_NOREPLACE != 0 {
        return Err(errno(libc::EEXIST));
    }
    let full = !tree.node(replaced)?.children.is_empty();
    if full && flags & libc::RENAME_EXCHANGE == 0 {
        return Err(errno(libc::ENOTEMPTY));
    }
    Ok(())
}
