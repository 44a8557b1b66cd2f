//! Holds of locks and semaphores: from an acquire to the release that ends it.

use super::Timed;

/// An acquire with the release that ends it, if there is one; by their places.
pub(crate) struct Hold {
    pub(crate) acquire: usize,
    pub(crate) release: Option<usize>,
    /// The event at which the release is certainly over, or [`NEVER`](super::NEVER).
    pub(crate) until: u32,
}

/// The operations without these holds. None if who was refused might have been so because of one.
pub(crate) fn without<E>(
    mut ops: Vec<Timed<E>>,
    holds: &[Hold],
    refused: fn(&E) -> bool,
) -> Option<Vec<Timed<E>>> {
    let mut left_out = vec![false; ops.len()];
    for hold in holds {
        let from = ops[hold.acquire].invoked;
        let mut refused = ops.iter().filter(|op| refused(&op.effect));
        if refused.any(|op| op.invoked < hold.until && from < op.returned) {
            return None;
        }
        left_out[hold.acquire] = true;
        if let Some(release) = hold.release {
            left_out[release] = true;
        }
    }
    let mut left_out = left_out.into_iter();
    ops.retain(|_| left_out.next() == Some(false));
    Some(ops)
}
