//! Budgets, measured with a clock that counts the questions it is asked: one for every so many steps
//! of every pass, from the first look at the history on.

use std::sync::atomic::{AtomicUsize, Ordering};

use temblor_history::{History, Outcome};

use crate::{Budget, Exhausted, Request, VersionOrder, check};

/// Time passes by one with each question.
struct Clock {
    asked: AtomicUsize,
    deadline: usize,
}

impl Budget for Clock {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        let now = self.asked.fetch_add(1, Ordering::Relaxed);
        (now >= self.deadline).then_some(Exhausted::Deadline)
    }
}

/// Remembers the most that was held.
struct Memory {
    most: AtomicUsize,
    limit: usize,
}

impl Budget for Memory {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        self.most.fetch_max(bytes, Ordering::Relaxed);
        (bytes > self.limit).then_some(Exhausted::Memory)
    }
}

const TRANSACTIONS: u64 = 20_000;

/// Twenty clients that never overlap; each transaction reads a key and writes it.
fn history(model: &str) -> History {
    let mut file = String::new();
    for number in 0..TRANSACTIONS {
        let (process, key, value) = (number % 20, number / 16, number % 16 + 1);
        let (found, write) = match model {
            "list-append" => (format!("{:?}", (1..value).collect::<Vec<u64>>()), "append"),
            _ if value == 1 => ("null".to_owned(), "w"),
            _ => ((value - 1).to_string(), "w"),
        };
        for (kind, found) in [("invoke", "null"), ("ok", found.as_str())] {
            file += &format!(
                "{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"txn\",\"value\":\
                 [[\"r\",{key},{found}],[\"{write}\",{key},{value}]]}}\n"
            );
        }
    }
    History::read(file.as_bytes()).expect("a good history")
}

/// What is asked of whom: all families of passes.
fn questions() -> Vec<Request> {
    let asked = |model, level, orders: &[VersionOrder]| {
        let mut request = Request::new(model, level);
        request.version_orders = orders.to_vec();
        request
    };
    vec![
        asked("list-append", "strict-serializable", &[]),
        asked("rw-register", "strict-serializable", &[VersionOrder::Linearizable]),
        asked("rw-register", "serializable", &[]),
        asked("rw-register", "read-atomic", &[]),
        asked("rw-register", "causal", &[]),
    ]
}

#[test]
fn deadlines_are_kept_in_every_pass() {
    for request in questions() {
        let history = history(&request.model);
        let judged = |deadline| {
            let clock = Clock { asked: AtomicUsize::new(0), deadline };
            let report = check(&history, &request, &clock);
            (report, clock.asked.into_inner())
        };
        let (report, all) = judged(usize::MAX);
        assert_eq!(report.verdict, Outcome::Pass, "{report:#?}");
        assert!(all > 40, "asked only {all} times: {request:?}");
        for tenth in 0..9 {
            let deadline = all * tenth / 10;
            let (report, asked) = judged(deadline);
            // An order that proves the level may be missing: then the pass is not complete.
            let gave_up = report.verdict == Outcome::Inconclusive
                && report.reason.as_ref().is_some_and(|reason| reason.contains("deadline"));
            assert!(gave_up || !report.complete, "{tenth}: {report:#?}");
            assert!(asked <= deadline + all / 10 + 8, "{tenth}: {asked} of {all}, {request:?}");
        }
    }
}

#[test]
fn memory_is_stated_and_limits_are_kept() {
    for request in questions() {
        let history = history(&request.model);
        let judged = |limit| {
            let memory = Memory { most: AtomicUsize::new(0), limit };
            let report = check(&history, &request, &memory);
            (report, memory.most.into_inner())
        };
        let (_, most) = judged(usize::MAX);
        // Two micro-operations of 12 bytes, a transaction of 16 and a version of 8 at the least.
        assert!(most > 48 * TRANSACTIONS as usize, "{most} bytes: {request:?}");
        for limit in [0, most / 4, most / 2] {
            let (report, _) = judged(limit);
            let gave_up = report.verdict == Outcome::Inconclusive
                && report.reason.as_ref().is_some_and(|reason| reason.contains("memory"));
            assert!(gave_up || !report.complete, "{limit} of {most}: {report:#?}");
        }
    }
}
