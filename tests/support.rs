//! What the tests share: running the binary, scratch folders, prerequisites, the cluster lock.

mod leftovers;
mod run_folder;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Mutex,
};

use libtest_mimic::{Failed, Trial};
use nix::fcntl::{Flock, FlockArg};

pub(crate) use leftovers::Machine;
pub(crate) use run_folder::RunFolder;

static SKIPPED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What a test needs of its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Network namespaces and TAPs: root, or a rootless machine that allows them.
    Namespaces,
    /// A layer under data folders: `/dev/fuse`.
    Fuse,
    /// A program, and the Debian package that has it.
    Program(&'static str, &'static str),
}

impl Need {
    /// Why the machine lacks it, if it does; installs packages where it may.
    fn lack(self) -> Option<String> {
        match self {
            Self::Namespaces => (!nix::unistd::geteuid().is_root())
                .then(|| "it needs root to make network namespaces".to_owned()),
            Self::Fuse => File::options()
                .read(true)
                .write(true)
                .open("/dev/fuse")
                .err()
                .map(|why| format!("/dev/fuse does not open: {why}")),
            Self::Program(program, package) => lack_of_program(program, package),
        }
    }
}

fn lack_of_program(program: &str, package: &str) -> Option<String> {
    let found = || on_path(program).is_some();
    if found() {
        return None;
    }
    let may_install = std::env::var_os("TEMBLOR_TEST_INSTALL").is_some_and(|value| value == "1");
    if !may_install || !nix::unistd::geteuid().is_root() {
        return Some(format!("`{program}` is missing (package {package})"));
    }
    install(package);
    (!found()).then(|| format!("`{program}` is missing, and installing {package} failed"))
}

fn install(package: &str) {
    for arguments in
        [vec!["update", "-q"], vec!["install", "-q", "-y", "--no-install-recommends", package]]
    {
        let _ = Command::new("apt-get")
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output();
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    // Joining keeps an absolute path as it is.
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A test that is skipped, visibly, where its machine lacks something.
pub(crate) fn needing(
    needs: &'static [Need],
    name: &'static str,
    test: fn() -> Result<(), Failed>,
) -> Trial {
    Trial::test(name, move || {
        let Some(lack) = needs.iter().find_map(|need| need.lack()) else { return test() };
        if std::env::var_os("TEMBLOR_NO_SKIP").is_some_and(|value| value == "1") {
            return Err(format!("nothing may be skipped here, but {lack}").into());
        }
        let line = format!("{name}: skipped, because {lack}");
        SKIPPED.lock().map_err(|error| error.to_string())?.push(line);
        Ok(())
    })
}

/// The runner hides what passing tests print, so this comes after its closing line too.
pub(crate) fn say_what_was_skipped() {
    let skipped = SKIPPED.lock().map(|lines| lines.clone()).unwrap_or_default();
    for line in &skipped {
        println!("{line}");
    }
    if !skipped.is_empty() {
        println!("{} skipped in all", skipped.len());
    }
}

/// Holds the machine for one cluster, across processes.
pub(crate) fn cluster_lock() -> Result<Flock<File>, Failed> {
    let file = File::create(std::env::temp_dir().join("temblor-test-cluster.lock"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, error)| error.to_string().into())
}

/// A folder of the test's own, removed when it is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(test: &str) -> Result<Self, Failed> {
        let folder =
            std::env::temp_dir().join(format!("temblor-test-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    /// Writes a file into it.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let path = self.0.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// The binary, to be run in a folder.
pub(crate) fn temblor(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_temblor"));
    command.current_dir(folder).args(arguments).env_remove("TEMBLOR_INSTALL");
    command
}

/// What the binary did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the binary to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Result<Ran, Failed> {
    let Output { status, stdout, stderr } = temblor(folder, arguments).output()?;
    Ok(Ran {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

impl Ran {
    /// Fails with everything that was printed unless the exit code is the wanted one.
    pub(crate) fn must_exit(self, code: i32) -> Result<Self, Failed> {
        if self.code == code {
            return Ok(self);
        }
        Err(format!(
            "exit code {}, not {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.out, self.err
        )
        .into())
    }
}

/// Fails with the words unless the condition holds.
pub(crate) fn ensure(holds: bool, words: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(words().into()) }
}
