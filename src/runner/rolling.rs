//! A fault that goes from node to node: the next one's turn comes when the last one is ready again,
//! as the system's own readiness probe says it.

use std::time::Duration;

use temblor_faults::{FaultKind, NodeFault, Upgrade};
use temblor_history::{Evidence, Measured};

use super::{commands, context::Context, readiness};
use crate::{
    cluster::{Applied, ClusterError, ResolvedFault},
    plan::UpgradePaths,
};

/// How long a server may take to say its version.
const ANSWER: Duration = Duration::from_secs(3);

/// Injects a fault into one node after the other. It stops at a node that is not ready again before
/// `ends_ns` (the run's time).
pub(super) async fn inject(
    context: &Context,
    name: &str,
    fault: &NodeFault,
    nodes: &[String],
    ends_ns: i64,
) -> Result<Applied, ClusterError> {
    let mut begun: Option<Measured> = None;
    let mut evidence = Vec::new();
    for node in nodes {
        let kind = FaultKind::node(fault.clone());
        let one = ResolvedFault { kind, nodes: vec![node.clone()], cuts: Vec::new() };
        let before = version(context, fault, node).await;
        let applied = context.cluster.inject(name, &one).await?;
        let earliest = begun.map_or(applied.begun.earliest, |begun| begun.earliest);
        begun = Some(Measured { earliest, latest: applied.begun.latest });
        evidence.extend(applied.evidence);
        let ready = until_ready(context, node, ends_ns).await;
        let holds = ready.holds;
        evidence.push(ready);
        if let NodeFault::Upgrade(upgrade) = fault {
            let after = version(context, fault, node).await;
            evidence.push(changed(node, upgrade, &before, &after));
        }
        if !holds {
            break;
        }
    }
    let begun = begun.ok_or_else(|| ClusterError::new(name, "inject", "it acts on no node"))?;
    Ok(Applied { begun, evidence })
}

async fn until_ready(context: &Context, node: &str, ends_ns: i64) -> Evidence {
    let left = Duration::from_nanos((ends_ns - context.clock.now_ns()).max(0) as u64);
    ready_again(context, node, left, "ready again, before the next one's").await
}

/// Waits until a node is ready, at most so long.
pub(super) async fn ready_again(
    context: &Context,
    node: &str,
    within: Duration,
    expected: &str,
) -> Evidence {
    let began_ns = context.clock.now_ns();
    let ready = readiness::wait_for_one(&context.readiness, node, within).await;
    let took = (context.clock.now_ns() - began_ns) as f64 / 1e9;
    Evidence {
        what: format!("{node} after its turn"),
        expected: expected.into(),
        observed: match &ready {
            Ok(()) => format!("ready after {took:.1} s"),
            Err(why) => why.clone(),
        },
        holds: ready.is_ok(),
    }
}

/// The version that the node's server says it is, where that matters.
async fn version(context: &Context, fault: &NodeFault, node: &str) -> Result<String, String> {
    match (fault, &context.upgrade) {
        (NodeFault::Upgrade(_), Some(paths)) => said(context, paths, node).await,
        _ => Err("nobody asked".into()),
    }
}

async fn said(context: &Context, paths: &UpgradePaths, node: &str) -> Result<String, String> {
    let place = context.words.place(node).ok_or("there is no such node")?;
    let argv = context.words.fill_in_all(place, &paths.running)?;
    let output = commands::output(&argv, ANSWER).await?;
    let pattern = regex::Regex::new(&paths.version).map_err(|error| error.to_string())?;
    let found = pattern.captures(&output).and_then(|found| found.name("version"));
    let lack = || format!("`{}` said no version: {}", argv.join(" "), output.trim());
    found.map(|found| found.as_str().to_owned()).ok_or_else(lack)
}

fn changed(
    node: &str,
    upgrade: &Upgrade,
    before: &Result<String, String>,
    after: &Result<String, String>,
) -> Evidence {
    let words = |said: &Result<String, String>| said.clone().unwrap_or_else(|why| why);
    let wanted =
        |said: &String| *said == upgrade.to || said.starts_with(&format!("{}.", upgrade.to));
    Evidence {
        what: format!("version that the server of {node} says it is"),
        expected: format!("{}, and another before", upgrade.to),
        observed: format!("{}; before {}", words(after), words(before)),
        holds: before.is_ok() && before != after && after.as_ref().is_ok_and(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_must_change_what_the_server_says() {
        let upgrade = Upgrade { to: "3.5".into(), programs: std::collections::BTreeMap::new() };
        let said = |words: &str| match words {
            "" => Err("no answer".to_owned()),
            words => Ok(words.to_owned()),
        };
        let cases = [
            ("3.4.23", "3.5.1", true),
            ("3.4.23", "3.5", true),
            ("3.4.23", "3.50.1", false),
            ("3.4.23", "3.4.23", false),
            ("3.5.1", "3.5.1", false),
            ("", "3.5.1", false),
            ("3.4.23", "", false),
        ];
        for (before, after, holds) in cases {
            let seen = changed("n1", &upgrade, &said(before), &said(after));
            assert_eq!(seen.holds, holds, "{seen:?}");
        }
    }
}
