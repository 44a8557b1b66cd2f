//! What a fault did to a machine, measured there.

use std::{io, time::Duration};

use temblor_history::{Evidence, Measured};

use crate::{NodeOps, ServerProcess, ServerState};

/// How long the servers of a node may take to die, stop or go on.
pub(crate) const BOUND: Duration = Duration::from_secs(5);
/// A server that ends within this time of its start did not start.
const SETTLED: Duration = Duration::from_millis(100);

/// What a fault, or its heal, did to one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// When, by the machine's monotonic clock, nanoseconds.
    pub measured: Measured,
    /// What was seen.
    pub evidence: Vec<Evidence>,
}

impl Effect {
    pub(crate) fn between(earliest: i64, latest: i64, evidence: Vec<Evidence>) -> Self {
        Self { measured: Measured { earliest, latest }, evidence }
    }
}

/// Evidence about processes, in one line.
pub(crate) fn observed(
    what: &str,
    expected: &str,
    servers: &[ServerProcess],
    holds: bool,
) -> Evidence {
    let seen: Vec<String> = servers.iter().map(words).collect();
    let observed = if seen.is_empty() { "none".into() } else { seen.join(", ") };
    Evidence { what: what.into(), expected: expected.into(), observed, holds }
}

fn words(server: &ServerProcess) -> String {
    let state = match server.state {
        ServerState::Alive => "alive",
        ServerState::Stopped => "stopped",
        ServerState::Dead => "dead",
    };
    format!("{} {} {state}", server.name, server.pid)
}

pub(crate) fn all_dead(servers: &[ServerProcess]) -> bool {
    servers.iter().all(|server| server.state == ServerState::Dead)
}

/// Evidence that every server runs and goes on running for a moment.
pub(crate) fn stays(node: &mut dyn NodeOps) -> io::Result<Evidence> {
    // Never true: it waits the whole time, reaping meanwhile, so that an early end is seen.
    node.wait(SETTLED, &mut |_| false)?;
    let down = node.servers_down()?;
    let servers = node.servers()?;
    let stopped = servers.iter().any(|server| server.state == ServerState::Stopped);
    let holds = down.is_empty() && !stopped && !servers.is_empty();
    let mut evidence = observed("server processes", "every server runs", &servers, holds);
    if !down.is_empty() {
        evidence.observed = format!("{}; down: {}", evidence.observed, down.join(", "));
    }
    Ok(evidence)
}
