//! Plans: what a run does, read from YAML, every mistake at once.
//!
//! A text becomes a tree of values with places (`yaml`, `value`), is held against the grammar
//! (`shape`, `grammar`, `reading`), and resolved into a [`Plan`] that has only valid states
//! (`draft`). Systems and catalogue entries go the same way. Nothing here touches a node.

mod catalogue;
mod chart;
mod diagnostic;
mod draft;
mod entry;
mod explain;
mod form;
mod grammar;
mod group;
mod leaf;
mod list;
mod load;
mod nearest;
mod overrides;
mod provider;
mod reading;
mod resolved;
mod scalar;
mod schema;
mod shape;
mod source;
mod system;
mod target;
mod template;
mod timeline;
mod trigger;
mod value;
mod words;
mod yaml;

#[cfg(test)]
mod loading_tests;
#[cfg(test)]
mod refusal_tests;

pub use catalogue::Catalogue;
pub use diagnostic::{Diagnostic, Severity, render};
pub use explain::explain;
pub use list::list;
pub use load::{Loaded, PlanSource, load};
pub use overrides::Override;
pub use provider::{check_disks, check_provider};
pub use resolved::{
    ClientChoice, Expect, Load, Membership, Phase, Plan, Probe, ServerTemplate, System,
    UpgradePaths, Version, WorkloadChoice,
};
pub use scalar::{parse_duration, parse_size, written};
pub use schema::schema;
pub use source::{Source, Span};
pub use template::{NodeAddress, NodeContext, TemplateError, fill_in};
pub use timeline::timeline;
pub use words::NodeWords;
