//! What a linearizability engine finds, and how a sweep is tried again and again.

use crate::Exhausted;

/// What an engine finds of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// There is a legal order.
    Linearizable,
    /// There is none.
    Violation {
        /// The event at which the engine knew. Some know of what comes later: then the return that
        /// makes it a violation may be a later one.
        event: u32,
    },
    /// The budget ran out.
    Undecided(Stopped),
}

/// Where the budget ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped {
    /// What ran out.
    pub(crate) exhausted: Exhausted,
    /// Everything before this event is linearizable.
    pub(crate) event: u32,
    /// How many operations were open there.
    pub(crate) open: usize,
    /// How many configurations were alive there.
    pub(crate) configurations: usize,
}

impl Stopped {
    /// Before anything is decided.
    pub(crate) fn at_once(exhausted: Exhausted) -> Self {
        Self { exhausted, event: 0, open: 0, configurations: 1 }
    }
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) verdict: Verdict,
    /// Whether possibilities were dropped without a reason: then a violation is not proven.
    pub(crate) dropped: bool,
    /// How far it came.
    pub(crate) reached: Stopped,
}

/// How many configurations are kept, in one attempt after the other.
const WIDTHS: [usize; 4] = [16, 256, 4_096, usize::MAX];

/// How many steps an engine takes between two looks at the budget: well under a millisecond.
pub(crate) const STRIDE: usize = 256;

/// How many configurations are looked at on the way to one return, for each that is kept.
pub(crate) const DETOUR: usize = 32;

/// Sweeps with few configurations first, and with more where those die. The last attempt must not
/// drop anything.
pub(crate) fn widening(mut attempt: impl FnMut(usize) -> Attempt) -> Verdict {
    let mut furthest: Option<Stopped> = None;
    for width in WIDTHS {
        let Attempt { verdict, dropped, reached } = attempt(width);
        match verdict {
            Verdict::Violation { .. } if dropped => {}
            // A narrow sweep may have come further in the same time.
            Verdict::Undecided(stopped) => {
                let further = furthest.filter(|other| other.event > stopped.event);
                let stopped = further
                    .map_or(stopped, |other| Stopped { exhausted: stopped.exhausted, ..other });
                return Verdict::Undecided(stopped);
            }
            decided => return decided,
        }
        furthest = furthest.filter(|other| other.event >= reached.event).or(Some(reached));
    }
    unreachable!("the last sweep drops nothing")
}
