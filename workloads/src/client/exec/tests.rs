//! The client with a small Python program, where there is a Python.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value, json};
use temblor_history::Key;

use super::*;

/// A store in a dictionary that does what the written value says.
const PROGRAM: &str = r#"
import json, os, sys, time
store, held, say = {}, None, lambda message: print(json.dumps(message), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    if "open" in message:
        if message["open"]["node"] == "late":
            held = {"ready": {"process": message["open"]["process"]}}
        else:
            say({"ready": {"process": message["open"]["process"]}})
        continue
    if "close" in message:
        print("closed", message["close"]["process"], file=sys.stderr, flush=True)
        continue
    key, value = message.get("key"), message["value"]
    answer = {"process": message["process"], "id": message["id"], "type": "ok", "value": value}
    if value == "die":
        sys.exit(3)
    elif value == "babble":
        print("hello, world", flush=True)
        continue
    elif value == "hang":
        time.sleep(3600)
    elif value == "later":
        held = answer
        continue
    elif value == "other":
        answer["type"] = "maybe"
    elif value == "refuse":
        answer = {**answer, "type": "fail", "refused": True}
    elif message["f"] == "read":
        answer["value"] = store.get(key)
    elif message["f"] == "pid":
        answer["value"] = os.getpid()
    else:
        store[key] = value
    if held:
        say(held)
        held = None
    say(answer)
"#;

/// A program and its stderr, in a folder of the test's own.
struct Fixture {
    folder: PathBuf,
    connector: ExecConnector,
}

impl Fixture {
    /// None, said visibly, where there is no Python.
    fn new(test: &str, multiplex: bool) -> Option<Self> {
        Self::with_patience(test, multiplex, PATIENCE)
    }

    fn with_patience(test: &str, multiplex: bool, patience: Patience) -> Option<Self> {
        let version = std::process::Command::new("python3").arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            // Where nothing may be skipped, this is a failure.
            assert!(std::env::var_os("TEMBLOR_NO_SKIP").is_none(), "there is no python3");
            eprintln!("skipped: there is no python3");
            return None;
        }
        let folder =
            std::env::temp_dir().join(format!("temblor-exec-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("client.py");
        std::fs::write(&program, PROGRAM).unwrap();
        let exec = ["python3".to_owned(), program.display().to_string()];
        let stderr = folder.join("stderr");
        let connector = ExecConnector::with_patience(&exec, multiplex, &stderr, patience).unwrap();
        Some(Self { folder, connector })
    }

    async fn open(&self, process: u64, node: &str) -> Box<dyn Client> {
        let ports = BTreeMap::from([("client".to_owned(), 1)]);
        let endpoint = Endpoint { node: node.into(), address: [127, 0, 0, 1].into(), ports };
        self.connector.open(process, &endpoint).await.unwrap()
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.folder.join("stderr")).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // A leftover in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn invoke(client: &mut Box<dyn Client>, f: &'static str, value: Value) -> Outcome {
    let key = Some(Arc::new(Key::Text("k".into())));
    client.invoke(&Invocation { f, key, value, final_read: false }).await
}

async fn pid(client: &mut Box<dyn Client>) -> Value {
    match invoke(client, "pid", json!(null)).await {
        Outcome::Ok(pid) => pid,
        other => panic!("{other:?}"),
    }
}

fn info(part: &str, outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Info(error) if error.contains(part))
}

#[tokio::test]
async fn operations_go_through_a_program() {
    let Some(fixture) = Fixture::new("operations", false) else { return };
    let mut client = fixture.open(4, "n1").await;
    assert_eq!(invoke(&mut client, "read", json!(null)).await, Outcome::Ok(json!(null)));
    assert_eq!(invoke(&mut client, "write", json!(9)).await, Outcome::Ok(json!(9)));
    assert_eq!(invoke(&mut client, "read", json!(null)).await, Outcome::Ok(json!(9)));
    assert_eq!(invoke(&mut client, "write", json!("refuse")).await, Outcome::Refused);
    let other = invoke(&mut client, "write", json!("other")).await;
    assert!(info("type \"maybe\"", &other), "{other:?}");
}

#[tokio::test]
async fn a_line_that_makes_no_sense_is_info_with_a_note() {
    let Some(fixture) = Fixture::new("babble", false) else { return };
    let mut client = fixture.open(4, "n1").await;
    let outcome = invoke(&mut client, "write", json!("babble")).await;
    assert!(info("no answer (expected value", &outcome), "{outcome:?}");
    assert!(info("hello, world", &outcome), "{outcome:?}");
    assert!(fixture.stderr().contains("temblor: the client program wrote a line"));
}

#[tokio::test]
async fn a_program_that_ends_is_replaced() {
    let Some(fixture) = Fixture::new("ends", false) else { return };
    let mut client = fixture.open(4, "n1").await;
    let outcome = invoke(&mut client, "write", json!("die")).await;
    assert!(info("exit status: 3", &outcome), "{outcome:?}");
    assert_eq!(invoke(&mut client, "read", json!(null)).await, Outcome::Ok(json!(null)));
}

#[tokio::test]
async fn a_program_outlives_its_processes_and_late_answers_are_dropped() {
    let Some(fixture) = Fixture::new("late", false) else { return };
    let mut client = fixture.open(4, "n1").await;
    let first = pid(&mut client).await;
    let given_up = timeout(Duration::from_millis(50), invoke(&mut client, "write", json!("later")));
    assert!(given_up.await.is_err());
    drop(client);
    let mut client = fixture.open(5, "n2").await;
    assert_eq!(invoke(&mut client, "write", json!(1)).await, Outcome::Ok(json!(1)));
    assert_eq!(invoke(&mut client, "read", json!(null)).await, Outcome::Ok(json!(1)));
    assert_eq!(pid(&mut client).await, first);
    assert!(fixture.stderr().contains("closed 4"));
}

#[tokio::test]
async fn a_program_that_no_longer_answers_is_ended() {
    let patience = Patience { next_word: Duration::from_millis(100), ..PATIENCE };
    let Some(fixture) = Fixture::with_patience("hangs", false, patience) else { return };
    let mut client = fixture.open(4, "n1").await;
    let first = pid(&mut client).await;
    let given_up = timeout(Duration::from_millis(50), invoke(&mut client, "write", json!("hang")));
    assert!(given_up.await.is_err());
    drop(client);
    let mut client = fixture.open(5, "n1").await;
    assert_ne!(pid(&mut client).await, first);
    while PathBuf::from(format!("/proc/{first}/stat")).exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_program_may_serve_all() {
    let Some(fixture) = Fixture::new("all", true) else { return };
    let mut first = fixture.open(4, "n1").await;
    let (_, mut second) = tokio::join!(pid(&mut first), fixture.open(5, "n2"));
    assert_eq!(invoke(&mut first, "write", json!(7)).await, Outcome::Ok(json!(7)));
    assert_eq!(invoke(&mut second, "read", json!(null)).await, Outcome::Ok(json!(7)));
    assert_eq!(pid(&mut first).await, pid(&mut second).await);
    let dying = invoke(&mut first, "write", json!("die"));
    let waiting = invoke(&mut second, "write", json!("later"));
    let (waiting, dying) = tokio::join!(waiting, dying);
    assert!(info("exit status: 3", &dying) && info("exit status: 3", &waiting));
}

#[tokio::test]
async fn a_program_that_cannot_start_says_why() {
    let stderr = std::env::temp_dir().join(format!("temblor-exec-none-{}", std::process::id()));
    let exec = ["/no/such/program".to_owned()];
    let connector = ExecConnector::new(&exec, false, &stderr).unwrap();
    let ports = BTreeMap::new();
    let endpoint = Endpoint { node: "n1".into(), address: [127, 0, 0, 1].into(), ports };
    let error = connector.open(1, &endpoint).await.err().unwrap();
    std::fs::remove_file(&stderr).unwrap();
    assert_eq!(error.0, "starting /no/such/program: No such file or directory (os error 2)");
    let error = ExecConnector::new(&[], false, &stderr).unwrap_err();
    assert!(error.starts_with("client `exec` needs a program"), "{error}");
}
