//! The `redis` client: registers are strings, sets are sets, lists are lists; every value is kept
//! as JSON text.
//!
//! | function | command |
//! | --- | --- |
//! | `read`, `write` of a register | GET, SET |
//! | `cas` | EVAL of a script that compares, then sets; scripts are atomic |
//! | `add`, `read` of a set | SADD, SMEMBERS |
//! | `txn` | MULTI, then RPUSH and LRANGE, then EXEC |
//!
//! Which of the two a `read` means follows from the model of the run.
//!
//! **Outcomes** are decided in [`outcome`] and [`certainly_not_executed`] alone:
//!
//! | what happened | read, transaction of reads | the rest |
//! | --- | --- | --- |
//! | an answer that fits | ok | ok, or refused where the script found another value |
//! | no connection: nothing was sent | fail | fail |
//! | an error that Redis makes before it executes anything | fail | fail |
//! | the connection broke before EXEC was sent | fail | fail |
//! | EXECABORT: a command was not even queued, so none is executed | fail | fail |
//! | any other error, answer or loss of the connection | fail | info |
//!
//! Errors made before executing: LOADING, OOM, MISCONF, READONLY, MASTERDOWN, CLUSTERDOWN, MOVED,
//! ASK, TRYAGAIN, NOREPLICAS, NOAUTH, NOPERM, BUSY, and `ERR max number of clients reached`. Within
//! the answer to EXEC no error is one of them: the other commands were executed all the same,
//! since Redis rolls nothing back.
//!
//! MULTI travels alone: its OK must be there before anything follows. In one packet with the
//! rest, a MULTI that is not accepted would leave commands that are executed by themselves.
//!
//! **Why not the `redis` crate** (1.8 was read): it sends MULTI and the rest in one write; both
//! "nothing was sent" and "sent, and lost" come back as one error; it ends waiting by itself
//! after 500 ms unless told otherwise; and it sends CLIENT SETINFO on its own. None of this is
//! wrong, but a harness needs to know what was on the wire, and the protocol takes a page.
//!
//! **No request is sent twice.** A connection that broke is opened again by the next operation.

mod wire;

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
};

use self::wire::{Reply, command, read_reply};
use super::{
    BoxFuture, Client, Connector, Endpoint, OpenError, Outcome, still_open,
    transaction::{MicroOperation, micro_operations},
    unanswered,
};
use crate::Invocation;

/// The system file's name for the port that clients use.
const PORT: &str = "client";

/// Sets a key to the second argument if it holds the first; the empty one stands for no value.
const CAS: &str = "local held = redis.call('GET', KEYS[1]) or '' \
                   if held ~= ARGV[1] then return 0 end \
                   redis.call('SET', KEYS[1], ARGV[2]) return 1";

/// Opens connections to nodes.
pub(super) struct RedisConnector {
    /// Whether a read is one of a set; else of a register.
    pub(super) sets: bool,
}

impl Connector for RedisConnector {
    fn open<'a>(
        &'a self,
        _process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async move {
            let port = super::port(endpoint, PORT)?;
            let mut client = RedisClient::new((endpoint.address, port).into(), self.sets);
            client.connect().await.map_err(|error| OpenError(client.words(&error)))?;
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }
}

/// One connection to one node.
struct RedisClient {
    node: SocketAddr,
    sets: bool,
    connection: Option<BufReader<TcpStream>>,
}

/// What an operation asks.
#[derive(Debug, PartialEq)]
enum Ask {
    /// One command.
    One(Vec<u8>),
    /// Commands that are executed together: so many, in one text.
    Together { commands: Vec<u8>, count: usize },
}

impl Client for RedisClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let ask = match ask(operation, self.sets) {
                Ok(ask) => ask,
                Err(error) => return Outcome::Fail(error),
            };
            if let Err(error) = self.connect().await {
                return Outcome::Fail(self.words(&error));
            }
            let said = match self.answer(ask).await {
                Ok(reply) => outcome(operation, self.sets, reply),
                Err(Outcome::Info(error)) => Err(error),
                Err(certain) => {
                    self.connection = None;
                    return certain;
                }
            };
            said.unwrap_or_else(|error| {
                // Who answers nonsense now may answer this question later.
                self.connection = None;
                unanswered(operation, error)
            })
        })
    }

    fn is_usable(&self) -> bool {
        self.connection.is_some()
    }
}

/// The command, or several.
fn ask(operation: &Invocation, sets: bool) -> Result<Ask, String> {
    let Invocation { f, key, value, .. } = operation;
    if *f == "txn" {
        let micros = micro_operations(value)?;
        let count = micros.len();
        return Ok(Ask::Together {
            commands: micros.iter().flat_map(micro_command).collect(),
            count,
        });
    }
    let key = key.as_deref().ok_or("the redis client needs a key")?.to_string();
    Ok(Ask::One(match (*f, value) {
        ("read", _) if sets => command(&["SMEMBERS", &key]),
        ("read", _) => command(&["GET", &key]),
        ("write", Value::Null) => return Err("null stands for a key that doesn't exist".into()),
        ("write", value) => command(&["SET", &key, &value.to_string()]),
        ("cas", Value::Array(pair)) if pair.len() == 2 && !pair[1].is_null() => {
            let old = if pair[0].is_null() { String::new() } else { pair[0].to_string() };
            command(&["EVAL", CAS, "1", &key, &old, &pair[1].to_string()])
        }
        ("add", value) => command(&["SADD", &key, &value.to_string()]),
        (f, _) => {
            let has = "read, write, cas, add, txn";
            return Err(format!("the redis client has no `{f}` of {value}; it has {has}"));
        }
    }))
}

fn micro_command(micro: &MicroOperation) -> Vec<u8> {
    match micro {
        MicroOperation::Append { key, element } => command(&["RPUSH", key, element]),
        MicroOperation::Read { key } => command(&["LRANGE", key, "0", "-1"]),
    }
}

impl RedisClient {
    fn new(node: SocketAddr, sets: bool) -> Self {
        Self { node, sets, connection: None }
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

    /// Sends what has `replies` answers, and waits for them.
    async fn exchange(&mut self, commands: &[u8], replies: usize) -> io::Result<Vec<Reply>> {
        let Some(connection) = &mut self.connection else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        connection.get_mut().write_all(commands).await?;
        let mut read = Vec::new();
        for _ in 0..replies {
            read.push(read_reply(connection).await?);
        }
        Ok(read)
    }

    /// Opens a transaction; nothing of it has been sent when this fails.
    async fn begin(&mut self) -> Result<(), String> {
        match self.exchange(&command(&["MULTI"]), 1).await.as_deref() {
            Ok([Reply::Status(ok)]) if ok == "OK" => Ok(()),
            Ok(other) => Err(format!("MULTI was answered by {other:?}")),
            Err(error) => Err(self.words(error)),
        }
    }

    /// The answer to an ask, the last of several: the others say that a command was queued, or
    /// why the last one is going to be EXECABORT.
    async fn answer(&mut self, ask: Ask) -> Result<Reply, Outcome> {
        let (commands, replies) = match ask {
            Ask::One(command) => (command, 1),
            Ask::Together { mut commands, count } => {
                self.begin().await.map_err(Outcome::Fail)?;
                commands.extend(command(&["EXEC"]));
                (commands, count + 1)
            }
        };
        let answered = self.exchange(&commands, replies).await;
        let last = answered.map(|mut replies| replies.pop());
        match last {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(Outcome::Info("no answer".into())),
            Err(error) => Err(Outcome::Info(self.words(&error))),
        }
    }
}

/// The one place where an answer becomes an outcome; an error says that nobody knows.
fn outcome(operation: &Invocation, sets: bool, reply: Reply) -> Result<Outcome, String> {
    let done = || Outcome::Ok(operation.value.clone());
    let strange = |reply: &Reply| format!("{} was answered by {reply:?}", operation.f);
    match (operation.f, reply) {
        (_, Reply::Error(error)) if certainly_not_executed(&error) => Ok(Outcome::Fail(error)),
        (_, Reply::Error(error)) => Err(error),
        ("read", Reply::Array(elements)) if sets => elements_of(&elements).map(Outcome::Ok),
        ("read", Reply::Nothing) if !sets => Ok(Outcome::Ok(Value::Null)),
        ("read", Reply::Text(text)) if !sets => value_of(&text).map(Outcome::Ok),
        ("write", Reply::Status(status)) if status == "OK" => Ok(done()),
        ("add", Reply::Integer(0 | 1)) | ("cas", Reply::Integer(1)) => Ok(done()),
        ("cas", Reply::Integer(0)) => Ok(Outcome::Refused),
        ("txn", Reply::Array(replies)) => executed(operation, &replies).map(Outcome::Ok),
        (_, reply) => Err(strange(&reply)),
    }
}

/// The transaction with its reads filled in.
fn executed(operation: &Invocation, replies: &[Reply]) -> Result<Value, String> {
    let micros = operation.value.as_array().map_or(&[][..], Vec::as_slice);
    if micros.len() != replies.len() {
        return Err(format!("{} commands had {} answers", micros.len(), replies.len()));
    }
    let filled = micros.iter().zip(replies).map(|(micro, reply)| match (&micro[0], reply) {
        (f, Reply::Array(elements)) if f == "r" => {
            Ok(Value::Array(vec![micro[0].clone(), micro[1].clone(), elements_of(elements)?]))
        }
        (f, Reply::Integer(1..)) if f == "append" => Ok(micro.clone()),
        (f, reply) => Err(format!("{f} was answered by {reply:?}")),
    });
    filled.collect()
}

fn elements_of(elements: &[Reply]) -> Result<Value, String> {
    let value = |element: &Reply| match element {
        Reply::Text(text) => value_of(text),
        other => Err(format!("an element is {other:?}")),
    };
    elements.iter().map(value).collect()
}

fn value_of(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| format!("a value that is no JSON text: {error}"))
}

/// Whether Redis makes this error before it executes anything; see the list above.
fn certainly_not_executed(error: &str) -> bool {
    const BEFORE: [&str; 14] = [
        "ASK",
        "BUSY",
        "CLUSTERDOWN",
        "EXECABORT",
        "LOADING",
        "MASTERDOWN",
        "MISCONF",
        "MOVED",
        "NOAUTH",
        "NOPERM",
        "NOREPLICAS",
        "OOM",
        "READONLY",
        "TRYAGAIN",
    ];
    let code = error.split(' ').next().unwrap_or_default();
    BEFORE.contains(&code) || error.starts_with("ERR max number of clients reached")
}

#[cfg(test)]
mod tests;
