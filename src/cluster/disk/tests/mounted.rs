//! The layer as the kernel uses it: beside a plain folder, through losses of power, under rules.
//!
//! Each test stands in a mount namespace of its thread's own, so that the machine sees no mount. It
//! needs root and `/dev/fuse`, and says so where it has not.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::{
        fs::{FileExt, MetadataExt, OpenOptionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    sched::{CloneFlags, unshare},
    sys::wait::{WaitStatus, waitpid},
    unistd::ForkResult,
};
use temblor_faults::{Damage, DiskAct, DiskCall, DiskOps, DiskRule, PathPattern};
use temblor_history::Seed;

use super::{
    super::{
        Disk, DiskSpec,
        layer::Layer,
        orders::{Orders, serve},
    },
    Folder, cases,
};
use crate::cluster::namespaces::make_mounts_private;

/// Runs a test over a mount; not at all where there can be none.
pub(super) fn mounted(
    name: &str,
    strict: bool,
    test: impl FnOnce(&mut Disk, &Path) + Send + 'static,
) {
    let lack = crate::cluster::try_disk_layer().err();
    let lack = lack.or((!nix::unistd::geteuid().is_root()).then(|| "this is not root".into()));
    if let Some(lack) = lack {
        assert!(std::env::var_os("TEMBLOR_NO_SKIP").is_none(), "{name} needs a mount, but {lack}");
        return println!("{name}: skipped, because {lack}");
    }
    let folder = Folder::new(name);
    let data = folder.0.join("data");
    fs::create_dir(&data).unwrap();
    let ended = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        make_mounts_private().unwrap();
        let mut layer = Layer::mount(&data, DiskSpec { bytes_alone: strict, seed: 7 }).unwrap();
        let (here, there) = UnixStream::pair().unwrap();
        let serving = std::thread::spawn(move || {
            serve(&mut layer, Orders::over(there)).unwrap();
            layer.detach().unwrap();
        });
        let mut disk = Disk::over(&data, here);
        test(&mut disk, &data);
        drop(disk);
        serving.join().unwrap();
    });
    if let Err(why) = ended.join() {
        std::panic::resume_unwind(why);
    }
}

/// Every path below a folder with what is there, listings included.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut files = vec![PathBuf::new()];
    while let Some(place) = files.pop() {
        for entry in fs::read_dir(folder.join(&place)).unwrap() {
            let entry = entry.unwrap();
            let name = place.join(entry.file_name());
            let about = entry.metadata().unwrap();
            let (kind, links) = (about.file_type(), about.nlink());
            let what = if kind.is_dir() {
                files.push(name.clone());
                format!("folder {:o}", about.mode())
            } else if kind.is_symlink() {
                format!("link to {:?}", fs::read_link(folder.join(&name)).unwrap())
            } else {
                let bytes = fs::read(folder.join(&name)).unwrap();
                format!("{:o} {links} {bytes:?}", about.mode())
            };
            found.insert(name, what);
        }
    }
    found
}

fn outcome<T>(done: io::Result<T>) -> Option<i32> {
    done.err().map(|why| why.raw_os_error().unwrap_or(-1))
}

/// One random call below a folder; what it returned.
fn call(folder: &Path, seed: Seed, number: u64) -> (String, Option<i32>) {
    let draw = |what: &str, below: u64| seed.draw(what, number) % below;
    let path = |what: &str| {
        let depth = draw(&format!("{what} depth"), 3);
        let names =
            (0..=depth).map(|at| ["a", "b", "c"][draw(&format!("{what} {at}"), 3) as usize]);
        folder.join(names.collect::<PathBuf>())
    };
    let (one, other) = (path("one"), path("other"));
    let bytes = vec![draw("byte", 255) as u8 + 1; draw("length", 9000) as usize];
    let offset = draw("offset", 20_000);
    let with = |options: &mut OpenOptions, work: &dyn Fn(&mut File) -> io::Result<()>| {
        options.open(&one).and_then(|mut file| work(&mut file))
    };
    let mut options = OpenOptions::new();
    let (what, done) = match draw("call", 15) {
        0 => ("write", fs::write(&one, &bytes)),
        1 => ("append", with(options.append(true).create(true), &|file| file.write_all(&bytes))),
        2 | 3 => ("write at", with(options.write(true), &|file| file.write_all_at(&bytes, offset))),
        4 => ("resize", with(options.write(true), &|file| file.set_len(offset))),
        5 => ("mkdir", fs::create_dir(&one)),
        6 => ("rmdir", fs::remove_dir(&one)),
        7 => ("unlink", fs::remove_file(&one)),
        8 | 9 => ("rename", fs::rename(&one, &other)),
        10 => ("link", fs::hard_link(&one, &other)),
        11 => ("symlink", std::os::unix::fs::symlink("somewhere", &one)),
        12 => (
            "seek",
            with(options.read(true).write(true).create(true), &|file| {
                file.seek(SeekFrom::Start(offset))?;
                file.write_all(&bytes)
            }),
        ),
        13 => ("sync", with(options.read(true), &|file| file.sync_all())),
        _ => (
            "chmod",
            fs::set_permissions(&one, std::os::unix::fs::PermissionsExt::from_mode(0o600)),
        ),
    };
    (what.into(), outcome(done))
}

#[test]
fn a_mount_is_like_a_plain_folder() {
    mounted("plain", false, |_, data| {
        let plain = Folder::new("beside");
        let calls = cases(20) * 100;
        for number in 0..calls {
            let ours = call(data, Seed(3), number);
            let theirs = call(&plain.0, Seed(3), number);
            assert_eq!(ours, theirs, "call {number}");
            if number.is_multiple_of(100) || number + 1 == calls {
                assert_eq!(tree(data), tree(&plain.0), "after call {number}");
            }
        }
    });
}

#[test]
fn a_hundred_losses_of_power_forget_what_was_not_synced_and_nothing_else() {
    mounted("hundred", false, |disk, data| {
        for number in 0..100 {
            let kept = data.join(format!("kept-{number}"));
            fs::write(&kept, "synced").unwrap();
            File::open(&kept).unwrap().sync_all().unwrap();
            let mut more = OpenOptions::new().append(true).open(&kept).unwrap();
            more.write_all(b" and not").unwrap();
            fs::write(data.join("lost"), "x").unwrap();
            drop(more);
            disk.begin_witness().unwrap();
            let lost = disk.lose_power(&format!("test#{number}"), number % 2 == 1).unwrap();
            assert!(lost.synced_intact && !lost.unsynced_file_left && !lost.sectors_mixed);
            assert!(lost.unsynced_sectors_left < lost.unsynced_sectors, "{lost:?}");
            assert!(number % 2 == 1 || lost.unsynced_sectors_left == 0, "{lost:?}");
            let found = fs::read(&kept).unwrap();
            assert!(found.starts_with(b"synced") && (number % 2 == 1 || found.len() == 6));
            assert!(!data.join("lost").exists());
        }
        assert_eq!(tree(data).len(), 100);
    });
}

/// Ways to make bytes durable other than `fsync` of the descriptor that wrote them.
#[test]
fn every_way_to_sync_is_one() {
    mounted("ways", false, |disk, data| {
        let with = |flags: i32, name: &str| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).custom_flags(flags);
            options.open(data.join(name)).unwrap()
        };
        for (flags, name) in [
            (libc::O_SYNC, "o-sync"),
            (libc::O_DSYNC, "o-dsync"),
            (libc::O_SYNC | libc::O_APPEND, "append"),
        ] {
            with(flags, name).write_all(b"there").unwrap();
        }
        with(0, "other").write_all(b"there").unwrap();
        with(0, "other").sync_data().unwrap();
        for (name, sync) in [("msync", true), ("mapped", false)] {
            let file = with(0, name);
            file.set_len(5).unwrap();
            file.sync_all().unwrap();
            map_and_write(&file, b"there", sync);
        }
        with(0, "range").write_all(b"there").unwrap();
        let range = with(0, "range");
        assert_eq!(sync_file_range(&range), 0);
        drop(range);
        disk.begin_witness().unwrap();
        disk.lose_power("ways#0", false).unwrap();
        let expected = ["append", "mapped", "msync", "o-dsync", "o-sync", "other"];
        let found = tree(data);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            expected.map(PathBuf::from).iter().collect::<Vec<_>>()
        );
        for name in expected {
            let bytes: &[u8] = if name == "mapped" { &[0; 5] } else { b"there" };
            assert_eq!(fs::read(data.join(name)).unwrap(), bytes, "{name}");
        }
    });
}

/// In a child: while a page is fetched its process's memory map is locked, and this process, which
/// serves the mount here, may need its own to answer.
#[expect(unsafe_code, reason = "nix is built without its mapping calls")]
fn map_and_write(file: &File, bytes: &[u8], sync: bool) {
    // SAFETY: the child makes system calls and copies bytes, and leaves by _exit.
    match unsafe { nix::unistd::fork() }.unwrap() {
        ForkResult::Child => {
            let done = written_through_a_map(file, bytes, sync);
            // SAFETY: _exit has no preconditions.
            unsafe { libc::_exit(i32::from(!done)) }
        }
        ForkResult::Parent { child } => {
            assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        }
    }
}

#[expect(unsafe_code, reason = "nix is built without its mapping calls")]
fn written_through_a_map(file: &File, bytes: &[u8], sync: bool) -> bool {
    use std::os::fd::AsRawFd;
    let (both, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
    // SAFETY: a mapping of a whole file that nobody else touches, unmapped at the end.
    unsafe {
        let at = libc::mmap(std::ptr::null_mut(), bytes.len(), both, shared, file.as_raw_fd(), 0);
        if at == libc::MAP_FAILED {
            return false;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), bytes.len());
        let synced = !sync || libc::msync(at, bytes.len(), libc::MS_SYNC) == 0;
        synced & (libc::munmap(at, bytes.len()) == 0)
    }
}

#[expect(unsafe_code, reason = "nix has no such call")]
fn sync_file_range(file: &File) -> i32 {
    use std::os::fd::AsRawFd;
    let flags = libc::SYNC_FILE_RANGE_WRITE | libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: an open descriptor and numbers.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, flags) }
}

#[test]
fn files_that_databases_need_work() {
    mounted("needs", false, |_, data| {
        let path = data.join("file");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        nix::fcntl::fallocate(&file, nix::fcntl::FallocateFlags::empty(), 0, 65536).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 65536);
        let punch = nix::fcntl::FallocateFlags::FALLOC_FL_PUNCH_HOLE
            | nix::fcntl::FallocateFlags::FALLOC_FL_KEEP_SIZE;
        file.write_all_at(&vec![7; 65536], 0).unwrap();
        nix::fcntl::fallocate(&file, punch, 4096, 4096).unwrap();
        let hole = nix::unistd::lseek(&file, 0, nix::unistd::Whence::SeekHole).unwrap();
        assert_eq!(hole, 4096);
        let direct =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(&path);
        let mut block = vec![0_u8; 8192];
        let at = block.as_ptr().align_offset(4096);
        direct.as_ref().unwrap().read_exact_at(&mut block[at..at + 4096], 0).unwrap();
        assert!(block[at..at + 4096].iter().all(|byte| *byte == 7));
        direct.unwrap().write_all_at(&block[at..at + 4096], 8192).unwrap();
        let lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock);
        let other = File::open(&path).unwrap();
        assert!(
            nix::fcntl::Flock::lock(other, nix::fcntl::FlockArg::LockExclusiveNonblock).is_err()
        );
        drop(lock);
        // Open without a name.
        let file = File::options().read(true).write(true).open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        file.write_all_at(b"still", 0).unwrap();
        file.set_len(5).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 5);
    });
}

#[test]
fn rules_bite_on_their_calls_and_files_alone_and_end() {
    mounted("rules", false, |disk, data| {
        let rule = |calls: &[DiskCall], path: Option<&str>, act| DiskRule {
            calls: calls.iter().copied().collect(),
            path: path.map(|path| PathPattern::read(path).unwrap()),
            act,
        };
        fs::create_dir(data.join("wal")).unwrap();
        for name in ["wal/1", "other"] {
            fs::write(data.join(name), [1; 8192]).unwrap();
        }
        disk.begin_probe().unwrap();
        let calls = DiskCall::ALL.map(|(_, call)| call);
        disk.rule("e#0", rule(&calls, Some("wal/*"), DiskAct::Fail(libc::EIO))).unwrap();
        for call in calls {
            assert_eq!(disk.probe(call).unwrap().error, Some(libc::EIO), "{call:?}");
        }
        let io = Some(libc::EIO);
        assert_eq!(outcome(File::open(data.join("wal/1"))), io);
        assert_eq!(outcome(fs::write(data.join("wal/2"), "x")), io);
        fs::write(data.join("other"), "fine").unwrap();
        assert_eq!(disk.lift("e#0").unwrap(), 2);
        for call in calls {
            assert_eq!(disk.probe(call).unwrap().error, None, "{call:?}");
        }
        let wait = Duration::from_millis(30);
        disk.rule("s#0", rule(&[DiskCall::Fsync, DiskCall::Read], None, DiskAct::Wait(wait)))
            .unwrap();
        // Of one file the kernel lets one sync in at a time, so each has its own.
        let files: Vec<File> = (0..8)
            .map(|number| File::create(data.join(format!("wal/s{number}"))).unwrap())
            .collect();
        let at = crate::clock::monotonic_ns();
        std::thread::scope(|scope| {
            for file in &files {
                scope.spawn(|| file.sync_all().unwrap());
            }
        });
        let took = Duration::from_nanos((crate::clock::monotonic_ns() - at) as u64);
        assert!((wait..6 * wait).contains(&took), "they wait at once: {took:?}");
        assert!(disk.probe(DiskCall::Read).unwrap().took >= wait);
        disk.lift("s#0").unwrap();
        disk.rule("f#0", rule(&[DiskCall::Write, DiskCall::Create], None, DiskAct::Full)).unwrap();
        assert_eq!(disk.space_left().unwrap(), 0);
        assert_eq!(disk.probe(DiskCall::Write).unwrap().error, Some(libc::ENOSPC));
        let file = File::options().write(true).open(data.join("wal/1")).unwrap();
        file.write_all_at(&[2; 8192], 0).expect("blocks that it has");
        assert_eq!(outcome(file.write_all_at(&[2], 8192)), Some(libc::ENOSPC));
        disk.lift("f#0").unwrap();
        assert!(disk.space_left().unwrap() > 0);
        disk.end_probe().unwrap();
        assert_eq!(fs::read_dir(data).unwrap().count(), 2);
    });
}

#[test]
fn damage_is_seen_and_no_loss_of_power_undoes_it() {
    mounted("damage", false, |disk, data| {
        let path = data.join("file");
        fs::write(&path, [0; 4096]).unwrap();
        File::open(&path).unwrap().sync_all().unwrap();
        assert_eq!(fs::read(&path).unwrap(), [0; 4096]);
        let evidence = disk.damage("d#0", Damage::Flip(3), None).unwrap();
        assert!(evidence[0].holds, "{evidence:?}");
        disk.begin_witness().unwrap();
        disk.lose_power("d#1", false).unwrap();
        let ones: u32 = fs::read(&path).unwrap().iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(ones, 3);
        let evidence = disk.damage("d#2", Damage::Cut(96), None).unwrap();
        assert!(evidence[0].holds, "{evidence:?}");
        assert_eq!(fs::metadata(&path).unwrap().len(), 4000);
        let nothing = PathPattern::read("nothing").unwrap();
        assert!(disk.damage("d#3", Damage::Cut(1), Some(&nothing)).is_err());
    });
}
