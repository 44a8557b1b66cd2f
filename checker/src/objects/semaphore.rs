//! A number of permits that clients acquire and release.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    hash::{Hash, Hasher},
};

use temblor_history::{Completion, History};

mod greedy;

use super::{
    holds::{self, Hold},
    model::{Call, Fast, Function, Model},
    numbers::Numbers,
    reduce::Unit,
    shape::{self, Shape},
    timed::{NEVER, Timed},
};
use crate::{Exhausted, meter::Meter};

/// So many permits, in the hands of a client. Whose they are is no part of what an operation does,
/// so it distinguishes none; it tells which release ends which acquire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permits {
    /// How many.
    pub(crate) count: u64,
    /// The logical client.
    pub(crate) owner: u64,
}

impl PartialEq for Permits {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count
    }
}

impl Eq for Permits {}

impl Hash for Permits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.count.hash(state);
    }
}

impl Ord for Permits {
    fn cmp(&self, other: &Self) -> Ordering {
        self.count.cmp(&other.count)
    }
}

impl PartialOrd for Permits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What an operation does to a semaphore, or learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Takes so many permits, which are there.
    Acquire(Permits),
    /// Gives so many permits back, which were taken.
    Release(Permits),
    /// Finds fewer permits than this: a refused acquire.
    Short(u64),
}

/// A semaphore, all its permits there at first. Whose permits are released is not asked; so a refused
/// release says nothing: the system may ask that.
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
        let count = shape::integer(history, call.argument)? as u64;
        let permits = Permits { count, owner: call.process };
        Some(match (call.function, call.outcome) {
            (ACQUIRE, Completion::Refused) => Effect::Short(count),
            (ACQUIRE, _) => Effect::Acquire(permits),
            _ => Effect::Release(permits),
        })
    }

    fn initial(&self) -> Self::State {
        self.permits
    }

    fn apply(&self, state: &mut Self::State, effect: &Effect) -> bool {
        let next = match *effect {
            Effect::Acquire(permits) => state.checked_sub(permits.count),
            Effect::Release(permits) => {
                state.checked_add(permits.count).filter(|sum| *sum <= self.permits)
            }
            Effect::Short(permits) => (*state < permits).then_some(*state),
        };
        if let Some(next) = next {
            *state = next;
        }
        next.is_some()
    }

    fn units(&self, ops: &[Timed<Effect>]) -> Vec<(u32, Unit)> {
        let holds = holds(ops).unwrap_or_default();
        holds.iter().map(|hold| (hold.until, Unit::Hold(ops[hold.acquire].source))).collect()
    }

    /// Where everybody releases just what they hold, an acquire can go with the release that ends
    /// it: there are more permits in between, and nobody gives more back than they have. Only who
    /// found too few then might now find enough.
    fn leave_out(
        &self,
        ops: Vec<Timed<Effect>>,
        gone: &HashSet<Unit>,
    ) -> Option<Vec<Timed<Effect>>> {
        let is_gone = |hold: &Hold| gone.contains(&Unit::Hold(ops[hold.acquire].source));
        let holds: Vec<Hold> = holds(&ops).into_iter().flatten().filter(is_gone).collect();
        holds::without(ops, &holds, Self::observes)
    }

    fn fast(
        &self,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Option<Fast<Effect>>, Exhausted> {
        greedy::decide(self.permits, ops, meter)
    }

    fn observes(effect: &Effect) -> bool {
        matches!(effect, Effect::Short(_))
    }
}

/// The holds, in the order of their acquires. None if somebody releases what they do not hold, or
/// holds twice.
fn holds(ops: &[Timed<Effect>]) -> Option<Vec<Hold>> {
    let mut open: HashMap<u64, (usize, u64)> = HashMap::new();
    let mut holds: Vec<Hold> = Vec::new();
    for (place, op) in ops.iter().enumerate() {
        match op.effect {
            Effect::Acquire(permits) => {
                if open.insert(permits.owner, (holds.len(), permits.count)).is_some() {
                    return None;
                }
                holds.push(Hold { acquire: place, release: None, until: NEVER });
            }
            Effect::Release(permits) => {
                let (hold, _) =
                    open.remove(&permits.owner).filter(|(_, count)| *count == permits.count)?;
                holds[hold].release = Some(place);
                holds[hold].until = op.returned;
            }
            Effect::Short(_) => {}
        }
    }
    Some(holds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::{
        lock::{self, Lock},
        oracle,
        random::{Play, Random, Shape, cases, history, shapes},
        reduce::Part,
    };

    /// The holds of so many locks as those of one semaphore, side by side.
    fn of_locks(locks: &[Vec<Timed<lock::Effect>>]) -> Vec<Timed<Effect>> {
        let count = locks.len() as u32;
        let spread = |event: u32, lock: u32| {
            if event == NEVER { NEVER } else { event * count + lock }
        };
        let mut ops = Vec::new();
        for (number, lock) in (0..).zip(locks) {
            for op in lock {
                let permits =
                    |owner: u32| Permits { count: 1, owner: u64::from(owner * count + number) };
                let effect = match op.effect {
                    lock::Effect::Acquire { owner, .. } => Effect::Acquire(permits(owner)),
                    lock::Effect::Release { owner } => Effect::Release(permits(owner)),
                    // That one lock is held says nothing of all of them.
                    lock::Effect::Held if count > 1 => continue,
                    lock::Effect::Held => Effect::Short(1),
                    lock::Effect::NotHeldBy { .. } => continue,
                };
                ops.push(Timed {
                    effect,
                    invoked: spread(op.invoked, number),
                    returned: spread(op.returned, number),
                    source: op.source * count + number,
                });
            }
        }
        ops.sort_by_key(|op| op.invoked);
        ops
    }

    #[test]
    fn without_some_holds_legal_histories_stay_legal() {
        let mut tried = 0;
        for (number, shape) in (60_000..).zip(shapes()) {
            let mut random = Random::new(number);
            let shape = Shape { ops: shape.ops.min(6), wrong: 0, ..shape };
            for _ in 0..cases(8) {
                let permits = 1 + random.below(2);
                let locks =
                    (0..permits).map(|_| history(&Lock::object(&mut random), &mut random, shape));
                let ops = of_locks(&locks.collect::<Vec<_>>());
                let whole = Part::new(&Semaphore { permits: permits.into() }, ops);
                assert!(oracle::linearizable(&whole.model, &whole.ops), "{whole:#?}");
                let units = whole.units();
                let some: Vec<_> = units.into_iter().filter(|_| random.chance(40)).collect();
                if let Some(part) = whole.without(&some) {
                    tried += usize::from(part.ops.len() < whole.ops.len());
                    assert!(
                        oracle::linearizable(&part.model, &part.ops),
                        "{part:#?} of {whole:#?}"
                    );
                }
            }
        }
        assert!(tried > 500, "{tried}");
    }
}
