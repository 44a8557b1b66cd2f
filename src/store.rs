//! Where runs are kept: `runs/<plan>/<start>/`, with `runs/latest` pointing at the newest.
//!
//! It makes folders, finds stored runs, and appends lines to their files as things happen. What
//! the lines mean is the business of `temblor-history`.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use temblor_history::RunFolder;

/// The folder that holds all runs, below the current one.
pub(crate) const RUNS: &str = "runs";

/// Makes the folder of a new run and points `latest` at it.
pub(crate) fn create(runs: &Path, plan: &str, start: &str) -> io::Result<RunFolder> {
    let folder = runs.join(plan).join(start);
    fs::create_dir_all(&folder).map_err(|error| name(&error, "make", &folder))?;
    point_latest(runs, &Path::new(plan).join(start))?;
    Ok(RunFolder::new(fs::canonicalize(folder)?))
}

/// Replaces the link in one step, so that two runs at once leave a whole one.
fn point_latest(runs: &Path, target: &Path) -> io::Result<()> {
    let fresh = runs.join(format!(".latest.{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(target, &fresh)?;
    fs::rename(&fresh, runs.join("latest"))
}

/// Finds a stored run: `latest`, or a run's folder.
///
/// # Errors
/// Says in words what was looked for and what to do.
pub(crate) fn find(runs: &Path, run: &str) -> Result<RunFolder, String> {
    let folder = if run == "latest" { runs.join("latest") } else { PathBuf::from(run) };
    let found = RunFolder::new(&folder);
    if found.history().is_file() || found.manifest().is_file() {
        return Ok(RunFolder::new(fs::canonicalize(&folder).unwrap_or(folder)));
    }
    Err(if run == "latest" {
        format!("no run is stored under `{}` yet: `temblor run demo` makes one", runs.display())
    } else {
        format!("`{run}` is not a run's folder: it holds neither run.json nor history.jsonl")
    })
}

/// A run's folder for clearing up: also one that never got as far as a history.
///
/// # Errors
/// Says in words what was looked for.
pub(crate) fn find_folder(runs: &Path, run: &str) -> Result<RunFolder, String> {
    let folder = if run == "latest" { runs.join("latest") } else { PathBuf::from(run) };
    if folder.is_dir() {
        return Ok(RunFolder::new(fs::canonicalize(&folder).unwrap_or(folder)));
    }
    Err(format!("there is no run's folder `{}`", folder.display()))
}

/// Every run stored below a folder, oldest first by name.
pub(crate) fn all(runs: &Path) -> Vec<RunFolder> {
    let mut found: Vec<PathBuf> = children(runs)
        .into_iter()
        .filter(|plan| !plan.is_symlink())
        .flat_map(|plan| children(&plan))
        .filter(|run| run.is_dir())
        .collect();
    found.sort();
    found.into_iter().map(RunFolder::new).collect()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Writes a file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    fs::write(&fresh, bytes)
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(|error| name(&error, "write", path))
}

/// Writes a value as indented JSON, whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}

/// A file that grows by JSON lines; each line is on disk (in the page cache) when `append` returns.
#[derive(Debug)]
pub(crate) struct LineFile {
    file: File,
    path: PathBuf,
}

impl LineFile {
    /// Makes the file, empty.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path).map_err(|error| name(&error, "make", path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends one line, in one write.
    pub(crate) fn append(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| name(&error, "write to", &self.path))
    }
}

fn name(error: &io::Error, what: &str, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("can't {what} `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(test: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("temblor-store-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn latest_points_at_the_newest_run() {
        let runs = scratch("latest");
        for start in ["1", "2"] {
            let run = create(&runs, "demo", start).unwrap();
            write_json(&run.manifest(), &start).unwrap();
        }
        assert_eq!(
            find(&runs, "latest").unwrap().path(),
            fs::canonicalize(runs.join("demo/2")).unwrap()
        );
        assert_eq!(all(&runs).len(), 2);
        fs::remove_dir_all(runs).unwrap();
    }

    #[test]
    fn a_missing_run_is_explained() {
        let runs = scratch("missing");
        assert!(find(&runs, "latest").unwrap_err().contains("temblor run demo"));
        assert!(find(&runs, "nowhere").unwrap_err().contains("run.json"));
    }
}
