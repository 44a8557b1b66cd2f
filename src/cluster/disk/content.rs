//! The bytes of one file, and what of them a loss of power would take back.
//!
//! The backing file always holds the newest bytes, as the page cache of a kernel does. Beside it
//! stands what the disk would hold: the size at the last sync, and the bytes of every block that
//! has changed since. The backing descriptor stays open as long as anybody has the file open or
//! something of it is not synced, so that no name can come to mean another file.
//!
//! It knows nothing of names, and nobody's permissions: the kernel has checked those.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::fcntl::{FallocateFlags, fallocate};

use super::torn::{Dice, SECTOR, tear};

/// What is remembered at once: a page of the kernel's.
pub(super) const BLOCK: u64 = 4096;

/// One file's bytes.
#[derive(Debug, Default)]
pub(super) struct Content {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Open while there are openers or an undo.
    file: Option<Arc<File>>,
    openers: u32,
    /// None: everything is synced.
    undo: Option<Undo>,
}

/// What the disk holds, where it differs from the backing file.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Undo {
    /// The size on disk.
    pub(super) size: u64,
    /// The lowest end that the file was cut down to since the last sync: a cut is one act of a
    /// file system, and bytes before and after it do not mix.
    pub(super) cut: Option<u64>,
    /// By number, the bytes on disk of each block that has changed; up to `size`.
    pub(super) blocks: BTreeMap<u64, Vec<u8>>,
}

impl Content {
    /// A file that was just made, and is open once: on disk it is empty.
    pub(super) fn created(file: File) -> Self {
        let (file, undo) = (Some(Arc::new(file)), Some(Undo::default()));
        Self { state: Mutex::new(State { file, openers: 1, undo }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One opener more.
    pub(super) fn open(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.file(path)?;
        state.openers += 1;
        Ok(())
    }

    /// One opener less.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.openers = state.openers.saturating_sub(1);
        state.let_go();
    }

    /// Whether anybody has it open.
    pub(super) fn is_open(&self) -> bool {
        self.state().openers > 0
    }

    /// The attributes of a file that may have no name any more; none: it is not open.
    pub(super) fn metadata(&self) -> Option<io::Result<Metadata>> {
        let file = self.state().file.clone();
        file.map(|file| file.metadata())
    }

    /// Works on the open backing file; opens it by `path` where it is not.
    pub(super) fn with_file<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<T> {
        let file = self.state().file(path)?;
        let done = work(&file);
        self.state().let_go();
        done
    }

    /// Reads from an open file; less at its end.
    pub(super) fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = self.state().open_file()?;
        let mut bytes = vec![0; length];
        let count = read_up_to(&file, &mut bytes, offset)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Writes to an open file.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let file = state.open_file()?;
        state.undo(&file)?.remember(&file, offset, offset + bytes.len() as u64)?;
        file.write_all_at(bytes, offset)
    }

    /// Cuts or lengthens.
    pub(super) fn resize(&self, path: &Path, size: u64) -> io::Result<()> {
        let mut state = self.state();
        let file = state.file(path)?;
        let before = file.metadata()?.len();
        let undo = state.undo(&file)?;
        if size < before {
            undo.remember(&file, size, before)?;
            undo.cut = Some(undo.cut.unwrap_or(size).min(size));
        }
        file.set_len(size)
    }

    /// Reserves, punches or zeroes a range.
    pub(super) fn allocate(&self, mode: i32, offset: u64, length: u64) -> io::Result<()> {
        let mut state = self.state();
        let file = state.open_file()?;
        let undo = state.undo(&file)?;
        let flags = FallocateFlags::from_bits_retain(mode);
        if flags
            .intersects(FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_ZERO_RANGE)
        {
            undo.remember(&file, offset, offset + length)?;
        }
        Ok(fallocate(&*file, flags, offset as i64, length as i64)?)
    }

    /// What it holds now is on disk.
    pub(super) fn sync(&self) {
        let mut state = self.state();
        state.undo = None;
        state.let_go();
    }

    /// The power is gone: what was not synced is forgotten (or, with dice, each sector of it is old
    /// or new), and nobody has it open. Returns how many bytes were taken back.
    pub(super) fn lose_power(&self, dice: Option<Dice>) -> io::Result<u64> {
        let mut state = self.state();
        state.openers = 0;
        let (file, undo) = (state.file.take(), state.undo.take());
        match (file, undo) {
            (Some(file), Some(undo)) => match dice {
                Some(dice) => tear(&file, &undo, dice),
                None => undo.restore(&file),
            },
            _ => Ok(0),
        }
    }

    /// Damages the medium itself: what is written here was not written by anybody, and no loss of
    /// power takes it back. Returns the byte as it was.
    pub(super) fn damage(&self, path: &Path, offset: u64, flip: u8) -> io::Result<u8> {
        let mut state = self.state();
        let file = state.file(path)?;
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset)?;
        file.write_all_at(&[byte[0] ^ flip], offset)?;
        let block = state.undo.as_mut().and_then(|undo| undo.blocks.get_mut(&(offset / BLOCK)));
        if let Some(kept) = block.and_then(|bytes| bytes.get_mut((offset % BLOCK) as usize)) {
            *kept ^= flip;
        }
        state.let_go();
        Ok(byte[0])
    }

    /// The medium has lost the file's end.
    pub(super) fn cut_off(&self, path: &Path, size: u64) -> io::Result<()> {
        let mut state = self.state();
        let file = state.file(path)?;
        file.set_len(size)?;
        if let Some(undo) = &mut state.undo {
            undo.size = undo.size.min(size);
            undo.blocks.retain(|block, _| block * BLOCK < size);
            if let Some(mut last) = undo.blocks.last_entry() {
                let most = (size - last.key() * BLOCK).min(BLOCK) as usize;
                last.get_mut().truncate(most);
            }
        }
        state.let_go();
        Ok(())
    }
}

impl State {
    fn open_file(&self) -> io::Result<Arc<File>> {
        self.file.clone().ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))
    }

    /// For reading and writing whatever the opener asked for: pre-images must be read of a file
    /// that was opened for writing alone.
    fn file(&mut self, path: &Path) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(Arc::clone(file));
        }
        let both = OpenOptions::new().read(true).write(true).open(path);
        // A program that runs can't be opened for writing.
        let file = Arc::new(both.or_else(|_| File::open(path))?);
        self.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn undo(&mut self, file: &File) -> io::Result<&mut Undo> {
        if self.undo.is_none() {
            self.undo = Some(Undo { size: file.metadata()?.len(), ..Undo::default() });
        }
        self.undo.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn let_go(&mut self) {
        if self.openers == 0 && self.undo.is_none() {
            self.file = None;
        }
    }
}

impl Undo {
    /// Keeps what is on disk between two offsets, where that is not kept yet. A block that is not
    /// kept has not changed, so the backing file still tells.
    fn remember(&mut self, file: &File, from: u64, to: u64) -> io::Result<()> {
        let to = to.min(self.size);
        if from >= to {
            return Ok(());
        }
        for block in from / BLOCK..to.div_ceil(BLOCK) {
            if self.blocks.contains_key(&block) {
                continue;
            }
            let start = block * BLOCK;
            let mut bytes = vec![0; (self.size - start).min(BLOCK) as usize];
            read_up_to(file, &mut bytes, start)?;
            self.blocks.insert(block, bytes);
        }
        Ok(())
    }

    /// Makes the file what the disk holds.
    fn restore(&self, file: &File) -> io::Result<u64> {
        let now = file.metadata()?.len();
        if now != self.size {
            file.set_len(self.size)?;
        }
        let mut bytes_back = now.abs_diff(self.size);
        for (block, bytes) in &self.blocks {
            file.write_all_at(bytes, block * BLOCK)?;
            bytes_back += bytes.len() as u64;
        }
        Ok(bytes_back)
    }

    /// What is on disk of a sector of a block that has changed; none: it has not.
    pub(super) fn sector(&self, sector: u64) -> Option<&[u8]> {
        let bytes = self.blocks.get(&(sector * SECTOR / BLOCK))?;
        let from = (sector * SECTOR % BLOCK) as usize;
        bytes.get(from..bytes.len().min(from + SECTOR as usize))
    }
}

fn read_up_to(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut count = 0;
    while count < bytes.len() {
        match file.read_at(&mut bytes[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(count)
}
