//! A number of permits that clients acquire and release.

use temblor_history::{Completion, History};

use super::{
    model::{Call, Function, Model},
    numbers::Numbers,
    shape::{self, Shape},
};

/// What an operation does to a semaphore, or learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Takes so many permits, which are there.
    Acquire(u64),
    /// Gives so many permits back, which were taken.
    Release(u64),
    /// Finds fewer permits than this: a refused acquire.
    Short(u64),
}

/// A semaphore, all its permits there at first. Whose permits are released is not asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Semaphore {
    /// How many permits there are: `params.permits`.
    pub(crate) permits: u64,
}

const ACQUIRE: usize = 0;

impl Model for Semaphore {
    type Effect = Effect;
    /// How many permits are there.
    type State = u64;

    const NAME: &'static str = "semaphore";
    const FUNCTIONS: &'static [Function] = &[
        Function { name: "acquire", argument: Shape::Count, result: Shape::Anything },
        Function { name: "release", argument: Shape::Count, result: Shape::Anything },
    ];

    fn prepare(history: &History, _: &[Call], _: &mut Numbers) -> Result<Self, String> {
        let params = history.header().map(|header| &header.params);
        let permits = params.and_then(|params| params.get("permits")?.as_u64());
        permits.map(|permits| Self { permits }).ok_or_else(|| {
            "a `semaphore` needs a header with `params: {\"permits\": N}`, a whole number"
                .to_owned()
        })
    }

    fn effect(&self, history: &History, call: &Call, _: &mut Numbers) -> Option<Effect> {
        let permits = shape::integer(history, call.argument)? as u64;
        Some(match (call.function, call.outcome) {
            (ACQUIRE, Completion::Refused) => Effect::Short(permits),
            (ACQUIRE, _) => Effect::Acquire(permits),
            _ => Effect::Release(permits),
        })
    }

    fn initial(&self) -> Self::State {
        self.permits
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        let next = match *effect {
            Effect::Acquire(permits) => state.checked_sub(permits),
            Effect::Release(permits) => {
                state.checked_add(permits).filter(|sum| *sum <= self.permits)
            }
            Effect::Short(permits) => (*state < permits).then_some(*state),
        };
        if let Some(next) = next {
            *state = next;
        }
        next.is_some()
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Short(_))
    }
}
