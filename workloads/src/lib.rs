//! Workloads: which operations a run intends, and the clients that carry them.
//!
//! A [`Workload`] is pure and seeded: the same seed intends the same operations, whatever the
//! threads do. A [`Client`] talks to one node of one system and decides, in one place, whether an
//! operation is `ok`, refused, `fail` or `info`. The crate deliberately knows no runner: who calls
//! when, and who records, is the harness's business.

mod append;
pub mod client;
mod parameters;
mod register;
mod registry;
mod set;
mod slots;
mod weighted;
mod workload;

pub use client::{
    BoxFuture, CLIENT_KINDS, Client, ClientKind, ClientOption, Connector, Endpoint, LeaderClaim,
    OpenError, Outcome, connector, end_with_this_program,
};
pub use registry::{WORKLOADS, workload};
pub use workload::{Answer, Intent, Invocation, Workload};
