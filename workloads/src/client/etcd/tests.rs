//! The client against a server of the test's own, which answers by a script and counts what it got.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use serde_json::json;
use temblor_history::Key;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::*;

/// What the server does with one request.
#[derive(Debug, Clone)]
enum Reaction {
    /// Answers, and keeps the connection.
    Answer(u16, Value),
    /// Answers, and a little later says that it will answer nothing more on this connection; what
    /// is already on its way arrives all the same.
    AnswerAndHangUp(Value),
    /// Sends half of an answer, and closes.
    Tear,
    /// Closes without a word.
    Close,
}

/// What a script has left, and the requests seen: path and body.
#[derive(Default)]
struct Seen {
    script: VecDeque<Reaction>,
    requests: Vec<(String, Value)>,
}

/// A node that does what a script says; `/version` is always answered.
#[derive(Clone)]
struct FakeNode {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl FakeNode {
    async fn start(script: impl IntoIterator<Item = Reaction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen { script: script.into_iter().collect(), requests: Vec::new() };
        let node = Self { port, seen: Arc::new(Mutex::new(seen)) };
        let serving = node.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        node
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((path, body)) = request(&mut stream).await {
            let reaction = self.react(path, body);
            let (status, body) = match &reaction {
                Reaction::Answer(status, body) => (*status, body.to_string()),
                Reaction::AnswerAndHangUp(body) => (200, body.to_string()),
                Reaction::Tear => (200, "{\"head".to_owned()),
                Reaction::Close => return,
            };
            let torn = if matches!(reaction, Reaction::Tear) { 100 } else { 0 };
            let length = body.len() + torn;
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n");
            stream.get_mut().write_all((head + &body).as_bytes()).await.unwrap();
            match reaction {
                Reaction::Tear => return,
                Reaction::AnswerAndHangUp(_) => return self.hang_up(stream).await,
                _ => {}
            }
        }
    }

    fn react(&self, path: String, body: Value) -> Reaction {
        if path == "/version" {
            return Reaction::Answer(200, json!({}));
        }
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push((path, body));
        seen.script.pop_front().unwrap_or(Reaction::Close)
    }

    async fn hang_up(self, mut stream: BufReader<TcpStream>) {
        for _ in 0..self.requests().len() % 40 {
            tokio::task::yield_now().await;
        }
        // The client may have closed it before us.
        let _ = stream.get_mut().shutdown().await;
        while let Some((path, body)) = request(&mut stream).await {
            self.react(path, body);
        }
    }

    async fn client(&self, serializable: bool) -> Result<Box<dyn Client>, OpenError> {
        let ports = BTreeMap::from([("client".to_owned(), self.port)]);
        let endpoint = Endpoint { node: "n1".into(), address: [127, 0, 0, 1].into(), ports };
        EtcdConnector { serializable }.open(0, &endpoint).await
    }

    fn requests(&self) -> Vec<(String, Value)> {
        self.seen.lock().unwrap().requests.clone()
    }
}

async fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Value)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((path, serde_json::from_slice(&body).unwrap_or_default()))
}

fn operation(f: &'static str, value: Value) -> Invocation {
    Invocation { f, key: Some(Arc::new(Key::Text("k1".into()))), value, final_read: false }
}

/// An answer of etcd's.
fn answer(mut rest: Value) -> Value {
    rest["header"] = json!({ "cluster_id": "1", "revision": "2" });
    rest
}

fn error(code: u64, message: &str) -> Value {
    json!({ "error": message, "message": message, "code": code })
}

/// `ok 9`, `refused`, `fail`, `info`.
fn short(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(value) => format!("ok {value}"),
        Outcome::Refused => "refused".into(),
        Outcome::Fail(_) => "fail".into(),
        Outcome::Info(_) => "info".into(),
    }
}

#[tokio::test]
async fn each_reaction_has_its_outcome() {
    use Reaction::{Answer, Close, Tear};
    let held = json!({ "kvs": [{ "key": "azE=", "value": "OQ==" }], "count": "1" });
    let timed_out = error(14, "etcdserver: request timed out");
    for (reaction, read, write, cas) in [
        (Answer(200, answer(json!({}))), "ok null", "ok 9", "refused"),
        (Answer(200, answer(held)), "ok 9", "ok 9", "refused"),
        (Answer(200, answer(json!({ "succeeded": true }))), "ok null", "ok 9", "ok [7,9]"),
        (Answer(200, json!({})), "fail", "info", "info"),
        (Answer(200, json!("what?")), "fail", "info", "info"),
        (Answer(503, timed_out), "fail", "info", "info"),
        (Answer(500, error(2, "context deadline exceeded")), "fail", "info", "info"),
        (Answer(503, error(14, "etcdserver: leader changed")), "fail", "info", "info"),
        (
            Answer(429, error(8, "etcdserver: mvcc: database space exceeded")),
            "fail",
            "info",
            "info",
        ),
        (Answer(429, error(8, "etcdserver: too many requests")), "fail", "fail", "fail"),
        (Answer(503, error(14, "etcdserver: no leader")), "fail", "fail", "fail"),
        (Answer(400, error(3, "etcdserver: key is not provided")), "fail", "fail", "fail"),
        (Answer(307, json!({})), "fail", "info", "info"),
        (Tear, "fail", "info", "info"),
        (Close, "fail", "info", "info"),
    ] {
        for (f, value, expected) in
            [("read", json!(null), read), ("write", json!(9), write), ("cas", json!([7, 9]), cas)]
        {
            let node = FakeNode::start([reaction.clone()]).await;
            let mut client = node.client(false).await.unwrap();
            let outcome = client.invoke(&operation(f, value)).await;
            assert_eq!(short(&outcome), expected, "{f} with {reaction:?}: {outcome:?}");
            assert_eq!(node.requests().len(), 1, "{f} with {reaction:?}: sent once");
        }
    }
}

#[tokio::test]
async fn requests_are_those_of_the_gateway() {
    let put = json!({ "key": "azE=", "value": "OQ==" });
    let txn = |compare| {
        let body = json!({ "compare": [compare], "success": [{ "request_put": put }] });
        ("/v3/kv/txn", body)
    };
    let absent = json!({ "key": "azE=", "target": "CREATE", "create_revision": "0" });
    let seven = json!({ "key": "azE=", "target": "VALUE", "value": "Nw==" });
    for (f, value, serializable, (path, body)) in [
        ("read", json!(null), false, ("/v3/kv/range", json!({ "key": "azE=" }))),
        ("read", json!(null), true, ("/v3/kv/range", json!({"key": "azE=", "serializable": true}))),
        ("write", json!(9), true, ("/v3/kv/put", put.clone())),
        ("cas", json!([null, 9]), false, txn(absent)),
        ("cas", json!([7, 9]), false, txn(seven)),
    ] {
        let node = FakeNode::start([]).await;
        let mut client = node.client(serializable).await.unwrap();
        client.invoke(&operation(f, value)).await;
        assert_eq!(node.requests(), [(path.to_owned(), body)]);
    }
}

/// The connection dies between two requests, now before, now after the client has noticed. No
/// write may arrive twice, none that failed may arrive at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_connection_of_the_pool_never_doubles_a_write() {
    let script = vec![Reaction::AnswerAndHangUp(answer(json!({}))); 1000];
    let node = FakeNode::start(script).await;
    let mut client = node.client(false).await.unwrap();
    for value in 0..300 {
        let outcome = client.invoke(&operation("write", json!(value))).await;
        let sent = gateway::write("k1", &json!(value)).body;
        let times = node.requests().iter().filter(|(_, body)| *body == sent).count();
        let allowed = if matches!(outcome, Outcome::Fail(_)) { 0..=0 } else { 0..=1 };
        assert!(allowed.contains(&times), "write {value} arrived {times} times: {outcome:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_definite() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let gone = FakeNode { port, seen: Arc::default() };
    assert!(gone.client(false).await.is_err());
    let base = format!("http://127.0.0.1:{port}");
    let mut client = EtcdClient { http: http().unwrap(), base, serializable: false };
    let outcome = client.invoke(&operation("write", json!(1))).await;
    assert_eq!(short(&outcome), "fail", "{outcome:?}");
}
