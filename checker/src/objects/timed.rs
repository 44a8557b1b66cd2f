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

/// The events of operations, in order: number, place of the operation, whether it is its return.
pub(crate) fn events<E>(ops: &[Timed<E>]) -> Vec<(u32, u32, bool)> {
    let mut events: Vec<(u32, u32, bool)> = Vec::with_capacity(ops.len() * 2);
    for (place, op) in (0..).zip(ops) {
        events.push((op.invoked, place, false));
        if op.certain() {
            events.push((op.returned, place, true));
        }
    }
    events.sort_unstable();
    events
}
