//! Disk faults that are in force: which calls on which files fail, wait, or find the disk full.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use nix::unistd::{Whence, lseek};
use temblor_faults::{DiskAct, DiskCall, DiskRule};

use super::{
    content::BLOCK,
    probe::{PROBE, WITNESS},
    tree::errno,
};
use crate::clock::monotonic_ns;

/// A process that is killed while it waits ends only then.
const LONGEST: Duration = Duration::from_secs(2);

/// Every rule that is in force.
#[derive(Debug, Default)]
pub(super) struct Rules {
    any: AtomicBool,
    all: RwLock<Vec<Arc<InForce>>>,
}

#[derive(Debug)]
struct InForce {
    occurrence: String,
    rule: DiskRule,
    hits: AtomicU64,
    /// When the bytes so far will have passed, where there is a rate.
    busy_until_ns: Mutex<i64>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ruling {
    /// It waits first.
    pub(super) delay: Duration,
    /// Then it fails.
    pub(super) error: Option<i32>,
    /// The disk is full: it fails where it needs space.
    pub(super) full: bool,
}

impl Ruling {
    /// The error, where there is one.
    pub(super) fn check(self) -> io::Result<()> {
        self.error.map_or(Ok(()), |code| Err(errno(code)))
    }
}

impl Rules {
    /// Whether no call needs a ruling.
    pub(super) fn idle(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, occurrence: &str, rule: DiskRule) {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let hits = AtomicU64::new(0);
        all.push(Arc::new(InForce {
            occurrence: occurrence.into(),
            rule,
            hits,
            busy_until_ns: Mutex::new(0),
        }));
        self.any.store(true, Ordering::Release);
    }

    /// Takes an occurrence's rules back; how many calls of servers they met.
    pub(super) fn remove(&self, occurrence: &str) -> u64 {
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let of = |rule: &Arc<InForce>| rule.occurrence == occurrence;
        let hits = all.iter().filter(|rule| of(rule)).map(|rule| rule.hits());
        let hits = hits.sum();
        all.retain(|rule| !of(rule));
        self.any.store(!all.is_empty(), Ordering::Release);
        hits
    }

    /// What becomes of a call: waits add up, the oldest error counts. `place` is where the file is
    /// below the data folder; none for our own probe, which every rule applies to. `bytes` are to be
    /// read or written.
    pub(super) fn ruling(&self, call: DiskCall, place: Option<&Path>, bytes: u64) -> Ruling {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        let mut ruling = Ruling::default();
        for one in all.iter().filter(|one| one.rule.calls.contains(&call)) {
            if let Some(place) = place {
                if !one.rule.path.as_ref().is_none_or(|pattern| pattern.matches(place)) {
                    continue;
                }
                one.hits.fetch_add(1, Ordering::Relaxed);
            }
            match one.rule.act {
                DiskAct::Fail(code) => ruling.error = ruling.error.or(Some(code)),
                DiskAct::Wait(delay) => ruling.delay += delay,
                DiskAct::Rate(rate) => ruling.delay += one.turn(bytes, rate, monotonic_ns()),
                DiskAct::Full => ruling.full = true,
            }
        }
        ruling
    }

    /// Whether the disk is full for somebody.
    pub(super) fn full(&self) -> bool {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|one| one.rule.act == DiskAct::Full)
    }
}

impl InForce {
    fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How long so many bytes take behind those that are under way.
    fn turn(&self, bytes: u64, bytes_per_s: u64, now_ns: i64) -> Duration {
        let mut busy = self.busy_until_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let takes = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_s.max(1));
        *busy = (*busy).max(now_ns).saturating_add(i64::try_from(takes).unwrap_or(i64::MAX));
        Duration::from_nanos((*busy - now_ns) as u64).min(LONGEST)
    }
}

/// Whether a write needs space that the file does not have: beyond its last block, or in a hole.
pub(super) fn needs_space(file: &File, offset: u64, length: u64) -> io::Result<bool> {
    let end = offset + length;
    let size = file.metadata()?.len();
    if end > size.next_multiple_of(BLOCK) {
        return Ok(true);
    }
    match seek(file, offset.min(size) as i64, libc::SEEK_HOLE) {
        Ok(hole) => Ok((hole as u64) < end.min(size)),
        // At the end of the file, and within its last block.
        Err(why) if why.raw_os_error() == Some(libc::ENXIO) => Ok(false),
        Err(why) => Err(why),
    }
}

/// Where the next data or hole begins.
pub(super) fn seek(file: &File, offset: i64, whence: i32) -> io::Result<i64> {
    let whence = match whence {
        libc::SEEK_DATA => Whence::SeekData,
        libc::SEEK_HOLE => Whence::SeekHole,
        _ => return Err(errno(libc::EINVAL)),
    };
    Ok(lseek(file, offset, whence)?)
}

/// The name of a probe file: rules apply to it whatever their path.
pub(super) fn is_probe(place: &Path) -> bool {
    place.to_str().is_some_and(|place| place.starts_with(PROBE))
}

/// A file of ours that no rule applies to.
pub(super) fn is_exempt(place: &Path) -> bool {
    place.to_str().is_some_and(|place| place.starts_with(WITNESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_for_those_before_them() {
        let rule = DiskRule { calls: [].into(), path: None, act: DiskAct::Rate(1_000_000) };
        let (occurrence, hits) = ("a".to_owned(), AtomicU64::new(0));
        let one = InForce { occurrence, rule, hits, busy_until_ns: Mutex::new(0) };
        let waits = [(0, 100_000), (0, 100_000), (150_000_000, 50_000), (900_000_000, 9_000_000)];
        let waits = waits.map(|(now, bytes)| one.turn(bytes, 1_000_000, now).as_millis());
        assert_eq!(waits, [100, 200, 100, 2_000]);
    }
}
