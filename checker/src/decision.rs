//! What a linearizability engine finds.

use crate::Exhausted;

/// What an engine finds of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Violation,
    /// The budget ran out.
    Undecided(Stopped),
}

/// Where the budget ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// What ran out.
    pub(crate) exhausted: Exhausted,
    /// Everything before this event is linearizable.
    pub(crate) event: u32,
    /// How many operations were open there.
    pub(crate) open: usize,
    /// How many configurations were alive there.
    pub(crate) configurations: usize,
}
