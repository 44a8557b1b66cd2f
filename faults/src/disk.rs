//! Disk faults: calls on a node's data folder fail, wait, or find the disk full; bytes on it rot.
//!
//! What a rule or a damage is stands here, and how it is seen to be there and to be gone: a probe
//! file of our own makes each call itself, from inside the node. How calls are intercepted is the
//! machine's business ([`DiskOps`]).

mod pattern;

use std::{collections::BTreeSet, io, time::Duration};

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps, effect};

pub use pattern::PathPattern;

/// How often each call is tried when its time is measured.
const TRIES: u32 = 3;

/// A kind of call on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskCall {
    /// Opening a file that is there.
    Open,
    /// Making a file, a folder or a link.
    Create,
    /// Reading what the page cache does not hold.
    Read,
    /// Writing, and reserving space.
    Write,
    /// Cutting or lengthening.
    Truncate,
    /// Syncing a file or a folder.
    Fsync,
    /// Renaming.
    Rename,
    /// Removing a file or a folder.
    Remove,
}

impl DiskCall {
    /// All of them, with their names in plans.
    pub const ALL: [(&'static str, Self); 8] = [
        ("open", Self::Open),
        ("create", Self::Create),
        ("read", Self::Read),
        ("write", Self::Write),
        ("truncate", Self::Truncate),
        ("fsync", Self::Fsync),
        ("rename", Self::Rename),
        ("remove", Self::Remove),
    ];

    /// Its name in plans.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, call)| *call == self).map_or("", |(name, _)| name)
    }
}

/// What a call fails with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DiskError {
    /// The medium does not answer.
    Eio,
    /// There is no space.
    Enospc,
}

impl DiskError {
    /// Its number on Linux.
    pub fn code(self) -> i32 {
        match self {
            Self::Eio => 5,
            Self::Enospc => 28,
        }
    }

    /// Its name, as manuals have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eio => "EIO",
            Self::Enospc => "ENOSPC",
        }
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DiskAct {
    /// It fails with this error number, and has done nothing.
    Fail(i32),
    /// It waits before it is done.
    Wait(Duration),
    /// All of them together get this many bytes a second.
    Rate(u64),
    /// It fails where it needs space: files grow into no new block, nothing can be made.
    Full,
}

/// Which calls, on which files, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskRule {
    /// The calls.
    pub calls: BTreeSet<DiskCall>,
    /// The files, below the data folder; none: all.
    pub path: Option<PathPattern>,
    /// What becomes of them.
    pub act: DiskAct,
}

/// A fault of a node's disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFault {
    /// Calls fail.
    Error {
        /// How.
        error: DiskError,
        /// Which.
        calls: BTreeSet<DiskCall>,
        /// On which files; none: all.
        path: Option<PathPattern>,
    },
    /// Calls wait.
    Slow {
        /// How long.
        delay: Duration,
        /// Which.
        calls: BTreeSet<DiskCall>,
        /// On which files; none: all.
        path: Option<PathPattern>,
    },
    /// No space is left.
    Full,
    /// Bits flip on the medium; they stay flipped.
    Corrupt {
        /// How many.
        bits: u32,
        /// In which files; none: any.
        path: Option<PathPattern>,
    },
    /// A file loses its end, for good.
    Truncate {
        /// How much of it.
        bytes: u64,
        /// One of these files; none: of any.
        path: Option<PathPattern>,
    },
}

/// Damage to the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Damage {
    /// So many bits flip.
    Flip(u32),
    /// A file loses so many bytes at its end.
    Cut(u64),
}

/// A call on the probe file: how long it took, and the error number it failed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// From before the call to after it.
    pub took: Duration,
    /// None: it succeeded.
    pub error: Option<i32>,
}

/// What a loss of power did, as its witness files show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PowerLost {
    /// Whether every synced byte of the witness is there, and the removed file whose folder was
    /// not synced is back.
    pub synced_intact: bool,
    /// What is there of the sectors that were written and not synced.
    pub unsynced_sectors_left: u32,
    /// Of so many.
    pub unsynced_sectors: u32,
    /// Whether one of them is neither old nor new.
    pub sectors_mixed: bool,
    /// Whether the file is there whose making was not synced.
    pub unsynced_file_left: bool,
    /// What was taken back in all, the servers' included, in words.
    pub forgotten: String,
}

/// What a disk fault needs of a machine. Implemented by the agent where the node's data folder has
/// a layer of ours under it.
pub trait DiskOps {
    /// Puts a rule in force in the name of an occurrence.
    fn rule(&mut self, occurrence: &str, rule: DiskRule) -> io::Result<()>;
    /// Takes an occurrence's rules back; how many calls of servers they met.
    fn lift(&mut self, occurrence: &str) -> io::Result<u64>;
    /// Makes the probe file, which rules apply to whatever their path.
    fn begin_probe(&mut self) -> io::Result<()>;
    /// Makes a call on it.
    fn probe(&mut self, call: DiskCall) -> io::Result<Tried>;
    /// Writes about so many bytes to a probe file; how many a second that were.
    fn throughput(&mut self, bytes: u64) -> io::Result<f64>;
    /// Removes it.
    fn end_probe(&mut self) -> io::Result<()>;
    /// What a server finds when it asks for free space, bytes.
    fn space_left(&mut self) -> io::Result<u64>;
    /// Damages the medium under files; says what, in words, as read back through the node's own
    /// data folder. An error where no file fits.
    fn damage(
        &mut self,
        occurrence: &str,
        damage: Damage,
        path: Option<&PathPattern>,
    ) -> io::Result<Vec<Evidence>>;
    /// Writes witness files, some bytes of them synced and some not.
    fn begin_witness(&mut self) -> io::Result<()>;
    /// Takes back what was not synced (`torn`: each sector of it is old or new), and reads what is
    /// left of the witnesses. Nothing may have a file open.
    fn lose_power(&mut self, occurrence: &str, torn: bool) -> io::Result<PowerLost>;
}

impl DiskFault {
    /// Whether it lasts until a heal; damage is done at once, and stays.
    pub fn lasts(&self) -> bool {
        !matches!(self, Self::Corrupt { .. } | Self::Truncate { .. })
    }

    /// Its parameters, each in a few words.
    pub fn details(&self) -> Vec<String> {
        let (mut details, path) = match self {
            Self::Error { error, calls, path } => {
                (vec![format!("{} fails with {}", names(calls), error.name())], path)
            }
            Self::Slow { delay, calls, path } => {
                (vec![format!("{} takes {} ms more", names(calls), delay.as_millis())], path)
            }
            Self::Full => (vec!["no space is left".into()], &None),
            Self::Corrupt { bits: 1, path } => (vec!["1 bit flips".into()], path),
            Self::Corrupt { bits, path } => (vec![format!("{bits} bits flip")], path),
            Self::Truncate { bytes, path } => {
                (vec![format!("a file loses its last {bytes} bytes")], path)
            }
        };
        details.extend(path.iter().map(|path| format!("in {path}")));
        details
    }

    fn rule(&self) -> Option<DiskRule> {
        let (calls, path, act) = match self {
            Self::Error { error, calls, path } => (calls, path, DiskAct::Fail(error.code())),
            Self::Slow { delay, calls, path } => (calls, path, DiskAct::Wait(*delay)),
            Self::Full => {
                (&BTreeSet::from([DiskCall::Write, DiskCall::Create]), &None, DiskAct::Full)
            }
            Self::Corrupt { .. } | Self::Truncate { .. } => return None,
        };
        Some(DiskRule { calls: calls.clone(), path: path.clone(), act })
    }
}

fn names(calls: &BTreeSet<DiskCall>) -> String {
    let names: Vec<&str> = calls.iter().map(|call| call.name()).collect();
    names.join(", ")
}

/// Puts it in force, and sees it on the probe file.
pub(crate) fn inject(
    node: &mut dyn NodeOps,
    occurrence: &str,
    fault: &DiskFault,
) -> io::Result<Effect> {
    let Some(rule) = fault.rule() else { return damage(node, occurrence, fault) };
    node.disk()?.begin_probe()?;
    // What ends from here on ends by this fault.
    node.blame(occurrence);
    let earliest = node.now_ns();
    node.disk()?.rule(occurrence, rule.clone())?;
    let latest = node.now_ns();
    let evidence = bites(node.disk()?, &rule)?;
    Ok(Effect::between(earliest, latest, evidence))
}

/// Takes it back, sees that, and starts servers that ended by it unless another fault wants them
/// down.
pub(crate) fn heal(
    node: &mut dyn NodeOps,
    occurrence: &str,
    fault: &DiskFault,
    stay_down: bool,
) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let met = node.disk()?.lift(occurrence)?;
    let latest = node.now_ns();
    let mut evidence = match fault.rule() {
        Some(rule) => gone(node.disk()?, &rule, met)?,
        None => Vec::new(),
    };
    node.disk()?.end_probe()?;
    node.forgive(occurrence);
    if !stay_down {
        node.start_servers()?;
        evidence.push(effect::stays(node)?);
    }
    Ok(Effect::between(earliest, latest, evidence))
}

/// For how long at a rate the probe writes.
const WATCHED: f64 = 0.5;
/// It writes no less, and no more.
const WRITTEN: (f64, f64) = (65_536.0, 33_554_432.0);

/// Lets all reads and writes of the node's data folder share so many bytes a second.
pub(crate) fn starve(
    node: &mut dyn NodeOps,
    occurrence: &str,
    bytes_per_s: u64,
) -> io::Result<Effect> {
    let before = throughput(node.disk()?, bytes_per_s)?;
    let calls = BTreeSet::from([DiskCall::Read, DiskCall::Write]);
    let rule = DiskRule { calls, path: None, act: DiskAct::Rate(bytes_per_s) };
    let earliest = node.now_ns();
    node.disk()?.rule(occurrence, rule)?;
    let latest = node.now_ns();
    let within = throughput(node.disk()?, bytes_per_s)?;
    let rate = bytes_per_s as f64;
    let evidence = Evidence {
        what: "writes of the node's own to its data folder".into(),
        expected: format!("at most {} a second, more before", size(rate)),
        observed: format!("{} a second, {} before", size(within), size(before)),
        // The last write of the probe may end with the clock's next tick.
        holds: within <= rate * 1.1 && before > rate * 1.1,
    };
    Ok(Effect::between(earliest, latest, vec![evidence]))
}

/// Takes that back.
pub(crate) fn feed(
    node: &mut dyn NodeOps,
    occurrence: &str,
    bytes_per_s: u64,
) -> io::Result<Vec<Evidence>> {
    let met = node.disk()?.lift(occurrence)?;
    let after = throughput(node.disk()?, bytes_per_s)?;
    node.disk()?.end_probe()?;
    Ok(vec![Evidence {
        what: "writes of the node's own to its data folder".into(),
        expected: format!("more than {} a second again", size(bytes_per_s as f64)),
        observed: format!("{} a second; the fault met {met} calls of servers", size(after)),
        holds: after > bytes_per_s as f64 * 1.1,
    }])
}

fn throughput(disk: &mut dyn DiskOps, bytes_per_s: u64) -> io::Result<f64> {
    disk.throughput((bytes_per_s as f64 * WATCHED).clamp(WRITTEN.0, WRITTEN.1) as u64)
}

fn size(bytes: f64) -> String {
    if bytes < 1e6 { format!("{:.0} kB", bytes / 1e3) } else { format!("{:.1} MB", bytes / 1e6) }
}

fn damage(node: &mut dyn NodeOps, occurrence: &str, fault: &DiskFault) -> io::Result<Effect> {
    let (damage, path) = match fault {
        DiskFault::Corrupt { bits, path } => (Damage::Flip(*bits), path),
        DiskFault::Truncate { bytes, path } => (Damage::Cut(*bytes), path),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let earliest = node.now_ns();
    let evidence = node.disk()?.damage(occurrence, damage, path.as_ref())?;
    Ok(Effect::between(earliest, node.now_ns(), evidence))
}

/// Each call of the rule, made on the probe file.
fn bites(disk: &mut dyn DiskOps, rule: &DiskRule) -> io::Result<Vec<Evidence>> {
    let mut evidence = Vec::new();
    for call in &rule.calls {
        let tried = tries(disk, *call)?;
        let (expected, holds) = match rule.act {
            DiskAct::Fail(code) => {
                (format!("error {code}"), tried.iter().all(|tried| tried.error == Some(code)))
            }
            DiskAct::Full => ("error 28".into(), tried.iter().all(|tried| tried.error == Some(28))),
            DiskAct::Wait(delay) => (
                format!("at least {} ms", delay.as_millis()),
                tried.iter().all(|tried| tried.took >= delay && tried.error.is_none()),
            ),
            // What that does, no single call shows.
            DiskAct::Rate(_) => continue,
        };
        evidence.push(seen(*call, &expected, &tried, holds));
    }
    evidence.extend(space(disk, rule, |left| left == 0, "none")?);
    Ok(evidence)
}

fn gone(disk: &mut dyn DiskOps, rule: &DiskRule, met: u64) -> io::Result<Vec<Evidence>> {
    let mut evidence = Vec::new();
    for call in &rule.calls {
        let tried = tries(disk, *call)?;
        let quick = |tried: &Tried| match rule.act {
            DiskAct::Wait(delay) => tried.took < delay,
            _ => true,
        };
        let holds = tried.iter().all(|tried| tried.error.is_none()) && tried.iter().any(quick);
        let mut seen = seen(*call, "it succeeds as before", &tried, holds);
        seen.observed = format!("{}; the fault met {met} calls of servers", seen.observed);
        evidence.push(seen);
    }
    evidence.extend(space(disk, rule, |left| left > 0, "some")?);
    Ok(evidence)
}

fn tries(disk: &mut dyn DiskOps, call: DiskCall) -> io::Result<Vec<Tried>> {
    (0..TRIES).map(|_| disk.probe(call)).collect()
}

fn seen(call: DiskCall, expected: &str, tried: &[Tried], holds: bool) -> Evidence {
    let mean = tried.iter().map(|tried| tried.took).sum::<Duration>() / tried.len().max(1) as u32;
    let outcomes: BTreeSet<String> = tried
        .iter()
        .map(|tried| tried.error.map_or("no error".into(), |code| format!("error {code}")))
        .collect();
    let outcomes: Vec<String> = outcomes.into_iter().collect();
    let mean_ms = mean.as_secs_f64() * 1e3;
    Evidence {
        what: format!("{} on a probe file", call.name()),
        expected: expected.into(),
        observed: format!("{} in {mean_ms:.2} ms", outcomes.join(" and ")),
        holds,
    }
}

fn space(
    disk: &mut dyn DiskOps,
    rule: &DiskRule,
    wanted: impl Fn(u64) -> bool,
    expected: &str,
) -> io::Result<Option<Evidence>> {
    if rule.act != DiskAct::Full {
        return Ok(None);
    }
    let left = disk.space_left()?;
    Ok(Some(Evidence {
        what: "free space of the data folder".into(),
        expected: expected.into(),
        observed: format!("{left} bytes"),
        holds: wanted(left),
    }))
}
