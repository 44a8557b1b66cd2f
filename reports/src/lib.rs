//! Reports of a stored run: HTML, JUnit, Markdown, terminal, latency histograms.
//!
//! Everything is built from a run's folder alone; no cluster and no checker is needed. Reports judge
//! nothing: the verdict is read, and only numbers that describe ([`measure`]) are made here.

mod digest;
mod escape;
mod html;
pub mod measure;
mod stored_run;
mod svg;
mod words;

pub use html::html;
pub use stored_run::{ReportError, StoredRun};
