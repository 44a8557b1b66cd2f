//! Plans: what a run does, read from YAML, every mistake at once.
//!
//! `PlanFile` (what was written, with positions) becomes [`Plan`] (only valid states). Nothing here
//! touches a node.

mod diagnostic;
mod nearest;
mod resolved;
mod source;
mod value;
mod yaml;

pub use diagnostic::{Diagnostic, Severity, render};
pub use source::{Source, Span};
pub use resolved::{
    ClientChoice, Expect, Load, Phase, Plan, Probe, ServerTemplate, System, WorkloadChoice,
};
