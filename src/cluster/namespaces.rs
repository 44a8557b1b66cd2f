//! Namespaces: entering them, and trying whether this machine lets us.

use std::{fs, io, path::Path};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

/// What a node gets of its own besides its PID namespace.
pub(super) fn of_a_node() -> CloneFlags {
    // IPC too: a System V segment of a killed server (PostgreSQL has one) would outlive the node.
    CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
}

/// Enters a user namespace in which the user of this process is root.
pub(super) fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    // The kernel lets a user map groups only after setgroups is given up.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// Keeps this mount namespace's changes to itself.
pub(super) fn make_mounts_private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(None::<&Path>, "/", None::<&Path>, flags, None::<&Path>)?)
}

/// Gives this mount namespace a `/proc` that shows this PID namespace.
pub(super) fn mount_proc() -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), "/proc", Some("proc"), flags, None::<&Path>)?)
}

/// Trying it out in a child, since some systems (AppArmor) let one make a user namespace and only
/// then refuse what it is for.
pub(super) mod trial {
    use std::{fs, io, path::Path};

    use nix::{
        sched::{CloneFlags, unshare},
        sys::wait::{WaitStatus, waitpid},
        unistd::{ForkResult, fork},
    };

    use crate::cluster::tap;

    /// What a node needs, in order.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Step {
        User = 1,
        Namespaces,
        Tap,
        Mounts,
        Proc,
    }

    const STEPS: [Step; 5] = [Step::User, Step::Namespaces, Step::Tap, Step::Mounts, Step::Proc];

    impl Step {
        fn words(self) -> &'static str {
            match self {
                Self::User => "make a user namespace",
                Self::Namespaces => "make PID, mount, UTS, IPC and network namespaces",
                Self::Tap => "open /dev/net/tun and make a TAP interface",
                Self::Mounts => "make mounts private",
                Self::Proc => "mount /proc in a PID namespace",
            }
        }

        fn take(self, rootless: bool) -> io::Result<()> {
            match self {
                Self::User if rootless => super::enter_user_namespace(),
                Self::User => Ok(()),
                Self::Namespaces => Ok(unshare(super::of_a_node() | CloneFlags::CLONE_NEWPID)?),
                Self::Tap => tap::try_port(),
                Self::Mounts => super::make_mounts_private(),
                // Only a child stands in the new PID namespace.
                Self::Proc => {
                    in_a_child(|| u8::from(super::mount_proc().is_err())).and_then(|code| {
                        if code == 0 { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
                    })
                }
            }
        }
    }

    /// Whether a node could be made here; otherwise what fails, and what to do about it.
    pub(in crate::cluster) fn namespaces(rootless: bool) -> Result<(), String> {
        let failed = in_a_child(|| {
            STEPS.iter().find(|step| step.take(rootless).is_err()).map_or(0, |step| *step as u8)
        })
        .map_err(|why| format!("cannot fork: {why}"))?;
        match STEPS.iter().find(|step| **step as u8 == failed) {
            None if failed == 0 => Ok(()),
            None => Err("the trial of namespaces crashed".into()),
            Some(step) => Err(format!("cannot {}; {}", step.words(), advice(*step, rootless))),
        }
    }

    fn advice(step: Step, rootless: bool) -> String {
        if step == Step::Tap && !Path::new("/dev/net/tun").exists() {
            return "there is no /dev/net/tun: modprobe tun, as root".into();
        }
        if step == Step::Tap && rootless {
            return "run as root, or let users open it: chmod 0666 /dev/net/tun".into();
        }
        if !rootless {
            return "root lacks CAP_SYS_ADMIN or CAP_NET_ADMIN here: leave the container, or give it both".into();
        }
        for (file, locked, name) in [
            ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
            ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
            ("/proc/sys/user/max_user_namespaces", "0", "10000"),
        ] {
            if fs::read_to_string(file).is_ok_and(|value| value.trim() == locked) {
                let key = file.trim_start_matches("/proc/sys/").replace('/', ".");
                return format!(
                    "{key} is {locked}: run as root, or set it: sysctl -w {key}={name}"
                );
            }
        }
        "run as root".into()
    }

    /// Runs `work` in a forked child and returns what it returned; 255 if it crashed.
    #[expect(unsafe_code, reason = "namespaces are left only by ending the process that entered")]
    fn in_a_child(work: impl FnOnce() -> u8) -> io::Result<u8> {
        // SAFETY: the child calls the system and allocates, which glibc permits after a fork; it
        // takes no lock of ours and leaves by _exit, so nothing of the parent runs twice.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let code = work();
                // SAFETY: _exit has no preconditions.
                unsafe { libc::_exit(i32::from(code)) }
            }
            ForkResult::Parent { child } => match waitpid(child, None)? {
                WaitStatus::Exited(_, code) => Ok(code as u8),
                _ => Ok(255),
            },
        }
    }
}
