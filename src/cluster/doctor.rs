//! What this machine has for making nodes, lacks, and what each lack costs.

use std::{fs::OpenOptions, io};

use nix::sys::signal::Signal;

use super::{ledger::Process, namespaces::trial, processes};

/// Something that a run would like to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prerequisite {
    /// What it is: `/dev/net/tun`.
    pub name: &'static str,
    /// Whether this machine has it.
    pub has: bool,
    /// What was found, in words.
    pub detail: String,
    /// What a run cannot do without it, and what to do.
    pub cost_of_lack: String,
}

/// Every prerequisite, tried. Changes nothing on the machine.
pub fn prerequisites() -> Vec<Prerequisite> {
    vec![root(), tap_device(), namespaces(), disk_layer(), process_handles()]
}

fn root() -> Prerequisite {
    let has = nix::unistd::geteuid().is_root();
    Prerequisite {
        name: "root",
        has,
        detail: if has { "this is root" } else { "this is not root" }.into(),
        cost_of_lack: "systems are not installed for you; servers run as yourself, and those that \
                       want a user of their own cannot; links are late by some milliseconds while \
                       the machine is busy, since their switch gets no priority"
            .into(),
    }
}

fn tap_device() -> Prerequisite {
    let opened = OpenOptions::new().read(true).write(true).open("/dev/net/tun");
    Prerequisite {
        name: "/dev/net/tun",
        has: opened.is_ok(),
        detail: opened.map_or_else(|why| why.to_string(), |_| "it opens".into()),
        cost_of_lack: "no links between nodes, so loopback only: kill and pause, no partition, no \
                       slow or lossy link. Run as root, or `chmod 0666 /dev/net/tun`; where it is \
                       missing: `modprobe tun`"
            .into(),
    }
}

fn namespaces() -> Prerequisite {
    let rootless = !nix::unistd::geteuid().is_root();
    let tried = trial::namespaces(rootless);
    Prerequisite {
        name: if rootless { "namespaces without root" } else { "namespaces" },
        has: tried.is_ok(),
        detail: tried.err().unwrap_or_else(|| "a node can be made".into()),
        cost_of_lack: "no nodes of their own, so loopback only: kill and pause, and clearing away \
                       by best effort"
            .into(),
    }
}

fn disk_layer() -> Prerequisite {
    let tried = try_disk_layer();
    Prerequisite {
        name: "/dev/fuse",
        has: tried.is_ok(),
        detail: tried.err().unwrap_or_else(|| "it opens".into()),
        cost_of_lack:
            "no `power-loss` and no `disk`: plans with them are refused. Run as root, or \
                       `chmod 0666 /dev/fuse`; where it is missing: `modprobe fuse`"
                .into(),
    }
}

/// Whether a layer for disk faults can be put under data folders of nodes that have namespaces;
/// otherwise what is missing, and what to do.
pub fn try_disk_layer() -> Result<(), String> {
    let device = "/dev/fuse";
    let opened = OpenOptions::new().read(true).write(true).open(device);
    opened.map(drop).map_err(|why| match why.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{device}: {why}; run as root, or let users open it: chmod 0666 {device}")
        }
        _ => format!("{device}: {why}; as root: modprobe fuse"),
    })
}

fn process_handles() -> Prerequisite {
    let this = Process::this();
    // SIGCONT does nothing to a process that runs.
    let tried = processes::signal(this.pid, this.start, Signal::SIGCONT);
    Prerequisite {
        name: "process handles",
        has: tried.is_ok(),
        detail: tried
            .map_err(|why: io::Error| why.to_string())
            .err()
            .unwrap_or_else(|| "pidfd_send_signal works".into()),
        cost_of_lack: "kill, pause and restart fail: they need Linux 5.3".into(),
    }
}
