//! Banks: transfers move money and make none.
//!
//! **Definition** (after Jepsen's `bank`). Every read that succeeded shows balances whose sum is
//! `params.total` (without it, the sum of the read that completed first); the accounts are
//! `params.accounts`, a list of names or how many there are, if that is given; no balance is null;
//! none is negative unless `params.negative-balances` is true.
//! O(sum of the sizes of all reads).

use serde_json::{Map, Value};
use temblor_history::{Operation, ValueView};

use super::{
    Examined,
    object::Object,
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

/// What a bank should look like.
struct Rules<'h> {
    /// The total, and the read that it is taken from, if nobody says it.
    total: i128,
    from: Option<u32>,
    accounts: Accounts<'h>,
    negative: bool,
}

enum Accounts<'h> {
    Unknown,
    Named(&'h [Value]),
    Counted(u64),
}

/// One read of all balances.
struct Balances<'h> {
    source: u32,
    operation: &'h Operation,
    map: &'h Map<String, Value>,
    sum: i128,
}

/// Judges all reads.
pub(super) fn examine(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let mut reads: Vec<Balances<'_>> = Vec::new();
    for (source, operation) in object.answered("read") {
        if reads.len().is_multiple_of(1024) {
            share.hold(reads.len() * size_of::<Balances<'_>>())?;
        }
        let ValueView::Other(Value::Object(map)) = object.history.view(operation.result) else {
            continue;
        };
        let sum = map.values().filter_map(whole).sum();
        reads.push(Balances { source, operation, map, sum });
    }
    reads.sort_unstable_by_key(|read| read.operation.complete_index);
    let rules = match rules(object, &reads) {
        Ok(Some(rules)) => rules,
        Ok(None) => {
            let undecided = Some("no read of the balances succeeded".to_owned());
            return Ok(Examined { undecided, ..Examined::default() });
        }
        Err(mistake) => return Ok(Examined { mistakes: vec![mistake], ..Examined::default() }),
    };
    let kinds =
        ["wrong-total", "negative-value", "nil-balance", "missing-account", "unexpected-account"];
    let findings = kinds.iter().filter_map(|kind| find(object, &rules, &reads, kind)).collect();
    Ok(Examined { findings, facts: vec![facts(object, &rules, &reads)], ..Examined::default() })
}

fn rules<'h>(object: &Object<'h>, reads: &[Balances<'h>]) -> Result<Option<Rules<'h>>, String> {
    let wrong = |name: &str, what: &str| Err(format!("the header's `{name}` of a bank is {what}"));
    let negative = match object.param("negative-balances") {
        None => false,
        Some(Value::Bool(allowed)) => *allowed,
        Some(_) => return wrong("negative-balances", "true or false"),
    };
    let accounts = match object.param("accounts") {
        None => Accounts::Unknown,
        Some(Value::Array(names)) => Accounts::Named(names),
        Some(Value::Number(count)) if count.is_u64() => {
            Accounts::Counted(count.as_u64().unwrap_or_default())
        }
        Some(_) => return wrong("accounts", "a list of names, or how many there are"),
    };
    let (total, from) = match object.param("total") {
        Some(total) => match total.as_i64() {
            Some(total) => (i128::from(total), None),
            None => return wrong("total", "a whole number"),
        },
        None => match reads.first() {
            Some(first) => (first.sum, Some(first.source)),
            None => return Ok(None),
        },
    };
    Ok((!reads.is_empty()).then_some(Rules { total, from, accounts, negative }))
}

impl Balances<'_> {
    /// What is wrong with this read, if it is of this kind; in words.
    fn wrong(&self, rules: &Rules<'_>, kind: &str) -> Option<String> {
        match kind {
            "wrong-total" => (self.sum != rules.total).then(|| {
                let off = self.sum - rules.total;
                let side = if off < 0 { "too little" } else { "too much" };
                format!("a total of {}, {} {side}", self.sum, off.abs())
            }),
            "negative-value" if rules.negative => None,
            "negative-value" => {
                let negative = self
                    .map
                    .iter()
                    .find(|(_, balance)| whole(balance).is_some_and(|balance| balance < 0));
                negative.map(|(account, balance)| {
                    format!("a balance of {balance} in account {account}")
                })
            }
            "nil-balance" => {
                let nil = self.map.iter().find(|(_, balance)| balance.is_null());
                nil.map(|(account, _)| format!("no balance in account {account}"))
            }
            "missing-account" => self.missing(&rules.accounts),
            _ => self.unexpected(&rules.accounts),
        }
    }

    fn missing(&self, accounts: &Accounts<'_>) -> Option<String> {
        match accounts {
            Accounts::Unknown => None,
            Accounts::Named(names) => {
                let missing = names.iter().find(|name| !self.map.contains_key(&text(name)));
                missing.map(|name| format!("no account {}", text(name)))
            }
            Accounts::Counted(count) => ((self.map.len() as u64) < *count)
                .then(|| format!("{} of {count}", counted(self.map.len(), "account"))),
        }
    }

    fn unexpected(&self, accounts: &Accounts<'_>) -> Option<String> {
        match accounts {
            Accounts::Unknown => None,
            Accounts::Named(names) => {
                let unknown =
                    self.map.keys().find(|key| !names.iter().any(|name| text(name) == **key));
                unknown.map(|account| format!("account {account}, which there is not"))
            }
            Accounts::Counted(count) => (self.map.len() as u64 > *count)
                .then(|| format!("{} where there are {count}", counted(self.map.len(), "account"))),
        }
    }
}

fn whole(balance: &Value) -> Option<i128> {
    balance.as_i64().map(i128::from).or_else(|| balance.as_u64().map(i128::from))
}

fn text(name: &Value) -> String {
    name.as_str().map_or_else(|| name.to_string(), str::to_owned)
}

/// The first read that is wrong in this way.
fn find(
    object: &Object<'_>,
    rules: &Rules<'_>,
    reads: &[Balances<'_>],
    kind: &&'static str,
) -> Option<Finding> {
    let mut bad = reads.iter().filter_map(|read| read.wrong(rules, kind).map(|what| (read, what)));
    let (read, what) = bad.next()?;
    let count = 1 + bad.count();
    let mut sources = vec![read.source];
    sources.extend(rules.from.filter(|_| *kind == "wrong-total"));
    let story = Story::new(object, &sources, &[]);
    let number = story.number(read.source);
    let mut sentence = format!("read by {} shows {what}", story.who(read.source));
    if count > 1 {
        sentence += &format!(" (so or similarly {count} of {} reads)", reads.len());
    }
    let mut proof =
        vec![format!("{number} completed{} and shows {what}.", story.completed_at(read.source))];
    if *kind == "wrong-total" {
        let balances: Vec<String> = read.map.values().map(ToString::to_string).take(20).collect();
        let rest = if read.map.len() > 20 { " + …" } else { "" };
        proof.push(format!("{}{rest} = {}.", balances.join(" + "), read.sum));
        let total = rules.total;
        proof.push(match rules.from {
            None => {
                format!("The accounts hold {total} in total; transfers move money and make none.")
            }
            Some(first) => format!(
                "{} showed a total of {total}; transfers move money and make none.",
                story.number(first)
            ),
        });
    }
    Some(story.finding(Told {
        kind,
        sentence,
        proof,
        culprit: read.source,
        legal:
            (*kind == "wrong-total").then(|| format!("any balances with the sum {}", rules.total)),
    }))
}

/// How the total went over time.
fn facts(object: &Object<'_>, rules: &Rules<'_>, reads: &[Balances<'_>]) -> String {
    let wrong: Vec<&Balances<'_>> = reads.iter().filter(|read| read.sum != rules.total).collect();
    let (Some(first), Some(last)) = (wrong.first(), wrong.last()) else {
        return format!("all {} show a total of {}", counted(reads.len(), "read"), rules.total);
    };
    let off = |read: &&Balances<'_>| read.sum - rules.total;
    let least = wrong.iter().map(off).min().unwrap_or_default();
    let most = wrong.iter().map(off).max().unwrap_or_default();
    let mut words = format!(
        "{} of {} show another total than {}, off by {least:+} to {most:+}",
        wrong.len(),
        counted(reads.len(), "read"),
        rules.total
    );
    if object.history.has_times() {
        let seconds =
            |read: &Balances<'_>| read.operation.completed.unwrap_or_default() as f64 / 1e9;
        words +=
            &format!("; the first at {:.3} s, the last at {:.3} s", seconds(first), seconds(last));
    }
    let settled = reads.last().is_some_and(|read| read.sum == rules.total);
    words + if settled { "; the last read is right again" } else { "; the last read too" }
}
