//! How much a check may take. The caller owns the clock; checkers ask now and then.

/// What ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The deadline has passed.
    Deadline,
    /// The checker's own structures reached the memory limit.
    Memory,
}

/// Limits of a check. Checkers call it at least every few milliseconds, from any thread.
pub trait Budget: Sync {
    /// Whether to stop, given how many bytes the checker's structures hold now.
    fn exhausted(&self, bytes: usize) -> Option<Exhausted>;
}

/// No limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl Budget for Unlimited {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        None
    }
}
