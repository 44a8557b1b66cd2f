//! Temblor: a chaos-testing harness for real clusters.
//!
//! A controller drives concurrent clients against a target system, records every operation,
//! injects faults, then checks the history and writes a report that a stranger can read.
//!
//! One direction: [`cli`] → `runner`, `judge` → [`plan`], [`cluster`], `store`. Only this crate
//! touches the world; checkers, faults, workloads and reports are crates of their own.

pub mod cli;
mod clock;
pub mod cluster;
mod exit_code;
mod judge;
pub mod plan;
mod runner;
mod store;
pub mod toy;

pub use runner::speed;
