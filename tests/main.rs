//! Drives the binary, and holds the tree tidy. One module a theme; what needs root or a package
//! says `skipped, because …`, and under `TEMBLOR_NO_SKIP=1` (as `.ci/run` sets it) fails instead.
//!
//! - `tidy`: sizes, names, directions of dependency, catalogue pairs
//! - `cli`: commands that touch no cluster
//! - `cluster`: nodes, links and faults on them, without a plan
//! - `clocks`: four real servers whose clocks are moved
//! - `demo`: the embedded cluster end to end, with and without its seeded bugs
//! - `links`: bad links under the embedded cluster, and their packet traces
//! - `etcd`: three real etcd nodes under faults
//! - `redis`, `postgres`: a real one each, killed and restarted
//! - `schedules`: sequences, events, and runs that end early
//! - `own_faults`: commands of the user's own as faults, and words that no shell may read
//! - `own_system`: a store that is not shipped, through a system file and a Python client
//! - `disk`: real servers on the layer that forgets what was not synced
//! - `cleanup`: nothing is left behind, whatever is killed

#![allow(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    reason = "this program is all test: it prints, plays servers, and its steps look alike"
)]

mod cleanup;
mod cli;
mod clocks;
mod cluster;
mod demo;
mod disk;
mod etcd;
mod links;
mod own_faults;
mod own_system;
mod postgres;
mod redis;
mod schedules;
mod support;
mod tidy;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = clocks::play(&words).or_else(|| cluster::play(&words)) {
        return ExitCode::from(code as u8);
    }
    let mut arguments = Arguments::from_args();
    // Clusters share two cores: the tests that start one wait for each other anyway, and the
    // others must not slow an election down.
    arguments.test_threads.get_or_insert(1);
    let trials = [
        tidy::trials(),
        cli::trials(),
        cluster::trials(),
        clocks::trials(),
        demo::trials(),
        links::trials(),
        etcd::trials(),
        redis::trials(),
        postgres::trials(),
        own_system::trials(),
        own_faults::trials(),
        schedules::trials(),
        disk::trials(),
        cleanup::trials(),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    support::say_what_was_skipped();
    conclusion.exit_code()
}
