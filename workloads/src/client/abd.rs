//! The `abd` client: the embedded register store's own line protocol.
//!
//! **Outcomes** are decided in [`unanswered`] and [`outcome`] alone:
//!
//! | what happened | read | write |
//! | --- | --- | --- |
//! | the node answered ok, fail or info | the same | the same |
//! | no connection: nothing was sent | fail | fail |
//! | the connection broke, or an answer made no sense, after something was sent | fail | info |
//!
//! A read changes nothing, so that one without an answer certainly did nothing. A connection that
//! broke is opened again by the next operation; no operation is sent twice.

pub mod wire;

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use self::wire::{Ask, LINE_BYTES_MAX, Reply, Request, Response};
use super::{BoxFuture, Client, Connector, Endpoint, OpenError, Outcome, unanswered};
use crate::Invocation;

/// The system file's name for the port that clients use.
const PORT: &str = "client";

/// Opens connections to nodes of the store.
pub(super) struct AbdConnector;

impl Connector for AbdConnector {
    fn open<'a>(
        &'a self,
        _process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async move {
            let port = super::port(endpoint, PORT)?;
            let mut client = AbdClient::new((endpoint.address, port).into());
            client.connect().await.map_err(|error| OpenError(client.words(&error)))?;
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }
}

/// One connection to one node.
struct AbdClient {
    node: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
    next_id: u64,
}

impl Client for AbdClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let ask = match ask(operation) {
                Ok(ask) => ask,
                Err(error) => return Outcome::Fail(error),
            };
            if let Err(error) = self.connect().await {
                return Outcome::Fail(self.words(&error));
            }
            match self.exchange(ask).await {
                Ok(reply) => outcome(reply),
                Err(error) => {
                    self.connection = None;
                    unanswered(operation.f, self.words(&error))
                }
            }
        })
    }
}

/// What the node says, believed.
fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Ok { value } => Outcome::Ok(value),
        Reply::Fail { error } => Outcome::Fail(error),
        Reply::Info { error } => Outcome::Info(error),
    }
}

fn ask(operation: &Invocation) -> Result<Ask, String> {
    let Some(key) = operation.key.as_deref().cloned() else {
        return Err("the abd client needs a key".into());
    };
    match operation.f {
        "read" => Ok(Ask::Read { key }),
        "write" => Ok(Ask::Write { key, value: operation.value.clone() }),
        f => Err(format!("the abd store has no `{f}`; it has read, write")),
    }
}

impl AbdClient {
    fn new(node: SocketAddr) -> Self {
        Self { node, connection: None, next_id: 0 }
    }

    fn words(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.node)
    }

    /// Sees to a connection, before anything of an operation is sent.
    async fn connect(&mut self) -> io::Result<()> {
        if self.connection.as_mut().is_some_and(still_open) {
            return Ok(());
        }
        self.connection = None;
        let stream = TcpStream::connect(self.node).await?;
        stream.set_nodelay(true)?;
        self.connection = Some(BufReader::new(stream));
        Ok(())
    }

    async fn exchange(&mut self, ask: Ask) -> io::Result<Reply> {
        let Some(connection) = &mut self.connection else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.next_id += 1;
        let mut line = serde_json::to_vec(&Request { id: self.next_id, ask })?;
        line.push(b'\n');
        connection.get_mut().write_all(&line).await?;
        line.clear();
        connection.take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line).await?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Response { id, reply } = serde_json::from_slice(&line)?;
        if id == self.next_id {
            Ok(reply)
        } else {
            Err(io::Error::other(format!("an answer to {id} where {} was asked", self.next_id)))
        }
    }
}

/// Whether a connection between two operations may still be used: a node that has gone says so
/// before we send, and nothing may be left to read.
fn still_open(connection: &mut BufReader<TcpStream>) -> bool {
    let nothing_yet = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    connection.buffer().is_empty()
        && connection.get_ref().try_read(&mut [0]).is_err_and(nothing_yet)
}

/// Asks a node whether it reaches a majority of replicas.
///
/// # Errors
///
/// Why it doesn't, or why it could not be asked, in words.
pub async fn status(node: SocketAddr) -> Result<(), String> {
    let mut client = AbdClient::new(node);
    let asked = async {
        client.connect().await?;
        client.exchange(Ask::Status).await
    };
    match asked.await {
        Ok(Reply::Ok { value: Value::Null }) => Ok(()),
        Ok(reply) => Err(format!("{node}: {reply:?}")),
        Err(error) => Err(format!("{node}: {error}")),
    }
}
