//! A scenario as a user who is not root, on a machine that opens /dev/net/tun to users: both are
//! made for the one process only, so that the machine's own device stays as it is.

use std::{
    fs, io,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::stat::{Mode, SFlag, makedev, mknod, umask},
    unistd::{Gid, Uid, setgid, setgroups, setuid},
};

const NOBODY: u32 = 65534;

/// `cluster-rootless NAME FOLDER`: becomes nobody, then `cluster-scenario NAME FOLDER`.
pub(super) fn play(args: &[String]) -> Result<(), String> {
    let [name, folder] = args else {
        return Err("cluster-rootless NAME FOLDER".into());
    };
    become_nobody(Path::new(folder)).map_err(|why| format!("cannot become nobody: {why}"))?;
    let words = ["cluster-scenario", name, folder, "namespaces"];
    Err(format!("cannot go on: {}", Command::new("/proc/self/exe").args(words).exec()))
}

fn become_nobody(folder: &Path) -> io::Result<()> {
    chown(folder, Some(NOBODY), Some(NOBODY))?;
    unshare(CloneFlags::CLONE_NEWNS)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
    fs::create_dir_all("/dev/net")?;
    mount(Some("tmpfs"), "/dev/net", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    umask(Mode::empty());
    mknod("/dev/net/tun", SFlag::S_IFCHR, Mode::from_bits_truncate(0o666), makedev(10, 200))?;
    umask(Mode::from_bits_truncate(0o022));
    setgroups(&[])?;
    setgid(Gid::from_raw(NOBODY))?;
    Ok(setuid(Uid::from_raw(NOBODY))?)
}
