//! The client against a server of the test's own, which speaks as much of the protocol as it must,
//! and answers by a script.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use serde_json::json;
use temblor_history::Key;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;

/// What the server says to one request, message by message.
type Answer = Vec<u8>;

fn message(tag: u8, body: &[u8]) -> Answer {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn ready() -> Answer {
    message(b'Z', b"I")
}

fn complete(tag: &str) -> Answer {
    message(b'C', format!("{tag}\0").as_bytes())
}

fn error(severity: &str, code: &str) -> Answer {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mbecause\0\0");
    message(b'E', fields.as_bytes())
}

/// A statement without rows, up to its "command complete".
fn changed(tag: &str) -> Answer {
    let described = [message(b'1', b""), message(b'2', b""), message(b't', &[0, 0])];
    [described.concat(), message(b'n', b""), complete(tag)].concat()
}

/// One that has a column of this type, and a row for each text.
fn rows(type_oid: u32, rows: &[&[u8]]) -> Answer {
    let column = [
        &[0, 1][..],
        b"value\0",
        &[0; 4],
        &[0; 2],
        &type_oid.to_be_bytes(),
        &[255, 255],
        &[255; 4],
        &[0, 1],
    ];
    let mut answer = [message(b'1', b""), message(b'2', b""), message(b't', &[0, 0])].concat();
    answer.extend(message(b'T', &column.concat()));
    for row in rows {
        let length = u32::try_from(row.len()).unwrap().to_be_bytes();
        answer.extend(message(b'D', &[&[0, 1][..], &length, row].concat()));
    }
    [answer, complete("SELECT")].concat()
}

fn then_ready(answer: &[u8]) -> Answer {
    [answer, &ready()].concat()
}

/// A server that answers each request by a script, and hangs up behind it.
struct FakeServer {
    endpoint: Endpoint,
    requests: Arc<Mutex<usize>>,
}

impl FakeServer {
    async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ports = BTreeMap::from([(PORT.to_owned(), listener.local_addr().unwrap().port())]);
        let endpoint = Endpoint { node: "n1".into(), address: [127, 0, 0, 1].into(), ports };
        let server = Self { endpoint, requests: Arc::default() };
        let requests = Arc::clone(&server.requests);
        tokio::spawn(async move {
            let mut stream = listener.accept().await.unwrap().0;
            let length = stream.read_u32().await.unwrap() as usize;
            stream.read_exact(&mut vec![0; length - 4]).await.unwrap();
            stream.write_all(&[message(b'R', &[0; 4]), ready()].concat()).await.unwrap();
            request(&mut stream).await;
            stream.write_all(&then_ready(&complete("COMMIT"))).await.unwrap();
            for answer in script {
                request(&mut stream).await;
                *requests.lock().unwrap() += 1;
                stream.write_all(&answer).await.unwrap();
            }
        });
        server
    }

    async fn client(&self, sets: bool) -> Box<dyn Client> {
        let connector = PostgresConnector { sets, isolation: ISOLATION[0].into() };
        connector.open(0, &self.endpoint).await.unwrap()
    }
}

/// Reads up to the end of a request: a simple query, or a sync.
async fn request(stream: &mut TcpStream) {
    while let Ok(tag) = stream.read_u8().await {
        let length = stream.read_u32().await.unwrap() as usize;
        stream.read_exact(&mut vec![0; length - 4]).await.unwrap();
        if tag == b'Q' || tag == b'S' {
            return;
        }
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

#[tokio::test]
async fn each_answer_to_a_statement_has_its_outcome() {
    let torn = changed("INSERT 0 1")[..9].to_vec();
    let failed_commit = [changed("INSERT 0 1"), error("ERROR", "40001")].concat();
    for (answer, expected) in [
        (then_ready(&changed("INSERT 0 1")), ["ok 9", "ok [7,9]", "ok 9"]),
        (then_ready(&changed("UPDATE 0")), ["refused", "refused", "ok 9"]),
        (then_ready(&failed_commit), ["fail"; 3]),
        (then_ready(&error("ERROR", "40P01")), ["fail"; 3]),
        (then_ready(&error("ERROR", "42P01")), ["fail"; 3]),
        (then_ready(&error("ERROR", "40003")), ["info"; 3]),
        (then_ready(&error("ERROR", "XX000")), ["info"; 3]),
        (error("FATAL", "57P01"), ["info"; 3]),
        (error("FATAL", "40001"), ["info"; 3]),
        (torn, ["info"; 3]),
        (changed("INSERT 0 1"), ["info"; 3]),
        (Vec::new(), ["info"; 3]),
    ] {
        let asked = [("write", json!(9)), ("cas", json!([7, 9])), ("add", json!(9))];
        for ((f, value), expected) in asked.into_iter().zip(expected) {
            let server = FakeServer::start(vec![answer.clone()]).await;
            let outcome = server.client(false).await.invoke(&operation(f, value)).await;
            assert_eq!(short(&outcome), expected, "{f} answered by {answer:?}: {outcome:?}");
            assert_eq!(*server.requests.lock().unwrap(), 1, "{f} was sent once");
        }
    }
}

const TEXT: u32 = 25;

#[tokio::test]
async fn each_answer_to_a_read_has_its_outcome() {
    for (answer, register, set) in [
        (then_ready(&rows(TEXT, &[])), "ok null", "ok []"),
        (then_ready(&rows(TEXT, &[b"7"])), "ok 7", "ok [7]"),
        (then_ready(&rows(TEXT, &[b"{"])), "fail", "fail"),
        (then_ready(&[rows(TEXT, &[b"7"]), error("ERROR", "40001")].concat()), "fail", "fail"),
        (rows(TEXT, &[b"7"]), "fail", "fail"),
        (error("FATAL", "57P01"), "fail", "fail"),
    ] {
        for (sets, expected) in [(false, register), (true, set)] {
            let server = FakeServer::start(vec![answer.clone()]).await;
            let outcome = server.client(sets).await.invoke(&operation("read", json!(null))).await;
            assert_eq!(short(&outcome), expected, "answered by {answer:?}: {outcome:?}");
        }
    }
}

/// `{7,8}` as the protocol carries it: one dimension of texts, without nulls.
fn array(texts: &[&str]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap().to_be_bytes();
    let mut bytes = [number(1), number(0), TEXT.to_be_bytes(), number(texts.len()), number(1)];
    bytes[3] = number(texts.len());
    let element = |text: &&str| [&number(text.len())[..], text.as_bytes()].concat();
    [bytes.concat(), texts.iter().flat_map(element).collect()].concat()
}

#[tokio::test]
async fn a_transaction_whose_commit_was_not_sent_did_nothing() {
    const TEXTS: u32 = 1009;
    let begin = then_ready(&complete("BEGIN"));
    let append = then_ready(&changed("INSERT 0 1"));
    let read = then_ready(&rows(TEXTS, &[&array(&["7", "8"])]));
    let done = vec![begin.clone(), append, read];
    let then = |last: Answer| [done.clone(), vec![last]].concat();
    let failed =
        vec![begin, then_ready(&error("ERROR", "40001")), then_ready(&complete("ROLLBACK"))];
    for (script, expected, usable) in [
        (then(then_ready(&complete("COMMIT"))), r#"ok [["append","x",9],["r","y",[7,8]]]"#, true),
        (then(then_ready(&error("ERROR", "40001"))), "fail", true),
        (then(error("FATAL", "57P01")), "info", false),
        (then(complete("COMMIT")), "info", false),
        (then(Vec::new()), "info", false),
        (failed, "fail", true),
        (done[..2].to_vec(), "fail", false),
        (vec![error("FATAL", "57P01")], "fail", false),
    ] {
        let requests = script.len();
        let server = FakeServer::start(script).await;
        let mut client = server.client(false).await;
        let argument = json!([["append", "x", 9], ["r", "y", null]]);
        let outcome = client.invoke(&operation("txn", argument)).await;
        assert_eq!(short(&outcome), expected, "{requests} requests: {outcome:?}");
        if usable {
            assert_eq!(*server.requests.lock().unwrap(), requests);
        } else {
            let next = client.invoke(&operation("write", json!(1))).await;
            assert!(!matches!(next, Outcome::Ok(_)), "{next:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_sent() {
    let server = FakeServer::start(vec![Vec::new()]).await;
    let mut client = server.client(false).await;
    for (f, value) in
        [("remove", json!(1)), ("write", json!(null)), ("txn", json!([["w", "x", 1]]))]
    {
        assert_eq!(short(&client.invoke(&operation(f, value)).await), "fail");
    }
    assert_eq!(*server.requests.lock().unwrap(), 0);
}

#[test]
fn isolation_levels_are_escaped() {
    let connector = PostgresConnector { sets: false, isolation: "repeatable-read".into() };
    assert!(connector.session().starts_with("-c default_transaction_isolation=repeatable\\ read "));
}
