//! A layer under a node's data folder that can forget what was not synced, and make calls fail or
//! wait.
//!
//! A FUSE file system, mounted over the data folder in the node's own mount namespace and served by
//! a process of its own beside the agent: it is there from the node's first start where the plan
//! has a disk fault, and dies with the node.
//!
//! Whoever serves the mount never touches a file in it. A process that ends waits for the answers
//! to its last requests, and the kernel only gives these up when the last descriptor of `/dev/fuse`
//! is closed: one process with both would wait for itself, forever, and keep its node with it. So
//! the agent, which has files open there as evidence, orders the layer about by messages.
//!
//! | module | is | touches the world |
//! | --- | --- | --- |
//! | [`tree`] | names, and which of them are on disk | backing folder |
//! | [`content`], [`torn`] | bytes of files, and which of them are on disk | backing folder |
//! | [`crash`] | what a loss of power does to both | backing folder |
//! | [`volume`] | each call as a plain function | backing folder |
//! | [`rules`], [`later`] | calls that fail or wait | no; a thread |
//! | [`fuse`], [`attributes`], [`xattr`] | the same as the kernel calls it | FUSE |
//! | [`layer`], [`orders`] | the mount, and the process that serves it | FUSE, a socket |
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
mod layer;
mod orders;
mod probe;
mod rules;
#[cfg(test)]
mod tests;
mod torn;
mod tree;
mod volume;
mod xattr;

use std::{
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{Deserialize, Serialize};
use temblor_faults::{Damage, DiskCall, DiskOps, DiskRule, PathPattern, PowerLost, Tried};
use temblor_history::Evidence;

pub use self::orders::disk_main;
pub(super) use self::tree::ASIDE;
use self::{
    orders::{Order, Orders, Told},
    probe::Probe,
};
use super::spawn::THIS_PROGRAM;

/// What the layer of a run has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The sync of a file makes its bytes durable alone, and not its name: all that POSIX promises,
    /// less than what common file systems do.
    pub bytes_alone: bool,
    /// The run's seed: torn sectors and damage draw from it.
    pub seed: u64,
}

/// The layer under one data folder, as its agent has it.
#[derive(Debug)]
pub(super) struct Disk {
    data: PathBuf,
    process: i32,
    layer: Orders,
    probe: Option<Probe>,
}

impl Disk {
    /// Starts the process that puts the layer over a folder, in this mount namespace, which must
    /// be the node's own.
    pub(super) fn start(data: &Path, spec: DiskSpec) -> io::Result<Self> {
        let (here, there) = std::os::unix::net::UnixStream::pair()?;
        let mut command = Command::new(THIS_PROGRAM);
        command.arg("disk").stdin(Stdio::from(OwnedFd::from(there))).stdout(Stdio::null());
        // Nobody waits for it here: the agent reaps all that ends in its node.
        let process = command.spawn()?.id() as i32;
        // It has the other end of the channel, too.
        drop(command);
        let mut disk = Self { data: data.into(), process, layer: Orders::over(here), probe: None };
        disk.layer.give(&Order::Mount { data: data.into(), spec })?;
        Ok(disk)
    }

    /// The process that serves it, in this PID namespace.
    pub(super) fn process(&self) -> i32 {
        self.process
    }

    /// The same over a layer that somebody else serves.
    #[cfg(test)]
    fn over(data: &Path, layer: std::os::unix::net::UnixStream) -> Self {
        Self { data: data.into(), process: 0, layer: Orders::over(layer), probe: None }
    }
}

impl DiskOps for Disk {
    fn rule(&mut self, occurrence: &str, rule: DiskRule) -> io::Result<()> {
        self.layer.give(&Order::Rule { occurrence: occurrence.into(), rule }).map(drop)
    }

    fn lift(&mut self, occurrence: &str) -> io::Result<u64> {
        match self.layer.give(&Order::Lift { occurrence: occurrence.into() })? {
            Told::Met(calls) => Ok(calls),
            other => Err(other.odd()),
        }
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

    fn throughput(&mut self, bytes: u64) -> io::Result<f64> {
        probe::throughput(&self.data, bytes)
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
        let (occurrence, path) = (occurrence.into(), path.cloned());
        match self.layer.give(&Order::Damage { occurrence, damage, path })? {
            Told::Flipped(flips) => Ok(vec![damage::flipped(&self.data, &flips)?]),
            Told::Cut(cut) => Ok(vec![damage::was_cut(&self.data, &cut)?]),
            other => Err(other.odd()),
        }
    }

    fn begin_witness(&mut self) -> io::Result<()> {
        probe::begin_witness(&self.data)
    }

    fn lose_power(&mut self, occurrence: &str, torn: bool) -> io::Result<PowerLost> {
        self.probe = None;
        let occurrence = occurrence.into();
        let forgotten = match self.layer.give(&Order::LosePower { occurrence, torn })? {
            Told::Forgotten(words) => words,
            other => return Err(other.odd()),
        };
        Ok(PowerLost { forgotten, ..probe::read_witness(&self.data)? })
    }
}
