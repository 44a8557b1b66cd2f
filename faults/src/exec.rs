//! A fault of the user's own: commands that apply it, heal it, and show that it acts and is gone.
//!
//! They run on each node of the target, by its agent. A command is a list of words; no shell reads
//! them. What heals is owed from before the fault is applied: where nobody is left to heal it,
//! whoever clears up after the run does. A fault that no command shows is never verified.

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};
use temblor_history::Evidence;

use crate::{Effect, NodeOps, effect};

/// Between two looks at what a command is to show.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A program and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// The program first.
    pub argv: Vec<String>,
    /// Environment variables, on top of the run's own.
    pub env: Vec<(String, String)>,
    /// It is killed when it takes longer.
    pub at_most: Duration,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// With exit code 0, in time.
    pub well: bool,
    /// How, and what it said last.
    pub words: String,
}

/// The commands of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// Applies it.
    pub apply: Vec<String>,
    /// Takes it back; none: it is over at once.
    pub heal: Option<Vec<String>>,
    /// Ends well when the fault acts.
    pub verify_on: Option<Vec<String>>,
    /// Ends well when it is gone.
    pub verify_off: Option<Vec<String>>,
    /// Environment variables of all of them.
    pub env: Vec<(String, String)>,
    /// How long each may take; those that verify are asked again until then.
    pub at_most: Duration,
}

impl Exec {
    /// What a reader wants to know.
    pub fn details(&self) -> Vec<String> {
        vec![self.apply.join(" ")]
    }

    /// The same with other words: `change` is told each.
    ///
    /// # Errors
    /// What `change` says.
    pub fn try_map<E>(
        &self,
        mut change: impl FnMut(&[String]) -> Result<Vec<String>, E>,
    ) -> Result<Self, E> {
        let mut optional =
            |argv: &Option<Vec<String>>| argv.as_deref().map(&mut change).transpose();
        Ok(Self {
            heal: optional(&self.heal)?,
            verify_on: optional(&self.verify_on)?,
            verify_off: optional(&self.verify_off)?,
            apply: change(&self.apply)?,
            ..self.clone()
        })
    }

    /// Each command and its name in plans.
    pub fn commands(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let optional = [
            ("heal", &self.heal),
            ("verify-on", &self.verify_on),
            ("verify-off", &self.verify_off),
        ];
        let optional =
            optional.into_iter().filter_map(|(name, argv)| Some((name, argv.as_deref()?)));
        [("apply", self.apply.as_slice())].into_iter().chain(optional)
    }

    fn command(&self, occurrence: &str, argv: &[String]) -> Command {
        let mut env = self.env.clone();
        env.push(("TEMBLOR_FAULT".into(), occurrence.into()));
        Command { argv: argv.to_vec(), env, at_most: self.at_most }
    }
}

/// Applies it. A command that fails is no error, but evidence that does not hold.
pub(crate) fn inject(node: &mut dyn NodeOps, occurrence: &str, exec: &Exec) -> io::Result<Effect> {
    if let Some(heal) = &exec.heal {
        node.owe(occurrence, &exec.command(occurrence, heal))?;
    }
    let verify_on = exec.verify_on.as_deref();
    let early = verify_on.map(|argv| node.run(&exec.command(occurrence, argv))).transpose()?;
    // What ends from here on ends by this fault.
    node.blame(occurrence);
    let earliest = node.now_ns();
    let ran = node.run(&exec.command(occurrence, &exec.apply))?;
    let latest = node.now_ns();
    let mut evidence = vec![ended("apply", &ran)];
    // What ends well in any case shows nothing.
    evidence.extend(early.filter(|early| early.well).map(|early| Evidence {
        what: "`verify-on` before `apply`".into(),
        expected: "another exit code than 0".into(),
        observed: early.words,
        holds: false,
    }));
    if ran.well {
        evidence.push(shown(node, occurrence, exec, "verify-on", verify_on)?);
    }
    if exec.heal.is_none() {
        node.forgive(occurrence);
    }
    Ok(Effect::between(earliest, latest, evidence))
}

/// Takes it back, and starts servers that ended by it.
///
/// # Errors
/// When the command that heals does not end well, and none shows that there is nothing to heal: the
/// fault may still be there.
pub(crate) fn heal(node: &mut dyn NodeOps, occurrence: &str, exec: &Exec) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let mut evidence = Vec::new();
    if let Some(heal) = &exec.heal {
        let ran = node.run(&exec.command(occurrence, heal))?;
        if ran.well {
            evidence.push(ended("heal", &ran));
        } else if !is_gone(node, occurrence, exec)? {
            return Err(io::Error::other(format!("`heal` ended with {}", ran.words)));
        }
        node.settle(occurrence)?;
    }
    let latest = node.now_ns();
    evidence.push(shown(node, occurrence, exec, "verify-off", exec.verify_off.as_deref())?);
    node.forgive(occurrence);
    node.start_servers()?;
    evidence.push(effect::stays(node)?);
    Ok(Effect::between(earliest, latest, evidence))
}

/// Whether the command that shows it says so at once.
fn is_gone(node: &mut dyn NodeOps, occurrence: &str, exec: &Exec) -> io::Result<bool> {
    let Some(argv) = exec.verify_off.as_deref() else { return Ok(false) };
    Ok(node.run(&exec.command(occurrence, argv))?.well)
}

fn ended(name: &str, ran: &Ran) -> Evidence {
    Evidence {
        what: format!("`{name}`"),
        expected: "exit code 0".into(),
        observed: ran.words.clone(),
        holds: ran.well,
    }
}

/// Asks a command until it ends well, or the time is up; without one nobody can know.
fn shown(
    node: &mut dyn NodeOps,
    occurrence: &str,
    exec: &Exec,
    name: &str,
    argv: Option<&[String]>,
) -> io::Result<Evidence> {
    let Some(argv) = argv else {
        return Ok(Evidence {
            what: format!("`{name}`"),
            expected: "a command that shows it".into(),
            observed: "the plan gives none, so that nobody looked".into(),
            holds: false,
        });
    };
    let deadline = node.now_ns() + exec.at_most.as_nanos() as i64;
    loop {
        let left = Duration::from_nanos((deadline - node.now_ns()).max(0) as u64);
        let command = Command { at_most: left.max(LOOK_AGAIN), ..exec.command(occurrence, argv) };
        let ran = node.run(&command)?;
        if ran.well || node.now_ns() + LOOK_AGAIN.as_nanos() as i64 >= deadline {
            return Ok(ended(name, &ran));
        }
        node.wait(LOOK_AGAIN, &mut |_| false)?;
    }
}
