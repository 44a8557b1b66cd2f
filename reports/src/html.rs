//! `report.html`: one file that reads without a script, without a network and on paper.
//!
//! The first screen says what was found; everything below is the evidence, in the order in which a
//! reader doubts it. Templates hold the markup, the modules here hold what stands in it.

mod facts;
mod faults;
mod figures;
mod latency;
mod leaders;
mod operation_words;
mod table;
mod validity;
mod violations;

use askama::Template;

use crate::digest::Digest;
use crate::first_screen;
use crate::{ReportError, StoredRun};

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    first: first_screen::FirstScreen,
    figures: figures::Figures,
    violations: violations::Violations,
    latency: latency::LatencyTables,
    faults: faults::FaultTables,
    validity: validity::Validity,
    facts: facts::Facts<'a>,
}

/// The page for people, as one self-contained file.
pub fn html(run: &StoredRun) -> Result<String, ReportError> {
    let digest = Digest::of(run);
    let page = Page {
        first: first_screen::first_screen(&digest),
        figures: figures::figures(&digest),
        violations: violations::violations(&digest),
        latency: latency::latency_tables(&digest),
        faults: faults::fault_tables(&digest),
        validity: validity::validity(&digest),
        facts: facts::facts(&digest),
    };
    Ok(page.render()?)
}
