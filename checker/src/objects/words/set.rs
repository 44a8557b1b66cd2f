//! Sets, in words.

use super::{Deed, LOST_WRITE, Reason, STALE_READ, Say, Words};
use crate::objects::{
    Timed,
    set::{Effect, Members, Set},
    story::{NON_LINEARIZABLE, Story},
};

impl Words for Set {
    const PUT: &'static str = "add";
    const WHOLE: bool = true;

    fn deed(&self, say: Say<'_>, effect: &Effect) -> Deed {
        let deed =
            |what: String, object, how: String, shows: String| Deed { what, object, how, shows };
        match effect {
            Effect::Add(value) => {
                let value = say.value(*value);
                let shows = format!("put {value} in");
                deed(format!("add of {value}"), "to", "was acknowledged".to_owned(), shows)
            }
            Effect::Remove(value) => {
                let value = say.value(*value);
                let shows = format!("took {value} out");
                deed(format!("remove of {value}"), "from", "was acknowledged".to_owned(), shows)
            }
            Effect::Contains(value, held) => {
                let value = say.value(*value);
                let shows = format!("found {value} {}", if *held { "there" } else { "missing" });
                deed(format!("contains of {value}"), "in", format!("returned {held}"), shows)
            }
            Effect::Read(values) => {
                let list = say.list(values.iter().copied());
                let shows = if values.is_empty() {
                    "found none of these values".to_owned()
                } else {
                    format!("found {list} of these values")
                };
                deed("read".to_owned(), "of", format!("returned {list}"), shows)
            }
        }
    }

    fn state(&self, say: Say<'_>, state: &Members) -> String {
        let members: Vec<u32> = state.iter().collect();
        if members.is_empty() {
            "the set holds none of these values".to_owned()
        } else {
            format!("the set holds {} of these values", say.list(members))
        }
    }

    fn answer(&self, state: &Members, effect: &Effect) -> Option<Effect> {
        match effect {
            Effect::Contains(value, _) => {
                Some(Effect::Contains(*value, state.iter().any(|member| member == *value)))
            }
            Effect::Read(_) => Some(Effect::Read(state.iter().collect())),
            Effect::Add(_) | Effect::Remove(_) => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &Effect) -> String {
        self.deed(say, answer).shows.replacen("found", "find", 1)
    }

    /// An acknowledged change that somebody missed who looked later, where nothing undid it.
    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        let culprit = story.culprit;
        let shows = |value: u32| match &culprit.effect {
            Effect::Contains(asked, held) => (*asked == value).then_some(*held),
            Effect::Read(values) => Some(values.contains(&value)),
            Effect::Add(_) | Effect::Remove(_) => None,
        };
        let undone = |op: &Timed<Effect>| {
            story.ops().iter().any(|other| match (&op.effect, &other.effect) {
                (Effect::Add(one), Effect::Remove(two))
                | (Effect::Remove(one), Effect::Add(two)) => {
                    one == two && other.returned > op.invoked && other.invoked < culprit.returned
                }
                _ => false,
            })
        };
        let missed = story.before().find(|op| match op.effect {
            Effect::Add(value) => shows(value) == Some(false) && !undone(op),
            Effect::Remove(value) => shows(value) == Some(true) && !undone(op),
            Effect::Contains(..) | Effect::Read(_) => false,
        })?;
        let kind = match missed.effect {
            Effect::Add(_) if story.cast.operation(culprit.source).final_read => LOST_WRITE,
            Effect::Add(_) => STALE_READ,
            _ => NON_LINEARIZABLE,
        };
        Some(Reason { kind, although: story.had_been_acknowledged(missed) })
    }
}
