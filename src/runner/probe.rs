//! Questions to a node: is it ready, does it lead?

use std::time::Duration;

use serde_json::Value;
use temblor_workloads::{Endpoint, LeaderClaim, end_with_this_program};

use crate::plan::Probe;

/// A node that doesn't answer within this is taken to have said no.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// Asks nodes one kind of question.
#[derive(Clone)]
pub(crate) struct Asker {
    probe: Probe,
    http: reqwest::Client,
}

/// A node's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes, and its term where it has one.
    Yes { term: Option<u64> },
    /// No, or nothing that could be understood; why.
    No(String),
}

impl Asker {
    pub(crate) fn new(probe: Probe) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .pool_max_idle_per_host(0) // a probe must not be answered over a connection from before a fault
            .build()
            .map_err(|error| format!("can't make an HTTP client: {error}"))?;
        Ok(Self { probe, http })
    }

    /// Asks one node; never takes longer than [`ANSWER_WITHIN`] and a little.
    pub(crate) async fn ask(&self, endpoint: &Endpoint, argv: &[String]) -> Answer {
        let asking = async {
            match &self.probe {
                Probe::Http { .. } => self.ask_http(endpoint).await,
                Probe::Exec(_) => ask_command(argv).await,
                Probe::Tcp { port } => ask_tcp(endpoint, port).await,
            }
        };
        match tokio::time::timeout(ANSWER_WITHIN, asking).await {
            Ok(Ok(term)) => Answer::Yes { term },
            Ok(Err(why)) => Answer::No(why),
            Err(_) => Answer::No(format!("no answer within {ANSWER_WITHIN:?}")),
        }
    }

    async fn ask_http(&self, endpoint: &Endpoint) -> Result<Option<u64>, String> {
        let Probe::Http { method, port, path, body, is, term } = &self.probe else {
            return Err("not an HTTP probe".into());
        };
        let port = port_of(endpoint, port)?;
        let url = format!("http://{}:{port}{path}", endpoint.address);
        let request = match method.as_str() {
            "POST" => self.http.post(&url).body(body.clone()),
            _ => self.http.get(&url),
        };
        let answer = request.send().await.map_err(|error| causes(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| causes(&error))?;
        if !status.is_success() {
            return Err(format!("{url} answered {status}"));
        }
        judge(&text, is.as_ref(), term.as_deref())
    }
}

/// An error with what lies behind it: reqwest's own text stops at "error sending request".
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn judge(
    text: &str,
    is: Option<&(String, String)>,
    term: Option<&str>,
) -> Result<Option<u64>, String> {
    let Some((left, right)) = is else { return Ok(None) };
    let answer: Value = serde_json::from_str(text).map_err(|_| "the answer is not JSON")?;
    let left_value = answer.pointer(left).ok_or_else(|| format!("the answer has no {left}"))?;
    let wanted = if right.starts_with('/') {
        answer.pointer(right).map(plain).ok_or_else(|| format!("the answer has no {right}"))?
    } else {
        right.clone()
    };
    let found = plain(left_value);
    if found != wanted {
        return Err(format!("{left} is {found}, not {wanted}"));
    }
    Ok(term.and_then(|pointer| answer.pointer(pointer)).and_then(|term| plain(term).parse().ok()))
}

/// JSON gateways write 64-bit numbers as strings: both read alike.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn ask_command(argv: &[String]) -> Result<Option<u64>, String> {
    let (program, arguments) = argv.split_first().ok_or("the probe's command is empty")?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(std::process::Stdio::null()).kill_on_drop(true);
    // A harness that is killed leaves nothing behind, a probe no more than a node.
    end_with_this_program(&mut command);
    let output =
        command.output().await.map_err(|error| format!("can't run `{program}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program}` says no ({}): {}", output.status, words.trim()))
}

async fn ask_tcp(endpoint: &Endpoint, port: &str) -> Result<Option<u64>, String> {
    let address = (endpoint.address, port_of(endpoint, port)?);
    let connected = tokio::net::TcpStream::connect(address).await;
    connected.map(|_| None).map_err(|error| error.to_string())
}

fn port_of(endpoint: &Endpoint, name: &str) -> Result<u16, String> {
    let port = endpoint.ports.get(name).copied();
    port.ok_or_else(|| format!("the system has no port `{name}`"))
}

impl From<Answer> for LeaderClaim {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes { term } => Self { leads: true, term },
            Answer::No(_) => Self { leads: false, term: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_answers_are_understood() {
        let health = ("/health".to_owned(), "true".to_owned());
        assert_eq!(judge(r#"{"health":"true"}"#, Some(&health), None), Ok(None));
        assert!(judge(r#"{"health":"false"}"#, Some(&health), None).is_err());
        let leads = ("/leader".to_owned(), "/header/member_id".to_owned());
        let status = r#"{"header":{"member_id":"77"},"leader":"77","raftTerm":"3"}"#;
        assert_eq!(judge(status, Some(&leads), Some("/raftTerm")), Ok(Some(3)));
        assert!(judge("<html>", Some(&leads), None).is_err());
        assert!(judge("{}", Some(&leads), None).is_err());
    }
}
