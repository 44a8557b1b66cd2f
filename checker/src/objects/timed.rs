//! An operation on one object, reduced to its effect and its interval: the form that the
//! algorithms work on.

/// The return of an operation that may still take effect when the history ends.
pub(crate) const NEVER: u32 = u32::MAX;

/// One operation on one object.
///
/// Its effect takes place once, at a moment after `invoked` and before `returned`; an operation
/// that never returned may also not take effect at all (only changes never return: an observation
/// without an answer says nothing).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timed<E> {
    /// What it does.
    pub(crate) effect: E,
    /// Number of the invocation event.
    pub(crate) invoked: u32,
    /// Number of the completion event, or [`NEVER`].
    pub(crate) returned: u32,
    /// Its place among the history's operations.
    pub(crate) source: u32,
}

impl<E> Timed<E> {
    /// Whether it certainly took effect.
    pub(crate) fn certain(&self) -> bool {
        self.returned != NEVER
    }
}
