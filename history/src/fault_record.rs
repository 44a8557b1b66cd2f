//! Faults as they were measured: one line a change in `faults.jsonl`, folded into one [`Fault`] each.

use serde::{Deserialize, Serialize};

/// What kind of thing a fault acts on; reports colour by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultClass {
    /// Links between nodes, or between clients and nodes.
    Link,
    /// Server processes.
    Process,
    /// Clocks.
    Clock,
    /// Disks and files.
    Disk,
    /// CPU, memory, descriptors.
    Resource,
    /// The cluster's own members.
    Membership,
    /// The user's own commands.
    Custom,
}

/// A moment known only to lie between two others (both nanoseconds since the run began).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Not before this.
    pub earliest: i64,
    /// Not after this.
    pub latest: i64,
}

/// One observation from inside a fault's domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was looked at: `datagrams n1 → n2`, `state of server 41 on n3`.
    pub what: String,
    /// What the fault (or its end) should make of it.
    pub expected: String,
    /// What was seen.
    pub observed: String,
    /// Whether the two agree.
    pub holds: bool,
}

/// What happened to a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultChange {
    /// Its late target is known. Everything after this names these nodes.
    Resolved {
        /// The nodes it acts on.
        nodes: Vec<String>,
        /// Directed links it acts on, as `n1 → n2`; empty for node-local faults.
        links: Vec<String>,
        /// How the target was chosen, in words: `leader (term 7; claimants n1, n3)`.
        chosen: String,
    },
    /// It was applied. Unverified when some evidence does not hold, or there is none.
    Began {
        /// When its effect began.
        measured: Measured,
        /// What was seen.
        evidence: Vec<Evidence>,
    },
    /// It was removed. Not clean when some evidence does not hold, or there is none.
    Healed {
        /// When its effect ended.
        measured: Measured,
        /// What was seen.
        evidence: Vec<Evidence>,
        /// Why it ended: `for`, `until leader-changed`, `phase ended`, `interrupted`.
        because: String,
    },
    /// It was not injected: nothing to act on, or its time never came.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It could not be applied or could not be removed.
    Failed {
        /// `inject` or `heal`.
        stage: String,
        /// The error's words.
        error: String,
    },
}

/// One line of `faults.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEvent {
    /// Which occurrence of which place in the plan: `chaos.0#2` is the third of the first fault.
    pub occurrence: String,
    /// The catalogue's name.
    pub fault: String,
    /// What it acts on.
    pub class: FaultClass,
    /// Parameters as a reader wants them: `delay 50ms ± 10ms`; empty when there are none.
    pub detail: String,
    /// Whether the plan lets it fail to happen.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub optional: bool,
    /// When this line was written, nanoseconds since the run began.
    pub time: i64,
    /// What happened.
    pub change: FaultChange,
}

/// A whole fault, folded from its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which occurrence of which place in the plan.
    pub occurrence: String,
    /// The catalogue's name.
    pub fault: String,
    /// What it acts on.
    pub class: FaultClass,
    /// Parameters as a reader wants them.
    pub detail: String,
    /// Whether the plan lets it fail to happen.
    pub optional: bool,
    /// The nodes it acted on.
    pub nodes: Vec<String>,
    /// The directed links it acted on.
    pub links: Vec<String>,
    /// How the target was chosen.
    pub chosen: String,
    /// When its effect began.
    pub began: Option<Measured>,
    /// When its effect ended.
    pub healed: Option<Measured>,
    /// Why it ended.
    pub because: String,
    /// Evidence of the injection.
    pub begin_evidence: Vec<Evidence>,
    /// Evidence of the heal.
    pub heal_evidence: Vec<Evidence>,
    /// Why it was skipped.
    pub skipped: Option<String>,
    /// What went wrong, as `stage: error`.
    pub failed: Option<String>,
}

impl Fault {
    /// Folds the lines of `faults.jsonl` into faults, in the order of their first line.
    pub fn fold(events: &[FaultEvent]) -> Vec<Self> {
        let mut faults: Vec<Self> = Vec::new();
        for event in events {
            let place = faults.iter().position(|fault| fault.occurrence == event.occurrence);
            let place = place.unwrap_or_else(|| {
                faults.push(Self::unseen(event));
                faults.len() - 1
            });
            faults[place].apply(&event.change);
        }
        faults
    }

    /// It began, and every observation agreed.
    pub fn verified(&self) -> bool {
        self.began.is_some() && all_hold(&self.begin_evidence)
    }

    /// It ended, and every observation agreed.
    pub fn clean(&self) -> bool {
        self.healed.is_some() && all_hold(&self.heal_evidence)
    }

    /// What a reader calls it: `isolate n1`, `slow link n1 → n2: delay 50ms`.
    pub fn label(&self) -> String {
        let on = if self.nodes.is_empty() { self.links.join(", ") } else { self.nodes.join(", ") };
        let name = if on.is_empty() { self.fault.clone() } else { format!("{} {on}", self.fault) };
        if self.detail.is_empty() { name } else { format!("{name} ({})", self.detail) }
    }

    fn unseen(event: &FaultEvent) -> Self {
        Self {
            occurrence: event.occurrence.clone(),
            fault: event.fault.clone(),
            class: event.class,
            detail: event.detail.clone(),
            optional: event.optional,
            nodes: Vec::new(),
            links: Vec::new(),
            chosen: String::new(),
            began: None,
            healed: None,
            because: String::new(),
            begin_evidence: Vec::new(),
            heal_evidence: Vec::new(),
            skipped: None,
            failed: None,
        }
    }

    fn apply(&mut self, change: &FaultChange) {
        match change.clone() {
            FaultChange::Resolved { nodes, links, chosen } => {
                (self.nodes, self.links, self.chosen) = (nodes, links, chosen);
            }
            FaultChange::Began { measured, evidence } => {
                self.began = Some(measured);
                self.begin_evidence = evidence;
            }
            FaultChange::Healed { measured, evidence, because } => {
                self.healed = Some(measured);
                self.heal_evidence = evidence;
                self.because = because;
            }
            FaultChange::Skipped { reason } => self.skipped = Some(reason),
            FaultChange::Failed { stage, error } => self.failed = Some(format!("{stage}: {error}")),
        }
    }
}

/// No evidence is not evidence.
fn all_hold(evidence: &[Evidence]) -> bool {
    !evidence.is_empty() && evidence.iter().all(|seen| seen.holds)
}
