//! Pausing: every server process of the node stands still (SIGSTOP) and goes on at the heal
//! (SIGCONT). Its connections stay open, its peers hear nothing.

use std::io;

use crate::{
    Effect, NodeOps, ServerProcess, ServerState, Signal,
    effect::{BOUND, observed},
};

/// Stops whatever runs, until everything stands still, threads too.
pub fn inject(node: &mut dyn NodeOps) -> io::Result<Effect> {
    settle(node, Signal::Stop, ServerState::Alive, "every one stopped")
}

/// Lets everything go on.
pub fn heal(node: &mut dyn NodeOps) -> io::Result<Effect> {
    settle(node, Signal::Continue, ServerState::Stopped, "none stopped")
}

/// Signals every process in the state `from` until none is, twice in a row: a look at all of them
/// takes time, and one that was passed over may have forked meanwhile.
fn settle(
    node: &mut dyn NodeOps,
    signal: Signal,
    from: ServerState,
    expected: &str,
) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let deadline = earliest + BOUND.as_nanos() as i64;
    let mut settled = 0;
    while settled < 2 && node.now_ns() < deadline {
        for server in node.servers()?.iter().filter(|server| server.state == from) {
            node.signal(server, signal)?;
        }
        let done = node.wait(BOUND / 100, &mut |servers| none_in(servers, from))?;
        settled = if done { settled + 1 } else { 0 };
    }
    let latest = node.now_ns();
    let seen = node.servers()?;
    let holds = !seen.is_empty() && none_in(&seen, from);
    let evidence = observed("states of server processes", expected, &seen, holds);
    Ok(Effect::between(earliest, latest, vec![evidence]))
}

fn none_in(servers: &[ServerProcess], state: ServerState) -> bool {
    servers.iter().all(|server| server.state != state)
}
