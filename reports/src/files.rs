//! Writes every report of a run into its folder.

use std::path::{Path, PathBuf};

use temblor_history::RunFolder;

use crate::{ReportError, StoredRun, html, junit, latency_log, summary};

/// Writes `report.html`, `junit.xml`, `summary.md` and `latency.hlog`, each whole or not at all.
/// Returns where they are, the page for people first.
pub fn write_all(folder: &RunFolder) -> Result<Vec<PathBuf>, ReportError> {
    let run = StoredRun::read(folder)?;
    let files = [
        (folder.report(), html(&run)?.into_bytes()),
        (folder.junit(), junit(&run)?.into_bytes()),
        (folder.summary(), summary(&run).into_bytes()),
        (folder.latency(), latency_log(&run)?),
    ];
    for (path, bytes) in &files {
        write(path, bytes)?;
    }
    Ok(files.map(|(path, _)| path).to_vec())
}

/// A reader never finds half a file: it is written beside its place and moved there.
fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let unwritable = |source| ReportError::Unwritable { path: path.to_owned(), source };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, bytes).map_err(unwritable)?;
    std::fs::rename(&beside, path).map_err(unwritable)
}
