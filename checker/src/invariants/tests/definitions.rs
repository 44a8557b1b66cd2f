//! Banks, identifiers, numbers that never go down, logs and long forks beside their definitions,
//! tried out on every pair of answers of random small histories.

use super::*;

/// Calls of a few clients, each one after the other; `answer` says what a call asks and gets.
fn clients(
    random: &mut Random,
    answer: impl Fn(&mut Random) -> (&'static str, Value, End),
) -> Vec<Call> {
    let mut calls = Vec::new();
    for client in 0..3_u64 {
        let (mut at, mut process) = (random.below(4), client);
        for _ in 0..=random.below(3) {
            let span = (at, at + 1 + random.below(6));
            at = span.1 + 1 + random.below(3);
            let (f, argument, end) = answer(random);
            let unknown = end == End::Info;
            calls.push(call(process, f, argument, end, span));
            process += if unknown { 10 } else { 0 };
        }
    }
    calls.sort_by_key(|call| call.at.0);
    calls
}

fn result(call: &Call) -> Option<&Value> {
    match &call.end {
        End::Ok(result) => Some(result),
        End::Fail | End::Refused | End::Info => None,
    }
}

/// Whether the history of these calls is a violation, as the checker and as the definition have it.
fn agrees(model: &str, consistency: &str, params: &Value, calls: &[Call], violates: bool) {
    let report = report(model, consistency, &history(params, calls));
    assert_ne!(report.verdict, Outcome::Error, "{report:#?}");
    let found = report.verdict == Outcome::Violation;
    assert_eq!(found, violates, "{model} {consistency} {params}: {calls:#?} {report:#?}");
}

#[test]
fn banks_are_judged_by_their_definition() {
    let mut random = Random(200);
    let mut found = 0;
    for _ in 0..cases() {
        let wrong = [0, 0, 15][random.below(3) as usize];
        let calls = clients(&mut random, |random| {
            if random.chance(20) {
                let end = if random.chance(50) { End::Ok(json!(null)) } else { End::Info };
                return ("transfer", json!({"from": "a", "to": "b", "amount": 1}), end);
            }
            let held = random.below(11);
            let mut balances = json!({"a": held, "b": 10 - held});
            if random.chance(wrong) {
                match random.below(4) {
                    0 => balances["a"] = json!(held + 1),
                    1 => balances["c"] = json!(0),
                    2 => balances = json!({"a": 10}),
                    _ => {
                        let odd = [json!({"a": 12, "b": -2}), json!({"a": 10, "b": null})];
                        balances = odd[random.below(2) as usize].clone();
                    }
                }
            }
            ("read", json!(null), End::Ok(balances))
        });
        let mut params = json!({});
        if random.chance(50) {
            params["total"] = json!(10);
        }
        match random.below(3) {
            0 => params["accounts"] = json!(["a", "b"]),
            1 => params["accounts"] = json!(2),
            _ => {}
        }
        params["negative-balances"] = json!(random.chance(50));
        let violates = bank(&params, &calls);
        agrees("bank", "total-conserved", &params, &calls, violates);
        found += u64::from(violates);
    }
    assert!(found * 20 > cases(), "{found}");
}

fn bank(params: &Value, calls: &[Call]) -> bool {
    let mut reads: Vec<(i64, &Value)> = calls
        .iter()
        .filter(|call| call.f == "read")
        .filter_map(|call| Some((call.at.1, result(call)?)))
        .collect();
    reads.sort_by_key(|(at, _)| *at);
    let sum = |balances: &Value| -> i64 {
        balances.as_object().unwrap().values().filter_map(Value::as_i64).sum()
    };
    let Some((_, first)) = reads.first() else { return false };
    let total = params["total"].as_i64().unwrap_or_else(|| sum(first));
    reads.iter().any(|(_, balances)| {
        let each = balances.as_object().unwrap();
        let accounts = match &params["accounts"] {
            Value::Array(names) => {
                each.len() == names.len()
                    && names.iter().all(|name| each.contains_key(name.as_str().unwrap()))
            }
            Value::Number(count) => Some(each.len() as u64) == count.as_u64(),
            _ => true,
        };
        let negative = each.values().any(|balance| balance.as_i64().is_some_and(|n| n < 0));
        sum(balances) != total
            || each.values().any(Value::is_null)
            || !accounts
            || (negative && params["negative-balances"] != true)
    })
}

/// An earlier and a later answer, by real time or of one process.
fn pairs(calls: &[Call], sessions: bool) -> impl Iterator<Item = (&Value, &Value)> {
    calls.iter().flat_map(move |one| {
        calls.iter().filter_map(move |other| {
            let after = if sessions {
                one.process == other.process && one.at.0 < other.at.0
            } else {
                one.at.1 <= other.at.0
            };
            after.then_some((result(one)?, result(other)?))
        })
    })
}

#[test]
fn identifiers_and_numbers_that_grow_are_judged_by_their_definition() {
    for (seed, (model, f)) in
        (300..).zip([("unique-ids", "generate"), ("register", "read"), ("counter", "read")])
    {
        let mut random = Random(seed);
        let mut found = [0; 3];
        for _ in 0..cases() {
            let values = 2 + random.below(20);
            let mut calls = clients(&mut random, |random| {
                let end = match random.below(10) {
                    0 => End::Info,
                    1 => End::Fail,
                    2 if model == "register" => End::Ok(json!(null)),
                    _ => End::Ok(json!(random.below(values))),
                };
                (f, json!(null), end)
            });
            // Half of the histories mostly grow.
            if random.chance(50) {
                for (number, call) in (0..).zip(&mut calls) {
                    if result(call).is_some() && !random.chance(10) {
                        call.end = End::Ok(json!(number));
                    }
                }
            }
            let ids = model == "unique-ids";
            let number = |value: &Value| value.as_i64();
            let falls = |(one, other): (&Value, &Value)| {
                number(other) < number(one) || (ids && number(other) == number(one))
            };
            for (place, (consistency, sessions)) in
                [("monotonic", false), ("monotonic-per-session", true)].into_iter().enumerate()
            {
                let violates = pairs(&calls, sessions).any(falls);
                agrees(model, consistency, &json!({}), &calls, violates);
                found[place] += u64::from(violates);
            }
            let answers: Vec<&Value> = calls.iter().filter_map(result).collect();
            if ids {
                let twice = (0..answers.len()).any(|at| answers[..at].contains(&answers[at]));
                agrees(model, "unique", &json!({}), &calls, twice);
                found[2] += u64::from(twice);
            }
        }
        assert!(found[0] * 20 > cases() && found[1] * 20 > cases(), "{model}: {found:?}");
        assert!(model != "unique-ids" || found[2] * 20 > cases(), "{found:?}");
    }
}

#[test]
fn logs_are_judged_by_their_definition() {
    let mut random = Random(400);
    let mut found = 0;
    for _ in 0..cases() {
        let wrong = [0, 20, 40][random.below(3) as usize];
        let mut calls = clients(&mut random, |random| {
            if random.chance(50) {
                let end = [End::Ok(json!(null)), End::Info, End::Fail];
                let end = end[[0, 0, 0, 0, 1, 2][random.below(6) as usize]].clone();
                return ("send", json!(null), end);
            }
            ("poll", json!(null), End::Ok(json!(null)))
        });
        // What is sent by the end of it has the offset of its turn; polls show what was sent then.
        let mut sent = Vec::new();
        for (number, call) in (0..).zip(&mut calls) {
            let value = if random.chance(wrong) { 0 } else { number };
            if call.f == "send" {
                call.argument = json!(value);
                let offset = (2 * sent.len() as i64 - i64::from(random.chance(wrong))).max(0);
                if call.end != End::Fail || random.chance(wrong) {
                    sent.push(json!([offset, value]));
                }
                if let End::Ok(result) = &mut call.end {
                    *result = json!([offset, value]);
                }
            } else {
                let (mut from, mut to) = (0, 0);
                if !sent.is_empty() {
                    from = random.below(sent.len() as i64) as usize;
                    to = from + random.below((sent.len() - from) as i64 + 1) as usize;
                }
                let mut shown = sent[from..to].to_vec();
                if shown.len() > 1 && random.chance(wrong) {
                    match random.below(2) {
                        0 => shown.swap(0, 1),
                        _ => drop(shown.remove(shown.len() / 2)),
                    }
                }
                call.end = End::Ok(json!(shown));
            }
        }
        let params = json!({"polls-advance": random.chance(30)});
        let violates = log(&params, &calls);
        agrees("log", "contiguous-log", &params, &calls, violates);
        found += u64::from(violates);
    }
    assert!(found * 20 > cases() && found < cases(), "{found}");
}

/// What an answer shows: offsets with their values.
fn shown(call: &Call) -> Vec<(i64, i64)> {
    let Some(result) = result(call) else { return Vec::new() };
    let records =
        if call.f == "send" { vec![result] } else { result.as_array().unwrap().iter().collect() };
    records.into_iter().map(|pair| (pair[0].as_i64().unwrap(), pair[1].as_i64().unwrap())).collect()
}

fn log(params: &Value, calls: &[Call]) -> bool {
    let all: Vec<(i64, i64, &Call)> = calls
        .iter()
        .flat_map(|call| shown(call).into_iter().map(move |(offset, value)| (offset, value, call)))
        .collect();
    let sends = |value: i64| {
        let sends = calls.iter().filter(move |call| call.f == "send" && call.argument == value);
        sends.filter(|send| matches!(send.end, End::Ok(_) | End::Info)).count()
    };
    let contradicts = all.iter().any(|&(offset, value, _)| {
        let another = |&(other, held, _): &(i64, i64, &Call)| {
            (other == offset && held != value)
                || (other != offset && held == value && sends(value) < 2)
        };
        sends(value) == 0 || all.iter().any(another)
    });
    // From one record to the next that a process reads.
    let step = |from: i64, to: i64, poll: &Call| {
        let passed = |&(offset, _, teller): &(i64, i64, &Call)| {
            from < offset && offset < to && teller.at.1 <= poll.at.0
        };
        to <= from || all.iter().any(passed)
    };
    let advance = params["polls-advance"] == true;
    contradicts
        || (0..40_u64).any(|process| {
            let mine = calls.iter().filter(|call| call.process == process);
            let sent: Vec<i64> = mine
                .clone()
                .filter(|call| call.f == "send")
                .flat_map(shown)
                .map(|(offset, _)| offset)
                .collect();
            let mut last = None;
            let mut stumbles = false;
            for poll in mine.filter(|call| call.f == "poll") {
                last = last.filter(|_| advance);
                for (offset, _) in shown(poll) {
                    stumbles |= last.is_some_and(|from| step(from, offset, poll));
                    last = Some(offset);
                }
            }
            stumbles || sent.windows(2).any(|pair| pair[1] <= pair[0])
        })
}

#[test]
fn long_forks_are_judged_by_their_definition() {
    let mut random = Random(500);
    let mut found = 0;
    for _ in 0..cases() {
        let again = random.chance(10);
        let mut written = [0_i64; 3];
        let mut calls = clients(&mut random, |random| {
            let key = random.below(3);
            let end = [End::Info, End::Fail, End::Ok(json!(null)), End::Ok(json!(null))];
            let end = end[random.below(4) as usize].clone();
            let micro = match random.below(6) {
                0 => json!([["w", key, 1]]),
                1 => json!([["r", key, null], ["w", key, 1]]),
                _ => json!([["r", 0, null], ["r", 1, null], ["r", 2, null]]),
            };
            ("txn", micro, end)
        });
        for call in &mut calls {
            let mut done = call.argument.clone();
            for part in done.as_array_mut().unwrap() {
                let key = part[1].as_i64().unwrap() as usize;
                if part[0] == "w" {
                    written[key] += 1;
                    if written[key] > 1 && !again {
                        part[1] = json!(10 + written.iter().sum::<i64>());
                    }
                } else if random.chance(50) {
                    part[2] = json!(1);
                }
            }
            let mut asked = done.clone();
            for part in asked.as_array_mut().unwrap() {
                if part[0] == "r" {
                    part[2] = json!(null);
                }
            }
            call.argument = asked;
            if let End::Ok(result) = &mut call.end {
                *result = done;
            }
        }
        let violates = long_fork(&calls);
        agrees("rw-register", "no-long-fork", &json!({}), &calls, violates);
        found += u64::from(violates);
    }
    assert!(found * 50 > cases() && found < cases(), "{found}");
}

fn long_fork(calls: &[Call]) -> bool {
    let writes = |key: &Value| {
        let possible = calls.iter().filter(|call| matches!(call.end, End::Ok(_) | End::Info));
        let parts = possible.flat_map(|call| call.argument.as_array().unwrap());
        parts.filter(|part| part[0] == "w" && part[1] == *key).count()
    };
    // What each transaction read of keys that are written once, before it wrote them itself.
    let reads: Vec<Vec<(i64, bool)>> = calls
        .iter()
        .filter_map(|call| Some(result(call)?.as_array().unwrap()))
        .map(|parts| {
            let mut read: Vec<(i64, bool)> = Vec::new();
            for (place, part) in parts.iter().enumerate() {
                let own = parts[..place].iter().any(|before| before[1] == part[1]);
                if part[0] == "r" && !own && writes(&part[1]) == 1 {
                    read.push((part[1].as_i64().unwrap(), !part[2].is_null()));
                }
            }
            read
        })
        .filter(|read| read.len() > 1)
        .collect();
    let keys = |read: &[(i64, bool)]| read.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    let below = |one: &[(i64, bool)], other: &[(i64, bool)]| {
        one.iter().zip(other).all(|((_, one), (_, other))| !one || *other)
    };
    reads.iter().any(|one| {
        reads
            .iter()
            .any(|other| keys(one) == keys(other) && !below(one, other) && !below(other, one))
    })
}
