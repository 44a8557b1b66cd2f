//! Reports of a stored run: HTML, JUnit, Markdown, terminal, latency histograms.
//!
//! Everything is built from a run's folder alone; no cluster and no checker is needed.
