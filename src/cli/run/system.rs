//! What the system under test needs of this machine: its programs, installed where that is asked.

use std::{path::PathBuf, process::Command};

use temblor_faults::NodeFault;

use crate::plan::{Plan, System};

/// Something that a plan needs of this machine.
struct Part<'p> {
    name: String,
    needs: Vec<&'p str>,
    install: &'p [Vec<String>],
}

/// The plan's system; where its faults change members or versions, what that takes too.
fn parts(plan: &Plan) -> Vec<Part<'_>> {
    let System { name, needs, install, membership, upgrade, .. } = &plan.system;
    let mut parts = vec![Part::new(name.clone(), words(needs), install)];
    for fault in plan.phases.iter().flat_map(|phase| &phase.faults) {
        let what = format!("`{}`", fault.name);
        match (fault.kind.node_fault(), membership, upgrade) {
            (Some(NodeFault::Leave), Some(how), _) => {
                parts.push(Part::new(what, words(&how.needs), &how.install));
            }
            (Some(NodeFault::Upgrade(asked)), _, Some(paths)) => {
                parts.push(Part::new(what, words(&paths.needs), &paths.install));
                parts.extend(paths.to.get(&asked.to).map(|version| {
                    let programs = version.programs.values().map(String::as_str).collect();
                    Part::new(format!("{name} {}", asked.to), programs, &version.install)
                }));
            }
            _ => {}
        }
    }
    parts
}

impl<'p> Part<'p> {
    fn new(name: String, needs: Vec<&'p str>, install: &'p [Vec<String>]) -> Self {
        Self { name, needs, install }
    }
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Makes sure that every program is there that the plan needs. Never starts or enables a service.
///
/// # Errors
/// In words, with the line to run.
pub(super) fn make_available(plan: &Plan, install: bool) -> Result<(), String> {
    parts(plan).iter().try_for_each(|part| make_part_available(part, install))
}

fn make_part_available(part: &Part<'_>, install: bool) -> Result<(), String> {
    let missing = missing(part);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(", ");
    if part.install.is_empty() {
        return Err(format!("{} needs {names}, which this machine lacks", part.name));
    }
    let lines: Vec<String> = part.install.iter().map(|argv| argv.join(" ")).collect();
    if !install {
        return Err(format!(
            "{} needs {names}, which this machine lacks; install it with `temblor run --install`, or run:\n  {}",
            part.name,
            lines.join("\n  ")
        ));
    }
    for argv in part.install {
        run(argv)?;
    }
    let still = self::missing(part);
    if still.is_empty() {
        Ok(())
    } else {
        Err(format!("installed, but {} is missing", still.join(", ")))
    }
}

/// The first command of a fault of the plan whose program this machine lacks.
///
/// # Errors
/// In words.
pub(super) fn check_commands(plan: &Plan) -> Result<(), String> {
    for fault in plan.phases.iter().flat_map(|phase| &phase.faults) {
        let Some(NodeFault::Exec(exec)) = fault.kind.node_fault() else { continue };
        for (name, argv) in exec.commands() {
            let program = argv.first().map_or("", String::as_str);
            // One that has a node's values in it is known when the node is.
            if !program.contains(['{', '}']) && find(program).is_none() {
                let place = &fault.place;
                return Err(format!(
                    "`{name}` of {place} runs `{program}`, which this machine lacks"
                ));
            }
        }
    }
    Ok(())
}

fn missing<'p>(part: &Part<'p>) -> Vec<&'p str> {
    let needed = part.needs.iter().copied().filter(|program| *program != "@self");
    needed.filter(|program| find(program).is_none()).collect()
}

fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn run(argv: &[String]) -> Result<(), String> {
    let line = argv.join(" ");
    super::err(&format!("installing: {line}"));
    let (program, arguments) = argv.split_first().ok_or("an install command is empty")?;
    let output = Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map_err(|error| format!("can't run `{line}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = words.lines().rev().take(5).collect();
    let tail: Vec<&str> = tail.into_iter().rev().collect();
    Err(format!("`{line}` failed ({}):\n  {}", output.status, tail.join("\n  ")))
}

/// The system's version, in its own words; empty when it can't be learned.
pub(super) fn version(argv: &[String]) -> String {
    let Some((program, arguments)) = argv.split_first() else { return String::new() };
    let Ok(output) = Command::new(program).args(arguments).output() else { return String::new() };
    number_in(&String::from_utf8_lossy(&output.stdout))
}

/// `etcd Version: 3.4.23` says 3.4.23; a line without such a word is taken whole.
fn number_in(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default().trim();
    let version =
        |word: &&str| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    line.split_whitespace().find(version).unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_servers_say() {
        assert_eq!(number_in("etcd Version: 3.4.23\nGit SHA: 1\n"), "3.4.23");
        assert_eq!(number_in("temblor 0.1.0"), "0.1.0");
        assert_eq!(number_in("Redis server v=7.0.15"), "Redis server v=7.0.15");
        assert_eq!(number_in(""), "");
    }
}
