//! Commands: those of the user's own faults, filled in for the nodes on which they will run; and
//! those of a system's file, which run here, where the clients are.

use std::{process::Stdio, time::Duration};

use temblor_faults::{Exec, NodeFault};
use temblor_workloads::end_with_this_program;

use super::context::Context;
use crate::{
    cluster::{Applied, ClusterError},
    plan::NodeWords,
};

/// Injects a fault that consists of commands.
pub(super) async fn inject(
    context: &Context,
    name: &str,
    exec: &Exec,
    nodes: &[String],
) -> Result<Applied, ClusterError> {
    let filled = nodes.iter().map(|node| {
        let filled = filled(&context.words, node, exec);
        let filled = filled.map_err(|why| ClusterError::new(node, "fill in its commands", why))?;
        Ok((node.clone(), NodeFault::Exec(Box::new(filled))))
    });
    let each: Vec<(String, NodeFault)> = filled.collect::<Result<_, ClusterError>>()?;
    context.cluster.inject_each(name, &each).await
}

fn filled(words: &NodeWords, node: &str, exec: &Exec) -> Result<Exec, String> {
    let place = words.place(node).ok_or("there is no such node")?;
    let filled = exec.try_map(|argv| words.fill_in_all(place, argv))?;
    Ok(Exec { env: words.environment(place), ..filled })
}

/// Runs a command of a system's file to its end, and returns what it said; the error says what went
/// wrong, in its own words where it has any.
pub(super) async fn output(argv: &[String], within: Duration) -> Result<String, String> {
    let (program, arguments) = argv.split_first().ok_or("the command is empty")?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    // A harness that is killed leaves nothing behind.
    end_with_this_program(&mut command);
    let ended = tokio::time::timeout(within, command.output()).await;
    let ended = ended.map_err(|_| format!("`{program}` took longer than {within:?}"))?;
    let output = ended.map_err(|error| format!("can't run `{program}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(format!("`{program}`: {}: {last}", output.status))
}
