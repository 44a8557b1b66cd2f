//! What a client is, and what its answers mean.
//!
//! Each client stands in a file of its own, with its rule of outcomes at the top. None of them
//! retries, measures, records, or times an operation out: that is the harness's business.

pub mod abd;
mod etcd;
mod exec;
mod kinds;
mod noop;
mod postgres;
mod redis;
mod transaction;

pub use exec::end_with_this_program;
pub use kinds::{CLIENT_KINDS, ClientKind, ClientOption, connector};

use std::{collections::BTreeMap, future::Future, io, net::Ipv4Addr, pin::Pin};

use serde_json::Value;
use tokio::{io::BufReader, net::TcpStream};

use crate::Invocation;

/// A future that can be kept in a trait object (native `async fn` in traits is not dyn-compatible,
/// and clients of different systems stand side by side).
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The node that a client is pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// n1…
    pub node: String,
    /// A literal address; nothing is looked up.
    pub address: Ipv4Addr,
    /// The system's ports by name, such as `client`.
    pub ports: BTreeMap<String, u16>,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It took effect; this is its result.
    Ok(Value),
    /// The system itself answered no.
    Refused,
    /// It certainly did nothing, and never will; why.
    Fail(String),
    /// Nobody knows; why. When in doubt, this.
    Info(String),
}

/// Why no connection came about. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// One logical client's connection to one node.
///
/// It applies each operation once: it never retries, never follows a redirect, never uses a proxy.
/// The harness gives an operation its time-out; a future that is dropped is an operation with an
/// unknown outcome, and its client is closed.
pub trait Client: Send {
    /// Applies the operation once.
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome>;

    /// Whether its connection is still good after an operation that failed; else it is closed, and
    /// the next operation gets a fresh one.
    fn is_usable(&self) -> bool {
        false
    }
}

/// A node's own word on who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderClaim {
    /// Whether this node says that it leads.
    pub leads: bool,
    /// Its term, where the system has terms.
    pub term: Option<u64>,
}

/// Opens clients of one kind.
pub trait Connector: Send + Sync {
    /// Connects a logical client to a node. Must not change the logical state of the system.
    fn open<'a>(
        &'a self,
        process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>>;
}

/// The port that an endpoint gives this name.
fn port(endpoint: &Endpoint, name: &str) -> Result<u16, OpenError> {
    endpoint.ports.get(name).copied().ok_or_else(|| {
        OpenError(format!(
            "node {} has no port called `{name}`; its system file must name one",
            endpoint.node
        ))
    })
}

/// What an operation is worth whose answer will never come, although something was sent: a read
/// changes nothing, so that it certainly did nothing; anything else may have taken effect.
fn unanswered(operation: &Invocation, error: String) -> Outcome {
    if operation.changes_nothing() { Outcome::Fail(error) } else { Outcome::Info(error) }
}

/// Whether a connection between two operations may still be used: a node that has gone says so
/// before we send, and nothing may be left to read.
fn still_open(connection: &mut BufReader<TcpStream>) -> bool {
    let nothing_yet = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    connection.buffer().is_empty()
        && connection.get_ref().try_read(&mut [0]).is_err_and(nothing_yet)
}
