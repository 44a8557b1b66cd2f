//! Commands of the user's own, filled in for each node on which they will run.

use temblor_faults::{Exec, NodeFault};

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
