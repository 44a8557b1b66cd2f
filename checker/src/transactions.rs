//! Transactions over lists and registers, by the levels of Adya's lattice.

// Until the judgement uses all of it.
#[allow(dead_code)]
pub(crate) mod extract;
