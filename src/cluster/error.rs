//! The one error of this module: what was tried, where, why it failed, and what to do.

/// Something that could not be done to the cluster or this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: cannot {act}: {why}{}{advice}", if advice.is_empty() { "" } else { "; " })]
pub struct ClusterError {
    /// Where: `n1`, `the clients' network`, `this machine`.
    pub place: String,
    /// What was tried: `start server etcd`.
    pub act: String,
    /// Why it failed, usually the system's own words.
    pub why: String,
    /// What to do about it; may be empty where nothing is known.
    pub advice: String,
}

impl ClusterError {
    /// An error without advice.
    #[expect(clippy::needless_pass_by_value, reason = "an error of the system is at its end here")]
    pub fn new(place: impl Into<String>, act: impl Into<String>, why: impl ToString) -> Self {
        Self { place: place.into(), act: act.into(), why: why.to_string(), advice: String::new() }
    }

    /// The same with a word on what to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }
}
