//! Files of our own in the data folder, which show what a disk fault does there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use temblor_faults::{DiskCall, PowerLost, Tried};

use super::torn::SECTOR;
use crate::clock::monotonic_ns;

/// What all our names begin with; servers are not shown them.
const OURS: &str = ".temblor-";
/// Rules apply to these whatever their path.
pub(super) const PROBE: &str = ".temblor-probe";
/// No rule applies to what is in this folder.
pub(super) const WITNESS: &str = ".temblor-witness";

/// Files to remove and to rename.
const SPARE: u32 = 12;
/// The unit of direct reads.
const BLOCK: usize = 4096;
/// Sectors of a witness that are overwritten, and as many that are added.
const SECTORS: u32 = 64;
/// How long bytes are written at most, to see how many a second that is.
const WATCHED_NS: i64 = 2_000_000_000;
const OLD: u8 = 0xA5;
const NEW: u8 = 0x5A;

/// Whether a name in the data folder is one of ours.
pub(super) fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(OURS))
}

/// The probe files, open.
#[derive(Debug)]
pub(super) struct Probe {
    data: PathBuf,
    file: File,
    /// Around the page cache.
    direct: File,
    made: u32,
    removed: u32,
    renamed: u32,
}

impl Probe {
    /// Makes them; nothing of them needs to outlive a loss of power.
    pub(super) fn begin(data: &Path) -> io::Result<Self> {
        clear_away(data)?;
        let path = data.join(PROBE);
        fs::write(&path, [OLD; 2 * BLOCK])?;
        for spare in 0..SPARE {
            File::create(data.join(format!("{PROBE}-remove-{spare}")))?;
        }
        File::create(data.join(format!("{PROBE}-rename-0")))?;
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let direct = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(&path)?;
        Ok(Self { data: data.into(), file, direct, made: 0, removed: 0, renamed: 0 })
    }

    /// Makes a call on them, and measures it.
    pub(super) fn make(&mut self, call: DiskCall) -> io::Result<Tried> {
        let name = |what: &str, number: u32| self.data.join(format!("{PROBE}-{what}-{number}"));
        let size = self.file.metadata()?.len();
        let mut aligned = vec![0_u8; 2 * BLOCK];
        let start = aligned.as_ptr().align_offset(BLOCK);
        let began = monotonic_ns();
        let done = match call {
            DiskCall::Open => File::open(self.data.join(PROBE)).map(drop),
            DiskCall::Create => File::create_new(name("made", self.made)).map(drop),
            DiskCall::Read => self.direct.read_at(&mut aligned[start..start + BLOCK], 0).map(drop),
            DiskCall::Write => {
                let end = size.next_multiple_of(BLOCK as u64);
                self.file.write_all_at(&[NEW; SECTOR as usize], end)
            }
            DiskCall::Truncate => self.file.set_len(size + 1),
            DiskCall::Fsync => self.file.sync_all(),
            DiskCall::Rename => {
                fs::rename(name("rename", self.renamed), name("rename", self.renamed + 1))
            }
            DiskCall::Remove => fs::remove_file(name("remove", self.removed)),
        };
        let took = Duration::from_nanos((monotonic_ns() - began).max(0) as u64);
        let error = match &done {
            Ok(()) => None,
            Err(why) => Some(why.raw_os_error().ok_or_else(|| io::Error::other(why.to_string()))?),
        };
        let counted = u32::from(done.is_ok());
        match call {
            DiskCall::Create => self.made += counted,
            DiskCall::Rename => self.renamed += counted,
            DiskCall::Remove => self.removed += counted,
            _ => {}
        }
        Ok(Tried { took, error })
    }
}

/// Writes about so many bytes, over and over the same ones; how many a second that were.
pub(super) fn throughput(data: &Path, bytes: u64) -> io::Result<f64> {
    let file = File::create(data.join(format!("{PROBE}-rate")))?;
    let chunk = [NEW; 4 * BLOCK];
    let count = bytes.div_ceil(chunk.len() as u64).max(1);
    let (began, mut written) = (monotonic_ns(), 0);
    // Behind the writes of busy servers each may have to wait for long.
    while written < count && monotonic_ns() - began < WATCHED_NS {
        file.write_all_at(&chunk, written % 4 * chunk.len() as u64)?;
        written += 1;
    }
    let took = (monotonic_ns() - began).max(1) as f64 / 1e9;
    Ok((written * chunk.len() as u64) as f64 / took)
}

/// Removes every probe file.
pub(super) fn clear_away(data: &Path) -> io::Result<()> {
    // Listings do not show them.
    let probes = [PROBE.to_owned(), format!("{PROBE}-rate")].into_iter();
    let numbered = ["remove", "rename", "made"]
        .into_iter()
        .flat_map(|what| (0..=SPARE).map(move |number| format!("{PROBE}-{what}-{number}")));
    for name in probes.chain(numbered) {
        match fs::remove_file(data.join(name)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    Ok(())
}

fn sectors(byte: u8) -> Vec<u8> {
    vec![byte; SECTORS as usize * SECTOR as usize]
}

/// Writes witnesses: bytes and names that are synced, then some that are not.
pub(super) fn begin_witness(data: &Path) -> io::Result<()> {
    let folder = data.join(WITNESS);
    remove_folder(&folder)?;
    fs::create_dir(&folder)?;
    for name in ["overwritten", "removed"] {
        let mut file = File::create(folder.join(name))?;
        file.write_all(&sectors(OLD))?;
        file.sync_all()?;
    }
    // Of this folder and its own name alone: what servers have not synced stays so.
    File::open(&folder)?.sync_all()?;
    let overwritten = OpenOptions::new().write(true).open(folder.join("overwritten"))?;
    overwritten.write_all_at(&[sectors(NEW), sectors(NEW)].concat(), 0)?;
    fs::write(folder.join("new"), sectors(NEW))?;
    fs::remove_file(folder.join("removed"))
}

/// Reads what a loss of power has left of them, and removes that for good.
pub(super) fn read_witness(data: &Path) -> io::Result<PowerLost> {
    let folder = data.join(WITNESS);
    let overwritten = fs::read(folder.join("overwritten")).unwrap_or_default();
    let removed = fs::read(folder.join("removed")).unwrap_or_default();
    let length = sectors(OLD).len();
    let all = |sector: &[u8], byte: u8| sector.iter().all(|found| *found == byte);
    let (old, added) = overwritten.split_at(length.min(overwritten.len()));
    let chunk = SECTOR as usize;
    let new = overwritten.chunks(chunk).filter(|sector| all(sector, NEW)).count();
    let mixed = old.chunks(chunk).any(|sector| !all(sector, OLD) && !all(sector, NEW))
        || added.chunks(chunk).any(|sector| !all(sector, 0) && !all(sector, NEW));
    let lost = PowerLost {
        synced_intact: removed == sectors(OLD) && old.len() == length,
        unsynced_sectors_left: new as u32,
        unsynced_sectors: 2 * SECTORS,
        sectors_mixed: mixed || (new == 0 && overwritten.len() != length),
        unsynced_file_left: folder.join("new").exists(),
        forgotten: String::new(),
    };
    remove_folder(&folder)?;
    // Nothing else has changed since the power came back.
    File::open(data)?.sync_all()?;
    Ok(lost)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
