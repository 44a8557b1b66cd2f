//! Faults: what each does, on whom, and when.
//!
//! A fault is a pair of files: `partition.yaml` (parameters, defaults, what the reader will see)
//! beside `src/partition.rs` (what it does). What a fault needs of a machine is a trait here
//! ([`NodeOps`], [`Links`]); the harness implements it. Schedules, targets and grudges are pure:
//! seed in, times and nodes out.

mod links;
mod node_ops;
mod spec;

pub use links::{LinkPolicy, Links, Port};
pub use node_ops::{NodeOps, ServerProcess, ServerState, Signal};
pub use spec::{DurationChoice, End, FaultKind, FaultSpec, Grudge, Start, Target, Trigger, Where};
