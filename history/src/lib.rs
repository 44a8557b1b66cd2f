//! What a run leaves on disk: operations, fault records, run events, the manifest and the verdict.
//!
//! Everything downstream (checkers, reports, the command line) reads these types and nothing else.
//! The crate deliberately knows no checker, no cluster and no clock; times are nanoseconds since
//! the run began, on the run's own monotonic clock.
//!
//! | file of a run | type |
//! | --- | --- |
//! | `run.json` | [`Manifest`] |
//! | `history.jsonl` | [`Event`], read back as a [`History`] |
//! | `faults.jsonl` | [`FaultEvent`], folded into [`Fault`]s |
//! | `events.jsonl` | [`RunEvent`] |
//! | `verdict.json` | [`Verdict`] |

mod event;
mod fault_record;
mod history;
mod layout;
mod manifest;
mod run_event;
mod seed;
mod stored;
mod verdict;
mod writer;

pub use event::{Event, EventType, Header, Key};
pub use fault_record::{Evidence, Fault, FaultChange, FaultClass, FaultEvent, Measured};
pub use history::{
    Completion, Format, FunctionId, History, HistoryError, HistoryErrors, ImportOptions, KeyId,
    NodeId, Operation, TextId, ValueId, ValueView,
};
pub use layout::RunFolder;
pub use manifest::{
    Expectations, LoadSummary, Manifest, NodeInfo, PhaseKind, PhasePlan, PlanInfo, SystemInfo,
};
pub use run_event::{Happening, RunEvent};
pub use seed::Seed;
pub use stored::{StoredError, read_lines};
pub use verdict::{
    Anomaly, CheckReport, Expectation, Gate, Outcome, RunCounts, Verdict, Witness, WitnessEdge,
    WitnessOp,
};
pub use writer::{EventParts, encode_body, stamp};
