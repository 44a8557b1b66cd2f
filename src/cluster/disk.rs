//! A layer under a node's data folder that can forget what was not synced, and make calls fail or
//! wait.
//!
//! A FUSE file system, mounted over the data folder in the node's own mount namespace and served by
//! threads of its agent: it is there from the node's first start where the plan has a disk fault,
//! it dies with the node, and no process of its own could be mistaken for a server.
//!
//! | module | is | touches the world |
//! | --- | --- | --- |
//! | [`tree`] | names, and which of them are on disk | backing folder |
//! | [`content`], [`torn`] | bytes of files, and which of them are on disk | backing folder |
//! | [`crash`] | what a loss of power does to both | backing folder |
//! | [`volume`] | each call as a plain function | backing folder |
//! | [`rules`], [`later`] | calls that fail or wait | no; a thread |
//! | [`fuse`], [`attributes`], [`xattr`] | the same as the kernel calls it | FUSE |
//! | [`probe`], [`damage`] | evidence, and damage | the mounted folder |
//!
//! # What it promises of a sync
//!
//! After a loss of power a file holds what it held at its last `fsync` or `fdatasync` (or, torn,
//! any mixture of old and new sectors), and a folder the entries of its last one. A rename is one
//! act. The sync of a file carries its name along, as on ext4, XFS and btrfs, unless the plan says
//! `promise: bytes-alone`. Changes of attributes are never taken back, and changes of names never by
//! half: a torn loss takes them all back. Nothing is really synced to the machine's disk: what the
//! kernel holds survives everything that is done here.
//!
//! `sync` and `syncfs` do not reach a file system of this kind, so they make nothing durable; a
//! system that relies on them alone would be slandered. Nor can files be made without a name
//! (`O_TMPFILE`).

mod attributes;
mod content;
mod crash;
mod damage;
mod fuse;
mod later;
mod probe;
mod rules;
#[cfg(test)]
mod tests;
mod torn;
mod tree;
mod volume;
mod xattr;

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fuser::{BackgroundSession, Config, INodeNo, MountOption, Notifier, Session, SessionACL};
use nix::{
    errno::Errno,
    mount::{MntFlags, umount2},
    sys::resource::{Resource, getrlimit, setrlimit},
};
use serde::{Deserialize, Serialize};
use temblor_faults::{Damage, DiskCall, DiskOps, DiskRule, PathPattern, PowerLost, Tried};
use temblor_history::{Evidence, Seed};

use self::{
    fuse::{Mounted, Shared},
    later::Later,
    probe::Probe,
    volume::Volume,
};

pub(super) use tree::ASIDE;

/// Requests are short: they end in the page cache.
const THREADS: usize = 4;
/// A mount whose last user has just died may be busy for a moment.
const BUSY_TRIES: u32 = 500;

/// What the layer of a run has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The sync of a file makes its bytes durable alone, and not its name: all that POSIX promises,
    /// less than what common file systems do.
    pub bytes_alone: bool,
    /// The run's seed: torn sectors and damage draw from it.
    pub seed: u64,
}

/// The layer under one data folder.
pub(super) struct Disk {
    data: PathBuf,
    seed: Seed,
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    probe: Option<Probe>,
    /// What is under the mount, reached by its descriptor.
    _backing: File,
}

impl Disk {
    /// Puts the layer over a folder, which must be in a mount namespace of this node's own. Threads
    /// take over this thread's signal mask.
    pub(super) fn mount(data: &Path, spec: DiskSpec) -> io::Result<Self> {
        allow_many_files()?;
        let backing = File::open(data)?;
        // The path does not lead there any more once something is mounted over it. With the dot it
        // is the folder, and not the link to it.
        let below = PathBuf::from(format!("/proc/self/fd/{}/.", backing.as_raw_fd()));
        let promise =
            if spec.bytes_alone { tree::Promise::BytesAlone } else { tree::Promise::NameToo };
        let shared = Shared {
            volume: Volume::open(below, promise)?,
            rules: rules::Rules::default(),
            later: Later::start()?,
            age: AtomicU64::new(0),
        };
        let mut disk = Self {
            data: data.into(),
            seed: Seed(spec.seed),
            shared: Arc::new(shared),
            session: None,
            probe: None,
            _backing: backing,
        };
        disk.attach()?;
        Ok(disk)
    }

    fn attach(&mut self) -> io::Result<()> {
        let mut config = Config::default();
        config.mount_options =
            vec![MountOption::FSName("temblor".into()), MountOption::DefaultPermissions];
        config.acl = SessionACL::All;
        config.n_threads = Some(THREADS);
        config.clone_fd = true;
        let mounted = Mounted::new(Arc::clone(&self.shared));
        self.session = Some(Session::new(mounted, &self.data, &config)?.spawn()?);
        Ok(())
    }

    /// Takes the mount away and waits for its threads: every request is done then.
    fn detach(&mut self) -> io::Result<()> {
        for _ in 0..BUSY_TRIES {
            match umount2(&self.data, MntFlags::empty()) {
                Ok(()) => return self.session.take().map_or(Ok(()), BackgroundSession::join),
                Err(Errno::EBUSY) => std::thread::sleep(Duration::from_millis(2)),
                Err(why) => return Err(why.into()),
            }
        }
        Err(io::Error::other("somebody has a file of the data folder open though no server lives"))
    }

    /// Makes the kernel forget the bytes of these files that it holds.
    fn drop_caches(&self, files: impl IntoIterator<Item = tree::Id>) {
        let Some(notifier) = self.session.as_ref().map(BackgroundSession::notifier) else { return };
        for id in files {
            forget(&notifier, id);
        }
    }
}

fn forget(notifier: &Notifier, id: tree::Id) {
    // A file that the kernel does not know has nothing to forget.
    let _ = notifier.inval_inode(INodeNo(id), 0, 0);
}

/// Every file that is not synced is open here. What servers inherit is put back at their start.
fn allow_many_files() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    super::spawn::remember_file_limit(soft, hard);
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

impl DiskOps for Disk {
    fn rule(&mut self, occurrence: &str, rule: DiskRule) -> io::Result<()> {
        let reads = rule.calls.contains(&DiskCall::Read);
        self.shared.rules.add(occurrence, rule);
        if reads {
            let files = self.shared.volume.files();
            self.drop_caches(files.into_iter().map(|file| file.id));
        }
        Ok(())
    }

    fn lift(&mut self, occurrence: &str) -> io::Result<u64> {
        Ok(self.shared.rules.remove(occurrence))
    }

    fn begin_probe(&mut self) -> io::Result<()> {
        self.probe = Some(Probe::begin(&self.data)?);
        Ok(())
    }

    fn probe(&mut self, call: DiskCall) -> io::Result<Tried> {
        let data = &self.data;
        let probe = match &mut self.probe {
            Some(probe) => probe,
            none => none.insert(Probe::begin(data)?),
        };
        probe.make(call)
    }

    fn end_probe(&mut self) -> io::Result<()> {
        self.probe = None;
        probe::clear_away(&self.data)
    }

    fn space_left(&mut self) -> io::Result<u64> {
        let space = nix::sys::statvfs::statvfs(&self.data)?;
        Ok(space.blocks_available() * space.fragment_size())
    }

    fn damage(
        &mut self,
        occurrence: &str,
        damage: Damage,
        path: Option<&PathPattern>,
    ) -> io::Result<Vec<Evidence>> {
        let seed = Seed(self.seed.draw(occurrence, 0));
        let files = damage::candidates(&self.shared.volume, path)?;
        let evidence = match damage {
            Damage::Flip(bits) => {
                let mut flips = damage::choose_bits(&files, bits, seed);
                damage::flip(&self.shared.volume, &mut flips)?;
                self.drop_caches(flips.iter().map(|flip| flip.file.id));
                damage::flipped(&self.data, &flips)?
            }
            Damage::Cut(bytes) => {
                let cut = damage::choose_cut(&files, bytes, seed);
                damage::cut(&self.shared.volume, &cut)?;
                self.drop_caches([cut.file.id]);
                damage::was_cut(&self.data, &cut)?
            }
        };
        Ok(vec![evidence])
    }

    fn begin_witness(&mut self) -> io::Result<()> {
        probe::begin_witness(&self.data)
    }

    fn lose_power(&mut self, occurrence: &str, torn: bool) -> io::Result<PowerLost> {
        self.probe = None;
        self.detach()?;
        self.shared.age.fetch_add(1, Ordering::SeqCst);
        let torn = torn.then(|| Seed(self.seed.draw(occurrence, 0)));
        let forgotten = self.shared.volume.lose_power(torn)?;
        self.attach()?;
        let mut lost = probe::read_witness(&self.data)?;
        lost.forgotten = forgotten.to_string();
        Ok(lost)
    }
}
