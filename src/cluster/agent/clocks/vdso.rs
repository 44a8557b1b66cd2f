//! The kernel's vDSO: a small ELF library in every process, whose functions read clocks without a
//! system call. All processes of one word size have the same bytes, so this program's own copy says
//! what an untouched one looks like.

use std::{io, sync::OnceLock};

use super::memory::{Memory, vdso_length, vdso_of};

/// An ELF file of 64 bits, little-endian.
const ELF64: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
const DYNAMIC_SYMBOLS: u32 = 11;
const SYMBOL_BYTES: usize = 24;

/// The vDSO as the kernel gives it to a new program.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
}

/// A function in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Function {
    /// From the beginning of the image.
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl Image {
    /// This program's own; nobody has touched it.
    pub(super) fn own() -> Result<&'static Self, String> {
        static OWN: OnceLock<Result<Image, String>> = OnceLock::new();
        let read = || {
            let pid = std::process::id() as i32;
            let length = vdso_length()?.ok_or(io::ErrorKind::NotFound)?;
            let at = vdso_of(pid)?.ok_or(io::ErrorKind::NotFound)?;
            Memory::open(pid)?.read(at, length)
        };
        let own = OWN.get_or_init(|| {
            let bytes = read().map_err(|why| format!("this program's own vDSO: {why}"))?;
            Ok(Image { bytes })
        });
        own.as_ref().map_err(Clone::clone)
    }

    /// Whether bytes are those of such a library at all; a 32-bit program has another.
    pub(super) fn is_elf64(bytes: &[u8]) -> bool {
        bytes.starts_with(&ELF64)
    }

    /// A function by its name, from the table of dynamic symbols.
    pub(super) fn function(&self, name: &str) -> Option<Function> {
        let sections = self.number(0x28, 8)? as usize;
        let size = self.number(0x3a, 2)? as usize;
        let count = self.number(0x3c, 2)? as usize;
        let section = |number: usize| sections + number * size;
        let symbols = (0..count)
            .map(section)
            .find(|at| self.number(at + 4, 4) == Some(u64::from(DYNAMIC_SYMBOLS)))?;
        let names = section(self.number(symbols + 0x28, 4)? as usize);
        let names = self.number(names + 0x18, 8)? as usize;
        let table = self.number(symbols + 0x18, 8)? as usize;
        let entries = self.number(symbols + 0x20, 8)? as usize / SYMBOL_BYTES;
        let found = (0..entries).map(|entry| table + entry * SYMBOL_BYTES).find(|at| {
            self.number(*at, 4).is_some_and(|place| self.is_named(names + place as usize, name))
        })?;
        Some(Function { offset: self.number(found + 8, 8)?, size: self.number(found + 16, 8)? })
    }

    fn is_named(&self, at: usize, name: &str) -> bool {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
    }

    fn number(&self, at: usize, bytes: usize) -> Option<u64> {
        let found = self.bytes.get(at..at + bytes)?;
        Some(found.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vdso_of_this_program_has_a_clock() {
        let own = Image::own().unwrap();
        assert!(Image::is_elf64(&own.bytes));
        assert!(own.function("__vdso_nothing").is_none());
        if cfg!(target_arch = "x86_64") {
            let clock = own.function("__vdso_clock_gettime").unwrap();
            assert!(clock.size > 12 && clock.offset < own.bytes.len() as u64, "{clock:?}");
        }
    }
}
