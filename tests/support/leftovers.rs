//! What a machine looks like: namespaces, mounts, links, our processes. A run must leave it so.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

/// What could be left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    namespaces: BTreeSet<String>,
    mounts: BTreeSet<String>,
    links: BTreeSet<String>,
    cgroups: BTreeSet<String>,
    processes: BTreeSet<String>,
}

impl Machine {
    /// As it is now.
    pub(crate) fn now() -> Self {
        Self {
            namespaces: namespaces(),
            mounts: lines("/proc/self/mounts"),
            links: names("/sys/class/net"),
            cgroups: groups(Path::new("/sys/fs/cgroup")),
            processes: processes(),
        }
    }

    /// Waits until the machine is as it was; after the bound it fails with what is left.
    #[expect(clippy::disallowed_methods, reason = "the bound is real time: it is what is promised")]
    pub(crate) fn must_be_restored(&self, within: Duration) -> Result<Duration, Failed> {
        let began = Instant::now();
        loop {
            let left = self.left();
            if left.is_empty() {
                return Ok(began.elapsed());
            }
            if began.elapsed() > within {
                return Err(format!("left after {within:?}: {}", left.join("; ")).into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What is there now and was not before.
    fn left(&self) -> Vec<String> {
        let now = Self::now();
        let mut left = Vec::new();
        for (what, before, after) in [
            ("namespace", &self.namespaces, &now.namespaces),
            ("mount", &self.mounts, &now.mounts),
            ("link", &self.links, &now.links),
            ("cgroup", &self.cgroups, &now.cgroups),
            ("process", &self.processes, &now.processes),
        ] {
            left.extend(after.difference(before).map(|found| format!("{what} {found}")));
        }
        left
    }
}

fn pids() -> Vec<String> {
    let all = names("/proc");
    all.into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// Namespaces that a process of ours lives in. Others come and go on a machine by themselves, and
/// one without a process would show among the mounts.
fn namespaces() -> BTreeSet<String> {
    let of = |pid: String| {
        ["net", "pid", "mnt", "uts", "user"]
            .map(|kind| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap_or_default())
    };
    let links = processes().into_iter().flat_map(of);
    links.map(|link| link.display().to_string()).filter(|link| !link.is_empty()).collect()
}

/// Processes of this binary, and servers that it started: their command lines name a test's scratch folder.
fn processes() -> BTreeSet<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_temblor"));
    let ours = |pid: &String| {
        let exe = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        exe == binary || words.contains("temblor-test-")
    };
    pids().into_iter().filter(ours).collect()
}

/// Control groups that are named after us, at any depth.
fn groups(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let below = folders.flat_map(|entry| {
        let ours = entry.file_name().to_string_lossy().starts_with("temblor-");
        let path = entry.path();
        groups(&path).into_iter().chain(ours.then(|| path.display().to_string()))
    });
    below.collect()
}

fn lines(path: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
