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

/// Stops one process, the oldest whose name is this or whose command line has it; all others go on.
pub fn inject_one(node: &mut dyn NodeOps, process: &str) -> io::Result<Effect> {
    let earliest = node.now_ns();
    let mut servers = node.servers()?;
    servers.sort_by_key(|server| (server.start, server.pid));
    let is_meant = |server: &&ServerProcess| {
        server.name == process || node.command_line(server).contains(process)
    };
    let named = servers.iter().find(|server| server.name == process);
    let Some(meant) = named.or_else(|| servers.iter().find(is_meant)).cloned() else {
        let evidence = observed(&format!("the process `{process}`"), "one", &servers, false);
        return Ok(Effect::between(earliest, earliest, vec![evidence]));
    };
    node.signal(&meant, Signal::Stop)?;
    let is_still = |servers: &[ServerProcess]| {
        let found = servers.iter().find(|server| server.pid == meant.pid);
        found.is_some_and(|server| server.state == ServerState::Stopped)
    };
    let still = node.wait(BOUND, &mut |servers| is_still(servers))?;
    let latest = node.now_ns();
    let seen = node.servers()?;
    let others: Vec<_> = seen.iter().filter(|server| server.pid != meant.pid).cloned().collect();
    let this: Vec<_> = seen.into_iter().filter(|server| server.pid == meant.pid).collect();
    let stopped = observed(&format!("the process `{process}`"), "stopped", &this, still);
    let on = none_in(&others, ServerState::Stopped);
    let going = observed("the other server processes", "none stopped", &others, on);
    Ok(Effect::between(earliest, latest, vec![stopped, going]))
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
