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
