//! What the start or the end of a fault can wait for.

use crate::Target;

/// Something that happens, or does not, while a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The leader is another one than when the waiting began.
    LeaderChanged,
    /// So many operations have been completed since the phase began.
    Ops(u64),
    /// An operation ended as a failure or with an unknown outcome, other than a refusal, since the
    /// waiting began.
    FirstError,
    /// The nodes answer their readiness probe, all at once; of none: every node of the cluster.
    NodeReady(Option<Target>),
    /// A server wrote a line that the regular expression matches, since the waiting began.
    Log {
        /// The regular expression, in the syntax of the `regex` crate.
        pattern: String,
        /// On which nodes; none: on any.
        on: Option<Target>,
    },
    /// The fault that the plan names so began, since the waiting began.
    Began(String),
    /// The fault that the plan names so ended, since the waiting began.
    Ended(String),
}

impl Trigger {
    /// The nodes that it names.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::NodeReady(on) | Self::Log { on, .. } => on.as_ref(),
            _ => None,
        }
    }

    /// The fault that it names.
    pub fn fault(&self) -> Option<&str> {
        match self {
            Self::Began(fault) | Self::Ended(fault) => Some(fault),
            _ => None,
        }
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LeaderChanged => f.write_str("leader-changed"),
            Self::Ops(operations) => write!(f, "{operations} operations"),
            Self::FirstError => f.write_str("first-error"),
            Self::NodeReady(None) => f.write_str("node-ready"),
            Self::NodeReady(Some(target)) => write!(f, "{target} is ready"),
            Self::Log { pattern, on: None } => write!(f, "a log line matches `{pattern}`"),
            Self::Log { pattern, on: Some(on) } => {
                write!(f, "a log line of {on} matches `{pattern}`")
            }
            Self::Began(fault) => write!(f, "the beginning of {fault}"),
            Self::Ended(fault) => write!(f, "the end of {fault}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_read_well() {
        let n2 = || Some(Target::Named(vec!["n2".into()]));
        let said = [
            Trigger::Ops(500),
            Trigger::NodeReady(n2()),
            Trigger::Log { pattern: "elected".into(), on: n2() },
            Trigger::Ended("cut".into()),
        ]
        .map(|trigger| trigger.to_string());
        let expected = [
            "500 operations",
            "n2 is ready",
            "a log line of n2 matches `elected`",
            "the end of cut",
        ];
        assert_eq!(said, expected);
    }
}
