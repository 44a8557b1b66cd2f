//! Reading what a run left, as a user's script would.

use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::Value;

use super::ensure;

/// A run's folder.
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    /// The newest run below a folder.
    pub(crate) fn latest(folder: &Path) -> Self {
        Self(folder.join("runs/latest"))
    }

    pub(crate) fn text(&self, file: &str) -> Result<String, Failed> {
        let path = self.0.join(file);
        std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn json(&self, file: &str) -> Result<Value, Failed> {
        Ok(serde_json::from_str(&self.text(file)?)?)
    }

    /// The JSON lines of a file; a last one that is being written is left out.
    pub(crate) fn lines(&self, file: &str) -> Vec<Value> {
        let text = self.text(file).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) fn verdict(&self) -> Result<Value, Failed> {
        self.json("verdict.json")
    }

    /// Every fault that began was verified, and healed clean.
    pub(crate) fn faults_must_be_verified(&self, at_least: usize) -> Result<(), Failed> {
        let verdict = self.verdict()?;
        let gates = verdict["gates"].as_array().cloned().unwrap_or_default();
        for name in ["faults-began", "faults-verified", "faults-healed"] {
            let gate = gates.iter().find(|gate| gate["name"] == name);
            let gate = gate.ok_or_else(|| format!("no gate {name}"))?;
            ensure(gate["holds"] == true, || format!("{name}: {}", gate["detail"]))?;
        }
        let began = |line: &&Value| line["change"].get("began").is_some();
        let faults = self.lines("faults.jsonl").iter().filter(began).count();
        ensure(faults >= at_least, || format!("{faults} faults, {at_least} wanted"))
    }

    /// All reports are there, and say the same as the verdict.
    pub(crate) fn reports_must_agree(&self) -> Result<(), Failed> {
        let verdict = self.verdict()?;
        let title = verdict["title"].as_str().unwrap_or_default().to_owned();
        for file in ["report.html", "summary.md", "junit.xml"] {
            let text = self.text(file)?;
            ensure(text.contains(&title) || file == "junit.xml", || {
                format!("{file} does not say `{title}`")
            })?;
        }
        ensure(!self.text("latency.hlog")?.is_empty(), || "latency.hlog is empty".into())
    }
}
