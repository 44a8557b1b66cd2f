//! Registers that transactions touch together, in words.

use super::{Deed, Say, Words};
use crate::objects::{
    extract::plain,
    model::Model,
    multi_register::{Effect, INITIAL, Micro, MultiRegister},
};

impl MultiRegister {
    fn key(&self, say: Say<'_>, register: u32) -> String {
        self.keys
            .get(register as usize)
            .map_or(String::new(), |&key| plain(&say.history.value(key)))
    }

    /// `x = 1`, several with commas, of the parts that this picks.
    fn parts(&self, say: Say<'_>, effect: &Effect, writes: bool) -> String {
        let told = effect.iter().filter_map(|part| match *part {
            Micro::Write(register, value) if writes => Some((register, value)),
            Micro::Read(register, value) if !writes => Some((register, value)),
            _ => None,
        });
        let told = told
            .map(|(register, value)| format!("{} = {}", self.key(say, register), say.value(value)));
        told.collect::<Vec<_>>().join(", ")
    }
}

impl Words for MultiRegister {
    const PUT: &'static str = "write";

    fn deed(&self, say: Say<'_>, effect: &Effect) -> Deed {
        let (wrote, found) = (self.parts(say, effect, true), self.parts(say, effect, false));
        let how = match (wrote.is_empty(), found.is_empty()) {
            (true, _) => format!("found {found}"),
            (_, true) => format!("wrote {wrote}"),
            _ => format!("found {found} and wrote {wrote}"),
        };
        Deed { what: "txn".to_owned(), object: "on", shows: how.clone(), how }
    }

    fn state(&self, say: Say<'_>, state: &Self::State) -> String {
        let written = (0..).zip(state).filter(|&(_, &value)| value != INITIAL);
        let told = written.map(|(register, &value)| {
            format!("{} = {}", self.key(say, register), say.value(value))
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() {
            "every register holds its initial value".to_owned()
        } else {
            format!("the registers hold {}", told.join(", "))
        }
    }

    fn answer(&self, state: &Self::State, effect: &Effect) -> Option<Effect> {
        let mut state = state.clone();
        let part = |part: &Micro| match *part {
            Micro::Read(register, _) => Micro::Read(register, state[register as usize]),
            Micro::Write(register, value) => {
                state[register as usize] = value;
                *part
            }
        };
        (!Self::observes(effect) || !effect.is_empty()).then(|| effect.iter().map(part).collect())
    }

    fn instead(&self, say: Say<'_>, answer: &Effect) -> String {
        format!("find {}", self.parts(say, answer, false))
    }
}
