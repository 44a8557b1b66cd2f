//! A fault that goes from node to node: the next one's turn comes when the last one is ready again,
//! as the system's own readiness probe says it.

use std::time::Duration;

use temblor_faults::{FaultKind, NodeFault};
use temblor_history::{Evidence, Measured};

use super::{commands, context::Context, readiness};
use crate::cluster::{Applied, ClusterError, ResolvedFault};

/// Injects a fault: into one node after the other where it says so, else into all at once. It stops
/// at a node that is not ready again before `ends_ns` (the run's time).
pub(super) async fn inject(
    context: &Context,
    name: &str,
    fault: &ResolvedFault,
    ends_ns: i64,
) -> Result<Applied, ClusterError> {
    let what = match &fault.kind {
        FaultKind::Node { fault, rolling: true } => fault,
        FaultKind::Node { fault: NodeFault::Exec(exec), .. } => {
            return commands::inject(context, name, exec, &fault.nodes).await;
        }
        _ => return context.cluster.inject(name, fault).await,
    };
    let mut begun: Option<Measured> = None;
    let mut evidence = Vec::new();
    for node in &fault.nodes {
        let kind = FaultKind::node(what.clone());
        let one = ResolvedFault { kind, nodes: vec![node.clone()], cuts: Vec::new() };
        let applied = context.cluster.inject(name, &one).await?;
        let earliest = begun.map_or(applied.begun.earliest, |begun| begun.earliest);
        begun = Some(Measured { earliest, latest: applied.begun.latest });
        evidence.extend(applied.evidence);
        let ready = until_ready(context, node, ends_ns).await;
        let holds = ready.holds;
        evidence.push(ready);
        if !holds {
            break;
        }
    }
    let begun = begun.ok_or_else(|| ClusterError::new(name, "inject", "it acts on no node"))?;
    Ok(Applied { begun, evidence })
}

async fn until_ready(context: &Context, node: &str, ends_ns: i64) -> Evidence {
    let began_ns = context.clock.now_ns();
    let left = Duration::from_nanos((ends_ns - began_ns).max(0) as u64);
    let ready = readiness::wait_for_one(&context.readiness, node, left).await;
    let took = (context.clock.now_ns() - began_ns) as f64 / 1e9;
    Evidence {
        what: format!("{node} after its turn"),
        expected: "ready again, before the next one's".into(),
        observed: match &ready {
            Ok(()) => format!("ready after {took:.1} s"),
            Err(why) => why.clone(),
        },
        holds: ready.is_ok(),
    }
}
