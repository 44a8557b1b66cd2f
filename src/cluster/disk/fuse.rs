//! The volume as the kernel calls it: FUSE requests to the volume's functions, and the rules in
//! force in between.
//!
//! Nothing is decided here but what a call is named. Permissions are the kernel's business
//! (`default_permissions`), locks too; `sync` and `syncfs` never reach a FUSE file system of this
//! kind, so they make nothing durable here.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use fuser::{
    BsdFileFlags, Errno, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use nix::sys::time::{TimeSpec, TimeValLike};
use temblor_faults::DiskCall;

use super::{
    attributes::attributes,
    later::Later,
    probe::is_ours,
    rules::{self, Rules},
    tree::{Id, Kind, ROOT, errno},
    volume::{Change, Looks, Maker, Volume},
    xattr,
};

/// Everything changes through the kernel that remembers this, or the mount is made anew.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Largest write in one request.
const LARGEST: u32 = 1 << 20;

/// What all mounts of a node share.
pub(super) struct Shared {
    pub(super) volume: Volume,
    pub(super) rules: Rules,
    pub(super) later: Arc<Later>,
    /// How often the power was lost: requests from before find nothing any more.
    pub(super) age: AtomicU64,
}

/// One mount.
pub(super) struct Mounted {
    shared: Arc<Shared>,
    age: u64,
    listings: Mutex<HashMap<u64, Arc<Listing>>>,
    next: AtomicU64,
}

type Listing = Vec<(OsString, Id, Kind)>;

impl Mounted {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let age = shared.age.load(Ordering::SeqCst);
        Self { shared, age, listings: Mutex::default(), next: AtomicU64::new(1) }
    }

    /// Does a call as the rules have it.
    fn call<R: Answers + Send + 'static>(
        &self,
        call: DiskCall,
        subject: Subject<'_>,
        reply: R,
        work: impl FnOnce(&Volume, R) + Send + 'static,
    ) {
        if self.shared.age.load(Ordering::SeqCst) != self.age {
            return reply.refuse(Errno::EIO);
        }
        if self.shared.rules.idle() {
            return work(&self.shared.volume, reply);
        }
        let ruling = self.ruling(call, subject);
        let (shared, age) = (Arc::clone(&self.shared), self.age);
        let (id, extent) = (subject.id, subject.extent);
        let done = move || {
            if shared.age.load(Ordering::SeqCst) != age {
                return reply.refuse(Errno::EIO);
            }
            let space =
                || if ruling.full { has_space(&shared.volume, call, id, extent) } else { Ok(()) };
            match ruling.check().and_then(|()| space()) {
                Ok(()) => work(&shared.volume, reply),
                Err(why) => reply.refuse(why.into()),
            }
        };
        if ruling.delay.is_zero() {
            return done();
        }
        self.shared.later.after(ruling.delay, Box::new(done));
    }

    fn ruling(&self, call: DiskCall, subject: Subject<'_>) -> rules::Ruling {
        let bytes = subject.extent.map_or(0, |(_, length)| length);
        let place = self.shared.volume.place(subject.id);
        let place = place.map(|place| subject.name.map_or(place.clone(), |name| place.join(name)));
        match place {
            Some(place) if rules::is_exempt(&place) => rules::Ruling::default(),
            Some(place) if rules::is_probe(&place) => self.shared.rules.ruling(call, None, bytes),
            // What has no name any more answers to rules without a path alone.
            place => self.shared.rules.ruling(call, Some(&place.unwrap_or_default()), bytes),
        }
    }
}

/// What a call is about: something, or an entry of a folder, and which bytes of it.
#[derive(Clone, Copy)]
struct Subject<'c> {
    id: Id,
    name: Option<&'c OsStr>,
    extent: Option<(u64, u64)>,
}

fn on(id: INodeNo) -> Subject<'static> {
    Subject { id: id.0, name: None, extent: None }
}

fn at(folder: INodeNo, name: &OsStr) -> Subject<'_> {
    Subject { id: folder.0, name: Some(name), extent: None }
}

/// Of a full disk: nothing can be made, and files grow into no new block.
fn has_space(
    volume: &Volume,
    call: DiskCall,
    id: Id,
    extent: Option<(u64, u64)>,
) -> io::Result<()> {
    let needs = match (call, extent) {
        (DiskCall::Create, _) => true,
        (DiskCall::Write, Some((offset, length))) => {
            volume.with_file(id, |file| rules::needs_space(file, offset, length))?
        }
        _ => false,
    };
    if needs { Err(errno(libc::ENOSPC)) } else { Ok(()) }
}
/// A reply that can say no.
trait Answers {
    fn refuse(self, why: Errno);
}

macro_rules! answers {
    ($($reply:ty),*) => {
        $(impl Answers for $reply {
            fn refuse(self, why: Errno) {
                self.error(why);
            }
        })*
    };
}

answers!(ReplyAttr, ReplyCreate, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite);

fn entry(reply: ReplyEntry, found: io::Result<Looks>) {
    match found {
        Ok(looks) => reply.entry(&REMEMBERED, &attributes(&looks), Generation(0)),
        Err(why) => reply.error(why.into()),
    }
}

fn empty(reply: ReplyEmpty, done: io::Result<()>) {
    match done {
        Ok(()) => reply.ok(),
        Err(why) => reply.error(why.into()),
    }
}

fn maker(request: &Request, mode: u32) -> Maker {
    Maker { user: request.uid(), group: request.gid(), mode }
}

fn time(time: TimeOrNow) -> TimeSpec {
    match time {
        TimeOrNow::Now => TimeSpec::new(0, libc::UTIME_NOW),
        TimeOrNow::SpecificTime(time) => match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => TimeSpec::from_duration(since),
            Err(before) => TimeSpec::nanoseconds(-(before.duration().as_nanos() as i64)),
        },
    }
}

impl Filesystem for Mounted {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // Whatever the kernel refuses it does without.
        let _ = config.set_max_write(LARGEST);
        let _ = config.add_capabilities(InitFlags::FUSE_PARALLEL_DIROPS);
        let _ = config.add_capabilities(InitFlags::FUSE_ASYNC_DIO);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.shared.volume.lookup(parent.0, name));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        attribute(reply, self.shared.volume.looks(ino.0));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        user: Option<u32>,
        group: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let (accessed, modified) = (accessed.map(time), modified.map(time));
        let change = Change { mode, user, group, size, accessed, modified };
        if size.is_none() {
            return attribute(reply, self.shared.volume.change(ino.0, change));
        }
        self.call(DiskCall::Truncate, on(ino), reply, move |volume, reply| {
            attribute(reply, volume.change(ino.0, change));
        });
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.shared.volume.read_link(ino.0) {
            Ok(to) => reply.data(std::os::unix::ffi::OsStrExt::as_bytes(to.as_os_str())),
            Err(why) => reply.error(why.into()),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        device: u32,
        reply: ReplyEntry,
    ) {
        let (maker, owned) = (maker(request, mode), name.to_owned());
        self.call(DiskCall::Create, at(parent, name), reply, move |volume, reply| {
            entry(reply, volume.make_node(parent.0, &owned, maker, device.into()));
        });
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let (maker, owned) = (maker(request, mode), name.to_owned());
        self.call(DiskCall::Create, at(parent, name), reply, move |volume, reply| {
            entry(reply, volume.make_folder(parent.0, &owned, maker));
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let owned = name.to_owned();
        self.call(DiskCall::Remove, at(parent, name), reply, move |volume, reply| {
            empty(reply, volume.unlink(parent.0, &owned));
        });
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let owned = name.to_owned();
        self.call(DiskCall::Remove, at(parent, name), reply, move |volume, reply| {
            empty(reply, volume.remove_folder(parent.0, &owned));
        });
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let (maker, owned, to) = (maker(request, 0o777), name.to_owned(), target.to_owned());
        self.call(DiskCall::Create, at(parent, name), reply, move |volume, reply| {
            entry(reply, volume.make_link(parent.0, &owned, maker, &to));
        });
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (old, new) = (name.to_owned(), new_name.to_owned());
        self.call(DiskCall::Rename, at(parent, name), reply, move |volume, reply| {
            let done = volume.rename((parent.0, &old), (new_parent.0, &new), flags.bits());
            empty(reply, done);
        });
    }

    fn link(
        &self,
        _: &Request,
        ino: INodeNo,
        new_parent: INodeNo,
        new_name: &OsStr,
        reply: ReplyEntry,
    ) {
        let owned = new_name.to_owned();
        self.call(DiskCall::Create, at(new_parent, new_name), reply, move |volume, reply| {
            entry(reply, volume.link(ino.0, new_parent.0, &owned));
        });
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.call(DiskCall::Open, on(ino), reply, move |volume, reply| {
            match volume.open_file(ino.0) {
                Ok(()) => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
                Err(why) => reply.error(why.into()),
            }
        });
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let (maker, owned) = (maker(request, mode), name.to_owned());
        self.call(DiskCall::Create, at(parent, name), reply, move |volume, reply| {
            match volume.create(parent.0, &owned, maker) {
                Ok(looks) => {
                    let flags = FopenFlags::FOPEN_KEEP_CACHE;
                    let found = attributes(&looks);
                    reply.created(&REMEMBERED, &found, Generation(0), FileHandle(0), flags);
                }
                Err(why) => reply.error(why.into()),
            }
        });
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let subject = Subject { extent: Some((offset, size.into())), ..on(ino) };
        self.call(DiskCall::Read, subject, reply, move |volume, reply| {
            match volume.read(ino.0, offset, size as usize) {
                Ok(bytes) => reply.data(&bytes),
                Err(why) => reply.error(why.into()),
            }
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = move |volume: &Volume, reply: ReplyWrite, bytes: &[u8]| match volume
            .write(ino.0, offset, bytes)
        {
            Ok(()) => reply.written(bytes.len() as u32),
            Err(why) => reply.error(why.into()),
        };
        if self.shared.rules.idle() && self.shared.age.load(Ordering::SeqCst) == self.age {
            // The way of nearly every write: nothing is copied.
            return written(&self.shared.volume, reply, bytes);
        }
        let extent = Some((offset, bytes.len() as u64));
        let bytes = bytes.to_vec();
        let subject = Subject { extent, ..on(ino) };
        self.call(DiskCall::Write, subject, reply, move |volume, reply| {
            written(volume, reply, &bytes);
        });
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        if self.shared.age.load(Ordering::SeqCst) == self.age {
            self.shared.volume.close(ino.0);
        }
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, data: bool, reply: ReplyEmpty) {
        self.call(DiskCall::Fsync, on(ino), reply, move |volume, reply| {
            empty(reply, volume.sync(ino.0, data));
        });
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let handle = self.next.fetch_add(1, Ordering::Relaxed);
        reply.opened(FileHandle(handle), FopenFlags::empty());
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listing = match self.listing(ino.0, handle.0, offset) {
            Ok(listing) => listing,
            Err(why) => return reply.error(why.into()),
        };
        for (place, (name, id, kind)) in listing.iter().enumerate().skip(offset as usize) {
            let kind = match kind {
                Kind::Folder => FileType::Directory,
                Kind::File => FileType::RegularFile,
                Kind::Other => FileType::Symlink,
            };
            if reply.add(INodeNo(*id), place as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.listings.lock().unwrap_or_else(PoisonError::into_inner).remove(&handle.0);
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.call(DiskCall::Fsync, on(ino), reply, move |volume, reply| {
            empty(reply, volume.sync_folder(ino.0));
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let space = match self.shared.volume.space() {
            Ok(space) => space,
            Err(why) => return reply.error(why.into()),
        };
        let left = u64::from(!self.shared.rules.full());
        reply.statfs(
            space.blocks(),
            space.blocks_free() * left,
            space.blocks_available() * left,
            space.files(),
            space.files_free(),
            space.block_size() as u32,
            space.name_max() as u32,
            space.fragment_size() as u32,
        );
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let punches = mode & libc::FALLOC_FL_PUNCH_HOLE != 0;
        let extent = (!punches).then_some((offset, length));
        let subject = Subject { extent, ..on(ino) };
        self.call(DiskCall::Write, subject, reply, move |volume, reply| {
            empty(reply, volume.allocate(ino.0, mode, offset, length));
        });
    }

    fn lseek(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        match self.shared.volume.with_file(ino.0, |file| rules::seek(file, offset, whence)) {
            Ok(found) => reply.offset(found),
            Err(why) => reply.error(why.into()),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        let path = self.shared.volume.path(ino.0);
        empty(reply, path.and_then(|path| xattr::set(&path, name, value, flags)));
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let path = self.shared.volume.path(ino.0);
        extended(reply, size, path.and_then(|path| xattr::get(&path, name)));
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        extended(reply, size, self.shared.volume.path(ino.0).and_then(|path| xattr::list(&path)));
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.shared.volume.path(ino.0);
        empty(reply, path.and_then(|path| xattr::remove(&path, name)));
    }
}

impl Mounted {
    /// A folder's entries as they were when its reading began.
    fn listing(&self, folder: Id, handle: u64, offset: u64) -> io::Result<Arc<Listing>> {
        let mut listings = self.listings.lock().unwrap_or_else(PoisonError::into_inner);
        if offset > 0
            && let Some(listing) = listings.get(&handle)
        {
            return Ok(Arc::clone(listing));
        }
        let volume = &self.shared.volume;
        let dots = [(".".into(), folder), ("..".into(), volume.parent(folder))];
        let mut listing: Listing =
            dots.into_iter().map(|(name, id)| (name, id, Kind::Folder)).collect();
        let entries = volume.list(folder)?.into_iter();
        listing.extend(entries.filter(|(name, ..)| folder != ROOT || !is_ours(name)));
        let listing = Arc::new(listing);
        listings.insert(handle, Arc::clone(&listing));
        Ok(listing)
    }
}

fn attribute(reply: ReplyAttr, found: io::Result<Looks>) {
    match found {
        Ok(looks) => reply.attr(&REMEMBERED, &attributes(&looks)),
        Err(why) => reply.error(why.into()),
    }
}

/// The kernel asks for the size first, with a size of none.
fn extended(reply: ReplyXattr, room: u32, value: io::Result<Vec<u8>>) {
    match value {
        Ok(value) if room == 0 => reply.size(value.len() as u32),
        Ok(value) if value.len() > room as usize => reply.error(Errno::ERANGE),
        Ok(value) => reply.data(&value),
        Err(why) => reply.error(why.into()),
    }
}
