//! A run as its folder tells it, and what keeps a report from being written.

use std::path::PathBuf;

use temblor_history::{
    Fault, History, HistoryErrors, Manifest, RunEvent, RunFolder, StoredError, Verdict,
};

use crate::server_logs::{self, ServerLog};

/// What keeps a report from being written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run's manifest or verdict cannot be read; without them there is nothing to say.
    #[error("the run has no report")]
    Stored(#[from] StoredError),
    /// A page could not be made.
    #[error("the page cannot be made")]
    Page(#[from] askama::Error),
    /// The JUnit file could not be made.
    #[error("the JUnit file cannot be made")]
    JUnit(#[from] quick_junit::SerializeError),
    /// The latency histograms could not be made.
    #[error("the latency histograms cannot be made: {0}")]
    Latency(String),
    /// A report could not be written.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Everything that reports speak of.
#[derive(Debug, Clone)]
pub struct StoredRun {
    /// Where it is.
    pub folder: RunFolder,
    /// What was run.
    pub manifest: Manifest,
    /// The plan's text; empty where the run has none.
    pub plan: String,
    /// The operations; none where the file is missing or broken, which a warning says.
    pub history: History,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The run events.
    pub events: Vec<RunEvent>,
    /// The verdict.
    pub verdict: Verdict,
    /// What the servers' logs say near violations, and at their ends.
    pub logs: Vec<ServerLog>,
    /// What a reader should know of the files.
    pub warnings: Vec<String>,
}

impl StoredRun {
    /// Reads a run's folder. Manifest and verdict must be there. A missing or broken file of the
    /// others is a warning: a run that failed early has a report too, which says so.
    pub fn read(folder: &RunFolder) -> Result<Self, ReportError> {
        let manifest = folder.read_manifest()?;
        let verdict = folder.read_verdict()?;
        let mut warnings = Vec::new();
        let history = History::read_file(&folder.history())
            .unwrap_or_else(|errors| without_history(&errors, &mut warnings));
        warnings.extend(history.warnings().iter().cloned());
        let faults = or_none(folder.read_faults(), &mut warnings);
        let events = or_none(folder.read_events(), &mut warnings);
        let plan = std::fs::read(folder.plan()).unwrap_or_default();
        let plan = String::from_utf8_lossy(&plan).into_owned();
        let nodes = manifest.nodes.iter().map(|node| node.name.clone());
        let moments = server_logs::moments(&verdict);
        let logs = server_logs::server_logs(folder, nodes, &manifest.started, &moments);
        let folder = folder.clone();
        Ok(Self { folder, manifest, plan, history, faults, events, verdict, logs, warnings })
    }
}

/// The first few mistakes say enough.
const HISTORY_ERRORS_SHOWN: usize = 5;

fn without_history(errors: &HistoryErrors, warnings: &mut Vec<String>) -> History {
    warnings.push("The history could not be read, so nothing is drawn of it.".to_owned());
    warnings.extend(errors.kept().iter().take(HISTORY_ERRORS_SHOWN).map(ToString::to_string));
    History::default()
}

fn or_none<T: Default>(
    read: Result<(T, Vec<String>), StoredError>,
    warnings: &mut Vec<String>,
) -> T {
    match read {
        Ok((found, noted)) => {
            warnings.extend(noted);
            found
        }
        Err(error) => {
            warnings.push(error.to_string());
            T::default()
        }
    }
}
