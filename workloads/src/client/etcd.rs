//! The `etcd` client: reads, writes and compare-and-sets through the JSON gateway of etcd's v3
//! interface, one key a register.
//!
//! **Outcomes** are decided in [`outcome`] and [`certainly_not_proposed`] alone:
//!
//! | what happened | read | write, cas |
//! | --- | --- | --- |
//! | 200 and an answer that is etcd's | ok | ok, or refused where the compare did not hold |
//! | no connection: nothing was sent | fail | fail |
//! | an error that etcd makes before it proposes anything to Raft | fail | fail |
//! | any other status, answer or loss of the connection | fail | info |
//!
//! A read changes nothing, so that one without an answer certainly did nothing.
//!
//! Errors made before proposing: an invalid request (gRPC code 3), a call that isn't there (12),
//! no authority (7, 16), `too many requests` (checked first), and `no leader` (an interceptor's).
//! Not among them, although they look alike: `request timed out` in all its kinds, `leader changed`,
//! `server stopped` and `context deadline exceeded` (the proposal may be under way), and `database
//! space exceeded` (the quota is checked once more when the write has been applied).
//!
//! **No request is sent twice.** reqwest's own retries are off, and so are redirects and proxies.
//! hyper, below it, sends a request again only if a connection from the pool closed before it took
//! the request from its queue, that is, with no byte of it written; a test holds it to that.

mod gateway;

use reqwest::{StatusCode, redirect, retry};
use serde_json::Value;

use self::gateway::Call;
use super::{BoxFuture, Client, Connector, Endpoint, OpenError, Outcome, unanswered};
use crate::Invocation;

/// The system file's name for the port that clients use.
const PORT: &str = "client";

/// Opens clients with a pool of their own each.
pub(super) struct EtcdConnector {
    /// Whether a node may answer reads from what it has.
    pub(super) serializable: bool,
}

impl Connector for EtcdConnector {
    /// Asks the node's version: that answers without a leader, and changes nothing.
    fn open<'a>(
        &'a self,
        _process: u64,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Box<dyn Client>, OpenError>> {
        Box::pin(async move {
            let base = format!("http://{}:{}", endpoint.address, super::port(endpoint, PORT)?);
            let http = http().map_err(|error| OpenError(words(&error)))?;
            let asked = http.get(format!("{base}/version")).send().await;
            asked.map_err(|error| OpenError(words(&error)))?;
            let serializable = self.serializable;
            Ok(Box::new(EtcdClient { http, base, serializable }) as Box<dyn Client>)
        })
    }
}

fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .pool_idle_timeout(None)
        .build()
}

struct EtcdClient {
    http: reqwest::Client,
    base: String,
    serializable: bool,
}

impl Client for EtcdClient {
    fn invoke<'a>(&'a mut self, operation: &'a Invocation) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match call(operation, self.serializable) {
                Ok(call) => outcome(operation, self.post(&call).await),
                Err(error) => Outcome::Fail(error),
            }
        })
    }
}

impl EtcdClient {
    async fn post(&self, call: &Call) -> reqwest::Result<(StatusCode, Vec<u8>)> {
        let url = format!("{}{}", self.base, call.path);
        let response = self.http.post(url).json(&call.body).send().await?;
        let status = response.status();
        Ok((status, response.bytes().await?.to_vec()))
    }
}

fn call(operation: &Invocation, serializable: bool) -> Result<Call, String> {
    let key = operation.key.as_deref().ok_or("the etcd client needs a key")?.to_string();
    let value = &operation.value;
    match (operation.f, value) {
        ("read", _) => Ok(gateway::read(&key, serializable)),
        ("write", Value::Null) => Err("null stands for a key that doesn't exist".into()),
        ("write", value) => Ok(gateway::write(&key, value)),
        ("cas", Value::Array(pair)) if pair.len() == 2 && !pair[1].is_null() => {
            Ok(gateway::cas(&key, &pair[0], &pair[1]))
        }
        (f, _) => Err(format!("the etcd client has no `{f}` of {value}; it has read, write, cas")),
    }
}

/// The one place where an exchange becomes an outcome.
fn outcome(operation: &Invocation, exchange: reqwest::Result<(StatusCode, Vec<u8>)>) -> Outcome {
    let (status, body) = match exchange {
        Ok(exchange) => exchange,
        Err(error) if error.is_connect() => return Outcome::Fail(words(&error)),
        Err(error) => return unanswered(operation, words(&error)),
    };
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != StatusCode::OK || !gateway::is_answer(&answer) {
        let error = format!("{status}: {}", message(&answer, &body));
        let nothing_done = status != StatusCode::OK && certainly_not_proposed(&answer);
        return if nothing_done { Outcome::Fail(error) } else { unanswered(operation, error) };
    }
    match operation.f {
        "read" => gateway::value_read(&answer).map_or_else(Outcome::Fail, Outcome::Ok),
        "cas" if !gateway::swapped(&answer) => Outcome::Refused,
        _ => Outcome::Ok(operation.value.clone()),
    }
}

/// Whether etcd makes this error before it proposes anything; see the table above.
fn certainly_not_proposed(answer: &Value) -> bool {
    const BEFORE: [&str; 2] = ["etcdserver: too many requests", "etcdserver: no leader"];
    matches!(answer["code"].as_u64(), Some(3 | 7 | 12 | 16))
        || answer["message"].as_str().is_some_and(|message| BEFORE.contains(&message))
}

/// Most of an answer that is quoted in an error, bytes.
const QUOTED_BYTES_MAX: usize = 200;

fn message(answer: &Value, body: &[u8]) -> String {
    match answer["message"].as_str() {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(&body[..body.len().min(QUOTED_BYTES_MAX)]).into_owned(),
    }
}

/// The innermost cause: what is around it says only which layer was asked.
fn words(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.last().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests;
