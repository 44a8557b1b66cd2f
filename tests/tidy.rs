//! Style and architecture as a test: what a reviewer would otherwise have to look for.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::support::ensure;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 800;
const ARCHITECTURE_LINES_MAX: usize = 250;

/// Names that say nothing about what is inside.
const BANNED_NAMES: [&str; 5] = ["util", "utils", "common", "helpers", "manager"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("tidy::functions_are_short", functions_are_short),
        Trial::test("tidy::files_are_short", files_are_short),
        Trial::test("tidy::names_say_something", names_say_something),
        Trial::test("tidy::modules_say_what_they_are", modules_say_what_they_are),
        Trial::test("tidy::dependencies_point_one_way", dependencies_point_one_way),
        Trial::test("tidy::checkers_know_no_runtime_and_no_clock", no_runtime_below),
        Trial::test("tidy::yaml_is_parsed_in_one_module", yaml_in_one_module),
        Trial::test("tidy::catalogue_pairs_are_complete", catalogue_pairs),
        Trial::test("tidy::no_shell_reads_a_word_of_a_plan", no_shell),
        Trial::test("tidy::dependencies_have_reasons", dependencies_have_reasons),
        Trial::test("tidy::architecture_page_is_short", architecture_page),
    ]
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the workspace, below these folders.
fn rust_files(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut found);
    }
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

const ALL: [&str; 7] = ["src", "history", "checker", "workloads", "faults", "reports", "tests"];

fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn none_wrong(wrong: &[String]) -> Result<(), Failed> {
    ensure(wrong.is_empty(), || wrong.join("\n"))
}

fn functions_are_short() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for path in rust_files(&ALL) {
        for (name, line, length) in functions(&read(&path)?) {
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{}:{line}: `{name}` has {length} lines", path.display()));
            }
        }
    }
    none_wrong(&wrong)
}

/// Name, first line and length of each function, found by indentation (the tree is formatted).
/// What a test expects to be printed, a raw string, is no code and does not count.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        // A trait's declaration has no body.
        if line.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let length = lines[number..].iter().position(|line| *line == closing);
        if let Some(length) = length {
            let quoted = quoted_lines(&lines[number..=number + length]);
            found.push((name.to_owned(), number + 1, length + 1 - quoted));
        }
    }
    found
}

fn quoted_lines(lines: &[&str]) -> usize {
    let mut quoted = 0;
    let mut end: Option<&str> = None;
    for line in lines {
        if end.is_some_and(|end| line.trim_start().starts_with(end) || line.contains("\"#")) {
            end = None;
        }
        quoted += usize::from(end.is_some());
        let opened = line.split("r#\"").nth(1).is_some_and(|rest| !rest.contains("\"#"));
        if opened {
            end = Some("\"#");
        } else if line.ends_with("@r\"") || line.ends_with("@\"") {
            end = Some("\"");
        }
    }
    quoted
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    if let Some(scope) = rest.strip_prefix("pub") {
        rest = scope
            .strip_prefix('(')
            .map_or(scope, |scope| scope.split_once(')').map_or("", |x| x.1));
        rest = rest.trim_start();
    }
    for word in ["const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    rest.strip_prefix("fn ")?.split(['(', '<']).next()
}

fn files_are_short() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for path in rust_files(&ALL) {
        let lines = read(&path)?.lines().count();
        if lines > FILE_LINES_MAX {
            wrong.push(format!("{} has {lines} lines: find its second idea", path.display()));
        }
    }
    none_wrong(&wrong)
}

fn names_say_something() -> Result<(), Failed> {
    let stems = rust_files(&ALL).into_iter().filter(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        BANNED_NAMES.contains(&stem)
    });
    none_wrong(&stems.map(|path| path.display().to_string()).collect::<Vec<_>>())
}

fn modules_say_what_they_are() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for path in rust_files(&ALL) {
        if !read(&path)?.starts_with("//!") {
            wrong.push(format!("{} does not open with its responsibility (`//!`)", path.display()));
        }
    }
    none_wrong(&wrong)
}

/// Each crate, and the crates of ours that it may name in its manifest.
const MAY_DEPEND_ON: [(&str, &[&str]); 5] = [
    ("history", &[]),
    ("checker", &["history"]),
    ("workloads", &["history"]),
    ("faults", &["history"]),
    ("reports", &["history"]),
];

fn dependencies_point_one_way() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (name, allowed) in MAY_DEPEND_ON {
        let manifest = read(&root().join(name).join("Cargo.toml"))?;
        let normal = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, _) in MAY_DEPEND_ON {
            let named = normal.lines().any(|line| line.starts_with(&format!("temblor-{other}.")));
            if named && other != name && !allowed.contains(&other) {
                wrong.push(format!("{name} depends on {other}"));
            }
        }
    }
    for path in rust_files(&["src/cluster"]) {
        for forbidden in ["crate::plan", "temblor_workloads", "temblor_reports", "crate::runner"] {
            if read(&path)?.contains(forbidden) {
                wrong.push(format!("{} knows {forbidden}", path.display()));
            }
        }
    }
    none_wrong(&wrong)
}

fn no_runtime_below() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for crate_name in ["history", "checker", "faults"] {
        let manifest = read(&root().join(crate_name).join("Cargo.toml"))?;
        if manifest.contains("tokio") {
            wrong.push(format!("{crate_name} depends on tokio"));
        }
    }
    for path in rust_files(&["history/src", "checker/src", "faults/src", "reports/src"]) {
        for clock in ["Instant::now", "SystemTime::now", "clock_gettime"] {
            if read(&path)?.contains(clock) {
                wrong.push(format!("{} reads a clock", path.display()));
            }
        }
    }
    none_wrong(&wrong)
}

fn yaml_in_one_module() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for path in rust_files(&["src", "history", "checker", "workloads", "faults", "reports"]) {
        let text = read(&path)?;
        let calls = text.contains("serde_saphyr") || text.contains("granit_parser");
        if calls && !path.ends_with("src/plan/yaml.rs") {
            wrong.push(format!("{} parses YAML", path.display()));
        }
    }
    none_wrong(&wrong)
}

/// A fault is a pair, `kill.yaml` and `kill.rs`; short forms of `link` share its code.
fn catalogue_pairs() -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for (folder, shared) in [("faults", &["slow", "lossy", "flaky"][..]), ("workloads", &[])] {
        let yaml = stems(&root().join(folder), "yaml");
        let code = stems(&root().join(folder).join("src"), "rs");
        ensure(!yaml.is_empty(), || format!("{folder}/ has no catalogue entry"))?;
        for name in yaml.iter().filter(|name| !shared.contains(&name.as_str())) {
            if !code.contains(&name.replace('-', "_")) {
                wrong.push(format!("{folder}/{name}.yaml has no {folder}/src/{name}.rs"));
            }
        }
    }
    for name in ["isolate", "partition", "link", "kill", "pause", "restart", "clock", "starve"] {
        if !stems(&root().join("faults"), "yaml").contains(&name.to_owned()) {
            wrong.push(format!("faults/{name}.yaml is missing"));
        }
    }
    none_wrong(&wrong)
}

fn stems(folder: &Path, extension: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let named = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    named.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// Who starts programs, and where their words come from. Each of them hands a list of words to the
/// kernel.
const STARTERS: [&str; 9] = [
    "src/cli/run/system.rs", // install and version commands of system files
    "src/cluster/agent/servers.rs", // servers, their preparations, commands of `exec`
    "src/cluster/disk.rs",   // this program
    "src/cluster/guard.rs",  // this program
    "src/cluster/node.rs",   // this program
    "src/cluster/owed.rs",   // heals of `exec`
    "src/runner/commands.rs", // membership and versions of system files
    "src/runner/probe.rs",   // probes of system files
    "workloads/src/client/exec/program.rs", // client programs
];

fn no_shell() -> Result<(), Failed> {
    let shells = ["sh", "bash", "dash", "zsh", "ksh", "busybox", "/bin/sh", "/bin/bash", "-c"];
    let mut wrong = Vec::new();
    for path in rust_files(&["src", "faults/src", "workloads/src", "reports/src", "history/src"]) {
        let text = read(&path)?;
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let place = path.strip_prefix(root()).unwrap_or(&path);
        if place.to_string_lossy().ends_with("tests.rs") {
            continue;
        }
        let known = STARTERS.iter().any(|starter| place == Path::new(starter));
        if (text.contains("Command::new(") || text.contains("Process::new(")) && !known {
            wrong.push(format!("{} starts programs: say in STARTERS which", place.display()));
        }
        // Their names stand where plans are refused for what they give them to read.
        let refuses = place == Path::new("src/plan/draft/exec.rs");
        if !refuses && shells.iter().any(|shell| text.contains(&format!("\"{shell}\""))) {
            wrong.push(format!("{} names a shell", place.display()));
        }
    }
    for name in stems(&root().join("systems"), "yaml") {
        let text = read(&root().join("systems").join(format!("{name}.yaml")))?;
        if ["[sh,", "[bash,", "/sh,", "/bash,"].iter().any(|shell| text.contains(shell)) {
            wrong.push(format!("systems/{name}.yaml has a shell run its commands"));
        }
    }
    none_wrong(&wrong)
}

fn dependencies_have_reasons() -> Result<(), Failed> {
    let manifest = read(&root().join("Cargo.toml"))?;
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let table = table.split("\n[").next().unwrap_or_default();
    let bare = table.lines().filter(|line| line.contains('=') && !line.starts_with("temblor-"));
    let bare = bare.filter(|line| !line.contains(" # "));
    none_wrong(&bare.map(|line| format!("no reason beside `{line}`")).collect::<Vec<_>>())
}

fn architecture_page() -> Result<(), Failed> {
    let lines = read(&root().join("ARCHITECTURE.md"))?.lines().count();
    ensure(lines <= ARCHITECTURE_LINES_MAX, || format!("ARCHITECTURE.md has {lines} lines"))
}
