//! The command line: what a run starts on nodes goes to its own entry, all else to [`temblor::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let rest = arguments.get(2..).unwrap_or_default();
    let code = match arguments.get(1).map(String::as_str) {
        Some("guard") => temblor::cluster::guard_main(rest),
        Some("agent") => temblor::cluster::agent_main(rest),
        Some("disk") => temblor::cluster::disk_main(),
        Some("toy") => temblor::toy::main(rest),
        _ => temblor::cli::main(),
    };
    ExitCode::from(code as u8)
}
