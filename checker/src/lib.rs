//! Consistency checkers: a history in, a verdict and its explanation out.
//!
//! The crate stands alone: no async runtime, no clock, no cluster. [`check`] is the whole of it;
//! a caller that wants a deadline or a memory limit passes a [`Budget`]. What can be asked is
//! listed by [`models`] and [`consistencies`].

mod budget;
mod cast;
mod catalogue;
mod check;
mod conclusion;
mod decision;
mod findings;
mod hashing;
mod invariants;
mod meter;
mod moments;
#[cfg(test)]
mod notation;
mod objects;
mod register;
mod slots;
mod transactions;
mod weak;
mod words;

pub use budget::{Budget, Exhausted, Unlimited};
pub use catalogue::{ConsistencyEntry, ModelEntry, consistencies, judged_from_final_reads, models};
pub use check::{Request, Span, VersionOrder, check, check_preferring};
pub use weak::{StaleRead, Staleness, staleness};

/// Holds the examples of the README to what the code does.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
