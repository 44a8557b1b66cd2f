//! Where the files of a run are.

use std::path::{Path, PathBuf};

/// The folder of one run: `runs/<plan>/<start>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The run in this folder; nothing is read or made.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// What was run.
    pub fn manifest(&self) -> PathBuf {
        self.0.join("run.json")
    }
    /// The plan's text, as it was resolved.
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.yaml")
    }
    /// The operations.
    pub fn history(&self) -> PathBuf {
        self.0.join("history.jsonl")
    }
    /// The faults.
    pub fn faults(&self) -> PathBuf {
        self.0.join("faults.jsonl")
    }
    /// The run events.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }
    /// What was about to be done to the machine, written first.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger.jsonl")
    }
    /// The verdict.
    pub fn verdict(&self) -> PathBuf {
        self.0.join("verdict.json")
    }
    /// The page for people.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }
    /// For CI servers.
    pub fn junit(&self) -> PathBuf {
        self.0.join("junit.xml")
    }
    /// For pull requests.
    pub fn summary(&self) -> PathBuf {
        self.0.join("summary.md")
    }
    /// Latency histograms.
    pub fn latency(&self) -> PathBuf {
        self.0.join("latency.hlog")
    }
    /// What a node's servers wrote, and its data while it runs.
    pub fn node(&self, name: &str) -> PathBuf {
        self.0.join("nodes").join(name)
    }
}
