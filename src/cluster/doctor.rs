//! What this machine has for making nodes, lacks, and what each lack costs.

/// Something that a run would like to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prerequisite {
    /// What it is: `/dev/net/tun`.
    pub name: &'static str,
    /// Whether this machine has it.
    pub has: bool,
    /// What was found, in words.
    pub detail: String,
    /// What a run cannot do without it, and what to do.
    pub cost_of_lack: String,
}

/// Every prerequisite, tried. Changes nothing on the machine.
pub fn prerequisites() -> Vec<Prerequisite> {
    Vec::new()
}
