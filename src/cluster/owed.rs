//! What faults of the user's own still owe a machine: commands that undo them, in the ledger since
//! before the fault was applied. Whoever clears up runs those that nobody has.
//!
//! A node is gone by then, and all that lay in its namespaces. The commands run in fresh ones like
//! its own, so that they reach what its commands could reach, files above all, and neither this
//! machine's network nor its mounts.

use std::{
    io,
    path::Path,
    process::{Child, Command as Process, ExitStatus, Stdio},
    thread::sleep,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use temblor_faults::Command;

use super::{
    ledger::{Entry, Ledger},
    spawn,
};
use crate::clock::monotonic_ns;

/// A command that nobody has run yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed<'e> {
    run: &'e str,
    node: &'e str,
    occurrence: &'e str,
    command: &'e Command,
    folder: &'e Path,
    namespaces: bool,
}

/// What is owed, by one node or by all; the last fault's first.
pub(super) fn of<'e>(entries: &'e [Entry], wanted: Option<&str>) -> Vec<Owed<'e>> {
    let (mut owed, mut run): (Vec<Owed<'e>>, &str) = (Vec::new(), "");
    for entry in entries {
        match entry {
            Entry::Run { run: identity, .. } => run = identity,
            Entry::Owes { node, occurrence, command, folder, namespaces }
                if wanted.is_none_or(|wanted| wanted == node) =>
            {
                let namespaces = *namespaces;
                owed.insert(0, Owed { run, node, occurrence, command, folder, namespaces });
            }
            Entry::Settled { node, occurrence } => {
                owed.retain(|one| (one.node, one.occurrence) != (node, occurrence));
            }
            _ => {}
        }
    }
    owed
}

impl Owed<'_> {
    /// Runs it to its end and writes down that it ended well; the error says what to do.
    pub(super) fn settle(&self, ledger: &Ledger) -> Result<String, String> {
        let Self { node, occurrence, command, .. } = self;
        let (node, occurrence) = (String::from(*node), String::from(*occurrence));
        let done = format!("ran the `heal` of {occurrence} for {node}: {:?}", command.argv);
        let ended = self.run_to_end().and_then(|status| match status {
            Some(status) if status.success() => {
                ledger.write(&Entry::Settled { node: node.clone(), occurrence: occurrence.clone() })
            }
            Some(status) => Err(io::Error::other(status.to_string())),
            None => Err(io::Error::other(format!("no end within {:?}", command.at_most))),
        });
        ended.map(|()| done).map_err(|why| {
            format!(
                "the `heal` of {occurrence} for {node}: {why}; run it by hand: {:?}",
                command.argv
            )
        })
    }

    /// None: its time was up.
    fn run_to_end(&self) -> io::Result<Option<ExitStatus>> {
        let Command { argv, env, at_most } = self.command;
        let (program, arguments) =
            argv.split_first().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        // The data may be gone already. A command that speaks of its folder must find one, though an
        // empty one: never somebody else's.
        let lost = !self.folder.is_dir();
        if lost {
            std::fs::create_dir_all(self.folder)?;
        }
        let mut process = Process::new(program);
        process
            .args(arguments)
            .envs(env.iter().cloned())
            .env(spawn::RUN, self.run)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        spawn::as_settler(&mut process, self.namespaces);
        let ended = process.spawn().and_then(|child| wait(child, *at_most));
        if lost {
            std::fs::remove_dir_all(self.folder)?;
        }
        ended
    }
}

fn wait(mut child: Child, at_most: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = monotonic_ns() + at_most.as_nanos() as i64;
    while monotonic_ns() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(Duration::from_millis(2));
    }
    let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
    child.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owes(node: &str, occurrence: &str, program: &str) -> Entry {
        let command = Command {
            argv: vec![program.into()],
            env: Vec::new(),
            at_most: Duration::from_secs(5),
        };
        let (node, occurrence) = (node.into(), occurrence.into());
        Entry::Owes {
            node,
            occurrence,
            command,
            folder: std::env::temp_dir().join("temblor-owed-nowhere"),
            namespaces: false,
        }
    }

    #[test]
    fn what_is_settled_is_not_owed_and_the_last_comes_first() {
        let settled = Entry::Settled { node: "n1".into(), occurrence: "a#0".into() };
        let entries = [
            owes("n1", "a#0", "true"),
            owes("n2", "a#0", "true"),
            settled,
            owes("n1", "a#1", "false"),
        ];
        let names = |node| -> Vec<String> {
            let owed = of(&entries, node);
            owed.iter().map(|owed| format!("{} {}", owed.node, owed.occurrence)).collect()
        };
        assert_eq!(names(None), ["n1 a#1", "n2 a#0"]);
        assert_eq!(names(Some("n2")), ["n2 a#0"]);
        let path = std::env::temp_dir().join(format!("temblor-owed-{}", std::process::id()));
        let ledger = Ledger::open(&path).unwrap();
        let ended: Vec<bool> =
            of(&entries, None).iter().map(|owed| owed.settle(&ledger).is_ok()).collect();
        let written = super::super::ledger::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!(ended, [false, true]);
        assert_eq!(written, [Entry::Settled { node: "n2".into(), occurrence: "a#0".into() }]);
    }
}
