//! Tags, which order all writes of a register, and versions: a value with its tag.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The place of a write among all writes of its register.
///
/// No two writes share a tag: two nodes differ in `node`; two lives of one node in `epoch`, which is
/// on disk before the node acts; two writes of one life in `sequence`, although both may have seen
/// the same counter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Tag {
    /// One more than the greatest that a majority knew.
    pub(super) counter: u64,
    /// The node that coordinated the write.
    pub(super) node: String,
    /// That node's life, counted from 1.
    pub(super) epoch: u64,
    /// Number of the round within that life.
    pub(super) sequence: u64,
}

/// A value of a register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// Its place among all.
    pub(super) tag: Tag,
    /// The value.
    pub(super) value: Value,
}

/// Whether `this` is newer than `that`; nothing is older than everything.
pub(super) fn newer(this: Option<&Version>, that: Option<&Version>) -> bool {
    this.map(|version| &version.tag) > that.map(|version| &version.tag)
}
