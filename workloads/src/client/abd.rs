//! The `abd` client: the embedded register store's own line protocol.
//!
//! **Outcomes** are decided in `unanswered` and `outcome` alone:
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
use super::{BoxFuture, Client, Connector, Endpoint, OpenError, Outcome, still_open, unanswered};
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
                    unanswered(operation, self.words(&error))
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use serde_json::json;
    use temblor_history::Key;
    use tokio::net::TcpListener;

    use super::*;

    /// What a node does with one operation.
    #[derive(Debug, Clone, Copy)]
    enum Reaction {
        /// Says this, and waits for the next operation.
        Say(&'static str),
        /// Says this, and hangs up.
        HangUp(&'static str),
    }

    /// A node that reacts by a script; after its end the port refuses connections.
    async fn node(script: Vec<Reaction>) -> Endpoint {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut script = script.into_iter();
            while script.len() > 0 {
                let mut stream = BufReader::new(listener.accept().await.unwrap().0);
                for reaction in script.by_ref() {
                    stream.read_until(b'\n', &mut Vec::new()).await.unwrap();
                    let (Reaction::Say(text) | Reaction::HangUp(text)) = reaction;
                    stream.get_mut().write_all(text.as_bytes()).await.unwrap();
                    if matches!(reaction, Reaction::HangUp(_)) {
                        break;
                    }
                }
            }
        });
        let ports = BTreeMap::from([(PORT.to_owned(), port)]);
        Endpoint { node: "n1".into(), address: [127, 0, 0, 1].into(), ports }
    }

    async fn invoke(client: &mut Box<dyn Client>, f: &'static str, value: Value) -> String {
        let key = Some(Arc::new(Key::Text("k".into())));
        match client.invoke(&Invocation { f, key, value, final_read: false }).await {
            Outcome::Ok(value) => format!("ok {value}"),
            Outcome::Refused => "refused".into(),
            Outcome::Fail(_) => "fail".into(),
            Outcome::Info(_) => "info".into(),
        }
    }

    #[tokio::test]
    async fn each_reaction_has_its_outcome() {
        use Reaction::{HangUp, Say};
        for (reaction, read, write) in [
            (Say("{\"id\":1,\"type\":\"ok\",\"value\":9}\n"), "ok 9", "ok 9"),
            (Say("{\"id\":1,\"type\":\"ok\",\"value\":null}\n"), "ok null", "ok null"),
            (Say("{\"id\":1,\"type\":\"fail\",\"error\":\"x\"}\n"), "fail", "fail"),
            (Say("{\"id\":1,\"type\":\"info\",\"error\":\"x\"}\n"), "info", "info"),
            (Say("{\"id\":7,\"type\":\"ok\",\"value\":9}\n"), "fail", "info"),
            (Say("what?\n"), "fail", "info"),
            (HangUp("{\"id\":1,\"type\":\"ok\",\"value\":9}"), "fail", "info"),
            (HangUp(""), "fail", "info"),
        ] {
            for (f, value, expected) in [("read", json!(null), read), ("write", json!(9), write)] {
                let endpoint = node(vec![reaction]).await;
                let mut client = AbdConnector.open(0, &endpoint).await.unwrap();
                assert_eq!(invoke(&mut client, f, value).await, expected, "{f}: {reaction:?}");
            }
        }
    }

    /// A broken connection costs one operation; one that is refused is definite.
    #[tokio::test]
    async fn the_next_operation_connects_anew() {
        let ok = Reaction::Say("{\"id\":2,\"type\":\"ok\",\"value\":2}\n");
        let endpoint = node(vec![Reaction::HangUp(""), ok, Reaction::HangUp("")]).await;
        let mut client = AbdConnector.open(0, &endpoint).await.unwrap();
        let mut outcomes = Vec::new();
        for value in 1..=4 {
            outcomes.push(invoke(&mut client, "write", value.into()).await);
        }
        assert_eq!(outcomes, ["info", "ok 2", "info", "fail"]);
        assert!(AbdConnector.open(0, &endpoint).await.is_err());
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_not_sent() {
        let endpoint = node(vec![Reaction::HangUp("")]).await;
        let mut client = AbdConnector.open(0, &endpoint).await.unwrap();
        assert_eq!(invoke(&mut client, "cas", json!([1, 2])).await, "fail");
        let nameless = Endpoint { ports: BTreeMap::new(), ..endpoint };
        let error = AbdConnector.open(0, &nameless).await.err().unwrap();
        assert_eq!(error.0, "node n1 has no port called `client`; its system file must name one");
    }
}
