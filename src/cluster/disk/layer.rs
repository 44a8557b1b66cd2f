//! The mount over one data folder: made, taken away, and made anew after a loss of power. It decides
//! no rule and reads nothing through the mount.

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
use temblor_faults::{DiskCall, DiskRule, PathPattern};
use temblor_history::Seed;

use super::{
    DiskSpec,
    damage::{self, Cut, Flip},
    fuse::{Mounted, Shared},
    later::Later,
    rules::Rules,
    tree::{Id, Promise},
    volume::Volume,
};

/// Requests are short: they end in the page cache.
const THREADS: usize = 4;
/// A mount whose last user has just died may be busy for a moment.
const BUSY_TRIES: u32 = 500;

/// The layer under one data folder.
pub(super) struct Layer {
    data: PathBuf,
    seed: Seed,
    shared: Arc<Shared>,
    session: Option<BackgroundSession>,
    /// What is under the mount, reached by its descriptor.
    _backing: File,
}

impl Layer {
    /// Puts the layer over a folder, which must be in a mount namespace of this node's own.
    pub(super) fn mount(data: &Path, spec: DiskSpec) -> io::Result<Self> {
        allow_many_files()?;
        let backing = File::open(data)?;
        // The path does not lead there any more once something is mounted over it. With the dot it
        // is the folder, and not the link to it.
        let below = PathBuf::from(format!("/proc/self/fd/{}/.", backing.as_raw_fd()));
        let promise = if spec.bytes_alone { Promise::BytesAlone } else { Promise::NameToo };
        let shared = Shared {
            volume: Volume::open(below, promise)?,
            rules: Rules::default(),
            later: Later::start()?,
            age: AtomicU64::new(0),
        };
        let mut layer = Self {
            data: data.into(),
            seed: Seed(spec.seed),
            shared: Arc::new(shared),
            session: None,
            _backing: backing,
        };
        layer.attach()?;
        Ok(layer)
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
    pub(super) fn detach(&mut self) -> io::Result<()> {
        for _ in 0..BUSY_TRIES {
            match umount2(&self.data, MntFlags::empty()) {
                Ok(()) => return self.session.take().map_or(Ok(()), BackgroundSession::join),
                Err(Errno::EBUSY) => std::thread::sleep(Duration::from_millis(2)),
                Err(why) => return Err(why.into()),
            }
        }
        Err(io::Error::other("somebody has a file of the data folder open though no server lives"))
    }

    /// Puts a rule in force in the name of an occurrence.
    pub(super) fn rule(&self, occurrence: &str, rule: DiskRule) {
        let reads = rule.calls.contains(&DiskCall::Read);
        self.shared.rules.add(occurrence, rule);
        if reads {
            self.drop_caches(self.shared.volume.files().into_iter().map(|file| file.id));
        }
    }

    /// Takes an occurrence's rules back; how many calls of servers they met.
    pub(super) fn lift(&self, occurrence: &str) -> u64 {
        self.shared.rules.remove(occurrence)
    }

    /// Flips bits below the kernel.
    pub(super) fn flip(
        &self,
        occurrence: &str,
        bits: u32,
        path: Option<&PathPattern>,
    ) -> io::Result<Vec<Flip>> {
        let seed = Seed(self.seed.draw(occurrence, 0));
        let files = damage::candidates(&self.shared.volume, path)?;
        let mut flips = damage::choose_bits(&files, bits, seed);
        damage::flip(&self.shared.volume, &mut flips)?;
        self.drop_caches(flips.iter().map(|flip| flip.file.id));
        Ok(flips)
    }

    /// Cuts bytes off a file, below the kernel.
    pub(super) fn cut(
        &self,
        occurrence: &str,
        bytes: u64,
        path: Option<&PathPattern>,
    ) -> io::Result<Cut> {
        let seed = Seed(self.seed.draw(occurrence, 0));
        let files = damage::candidates(&self.shared.volume, path)?;
        let cut = damage::choose_cut(&files, bytes, seed);
        damage::cut(&self.shared.volume, &cut)?;
        self.drop_caches([cut.file.id]);
        Ok(cut)
    }

    /// Takes back what was not synced; says what, in words. Nobody may have a file open.
    pub(super) fn lose_power(&mut self, occurrence: &str, torn: bool) -> io::Result<String> {
        self.detach()?;
        self.shared.age.fetch_add(1, Ordering::SeqCst);
        let torn = torn.then(|| Seed(self.seed.draw(occurrence, 0)));
        let forgotten = self.shared.volume.lose_power(torn)?;
        self.attach()?;
        Ok(forgotten.to_string())
    }

    /// Makes the kernel forget the bytes of these files that it holds.
    fn drop_caches(&self, files: impl IntoIterator<Item = Id>) {
        let Some(notifier) = self.session.as_ref().map(BackgroundSession::notifier) else { return };
        for id in files {
            forget(&notifier, id);
        }
    }
}

fn forget(notifier: &Notifier, id: Id) {
    // A file that the kernel does not know has nothing to forget.
    let _ = notifier.inval_inode(INodeNo(id), 0, 0);
}

/// Every file that is not synced is open here.
fn allow_many_files() -> io::Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
