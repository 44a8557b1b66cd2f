//! The program's exit codes. They are API: other programs match on them.

/// Everything promised was kept.
pub(crate) const PASS: i32 = 0;
/// A violation, a failed expectation, or an expected violation that was not found.
pub(crate) const VIOLATION: i32 = 1;
/// Not enough was exercised, or not everything was decided.
pub(crate) const INCONCLUSIVE: i32 = 2;
/// A bad plan, file or command line. Nothing was touched.
pub(crate) const USAGE: i32 = 254;
/// The harness failed (a crash of ours too).
pub(crate) const HARNESS_ERROR: i32 = 255;
