//! A lock that one client holds at a time, with or without fencing tokens.

use std::collections::{HashMap, HashSet};

use temblor_history::{Completion, History, ValueId};

mod zones;

use crate::{Exhausted, meter::Meter};

use super::{
    holds::{self, Hold},
    model::{Call, Fast, Function, Model},
    numbers::{Numbers, ValueNumber},
    reduce::Unit,
    shape::Shape,
    timed::{NEVER, Timed},
};

/// What an operation does to a lock, or learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Takes the lock, which nobody holds.
    Acquire {
        /// Who holds it from now on.
        owner: u32,
        /// The fencing token, if there is one: greater than every earlier one. A greater token has
        /// a greater number.
        token: Option<ValueNumber>,
    },
    /// Gives it back, holding it.
    Release {
        /// Who held it.
        owner: u32,
    },
    /// Finds it held, by whomever: a refused acquire.
    Held,
    /// Finds that this client does not hold it: a refused release.
    NotHeldBy {
        /// Who asked.
        owner: u32,
    },
}

/// A lock, free at first. Only who holds it can release it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lock {
    /// The clients by their number as owners, ascending.
    pub(crate) owners: Vec<u64>,
}

/// Who holds a lock, and the last token that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Holding {
    pub(crate) owner: Option<u32>,
    pub(crate) token: Option<ValueNumber>,
}

const ACQUIRE: usize = 0;

impl Model for Lock {
    type Effect = Effect;
    type State = Holding;

    const NAME: &'static str = "lock";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "acquire", argument: Shape::Anything, result: Shape::NumberOrNull },
        Function { name: "release", argument: Shape::Anything, result: Shape::Anything },
    ];

    fn prepare(history: &History, calls: &[Call], numbers: &mut Numbers) -> Result<Self, String> {
        let mut owners: Vec<u64> = calls.iter().map(|call| call.process).collect();
        owners.sort_unstable();
        owners.dedup();
        // Of tokens only their size counts.
        let _ = numbers.rank(history, calls.iter().filter_map(token));
        Ok(Self { owners })
    }

    fn effect(&self, _: &History, call: &Call, numbers: &mut Numbers) -> Option<Effect> {
        let owner = self.owners.binary_search(&call.process).ok()? as u32;
        Some(match (call.function, call.outcome) {
            (ACQUIRE, Completion::Refused) => Effect::Held,
            (ACQUIRE, _) => {
                Effect::Acquire { owner, token: token(call).map(|id| numbers.number(id)) }
            }
            (_, Completion::Refused) => Effect::NotHeldBy { owner },
            _ => Effect::Release { owner },
        })
    }

    fn initial(&self) -> Self::State {
        Holding::default()
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        match *effect {
            Effect::Acquire { owner, token } => {
                let legal = state.owner.is_none() && (token.is_none() || token > state.token);
                if legal {
                    *state = Holding { owner: Some(owner), token: token.or(state.token) };
                }
                legal
            }
            Effect::Release { owner } => {
                let legal = state.owner == Some(owner);
                if legal {
                    state.owner = None;
                }
                legal
            }
            Effect::Held => state.owner.is_some(),
            Effect::NotHeldBy { owner } => state.owner != Some(owner),
        }
    }

    /// Who takes the lock without an answer never gives it back: that serves only who is refused.
    fn serves(&self, ops: &[Timed<Effect>]) -> Vec<bool> {
        let refused = ops.iter().any(|op| op.effect == Effect::Held);
        let acquires = |op: &Timed<Effect>| matches!(op.effect, Effect::Acquire { .. });
        ops.iter().map(|op| refused || !acquires(op)).collect()
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        holds(ops).map(|hold| (hold.until, Unit::Hold(ops[hold.acquire].source))).collect()
    }

    /// Without an acquire and the release that ends it the lock is free in between, which is in
    /// nobody's way but of those who found it held.
    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        let is_gone = |hold: &Hold| gone.contains(&Unit::Hold(ops[hold.acquire].source));
        let holds: Vec<Hold> = holds(&ops).filter(is_gone).collect();
        holds::without(ops, &holds, |effect| *effect == Effect::Held)
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        meter.ask(ops.len())?;
        Ok(zones::decide(ops, meter))
    }

    fn unanswered(effect: &Effect) -> Option<Effect> {
        match *effect {
            Effect::Acquire { owner, .. } => Some(Effect::Acquire { owner, token: None }),
            Effect::Release { .. } => Some(*effect),
            Effect::Held | Effect::NotHeldBy { .. } => None,
        }
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Held | Effect::NotHeldBy { .. })
    }
}

fn token(call: &Call) -> Option<ValueId> {
    let told = call.function == ACQUIRE && call.outcome == Completion::Ok;
    (told && call.result != ValueId::NULL).then_some(call.result)
}

/// Each acquire with the same client's next release, in the order of acquires. A client's operations come one after the other.
fn holds(ops: &[Timed<Effect>]) -> impl Iterator<Item = Hold> {
    let mut open: HashMap<u32, usize> = HashMap::new();
    let mut holds: Vec<Hold> = Vec::new();
    for (place, op) in ops.iter().enumerate() {
        match op.effect {
            Effect::Acquire { owner, .. } => {
                open.insert(owner, holds.len());
                holds.push(Hold { acquire: place, release: None, until: NEVER });
            }
            Effect::Release { owner } => {
                if let Some(hold) = open.remove(&owner) {
                    holds[hold].release = Some(place);
                    holds[hold].until = op.returned;
                }
            }
            Effect::Held | Effect::NotHeldBy { .. } => {}
        }
    }
    holds.into_iter()
}
