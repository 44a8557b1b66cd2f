//! How each kind of fault is injected and healed: by the nodes' agents and the links alone, or with
//! questions and commands to the system in between.

use temblor_faults::{FaultKind, NodeFault};

use super::{commands, context::Context, membership, rolling};
use crate::cluster::{Applied, ClusterError, ResolvedFault};

/// Injects a fault; it must be done before `ends_ns` (the run's time).
pub(super) async fn inject(
    context: &Context,
    name: &str,
    fault: &ResolvedFault,
    ends_ns: i64,
) -> Result<Applied, ClusterError> {
    match &fault.kind {
        FaultKind::Node { fault: NodeFault::Leave, .. } => {
            membership::leave(context, name, fault).await
        }
        FaultKind::Node { fault: NodeFault::Exec(exec), .. } => {
            commands::inject(context, name, exec, &fault.nodes).await
        }
        FaultKind::Node { fault: what, rolling: true } => {
            rolling::inject(context, name, what, &fault.nodes, ends_ns).await
        }
        _ => context.cluster.inject(name, fault).await,
    }
}

/// Heals it.
pub(super) async fn heal(
    context: &Context,
    name: &str,
    fault: &ResolvedFault,
) -> Result<Applied, ClusterError> {
    match &fault.kind {
        FaultKind::Node { fault: NodeFault::Leave, .. } => {
            membership::come_back(context, name, fault).await
        }
        _ => context.cluster.heal(name).await,
    }
}
