//! Commands that touch no cluster: exit codes, messages, `check` on files.

use libtest_mimic::{Failed, Trial};

use crate::support::{Scratch, ensure, run};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("cli::usage_errors_exit_254", usage_errors),
        Trial::test("cli::a_plan_prints_the_same_bytes_for_one_seed", same_bytes),
        Trial::test("cli::every_catalogue_entry_is_listed_and_explained", catalogue),
        Trial::test("cli::a_wrong_plan_touches_nothing", wrong_plan),
        Trial::test("cli::check_judges_history_files", check_files),
        Trial::test("cli::check_imports_what_others_wrote", check_imports),
        Trial::test("cli::check_names_the_lines_of_a_bad_file", check_bad_file),
        Trial::test("cli::doctor_lists_what_is_there", doctor),
        Trial::test("cli::recover_with_nothing_to_do", recover_nothing),
    ]
}

fn usage_errors() -> Result<(), Failed> {
    let scratch = Scratch::new("usage")?;
    for words in [
        &["frobnicate"][..],
        &["run"],
        &["run", "demoo"],
        &["check", "latest"],
        &["explain", "isolat"],
    ] {
        let ran = run(scratch.path(), words)?.must_exit(254)?;
        ensure(!ran.err.is_empty(), || format!("{words:?} says nothing on stderr"))?;
    }
    let ran = run(scratch.path(), &["run", "demoo"])?;
    ensure(ran.err.contains("`demo`"), || format!("no suggestion in {}", ran.err))?;
    run(scratch.path(), &["--help"])?.must_exit(0)?;
    run(scratch.path(), &["--version"])?.must_exit(0)?;
    Ok(())
}

fn same_bytes() -> Result<(), Failed> {
    let scratch = Scratch::new("bytes")?;
    let first = run(scratch.path(), &["plan", "etcd-faults", "--seed", "7"])?.must_exit(0)?;
    let second = run(scratch.path(), &["plan", "etcd-faults", "--seed", "7"])?.must_exit(0)?;
    let other = run(scratch.path(), &["plan", "etcd-faults", "--seed", "8"])?.must_exit(0)?;
    ensure(first.out == second.out, || "one seed, two timelines".into())?;
    ensure(first.out != other.out, || "the seed changes nothing".into())
}

fn catalogue() -> Result<(), Failed> {
    let scratch = Scratch::new("catalogue")?;
    for kind in ["faults", "workloads", "systems", "plans", "consistency"] {
        let listed = run(scratch.path(), &["list", kind])?.must_exit(0)?.out;
        ensure(!listed.trim().is_empty(), || format!("no {kind}"))?;
    }
    for name in ["isolate", "register", "etcd", "abd", "demo", "linearizable", "no-lost-writes"] {
        let words = run(scratch.path(), &["explain", name])?.must_exit(0)?.out;
        ensure(words.len() > 80, || format!("`explain {name}` says only: {words}"))?;
    }
    let schema = run(scratch.path(), &["schema"])?.must_exit(0)?.out;
    serde_json::from_str::<serde_json::Value>(&schema)?;
    Ok(())
}

fn wrong_plan() -> Result<(), Failed> {
    let scratch = Scratch::new("wrong")?;
    scratch.file("p.yaml", "system: etcdd\nnodes: three\nphases:\n  - steady: 10\n")?;
    let ran = run(scratch.path(), &["run", "./p.yaml"])?.must_exit(254)?;
    for place in ["p.yaml:1:", "p.yaml:2:", "p.yaml:4:"] {
        ensure(ran.err.contains(place), || format!("no {place} in\n{}", ran.err))?;
    }
    ensure(!scratch.path().join("runs").exists(), || "a run was made".into())
}

const STALE: &str = r#"{"history":1,"model":"register"}
{"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"process":0,"type":"ok","f":"write","key":"x","value":1}
{"process":1,"type":"invoke","f":"read","key":"x","value":null}
{"process":1,"type":"ok","f":"read","key":"x","value":VALUE}
"#;

fn check_files() -> Result<(), Failed> {
    let scratch = Scratch::new("check")?;
    scratch.file("stale.jsonl", &STALE.replace("VALUE", "null"))?;
    scratch.file("fine.jsonl", &STALE.replace("VALUE", "1"))?;
    run(scratch.path(), &["check", "fine.jsonl"])?.must_exit(0)?;
    let ran = run(scratch.path(), &["check", "stale.jsonl", "--json"])?.must_exit(1)?;
    let report: serde_json::Value = serde_json::from_str(&ran.out)?;
    ensure(report["verdict"] == "violation", || ran.out.clone())?;
    ensure(report["ops"] == 2, || ran.out.clone())?;
    ensure(report["not"][0] == "linearizable", || ran.out.clone())?;
    ensure(report["anomalies"][0]["type"] == "stale-read", || ran.out.clone())?;
    run(scratch.path(), &["check", "fine.jsonl", "--model", "registre"])?.must_exit(254)?;
    Ok(())
}

const JEPSEN: &str = "; one key of jepsen.independent
{:process 0, :type :invoke, :f :write, :value [:x 1], :time 1}
{:process 0, :type :ok, :f :write, :value [:x 1], :time 2}
{:process :nemesis, :type :info, :f :start, :value nil, :time 3}
{:process 1, :type :invoke, :f :cas, :value [:x [1 2]], :time 4}
{:process 1, :type :fail, :f :cas, :value [:x [1 2]], :time 5}
";

/// A failed cas from the only value there is: an observation only if we say so.
fn check_imports() -> Result<(), Failed> {
    let scratch = Scratch::new("imports")?;
    scratch.file("history.edn", JEPSEN)?;
    let words = ["check", "history.edn", "--model", "cas-register", "--independent"];
    run(scratch.path(), &words)?.must_exit(0)?;
    let refused = [&words[..], &["--cas-fail", "refused", "--json"]].concat();
    let ran = run(scratch.path(), &refused)?.must_exit(1)?;
    let report: serde_json::Value = serde_json::from_str(&ran.out)?;
    ensure(report["anomalies"][0]["witness"]["key"] == "x", || ran.out.clone())?;
    let orders = [&words[..], &["--version-orders", "wfr,linearizable"]].concat();
    let ran = run(scratch.path(), &orders)?.must_exit(254)?;
    ensure(ran.err.contains("rw-register"), || ran.err.clone())?;
    let ran =
        run(scratch.path(), &[&words[..], &["--format", "jsonl"]].concat())?.must_exit(254)?;
    ensure(ran.err.contains("line 1"), || ran.err.clone())
}

fn check_bad_file() -> Result<(), Failed> {
    let scratch = Scratch::new("badfile")?;
    scratch.file(
        "bad.jsonl",
        "{\"process\":0,\"type\":\"ok\",\"f\":\"read\",\"value\":1}\nnonsense\n{\"process\":0,\"type\":\"invoke\",\"f\":\"read\"}\n",
    )?;
    let words = ["check", "bad.jsonl", "--model", "register", "--json"];
    let ran = run(scratch.path(), &words)?.must_exit(254)?;
    let report: serde_json::Value = serde_json::from_str(&ran.out)?;
    ensure(report["verdict"] == "error", || ran.out.clone())?;
    let errors = report["errors"].to_string();
    ensure(errors.contains('1') && errors.contains('2'), || errors.clone())
}

fn doctor() -> Result<(), Failed> {
    let scratch = Scratch::new("doctor")?;
    let ran = run(scratch.path(), &["doctor"])?.must_exit(0)?;
    ensure(ran.out.contains("namespaces") || ran.out.contains("loopback"), || ran.out.clone())
}

fn recover_nothing() -> Result<(), Failed> {
    let scratch = Scratch::new("recover")?;
    run(scratch.path(), &["recover"])?.must_exit(0)?;
    run(scratch.path(), &["recover", "nowhere"])?.must_exit(254)?;
    Ok(())
}
