//! Simulated systems: histories that are legal by construction, as large as wanted.
//!
//! Clients are always busy: each invokes, waits for its operation to take effect at a random moment
//! of its interval, completes, and thinks shortly. An operation with an unknown outcome takes
//! effect later, or never; its client goes on as a new process, as in a real run.

mod agenda;
pub(crate) mod objects;
pub(crate) mod registers;
pub(crate) mod transactions;
