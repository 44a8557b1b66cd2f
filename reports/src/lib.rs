//! Reports of a stored run: HTML, JUnit, Markdown, terminal, latency histograms.
//!
//! Everything is built from a run's folder alone; no cluster and no checker is needed. Reports judge
//! nothing: the verdict is read, and only numbers that describe ([`measure`]) are made here.

mod digest;
mod escape;
mod files;
mod first_screen;
mod html;
mod junit;
mod latency_log;
pub mod measure;
mod rfc3339;
mod server_logs;
mod stored_run;
mod summary;
mod svg;
mod terminal;
mod words;

pub use files::write_all;
pub use html::html;
pub use junit::junit;
pub use latency_log::latency_log;
pub use server_logs::ServerLog;
pub use stored_run::{ReportError, StoredRun};
pub use summary::{SUMMARY_BYTES_MOST, summary};
pub use terminal::terminal;
