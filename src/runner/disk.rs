//! Writes what the run says to its files, as it happens.

use std::io;

use temblor_history::RunFolder;

use super::bus::{Said, Subscriber};
use crate::store::LineFile;

/// The subscriber that keeps `events.jsonl` and `faults.jsonl`.
pub(crate) struct Files {
    events: LineFile,
    faults: LineFile,
}

impl Files {
    pub(crate) fn create(folder: &RunFolder) -> io::Result<Self> {
        Ok(Self {
            events: LineFile::create(&folder.events())?,
            faults: LineFile::create(&folder.faults())?,
        })
    }
}

impl Subscriber for Files {
    /// A line that can't be written can't be reported to the file either; the history's writer
    /// meets the same disk and ends the run.
    fn hear(&mut self, said: &Said<'_>) {
        let _ = match said {
            Said::Event(event) => self.events.append(event),
            Said::Fault(event) => self.faults.append(event),
        };
    }
}
