//! `abd`: a replicated store of registers, by the multi-writer algorithm of Attiya, Bar-Noy and
//! Dolev as Lynch and Shvartsman give it ("Robust emulation of shared memory using dynamic
//! quorum-acknowledged broadcasts", FTCS 1997, §4, without reconfiguration).
//!
//! Every node is a replica and coordinates the operations of its own clients. There is no leader.
//!
//! - A **write** asks a majority for their newest tags, makes a greater one, and has a majority
//!   store value and tag.
//! - A **read** asks a majority for their newest versions, takes the greatest, and writes it back to
//!   a majority, unless a majority is already known to hold it: otherwise a later read could ask
//!   others and see an older value.
//! - A replica answers nothing that isn't on disk, so that restarts, of all nodes at once too, lose
//!   nothing that was acknowledged.
//! - A round that finds no majority in time is abandoned and never sent again; messages that come
//!   late find their round gone, or bring a version that is already there.
//!
//! | module | is | touches the world |
//! | --- | --- | --- |
//! | [`version`] | tags and versions | no |
//! | [`message`] | what nodes say to each other | no |
//! | [`coordinator`] | operations, and the seeded bugs of the protocol | no |
//! | [`replica`] | the registers of one node | no |
//! | [`log`] | frames on disk, torn ends, compaction | disk |
//! | [`keeper`] | one thread that syncs before it answers | disk |
//! | [`link`] | one node's questions to one peer | network |
//! | [`server`] | what clients and peers ask of this node | network |
//! | [`node`] | the parts, put together | time |

mod arguments;
mod bug;
mod coordinator;
mod keeper;
mod link;
mod log;
mod message;
mod node;
mod replica;
mod server;
#[cfg(test)]
mod simulation;
mod version;

use std::time::Duration;

use arguments::{ServeArguments, StatusArguments};

/// Longest that `abd-status` waits for its answer; a node gives up earlier by itself.
const STATUS_WITHIN: Duration = Duration::from_secs(5);

/// `temblor toy abd`: runs one node until SIGTERM.
pub(super) fn serve(args: &[String]) -> i32 {
    match arguments::parse::<ServeArguments>(args) {
        Ok(arguments) => ended(block_on(node::run(arguments))),
        Err(exit_code) => exit_code,
    }
}

/// `temblor toy abd-status`: 0 when the node answers and reaches a majority of replicas.
pub(super) fn status(args: &[String]) -> i32 {
    let node = match arguments::parse::<StatusArguments>(args) {
        Ok(StatusArguments { connect }) => connect,
        Err(exit_code) => return exit_code,
    };
    let asked = async {
        let status = temblor_workloads::client::abd::status(node);
        let late = |_| Err(format!("{node}: no answer within {STATUS_WITHIN:?}"));
        tokio::time::timeout(STATUS_WITHIN, status).await.unwrap_or_else(late)
    };
    ended(block_on(asked))
}

fn ended(result: Result<(), String>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            super::say(&format!("abd: {error}"));
            1
        }
    }
}

/// One thread is enough for a node: what takes long, the disk, has its own.
fn block_on(future: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(future)
}
