//! What servers write, searched for lines that must never appear.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

/// Longest part of a line that is kept.
const LONGEST: usize = 300;
/// Lines told per pattern and file: the rest are in the file.
const TOLD: u32 = 20;
/// Bytes read at one look.
const AT_ONCE: u64 = 16 << 20;
/// A line without an end is cut here.
const CARRIED: usize = 64 * 1024;

/// A line with a pattern in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) pattern: String,
    pub(super) line: String,
}

/// The output file of one server.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    offset: u64,
    carried: Vec<u8>,
    patterns: Vec<(String, u32)>,
}

impl Output {
    pub(super) fn new(path: PathBuf, patterns: &[String]) -> Self {
        let patterns = patterns.iter().map(|pattern| (pattern.clone(), 0)).collect();
        Self { path, offset: 0, carried: Vec::new(), patterns }
    }

    /// Reads on and returns what matches.
    pub(super) fn read(&mut self) -> Vec<Match> {
        if self.patterns.is_empty() {
            return Vec::new();
        }
        // A file that cannot be read yet is read the next time.
        let _ = self.take_in();
        let whole = self.whole_lines();
        let lines: Vec<u8> = self.carried.drain(..whole).collect();
        let mut found = Vec::new();
        for line in lines.split(|byte| *byte == b'\n') {
            self.search(&String::from_utf8_lossy(line), &mut found);
        }
        found
    }

    fn take_in(&mut self) -> std::io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        self.offset += file.take(AT_ONCE).read_to_end(&mut self.carried)? as u64;
        Ok(())
    }

    fn whole_lines(&self) -> usize {
        let newline = self.carried.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
        newline.unwrap_or(if self.carried.len() > CARRIED { self.carried.len() } else { 0 })
    }

    fn search(&mut self, line: &str, found: &mut Vec<Match>) {
        for (pattern, told) in &mut self.patterns {
            if *told < TOLD && line.contains(pattern.as_str()) {
                *told += 1;
                let line = line.trim_end().chars().take(LONGEST).collect();
                found.push(Match { pattern: pattern.clone(), line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_match_once_whole_and_only_so_often() {
        let path = std::env::temp_dir().join(format!("temblor-output-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        let mut output = Output::new(path.clone(), &["panic:".into()]);
        file.write_all(b"fine\npan").unwrap();
        assert_eq!(output.read(), []);
        file.write_all(b"ic: at the disco\nfine\n").unwrap();
        let expected = Match { pattern: "panic:".into(), line: "panic: at the disco".into() };
        assert_eq!(output.read(), [expected]);
        file.write_all("panic: again\n".repeat(50).as_bytes()).unwrap();
        assert_eq!(output.read().len() as u32, TOLD - 1);
        std::fs::remove_file(path).unwrap();
    }
}
