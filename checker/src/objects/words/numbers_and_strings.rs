//! Counters and strings, in words.

use super::{Deed, Say, Words};
use crate::{
    cast::shortened,
    objects::{
        counter::{self, Counter},
        numbers::ValueNumber,
        reduce::Unit,
        string_kv::{self, StringKv},
    },
};

impl Words for Counter {
    const PUT: &'static str = "add";

    fn deed(&self, _: Say<'_>, effect: &counter::Effect) -> Deed {
        match *effect {
            counter::Effect::Add(amount) => Deed {
                what: format!("add of {amount}"),
                object: "to",
                how: "was acknowledged".to_owned(),
                shows: format!("added {amount}"),
            },
            counter::Effect::Read(found) => Deed {
                what: "read".to_owned(),
                object: "of",
                how: format!("returned {found}"),
                shows: format!("found {found}"),
            },
        }
    }

    fn state(&self, _: Say<'_>, state: &i128) -> String {
        format!("the counter is {state}")
    }

    fn answer(&self, state: &i128, effect: &counter::Effect) -> Option<counter::Effect> {
        match effect {
            counter::Effect::Read(_) => i64::try_from(*state).ok().map(counter::Effect::Read),
            counter::Effect::Add(_) => None,
        }
    }

    fn instead(&self, _: Say<'_>, answer: &counter::Effect) -> String {
        match answer {
            counter::Effect::Read(found) => format!("find {found}"),
            counter::Effect::Add(_) => "have another outcome".to_owned(),
        }
    }
}

impl Words for StringKv {
    const PUT: &'static str = "write";
    const WHOLE: bool = true;

    fn number(&self, unit: Unit) -> ValueNumber {
        self.value(unit)
    }

    fn deed(&self, _: Say<'_>, effect: &string_kv::Effect) -> Deed {
        match effect {
            string_kv::Effect::Put(value) => Deed {
                what: format!("put of {}", quoted(value)),
                object: "to",
                how: "was acknowledged".to_owned(),
                shows: format!("replaced everything by {}", quoted(value)),
            },
            string_kv::Effect::Append(value) => Deed {
                what: format!("append of {}", quoted(value)),
                object: "to",
                how: "was acknowledged".to_owned(),
                shows: format!("appended {}", quoted(value)),
            },
            string_kv::Effect::Get(found) => Deed {
                what: "get".to_owned(),
                object: "of",
                how: format!("returned {}", quoted(found)),
                shows: format!("found {}", quoted(found)),
            },
        }
    }

    fn state(&self, _: Say<'_>, state: &String) -> String {
        format!("the string is {}", quoted(state))
    }

    fn answer(&self, state: &String, effect: &string_kv::Effect) -> Option<string_kv::Effect> {
        match effect {
            string_kv::Effect::Get(_) => Some(string_kv::Effect::Get(state.as_str().into())),
            string_kv::Effect::Put(_) | string_kv::Effect::Append(_) => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &string_kv::Effect) -> String {
        self.deed(say, answer).shows.replacen("found", "find", 1)
    }
}

fn quoted(text: &str) -> String {
    shortened(&text.into())
}
