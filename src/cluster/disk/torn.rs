//! Torn writes: the power fails while sectors are on their way to the disk, in any order.
//!
//! Each sector that was written and not synced is old or new, as the dice fall. What a file system
//! does in one act stays whole: a file that was cut down either was or was not, and bytes of before
//! and after do not mix; a file that grew has any size between, and what did not arrive reads as
//! zeros, as on file systems that allocate late (ext4, XFS).

use std::{fs::File, io, os::unix::fs::FileExt};

use temblor_history::Seed;

use super::content::Undo;

/// What a disk writes in one piece, bytes.
pub(super) const SECTOR: u64 = 512;
const ZEROS: [u8; SECTOR as usize] = [0; SECTOR as usize];

/// The chances of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice {
    pub(super) seed: Seed,
    /// Which file this is.
    pub(super) file: u64,
}

impl Dice {
    fn throw(self, what: &str, number: u64) -> u64 {
        Seed(self.seed.draw("file", self.file)).draw(what, number)
    }

    fn arrived(self, sector: u64) -> bool {
        self.throw("sector", sector).is_multiple_of(2)
    }
}

/// Makes a file what the disk may hold; returns how many bytes were taken back.
pub(super) fn tear(file: &File, undo: &Undo, dice: Dice) -> io::Result<u64> {
    let now = file.metadata()?.len();
    match undo.cut {
        Some(cut) if dice.throw("cut", 0).is_multiple_of(2) => undo_cut(file, undo, dice, cut, now),
        cut => {
            let low = cut.unwrap_or(undo.size).min(undo.size).min(now);
            grow(file, undo, dice, low, now)
        }
    }
}

/// The cut did not happen: from there on everything is old.
fn undo_cut(file: &File, undo: &Undo, dice: Dice, cut: u64, now: u64) -> io::Result<u64> {
    file.set_len(undo.size)?;
    let mut back = now.abs_diff(undo.size);
    for sector in 0..undo.size.div_ceil(SECTOR) {
        let Some(old) = undo.sector(sector) else { continue };
        if (sector + 1) * SECTOR > cut || !dice.arrived(sector) {
            file.write_all_at(old, sector * SECTOR)?;
            back += old.len() as u64;
        }
    }
    Ok(back)
}

/// Old or new up to `low`; from there to a size that the dice choose new, or zeros.
fn grow(file: &File, undo: &Undo, dice: Dice, low: u64, now: u64) -> io::Result<u64> {
    let size = match dice.throw("size", 0) % 4 {
        0 => low,
        1 => now,
        _ => ((low + dice.throw("size", 1) % (now - low + 1)) / SECTOR * SECTOR).max(low),
    };
    file.set_len(size)?;
    let mut back = now - size;
    for sector in 0..size.div_ceil(SECTOR) {
        let (from, to) = (sector * SECTOR, ((sector + 1) * SECTOR).min(size));
        let old = undo.sector(sector).filter(|_| from < low).map(|old| {
            let until = old.len().min((low - from) as usize);
            &old[..until]
        });
        if dice.arrived(sector) || (old.is_none() && to <= low) {
            continue;
        }
        back += to - from;
        let old = old.unwrap_or_default();
        file.write_all_at(old, from)?;
        // What lies before `low` and has not changed needs no zeros.
        let from = (from + old.len() as u64).max(low.min(to));
        file.write_all_at(&ZEROS[..(to - from) as usize], from)?;
    }
    Ok(back)
}
