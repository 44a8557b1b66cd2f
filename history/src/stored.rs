//! Reads a stored run back. A run whose controller was killed reads as far as it came.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::{Fault, FaultEvent, Manifest, RunEvent, RunFolder, Verdict};

/// A file of a run that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// It is missing, or the machine does not give it.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what it should be.
    #[error("{} is not what a run writes", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

fn read(path: &Path) -> Result<Vec<u8>, StoredError> {
    std::fs::read(path).map_err(|source| StoredError::Unreadable { path: path.to_owned(), source })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoredError> {
    serde_json::from_slice(&read(path)?)
        .map_err(|source| StoredError::Malformed { path: path.to_owned(), source })
}

/// Reads JSON Lines of one type. Lines that are not of it (a torn last line, a kind that a newer
/// version writes) are passed over, with a warning each.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<(Vec<T>, Vec<String>), StoredError> {
    let bytes = read(path)?;
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(value) => found.push(value),
            Err(error) => warnings.push(passed_over(path, number, line, &error)),
        }
    }
    Ok((found, warnings))
}

fn passed_over(path: &Path, number: u64, line: &[u8], error: &serde_json::Error) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    if error.is_data() {
        format!("{file}, line {number}: passed over: {error}")
    } else if line.ends_with(b"\n") {
        format!("{file}, line {number}: passed over, not JSON: {error}")
    } else {
        format!("{file}, line {number}: the last line is torn and was dropped")
    }
}

impl RunFolder {
    /// What was run.
    pub fn read_manifest(&self) -> Result<Manifest, StoredError> {
        read_json(&self.manifest())
    }

    /// The verdict.
    pub fn read_verdict(&self) -> Result<Verdict, StoredError> {
        read_json(&self.verdict())
    }

    /// The faults, folded, with warnings.
    pub fn read_faults(&self) -> Result<(Vec<Fault>, Vec<String>), StoredError> {
        let (events, warnings) = read_lines::<FaultEvent>(&self.faults())?;
        Ok((Fault::fold(&events), warnings))
    }

    /// The run events, with warnings; unknown kinds are passed over.
    pub fn read_events(&self) -> Result<(Vec<RunEvent>, Vec<String>), StoredError> {
        read_lines(&self.events())
    }
}
