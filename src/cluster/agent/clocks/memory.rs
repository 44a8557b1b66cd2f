//! Another process's memory, by `/proc`.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
};

/// The memory of one process. It stays that of the program that ran when it was opened: after an
/// exec, reads and writes fail.
#[derive(Debug)]
pub(super) struct Memory(File);

impl Memory {
    /// Opens it.
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        Ok(Self(OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem"))?))
    }

    /// Exactly so many bytes.
    pub(super) fn read(&self, address: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact_at(&mut bytes, address)?;
        Ok(bytes)
    }

    /// As many bytes as there are until memory ends, at most so many.
    pub(super) fn read_up_to(&self, address: u64, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut had = 0;
        while had < count {
            match self.0.read_at(&mut bytes[had..], address + had as u64) {
                Ok(more) if more > 0 => had += more,
                _ => break,
            }
        }
        bytes.truncate(had);
        bytes
    }

    /// One little-endian word.
    pub(super) fn word(&self, address: u64) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, address)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes, also where the process itself may not.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, address)
    }
}

/// Where the kernel put the page of clock functions of a process's present program; none: nowhere.
///
/// # Errors
///
/// When the process is gone, or just becoming another program.
pub(super) fn vdso_of(pid: i32) -> io::Result<Option<u64>> {
    const SYSINFO_EHDR: u64 = 33;
    let auxiliary = fs::read(format!("/proc/{pid}/auxv"))?;
    if auxiliary.is_empty() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |so, byte| so << 8 | u64::from(*byte));
    let mut pairs = auxiliary.chunks_exact(16).map(|pair| (number(&pair[..8]), number(&pair[8..])));
    Ok(pairs.find(|(key, _)| *key == SYSINFO_EHDR).map(|(_, value)| value))
}

/// How long this program's own is, in bytes; all others' are too.
pub(super) fn vdso_length() -> io::Result<Option<usize>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    Ok(line.and_then(|line| {
        let (from, to) = line.split_once(' ')?.0.split_once('-')?;
        let [from, to] = [from, to].map(|text| usize::from_str_radix(text, 16).ok());
        to?.checked_sub(from?)
    }))
}
