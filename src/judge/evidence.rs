//! Everything that a stored run says, read once.

use temblor_history::{Fault, Happening, History, Manifest, RunEvent, RunFolder};
use temblor_reports::measure::{Timings, Window, load_window, phase_window};

/// A stored run, read.
pub(super) struct Evidence {
    pub(super) manifest: Manifest,
    pub(super) history: History,
    pub(super) faults: Vec<Fault>,
    pub(super) events: Vec<RunEvent>,
    pub(super) timings: Timings,
}

impl Evidence {
    pub(super) fn read(folder: &RunFolder) -> Result<Self, String> {
        let manifest = folder.read_manifest().map_err(|error| error.to_string())?;
        let history = History::read_file(&folder.history()).map_err(|error| error.to_string())?;
        let (faults, _) = folder.read_faults().map_err(|error| error.to_string())?;
        let (events, _) = folder.read_events().map_err(|error| error.to_string())?;
        let timings = Timings::of(&history);
        Ok(Self { manifest, history, faults, events, timings })
    }

    /// When faults were active, as measured.
    pub(super) fn fault_spans(&self) -> Vec<(i64, i64)> {
        let span = |fault: &Fault| {
            let healed = fault.healed.map_or(i64::MAX, |healed| healed.latest);
            fault.began.map(|began| (began.earliest, healed))
        };
        self.faults.iter().filter_map(span).collect()
    }

    /// Whether the run came to its end: otherwise its controller was killed.
    pub(super) fn ended(&self) -> bool {
        self.events.iter().any(|event| event.what == Happening::RunEnded)
    }

    /// Whether the user stopped it.
    pub(super) fn interrupted(&self) -> bool {
        self.events.iter().any(|event| event.what == Happening::Interrupted)
    }

    /// What the harness got wrong.
    pub(super) fn troubles(&self) -> Vec<String> {
        let text = |event: &RunEvent| match &event.what {
            Happening::Trouble { text } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect()
    }

    /// A phase's stretch of time; the whole load without a name.
    pub(super) fn window(&self, phase: Option<&str>) -> Option<Window> {
        match phase {
            Some(name) => phase_window(&self.events, &self.timings, name),
            None => Some(load_window(&self.events, &self.timings)),
        }
    }

    /// Operations that were shed.
    pub(super) fn shed(&self) -> u64 {
        let counted = self.events.iter().map(|event| match event.what {
            Happening::Load { shed, .. } => shed,
            _ => 0,
        });
        self.manifest.load.as_ref().map_or_else(|| counted.sum(), |load| load.shed)
    }
}
