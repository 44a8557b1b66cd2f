//! `temblor agent`: starts, signals and reaps the servers of one node.

/// The agent's whole life; returns the exit code. `args` are those after `agent`.
pub fn agent_main(args: &[String]) -> i32 {
    let _ = args;
    255
}
