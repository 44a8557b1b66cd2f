//! Logs, in words.

use super::{Deed, Say, Words};
use crate::objects::{
    log::{Effect, Log, Rank},
    numbers::ValueNumber,
    reduce::Unit,
};

impl Log {
    /// `[5 at 17, 6 at 18]`, long ones elided.
    fn records(&self, say: Say<'_>, records: &[(Rank, ValueNumber)]) -> String {
        const MOST: usize = 6;
        let told = records.iter().take(MOST);
        let mut told: Vec<String> =
            told.map(|&(rank, value)| self.record(say, rank, value)).collect();
        if records.len() > MOST {
            told.push(format!("… ({} in all)", records.len()));
        }
        told.join(", ")
    }

    fn record(&self, say: Say<'_>, rank: Rank, value: ValueNumber) -> String {
        format!("{} at {}", say.value(value), self.offsets[rank as usize])
    }
}

impl Words for Log {
    const PUT: &'static str = "send";
    const WHOLE: bool = true;

    fn number(&self, unit: Unit) -> ValueNumber {
        match unit {
            Unit::Value(rank) => self.content[rank as usize],
            _ => 0,
        }
    }

    fn deed(&self, say: Say<'_>, effect: &Effect) -> Deed {
        match effect {
            Effect::Send(value, rank) => {
                let value = say.value(*value);
                let at = rank.map(|rank| format!(" at offset {}", self.offsets[rank as usize]));
                let at = at.unwrap_or_default();
                Deed {
                    what: format!("send of {value}"),
                    object: "to",
                    how: format!("was acknowledged{at}"),
                    shows: format!("appended {value}{at}"),
                }
            }
            Effect::Poll(found) => Deed {
                what: "poll".to_owned(),
                object: "of",
                how: format!("returned {}", self.records(say, found)),
                shows: format!("found {}", self.records(say, found)),
            },
        }
    }

    fn state(&self, say: Say<'_>, state: &Rank) -> String {
        let records: Vec<(Rank, ValueNumber)> =
            (0..*state).zip(self.content.iter().copied()).collect();
        if records.is_empty() {
            "the log is empty".to_owned()
        } else {
            format!("the log holds {}", self.records(say, &records))
        }
    }

    fn answer(&self, state: &Rank, effect: &Effect) -> Option<Effect> {
        match effect {
            Effect::Poll(found) if found.first().is_some_and(|(rank, _)| rank < state) => {
                let content = (0..*state).zip(self.content.iter().copied());
                Some(Effect::Poll(content.skip(found[0].0 as usize).collect()))
            }
            _ => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &Effect) -> String {
        self.deed(say, answer).shows.replacen("found", "find", 1)
    }
}
