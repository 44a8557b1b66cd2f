//! What each invariant makes of small histories: by hand, against its definition, and against
//! linearizability, which is stronger.

use serde_json::{Value, json};
use temblor_history::{CheckReport, Completion, History, Outcome};

use crate::{Request, Unlimited, check};

mod definitions;

/// How an operation ends.
#[derive(Debug, Clone, PartialEq)]
enum End {
    Ok(Value),
    Fail,
    Refused,
    Info,
}

/// An operation with its process, its argument, and when it began and ended.
#[derive(Debug, Clone)]
struct Call {
    process: u64,
    f: &'static str,
    argument: Value,
    end: End,
    at: (i64, i64),
}

fn call(process: u64, f: &'static str, argument: Value, end: End, at: (i64, i64)) -> Call {
    Call { process, f, argument, end, at }
}

fn history(params: &Value, calls: &[Call]) -> History {
    let mut events: Vec<(i64, bool, Value)> = Vec::new();
    for Call { process, f, argument, end, at } in calls {
        let event = |kind: &str, value: &Value, at: i64| json!({"process": process, "type": kind, "f": f, "value": value, "time": at * 1_000_000});
        events.push((at.0, true, event("invoke", argument, at.0)));
        let mut done = match end {
            End::Ok(result) => event("ok", result, at.1),
            End::Fail | End::Refused => event("fail", argument, at.1),
            End::Info => event("info", argument, at.1),
        };
        if *end == End::Refused {
            done["refused"] = json!(true);
        }
        events.push((at.1, false, done));
    }
    events.sort_by_key(|(at, begins, _)| (*at, *begins));
    let mut text = json!({"history": 1, "params": params}).to_string();
    for (_, _, event) in events {
        text += &format!("\n{event}");
    }
    text += "\n";
    History::read(text.as_bytes()).unwrap()
}

fn report(model: &str, consistency: &str, history: &History) -> CheckReport {
    check(history, &Request::new(model, consistency), &Unlimited)
}

#[test]
fn a_lost_element_is_told_with_its_last_sight() {
    let adds = (0..30).map(|n| call(0, "add", json!(n), End::Ok(json!(n)), (n * 2, n * 2 + 1)));
    let mut calls: Vec<Call> = adds.collect();
    let all: Vec<i64> = (0..30).collect();
    let without: Vec<i64> = (0..30).filter(|n| *n != 17).collect();
    calls.push(call(1, "read", json!(null), End::Ok(json!(all)), (100, 110)));
    calls.push(call(2, "read", json!(null), End::Ok(json!(without)), (200, 210)));
    let report = report("set", "no-lost-writes", &history(&json!({}), &calls));
    insta::assert_snapshot!(report.anomalies[0].explanation, @r#"
        The add of 17 (client 0) was acknowledged and is lost: the read by client 2, which began 165 ms later, lacks it.

          (1) client 0: add 17, ok (0.034 s – 0.035 s)
          (2) client 1: read, returned [0,1,"… 14 more …",16,17,18,"… 10 more …",29] (0.100 s – 0.110 s)
          (3) client 2: read, returned [0,1,"… 26 more …",29] (0.200 s – 0.210 s)

          1. (1) added 17 and was acknowledged at 0.035 s.
          2. (2) is the last read that holds 17; it began at 0.100 s.
          3. (3) began at 0.200 s, after all that, and lacks 17; no read that began later holds it.
          4. Nobody removed 17, or tried to.

        Legal would have been for (3) to hold 17.
        "#);
    assert_eq!(
        (report.verdict, report.not, report.also_not),
        (Outcome::Violation, vec!["no-lost-writes".to_owned()], vec!["linearizable".to_owned()])
    );
    insta::assert_snapshot!(report.facts.join("\n"), @"of 30 elements, 1 lost, 0 stale, 0 recovered (added with an unknown outcome, and read), 0 never read; lost elements were seen for 65 ms at most");
}

#[test]
fn values_missing_from_a_drained_queue_are_told() {
    let ok = |value: Value| End::Ok(value);
    let calls = [
        call(0, "enqueue", json!("a"), ok(json!("a")), (1, 2)),
        call(0, "enqueue", json!("b"), ok(json!("b")), (3, 4)),
        call(1, "dequeue", json!(null), End::Info, (5, 6)),
        call(2, "dequeue", json!(null), ok(json!(null)), (7, 8)),
        call(0, "enqueue", json!("c"), End::Info, (9, 10)),
        call(2, "dequeue", json!(null), ok(json!("c")), (11, 12)),
    ];
    let report = report("queue", "no-lost-writes", &history(&json!({}), &calls));
    insta::assert_snapshot!(report.anomalies[0].explanation, @r#"
        The enqueue of "b" (client 0) was acknowledged and is lost: it did not come out, and the queue was found empty 3.0 ms later (2 values are missing).

          (1) client 0: enqueue "a", ok (0.001 s – 0.002 s)
          (2) client 0: enqueue "b", ok (0.003 s – 0.004 s)
          (3) client 2: dequeue, returned null (0.007 s – 0.008 s)

          1. (2) enqueued "b" and was acknowledged at 0.004 s.
          2. (3) began at 0.007 s, later, and found the queue empty.
          3. No dequeue in the whole history returned "b".
          4. 1 dequeue of unknown outcome may have taken a value before (3) ended; 2 are missing.

        Legal would have been for (3) to return "b", or for a dequeue before it.
        "#);
    insta::assert_snapshot!(report.facts.join("\n"), @"2 enqueues acknowledged, 2 missing, 1 recovered (enqueued with an unknown outcome, and dequeued)");
}

#[test]
fn the_first_wrong_total_is_told_with_the_drift() {
    let reads = [10, 10, 12, 7, 10];
    let read = |(at, other): (i64, i64)| {
        call(0, "read", json!(null), End::Ok(json!({"a": 10, "b": other})), (at * 10, at * 10 + 5))
    };
    let calls: Vec<Call> = (0..).zip(reads).map(read).collect();
    let report = report("bank", "total-conserved", &history(&json!({"total": 20}), &calls));
    insta::assert_snapshot!(report.anomalies[0].explanation, @r#"
        Read by client 0 shows a total of 22, 2 too much (so or similarly 2 of 5 reads).

          (1) client 0: read, returned {"a":10,"b":12} (0.020 s – 0.025 s)

          1. (1) completed at 0.025 s and shows a total of 22, 2 too much.
          2. 10 + 12 = 22.
          3. The accounts hold 20 in total; transfers move money and make none.

        Legal would have been any balances with the sum 20.
        "#);
    insta::assert_snapshot!(report.facts.join("\n"), @"2 of 5 reads show another total than 20, off by -3 to +2; the first at 0.025 s, the last at 0.035 s; the last read is right again");
}

#[test]
fn what_is_never_read_is_undecided() {
    let added = [call(0, "add", json!(1), End::Ok(json!(1)), (1, 2))];
    let report = report("set", "no-lost-writes", &history(&json!({}), &added));
    assert_eq!(report.verdict, Outcome::Inconclusive);
    assert_eq!(
        report.reason.as_deref(),
        Some("1 of 1 object undecided: no read began after 1 acknowledged add")
    );
}

#[test]
fn wrong_shapes_are_mistakes_of_the_file() {
    let calls = [
        call(0, "read", json!(null), End::Ok(json!({"a": 1.5})), (1, 2)),
        call(0, "transfer", json!({"from": "a"}), End::Fail, (3, 4)),
        call(0, "withdraw", json!(1), End::Fail, (5, 6)),
    ];
    let report = report("bank", "total-conserved", &history(&json!({}), &calls));
    assert_eq!(
        report.errors,
        [
            "line 3: `read` returns {account: balance} with whole numbers, not {\"a\":1.5}",
            "line 4: `transfer` takes {\"from\": account, \"to\": account, \"amount\": n}, not {\"from\":\"a\"}",
            "line 6: `withdraw` is no function of the model `bank` (`transfer`, `read`)",
        ]
    );
    let semaphore = [call(0, "acquire", json!(1), End::Ok(json!(null)), (1, 2))];
    let report = self::report("semaphore", "mutual-exclusion", &history(&json!({}), &semaphore));
    assert_eq!(report.errors.len(), 1);
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((word ^ (word >> 31)) % bound as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }
}

/// A simulated object: what it holds.
#[derive(Default)]
struct Simulated {
    held: Vec<i64>,
    sum: i64,
    holders: Vec<u64>,
}

/// What is in effect twice over in half of the histories: few values, few clients, short lives.
fn invent(random: &mut Random, model: &str) -> (&'static str, Value) {
    let value = random.below(3);
    let some = random.below(10);
    match (model, some) {
        ("set", 0..5) => ("add", json!(value)),
        ("set", 5) => ("remove", json!(value)),
        ("set", 6) => ("contains", json!(value)),
        ("queue", 0..5) => ("enqueue", json!(value)),
        ("queue", _) => ("dequeue", json!(null)),
        ("counter", 0..5) => ("add", json!(value * 2 - 1)),
        ("lock", 0..6) => ("acquire", json!(null)),
        ("lock", _) => ("release", json!(null)),
        ("semaphore", 0..6) => ("acquire", json!(1)),
        ("semaphore", _) => ("release", json!(1)),
        _ => ("read", json!(null)),
    }
}

impl Simulated {
    fn take(&mut self, call: &Call) -> End {
        let value = call.argument.as_i64().unwrap_or_default();
        let argument = || End::Ok(call.argument.clone());
        match call.f {
            "add" if call.argument.is_number() && self.holders.is_empty() => {
                self.sum += value;
                if !self.held.contains(&value) {
                    self.held.push(value);
                }
                argument()
            }
            "remove" => {
                self.held.retain(|held| *held != value);
                argument()
            }
            "contains" => End::Ok(json!([value, self.held.contains(&value)])),
            "enqueue" => {
                self.held.push(value);
                argument()
            }
            "dequeue" if self.held.is_empty() => End::Ok(json!(null)),
            "dequeue" => End::Ok(json!(self.held.remove(0))),
            "acquire" if self.holders.is_empty() => {
                self.holders.push(call.process);
                End::Ok(json!(null))
            }
            "acquire" => End::Refused,
            "release" if self.holders.contains(&call.process) => {
                self.holders.clear();
                End::Ok(json!(null))
            }
            "release" => End::Fail,
            _ => End::Ok(json!(null)),
        }
    }
}

/// A history whose operations take effect at a random moment; answers are falsified now and then.
fn random_calls(random: &mut Random, model: &'static str) -> Vec<Call> {
    let wrong = [0, 0, 10, 30][random.below(4) as usize];
    let mut begun: Vec<(i64, Call)> = Vec::new();
    for client in 0..3_u64 {
        let (mut at, mut process) = (random.below(4), client);
        for _ in 0..=random.below(3) {
            let (f, argument) = invent(random, model);
            let span = (at, at + 1 + random.below(8));
            at = span.1 + 1 + random.below(3);
            let effect = span.0 * 10 + random.below((span.1 - span.0) * 10);
            let unknown = random.chance(15);
            let end = if unknown { End::Info } else { End::Ok(json!(null)) };
            begun.push((effect, call(process, f, argument, end, span)));
            if unknown {
                process += 10;
            }
        }
    }
    begun.sort_by_key(|(effect, _)| *effect);
    let mut simulated = Simulated::default();
    let mut calls = Vec::new();
    for (_, mut call) in begun {
        let lost = call.end == End::Info && random.chance(50);
        let mut end = if lost { End::Info } else { simulated.take(&call) };
        if call.f == "read" {
            let all = if model == "counter" { json!(simulated.sum) } else { json!(simulated.held) };
            end = End::Ok(all);
        }
        if random.chance(wrong) {
            end = falsified(random, model, &call, end);
        }
        if call.end != End::Info {
            call.end = end;
        }
        calls.push(call);
    }
    calls
}

fn falsified(random: &mut Random, model: &str, call: &Call, end: End) -> End {
    let some = random.below(3);
    match (model, call.f) {
        ("counter", "read") => End::Ok(json!(random.below(9) - 4)),
        (_, "read") => End::Ok(json!((0..some).collect::<Vec<i64>>())),
        (_, "dequeue") => End::Ok(if some == 0 { json!(null) } else { json!(some) }),
        (_, "contains") => End::Ok(json!([call.argument, some == 0])),
        (_, "acquire") => End::Ok(json!(null)),
        _ if some == 0 => End::Fail,
        _ => end,
    }
}

fn cases() -> u64 {
    crate::register::random::cases(3_000)
}

/// The invariants that linearizability implies are silent wherever it holds, and speak up often
/// enough where it does not.
#[test]
fn no_invariant_contradicts_linearizability() {
    let asked = [
        ("set", "no-lost-writes"),
        ("set", "no-duplicates"),
        ("queue", "no-lost-writes"),
        ("queue", "no-duplicates"),
        ("counter", "counter-bounds"),
        ("lock", "mutual-exclusion"),
        ("semaphore", "mutual-exclusion"),
    ];
    for (number, (model, consistency)) in (0..).zip(asked) {
        let mut random = Random(number);
        let (mut legal, mut found) = (0, 0);
        for _ in 0..cases() {
            let calls = random_calls(&mut random, model);
            let history = history(&json!({"permits": 1}), &calls);
            let violated = report(model, consistency, &history);
            assert_ne!(violated.verdict, Outcome::Error, "{violated:#?}");
            let violated = violated.verdict == Outcome::Violation;
            found += u64::from(violated);
            if violated || legal < 300 {
                let linearizable = report(model, "linearizable", &history);
                legal += u64::from(linearizable.verdict == Outcome::Pass);
                assert!(
                    !violated || linearizable.verdict == Outcome::Violation,
                    "{model} {consistency}: {calls:#?} {linearizable:#?}"
                );
            }
        }
        let enough = consistency == "no-duplicates" && model == "set" || found * 50 > cases();
        assert!(enough && legal > 100, "{model} {consistency}: {found} found, {legal} legal");
    }
}

/// The definitions, word for word, in quadratic time.
mod defined {
    use super::*;
    use temblor_history::Operation;

    fn value(history: &History, operation: &Operation) -> i64 {
        history.value(operation.argument).as_i64().unwrap_or_default()
    }

    fn named<'h>(history: &'h History, f: &'h str) -> impl Iterator<Item = &'h Operation> {
        history.operations().iter().filter(move |op| history.function_name(op.f) == f)
    }

    fn ok(operation: &&Operation) -> bool {
        operation.outcome == Completion::Ok
    }

    fn possible(operation: &&Operation) -> bool {
        matches!(operation.outcome, Completion::Ok | Completion::Info)
    }

    /// What a read says of an element, if it says anything.
    fn holds(history: &History, operation: &Operation, element: i64) -> Option<bool> {
        let result = history.value(operation.result);
        match history.function_name(operation.f) {
            "read" if ok(&operation) => Some(result.as_array()?.contains(&json!(element))),
            "contains" if ok(&operation) && result[0] == element => result[1].as_bool(),
            _ => None,
        }
    }

    pub(super) fn set_lost(history: &History) -> bool {
        let lost = |element: i64| {
            let all = || history.operations().iter();
            let acknowledged =
                named(history, "add").filter(ok).filter(|add| value(history, add) == element);
            let read = all().filter(|op| holds(history, op, element) == Some(true));
            let known = acknowledged.chain(read).filter_map(|op| op.complete_index).min();
            let Some(known) = known else { return false };
            if named(history, "remove").filter(possible).any(|op| value(history, op) == element) {
                return false;
            }
            let last = |held: bool| {
                let of = all().filter(|op| holds(history, op, element) == Some(held));
                of.map(|op| op.invoke_index).filter(|&begun| held || begun > known).max()
            };
            last(false) > last(true)
        };
        let unwritten = |element: i64| {
            let read =
                history.operations().iter().any(|op| holds(history, op, element) == Some(true));
            read && !named(history, "add").filter(possible).any(|op| value(history, op) == element)
        };
        (-5..10).any(|element| lost(element) || unwritten(element))
    }

    pub(super) fn counter_outside(history: &History) -> bool {
        named(history, "read").filter(ok).any(|read| {
            let sum = |positive: bool, certain: bool| -> i64 {
                let adds = named(history, "add").filter(|add| {
                    let before = add.complete_index.is_some_and(|done| done < read.invoke_index);
                    let sure = ok(add) && before;
                    let may = possible(add) && Some(add.invoke_index) < read.complete_index;
                    if certain { sure } else { may }
                });
                adds.map(|add| value(history, add)).filter(|n| (*n > 0) == positive).sum()
            };
            let found = history.value(read.result).as_i64().unwrap();
            let (least, most) =
                (sum(true, true) + sum(false, false), sum(true, false) + sum(false, true));
            found < least || found > most
        })
    }

    /// Two processes that certainly hold it at one moment, or one that gets it again.
    pub(super) fn lock_shared(history: &History) -> bool {
        let held: Vec<(u32, u32)> = named(history, "acquire")
            .filter(ok)
            .map(|acquire| {
                let releases = named(history, "release").filter(|release| {
                    release.process == acquire.process
                        && release.invoke_index > acquire.invoke_index
                        && release.outcome != Completion::Fail
                });
                let until = releases.map(|release| release.invoke_index).min();
                (acquire.complete_index.unwrap(), until.unwrap_or(u32::MAX))
            })
            .collect();
        let overlap = |one: &(u32, u32), other: &(u32, u32)| one.0 < other.1 && other.0 < one.1;
        (0..held.len()).any(|at| held[..at].iter().any(|other| overlap(&held[at], other)))
    }

    pub(super) fn semaphore_exceeded(history: &History) -> bool {
        (0..history.event_count()).any(|moment| {
            let taken: i64 = named(history, "acquire")
                .filter(|op| ok(op) && op.complete_index.is_some_and(|done| done <= moment))
                .map(|op| value(history, op))
                .sum();
            let back: i64 = named(history, "release")
                .filter(|op| op.outcome != Completion::Fail && op.invoke_index <= moment)
                .map(|op| value(history, op))
                .sum();
            taken - back > 1
        })
    }

    pub(super) fn queue_twice(history: &History) -> bool {
        (-5..10).any(|element: i64| {
            let out = named(history, "dequeue")
                .filter(|op| ok(op) && history.value(op.result) == json!(element))
                .count();
            let put = named(history, "enqueue").filter(possible);
            out > put.filter(|op| value(history, op) == element).count()
        })
    }
}

#[test]
fn every_invariant_is_its_definition() {
    type Defined = fn(&History) -> bool;
    let asked: [(&str, &str, Defined); 5] = [
        ("set", "no-lost-writes", defined::set_lost),
        ("queue", "no-duplicates", defined::queue_twice),
        ("counter", "counter-bounds", defined::counter_outside),
        ("lock", "mutual-exclusion", defined::lock_shared),
        ("semaphore", "mutual-exclusion", defined::semaphore_exceeded),
    ];
    for (number, (model, consistency, violates)) in (100..).zip(asked) {
        let mut random = Random(number);
        let mut found = 0;
        for _ in 0..cases() {
            let calls = random_calls(&mut random, model);
            let history = history(&json!({"permits": 1}), &calls);
            let expected = violates(&history);
            let report = report(model, consistency, &history);
            assert_eq!(report.verdict == Outcome::Violation, expected, "{model}: {calls:#?}");
            found += u64::from(expected);
        }
        assert!(found * 50 > cases(), "{model} {consistency}: {found}");
    }
}
