//! Locks and semaphores, in words.

use super::{Deed, Reason, Say, Words};
use crate::{
    objects::{
        lock::{self, Holding, Lock},
        semaphore::{self, Permits, Semaphore},
        story::{NON_LINEARIZABLE, Story},
    },
    words::counted,
};

impl Words for Lock {
    const PUT: &'static str = "acquire";

    fn deed(&self, say: Say<'_>, effect: &lock::Effect) -> Deed {
        match *effect {
            lock::Effect::Acquire { token, .. } => {
                let with = token.map(|token| format!(" with token {}", say.value(token)));
                let with = with.unwrap_or_default();
                Deed {
                    what: "acquire".to_owned(),
                    object: "of",
                    how: format!("succeeded{with}"),
                    shows: format!("took the lock{with}"),
                }
            }
            lock::Effect::Release { .. } => Deed {
                what: "release".to_owned(),
                object: "of",
                how: "succeeded".to_owned(),
                shows: "gave the lock back".to_owned(),
            },
            lock::Effect::Held => Deed {
                what: "acquire".to_owned(),
                object: "of",
                how: "was refused".to_owned(),
                shows: "found the lock held".to_owned(),
            },
            lock::Effect::NotHeldBy { .. } => Deed {
                what: "release".to_owned(),
                object: "of",
                how: "was refused".to_owned(),
                shows: "was told that it did not hold the lock".to_owned(),
            },
        }
    }

    fn state(&self, say: Say<'_>, state: &Holding) -> String {
        let owner = state.owner.and_then(|owner| self.owners.get(owner as usize));
        let held = owner.map_or("the lock is free".to_owned(), |owner| {
            format!("the lock is held by client {owner}")
        });
        let token = state.token.map(|token| format!(", the last token being {}", say.value(token)));
        held + &token.unwrap_or_default()
    }

    fn answer(&self, state: &Holding, effect: &lock::Effect) -> Option<lock::Effect> {
        match *effect {
            lock::Effect::Acquire { .. } if state.owner.is_some() => Some(lock::Effect::Held),
            lock::Effect::Held if state.owner.is_none() => {
                // Whoever asked: nobody in the witness is this client.
                Some(lock::Effect::Acquire { owner: u32::MAX, token: None })
            }
            lock::Effect::NotHeldBy { owner } if state.owner == Some(owner) => {
                Some(lock::Effect::Release { owner })
            }
            lock::Effect::Release { owner } if state.owner != Some(owner) => {
                Some(lock::Effect::NotHeldBy { owner })
            }
            _ => None,
        }
    }

    fn instead(&self, _: Say<'_>, answer: &lock::Effect) -> String {
        match answer {
            lock::Effect::Held | lock::Effect::NotHeldBy { .. } => "be refused".to_owned(),
            lock::Effect::Acquire { .. } | lock::Effect::Release { .. } => "succeed".to_owned(),
        }
    }

    /// Somebody held it all the time; or somebody had a greater token.
    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        let lock::Effect::Acquire { owner, token } = story.culprit.effect else { return None };
        let released = |holder: u32| {
            story.ops().iter().any(|op| op.effect == lock::Effect::Release { owner: holder })
        };
        let although = story.before().find_map(|op| match op.effect {
            lock::Effect::Acquire { owner: holder, .. } if holder != owner && !released(holder) => {
                let lead = story.cast.lead(op.source, story.culprit.source);
                Some(format!(
                    "{} had taken it {lead}before that began, and had not begun to release it",
                    story.cast.who(op.source)
                ))
            }
            lock::Effect::Acquire { token: earlier, .. } if token.is_some() && earlier >= token => {
                let lead = story.cast.lead(op.source, story.culprit.source);
                Some(format!(
                    "{} had been given token {} {lead}before that began",
                    story.cast.who(op.source),
                    story.say.value(earlier?)
                ))
            }
            _ => None,
        })?;
        Some(Reason { kind: NON_LINEARIZABLE, although })
    }
}

impl Words for Semaphore {
    const PUT: &'static str = "release";

    fn deed(&self, _: Say<'_>, effect: &semaphore::Effect) -> Deed {
        match *effect {
            semaphore::Effect::Acquire(permits) => Deed {
                what: format!("acquire of {}", many(permits.count)),
                object: "of",
                how: "succeeded".to_owned(),
                shows: format!("took {}", many(permits.count)),
            },
            semaphore::Effect::Release(permits) => Deed {
                what: format!("release of {}", many(permits.count)),
                object: "of",
                how: "succeeded".to_owned(),
                shows: format!("gave {} back", many(permits.count)),
            },
            semaphore::Effect::Short(permits) => Deed {
                what: format!("acquire of {}", many(permits)),
                object: "of",
                how: "was refused".to_owned(),
                shows: format!("found fewer than {}", many(permits)),
            },
        }
    }

    fn state(&self, _: Say<'_>, state: &u64) -> String {
        let are = if *state == 1 { "is" } else { "are" };
        format!("{} of {} {are} there", many(*state), self.permits)
    }

    fn answer(&self, state: &u64, effect: &semaphore::Effect) -> Option<semaphore::Effect> {
        match *effect {
            semaphore::Effect::Acquire(permits) if *state < permits.count => {
                Some(semaphore::Effect::Short(permits.count))
            }
            semaphore::Effect::Short(count) if *state >= count => {
                // Whoever asked: nobody in the witness is this client.
                Some(semaphore::Effect::Acquire(Permits { count, owner: u64::MAX }))
            }
            _ => None,
        }
    }

    fn instead(&self, _: Say<'_>, answer: &semaphore::Effect) -> String {
        match answer {
            semaphore::Effect::Short(_) => "be refused".to_owned(),
            semaphore::Effect::Acquire(_) => "succeed".to_owned(),
            semaphore::Effect::Release(_) => "have another outcome".to_owned(),
        }
    }
}

fn many(permits: u64) -> String {
    counted(permits as usize, "permit")
}
