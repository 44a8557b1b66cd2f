//! The seeded bugs, by name. What each of them does stands where it is done.

use clap::ValueEnum;

/// Which mistake this node makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Bug {
    /// None: linearizable under every fault.
    None,
    /// Acknowledges a write once it is stored here; the others are told, once.
    AckEarly,
    /// Reads ask this node's own replica alone.
    ReadOne,
    /// Reads answer with what the first majority says, and write nothing back.
    NoWriteBack,
    /// Orders writes by the wall clock, not by what the replicas have seen.
    WallClock,
    /// Keeps nothing on disk.
    Forgetful,
    /// Writes to disk and never syncs.
    NoFsync,
}
