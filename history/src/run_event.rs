//! What happened in a run besides operations and faults: one line each in `events.jsonl`.

use serde::{Deserialize, Serialize};

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEvent {
    /// Nanoseconds since the run began.
    pub time: i64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// The kinds of run events. New kinds may come; readers pass unknown ones over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// A phase begins; it ends where the next begins, or with `RunEnded`.
    PhaseBegan {
        /// Its name, unique in the run: `steady`, `chaos`, `recover`, `final-reads`.
        phase: String,
    },
    /// The claimant with the highest term changed (`node` null: nobody claims).
    Leader {
        /// Who leads.
        node: Option<String>,
        /// Its term, where the system has terms.
        term: Option<u64>,
        /// All who claim, the leader included.
        claimants: Vec<String>,
    },
    /// A server process ended.
    ServerExit {
        /// On which node.
        node: String,
        /// Which of the node's servers.
        server: String,
        /// `exit code 2`, `signal 9 (SIGKILL)`.
        status: String,
        /// The occurrence of the fault that caused it; none: a finding.
        caused_by: Option<String>,
    },
    /// A log line matched one of the system's `never` patterns.
    NeverLine {
        /// On which node.
        node: String,
        /// The pattern.
        pattern: String,
        /// The line, shortened.
        line: String,
    },
    /// Load in the second that ends here.
    Load {
        /// Operations that the schedule wanted.
        intended: u64,
        /// Of these, how many no client could take.
        shed: u64,
    },
    /// How far the final reads came.
    FinalReads {
        /// Reads wanted: keys times nodes.
        wanted: u64,
        /// Of these, how many never got an ok.
        unread: u64,
    },
    /// The harness failed at something: the run is an error, unless a violation stands.
    Trouble {
        /// What, where, and what to do.
        text: String,
    },
    /// Something a reader should know.
    Note {
        /// In words.
        text: String,
    },
    /// The check of the growing history found a violation in what was recorded by then.
    ViolationKnown {
        /// The violation in a sentence.
        text: String,
        /// How many operations had ended.
        operations: u64,
    },
    /// The user asked to stop (Ctrl-C): what was recorded is checked.
    Interrupted,
    /// The run is over; nothing follows.
    RunEnded,
}
