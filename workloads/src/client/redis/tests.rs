//! The client against a server of the test's own, which answers by a script and keeps what it got.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::json;
use temblor_history::Key;
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::*;

/// A node that answers each thing that it is sent with the next text of a script, and hangs up
/// after the last; then its port refuses connections.
struct FakeNode {
    endpoint: Endpoint,
    got: Arc<Mutex<Vec<String>>>,
}

impl FakeNode {
    async fn start(script: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ports = BTreeMap::from([(PORT.to_owned(), listener.local_addr().unwrap().port())]);
        let endpoint = Endpoint { node: "n1".into(), address: [127, 0, 0, 1].into(), ports };
        let node = Self { endpoint, got: Arc::default() };
        let (got, script) = (Arc::clone(&node.got), script.join("|"));
        tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            drop(listener);
            for text in script.split('|') {
                let mut bytes = vec![0; 10_000];
                let length = stream.read(&mut bytes).await.unwrap();
                got.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        node
    }

    async fn client(&self, sets: bool) -> Box<dyn Client> {
        RedisConnector { sets }.open(0, &self.endpoint).await.unwrap()
    }

    /// What it got, without the lengths.
    fn got(&self) -> Vec<String> {
        let words = |text: &String| {
            let words = text.split("\r\n").filter(|word| !word.starts_with(['*', '$']));
            words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
        };
        self.got.lock().unwrap().iter().map(words).collect()
    }
}

fn operation(f: &'static str, value: Value) -> Invocation {
    let key = (f != "txn").then(|| Arc::new(Key::Text("k1".into())));
    Invocation { f, key, value, final_read: false }
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

/// What becomes of a read, a write and a cas of a register, of an add to a set and a read of one.
async fn outcomes(answer: &str) -> [String; 5] {
    let mut outcomes = Vec::new();
    for (f, value, sets) in [
        ("read", json!(null), false),
        ("write", json!(9), false),
        ("cas", json!([7, 9]), false),
        ("add", json!(9), true),
        ("read", json!(null), true),
    ] {
        let node = FakeNode::start(&[answer]).await;
        let outcome = node.client(sets).await.invoke(&operation(f, value)).await;
        assert_eq!(node.got().len(), 1, "{f} was sent once");
        outcomes.push(short(&outcome));
    }
    outcomes.try_into().unwrap()
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    for (answer, expected) in [
        ("$1\r\n9\r\n", ["ok 9", "info", "info", "info", "fail"]),
        ("$-1\r\n", ["ok null", "info", "info", "info", "fail"]),
        ("+OK\r\n", ["fail", "ok 9", "info", "info", "fail"]),
        (":1\r\n", ["fail", "info", "ok [7,9]", "ok 9", "fail"]),
        (":0\r\n", ["fail", "info", "refused", "ok 9", "fail"]),
        ("*2\r\n$1\r\n3\r\n$1\r\n9\r\n", ["fail", "info", "info", "info", "ok [3,9]"]),
        ("-LOADING wait\r\n", ["fail"; 5]),
        ("-MISCONF disk\r\n", ["fail"; 5]),
        ("-ERR max number of clients reached\r\n", ["fail"; 5]),
        ("-ERR syntax error\r\n", ["fail", "info", "info", "info", "fail"]),
        ("$1\r\n{\r\n", ["fail", "info", "info", "info", "fail"]),
        ("what?\r\n", ["fail", "info", "info", "info", "fail"]),
        ("+O", ["fail", "info", "info", "info", "fail"]),
        ("", ["fail", "info", "info", "info", "fail"]),
    ] {
        assert_eq!(outcomes(answer).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn commands_are_those_of_the_model() {
    for (f, value, sets, expected) in [
        ("read", json!(null), false, "GET k1".to_owned()),
        ("read", json!(null), true, "SMEMBERS k1".to_owned()),
        ("write", json!("a"), false, "SET k1 \"a\"".to_owned()),
        ("cas", json!([null, 9]), false, format!("EVAL {CAS} 1 k1 9")),
        ("cas", json!([7, 9]), false, format!("EVAL {CAS} 1 k1 7 9")),
        ("add", json!(9), true, "SADD k1 9".to_owned()),
    ] {
        let node = FakeNode::start(&[":1\r\n"]).await;
        node.client(sets).await.invoke(&operation(f, value)).await;
        assert_eq!(node.got(), [expected]);
    }
}

#[tokio::test]
async fn transactions_begin_alone_and_end_together() {
    let writes = json!([["append", "x", 7], ["r", "y", null]]);
    let reads = json!([["r", "x", null], ["r", "y", null]]);
    let queued = "+QUEUED\r\n+QUEUED\r\n";
    let done = format!("{queued}*2\r\n:1\r\n*1\r\n$1\r\n5\r\n");
    let read = format!("{queued}*2\r\n*0\r\n*1\r\n$1\r\n5\r\n");
    let half = format!("{queued}*2\r\n:1\r\n-WRONGTYPE of y\r\n");
    let aborted = "-OOM\r\n+QUEUED\r\n-EXECABORT discarded\r\n".to_owned();
    for (argument, script, expected) in [
        (&writes, vec!["+OK\r\n", &done], r#"ok [["append","x",7],["r","y",[5]]]"#),
        (&reads, vec!["+OK\r\n", &read], r#"ok [["r","x",[]],["r","y",[5]]]"#),
        (&writes, vec!["+OK\r\n", &half], "info"),
        (&writes, vec!["+OK\r\n", &aborted], "fail"),
        (&writes, vec!["+OK\r\n", queued], "info"),
        (&reads, vec!["+OK\r\n", queued], "fail"),
        (&writes, vec!["-LOADING wait\r\n"], "fail"),
        (&writes, vec![""], "fail"),
    ] {
        let node = FakeNode::start(&script).await;
        let outcome = node.client(false).await.invoke(&operation("txn", argument.clone())).await;
        assert_eq!(short(&outcome), expected, "{argument} with {script:?}: {outcome:?}");
        let mut sent = vec!["MULTI".to_owned()];
        if script.len() > 1 {
            let reads = argument[0][0] == "r";
            sent.push(if reads { "LRANGE x 0 -1" } else { "RPUSH x 7" }.to_owned());
            sent[1] += " LRANGE y 0 -1 EXEC";
        }
        assert_eq!(node.got(), sent);
    }
}

/// A broken connection costs one operation at most; one that is refused is definite.
#[tokio::test]
async fn a_refused_connection_is_definite() {
    let node = FakeNode::start(&["-LOADING wait\r\n", "+OK\r\n"]).await;
    let mut client = node.client(false).await;
    let mut outcomes = Vec::new();
    for value in 1..=2 {
        outcomes.push(short(&client.invoke(&operation("write", value.into())).await));
        assert!(client.is_usable());
    }
    while node.got().len() < 2 {
        tokio::task::yield_now().await;
    }
    // The node has hung up, which its client may or may not have heard yet.
    let third = short(&client.invoke(&operation("write", 3.into())).await);
    assert!(["fail", "info"].contains(&third.as_str()), "{third}");
    outcomes.push(short(&client.invoke(&operation("write", 4.into())).await));
    assert_eq!(outcomes, ["fail", "ok 2", "fail"]);
    assert!(!client.is_usable());
    assert!(RedisConnector { sets: false }.open(0, &node.endpoint).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_sent() {
    let node = FakeNode::start(&[""]).await;
    let mut client = node.client(false).await;
    for (f, value) in
        [("remove", json!(1)), ("write", json!(null)), ("txn", json!([["w", "x", 1]]))]
    {
        assert_eq!(short(&client.invoke(&operation(f, value)).await), "fail");
    }
    assert!(node.got().is_empty());
}
