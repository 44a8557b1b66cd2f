//! Rules by which a peer asks another question than we do, each taken out of a history, so that the
//! same question is left. A difference is explained by a rule only if it is gone then.

use temblor_history::{CheckReport, History};

use crate::given;

/// One such rule.
pub(crate) struct Rule {
    /// What the peer does.
    pub(crate) says: &'static str,
    /// What we call what the peer lets pass by it.
    kind: &'static str,
    /// The history without what the rule is about; none if nothing in it is.
    taken_out: fn(&History) -> Option<History>,
}

/// For a peer that passes what we don't. Elle's graph has nothing of such reads, so what it passes
/// must pass without them.
pub(crate) const VALUES_GIVEN: Rule = Rule {
    says: given::VALUES_GIVEN,
    kind: "thin-air",
    taken_out: given::without_reads_of_what_nobody_wrote,
};

impl Rule {
    /// The history in which the rule finds nothing, if all that we said against the history is of
    /// the rule's kind.
    pub(crate) fn without(&self, history: &History, said: &CheckReport) -> Option<History> {
        let is_about_it = said.anomalies.iter().all(|anomaly| anomaly.kind == self.kind);
        is_about_it.then(|| (self.taken_out)(history)).flatten()
    }
}
