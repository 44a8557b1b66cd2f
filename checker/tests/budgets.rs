//! Budgets: who is told to stop stops, and says how far it came.

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use temblor_checker::{Budget, Exhausted, Request, check};
use temblor_history::{History, Outcome};

/// Says yes so often, and counts how often it is asked after that.
struct Counting {
    left: AtomicUsize,
    beyond: AtomicUsize,
    what: Exhausted,
}

impl Counting {
    fn new(left: usize, what: Exhausted) -> Self {
        Self { left: AtomicUsize::new(left), beyond: AtomicUsize::new(0), what }
    }
}

impl Budget for Counting {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        let spend = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok() {
            return None;
        }
        self.beyond.fetch_add(1, Ordering::Relaxed);
        Some(self.what)
    }
}

/// Checkers ask at least every few milliseconds, so that this often is soon enough.
const PROMPT: usize = 40;

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % bound
    }
}

/// Clients that are always busy with few values, whose answers are anything: as hard as it gets.
fn history(random: &mut Random, functions: &[(&str, &str)], operations: u64) -> History {
    let (mut text, mut open) = (String::new(), Vec::new());
    let mut line = |process: u64, kind: &str, f: &str, value: &str| {
        let event = format!(r#"{{"process":{process},"type":"{kind}","f":"{f}","value":{value}}}"#);
        writeln!(text, "{event}").expect("a string takes all");
    };
    let filled = |random: &mut Random, value: &str| {
        let value = value.replace('N', &random.below(3).to_string());
        value.replace('M', &(3 + random.below(3)).to_string())
    };
    for process in 0..operations {
        let (f, value) = functions[random.below(functions.len() as u64) as usize];
        let (argument, result) = value.split_once("->").unwrap_or((value, value));
        let argument = filled(random, argument);
        line(process, "invoke", f, &argument);
        let result = if argument.contains("null") { filled(random, result) } else { argument };
        open.push((process, f, result));
        if open.len() > 16 {
            let (process, f, result) = open.swap_remove(random.below(16) as usize);
            let kind = if random.below(20) == 0 { "info" } else { "ok" };
            line(process, kind, f, &result);
        }
    }
    History::read(text.as_bytes()).expect("a good history")
}

/// Operations of a long pass, and how many of them may go by without a question.
const LONG: u64 = 30_000;
const UNASKED: u64 = 5_000;

/// One client that puts something in and looks, again and again.
fn long(model: &str) -> History {
    let mut text = match model {
        "semaphore" => "{\"history\": 1, \"params\": {\"permits\": 1}}\n".to_owned(),
        _ => String::new(),
    };
    for n in 0..LONG / 2 {
        let (put, look) = calls(model, n);
        for (f, argument, result) in [put, look] {
            for (kind, value) in [("invoke", argument), ("ok", result)] {
                let event = format!(r#"{{"process":0,"type":"{kind}","f":"{f}","value":{value}}}"#);
                writeln!(text, "{event}").expect("a string takes all");
            }
        }
    }
    History::read(text.as_bytes()).expect("a good history")
}

/// A function, its argument and its result.
type Call = (&'static str, String, String);

fn calls(model: &str, n: u64) -> (Call, Call) {
    let put = |f, value: String| (f, value.clone(), value);
    let look = |f, found: String| (f, "null".to_owned(), found);
    match model {
        "register" | "cas-register" => (put("write", format!("{n}")), look("read", format!("{n}"))),
        "string-kv" => (put("put", format!("\"{n};\"")), look("get", format!("\"{n};\""))),
        "multi-register" => (
            put("txn", format!(r#"[["w", "k", {n}]]"#)),
            ("txn", r#"[["r", "k", null]]"#.to_owned(), format!(r#"[["r", "k", {n}]]"#)),
        ),
        "set" => (put("add", format!("{n}")), ("contains", format!("{n}"), format!("[{n}, true]"))),
        "queue" => (put("enqueue", format!("{n}")), look("dequeue", format!("{n}"))),
        "stack" => (put("push", format!("{n}")), look("pop", format!("{n}"))),
        "priority-queue" => (put("insert", format!("{n}")), look("poll", format!("{n}"))),
        "counter" => (put("add", "1".to_owned()), look("read", format!("{}", n + 1))),
        "lock" => (look("acquire", format!("{}", n + 1)), look("release", "null".to_owned())),
        "semaphore" => (put("acquire", "1".to_owned()), put("release", "1".to_owned())),
        "log" => {
            (("send", format!("{n}"), format!("[{n}, {n}]")), look("poll", format!("[[{n}, {n}]]")))
        }
        "bank" => (
            put("transfer", r#"{"from": "a", "to": "b", "amount": 0}"#.to_owned()),
            look("read", r#"{"a": 5, "b": 5}"#.to_owned()),
        ),
        _ => (look("generate", format!("{}", 2 * n)), look("generate", format!("{}", 2 * n + 1))),
    }
}

/// Passes that only go once over a long history ask on their way: as soon as they are told to stop
/// they do.
#[test]
fn every_pass_over_a_long_history_asks() {
    let linearizable = [
        "register",
        "cas-register",
        "string-kv",
        "multi-register",
        "set",
        "queue",
        "stack",
        "priority-queue",
        "counter",
        "lock",
        "semaphore",
        "log",
    ];
    let invariants = [
        ("queue", "no-duplicates"),
        ("queue", "no-lost-writes"),
        ("counter", "counter-bounds"),
        ("lock", "mutual-exclusion"),
        ("semaphore", "mutual-exclusion"),
        ("bank", "total-conserved"),
        ("unique-ids", "unique"),
        ("register", "monotonic"),
        ("log", "contiguous-log"),
    ];
    let asked = linearizable.map(|model| (model, "linearizable")).into_iter().chain(invariants);
    for (model, consistency) in asked {
        let (history, request) = (long(model), Request::new(model, consistency));
        let never = Counting::new(usize::MAX, Exhausted::Deadline);
        let report = check(&history, &request, &never);
        let asks = usize::MAX - never.left.into_inner();
        assert_ne!(report.verdict, Outcome::Violation, "{report:#?}");
        let least = (LONG / UNASKED) as usize;
        assert!(asks >= least, "{model} {consistency} asked {asks} times");
        for part in 0..8 {
            let budget = Counting::new(asks * part / 8, Exhausted::Deadline);
            let report = check(&history, &request, &budget);
            let beyond = budget.beyond.into_inner();
            assert_eq!(report.verdict, Outcome::Inconclusive, "{model} {consistency} {part}");
            assert!(beyond <= PROMPT, "{model} {consistency} went on for {beyond} questions");
        }
    }
}

#[test]
fn a_checker_that_is_told_to_stop_stops() {
    let models: [(&str, &[(&str, &str)]); 6] = [
        (
            "cas-register",
            &[("read", "null->N"), ("write", "N"), ("cas", "[N,M]"), ("cas", "[M,N]")],
        ),
        ("register", &[("read", "null->N"), ("write", "N")]),
        ("queue", &[("enqueue", "N"), ("dequeue", "null->N")]),
        ("set", &[("add", "N"), ("remove", "N"), ("read", "null->[N,M]")]),
        ("counter", &[("add", "N"), ("add", "M"), ("read", "null->MN")]),
        ("string-kv", &[("append", "\"N\""), ("put", "\"N\""), ("get", "null->\"MN\"")]),
    ];
    let mut random = Random(7);
    for (model, functions) in models {
        for asks in [0, 1, 3, 10, 30, 100, 300, 1_000] {
            for what in [Exhausted::Deadline, Exhausted::Memory] {
                let history = history(&mut random, functions, 300);
                let budget = Counting::new(asks, what);
                let report = check(&history, &Request::new(model, "linearizable"), &budget);
                let beyond = budget.beyond.into_inner();
                assert!(beyond <= PROMPT, "{model} went on for {beyond} questions after {asks}");
                assert_ne!(report.verdict, Outcome::Error, "{report:#?}");
                if report.verdict == Outcome::Inconclusive {
                    let (reason, word) = (
                        report.reason.unwrap(),
                        match what {
                            Exhausted::Deadline => "the deadline passed",
                            Exhausted::Memory => "the memory limit was reached",
                        },
                    );
                    assert!(reason.contains(word) && reason.contains("up to event"), "{reason}");
                } else {
                    assert!(report.verdict == Outcome::Violation || beyond == 0, "{report:#?}");
                }
            }
        }
    }
}
