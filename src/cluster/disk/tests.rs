//! The layer against a model of it: random calls and losses of power on the volume, and on a mount
//! beside a plain folder.
//!
//! `TEMBLOR_CASES=n` runs so many random histories instead of the quick few.

mod fsx;
mod model;
mod mounted;
mod speed;

use std::path::PathBuf;

/// A folder of a test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("temblor-disk-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// How many random histories.
fn cases(quick: u64) -> u64 {
    let asked = std::env::var("TEMBLOR_CASES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(quick)
}
