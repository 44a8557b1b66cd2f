//! Consistency checkers: a history in, a verdict and its explanation out.
//!
//! The crate stands alone: no async runtime, no clock, no cluster. A caller that wants a deadline
//! passes a [`Budget`].

mod budget;
mod meter;
mod register;

pub use budget::{Budget, Exhausted, Unlimited};
