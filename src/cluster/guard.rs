//! `temblor guard`: makes one node, and ends it when its controller is gone.

/// The guard's whole life; returns the exit code. `args` are those after `guard`.
pub fn guard_main(args: &[String]) -> i32 {
    let _ = args;
    255
}
