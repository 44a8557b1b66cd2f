//! Temblor: a chaos-testing harness for real clusters.
//!
//! A controller drives concurrent clients against a target system, records every operation,
//! injects faults, then checks the history and writes a report that a stranger can read.

pub mod plan;
