//! By when a value that nobody is known to have removed must have been removed, if at all.

use super::{
    Kind, NEVER,
    lives::{Life, Lived, Look},
};

/// What shows that a value was gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    /// The value was gone before this event.
    pub(super) event: u32,
    /// The number of the life, or of the look where `is_look`, that returned with it.
    pub(super) shown: u32,
    /// Whether a look showed it.
    pub(super) is_look: bool,
}

impl Deadline {
    fn earlier(self, other: Self) -> Self {
        if other.event < self.event { other } else { self }
    }
}

const NONE: Deadline = Deadline { event: NEVER, shown: NEVER, is_look: false };

/// For each of these lives without a known removal the earliest deadline, if it has one. O(n log n).
pub(super) fn of(kind: Kind, lived: &Lived, alone: &[u32]) -> Vec<Option<Deadline>> {
    let mut deadlines = match kind {
        Kind::Queue => by_later_inserts(lived, alone),
        Kind::Stack => by_covering(lived, alone, |life| life.b, |life| life.a),
        Kind::Priority => by_covering(lived, alone, |life| life.value, |life| life.value),
    };
    let looks = by_looks(&lived.looks, lived.events);
    for (deadline, &number) in deadlines.iter_mut().zip(alone) {
        *deadline = deadline.earlier(looks[lived.lives[number as usize].b as usize]);
    }
    deadlines.into_iter().map(|deadline| (deadline.event != NEVER).then_some(deadline)).collect()
}

/// A look that began after the insert had returned.
fn by_looks(looks: &[Look], events: u32) -> Vec<Deadline> {
    let shown = (0..).zip(looks);
    let shown =
        shown.map(|(shown, look)| (look.from, Deadline { event: look.to, shown, is_look: true }));
    earliest_from(shown, events)
}

/// For each event the earliest deadline of those given from it on.
fn earliest_from(given: impl Iterator<Item = (u32, Deadline)>, events: u32) -> Vec<Deadline> {
    let mut earliest = vec![NONE; events as usize];
    for (from, deadline) in given {
        let slot = &mut earliest[from as usize];
        *slot = slot.earlier(deadline);
    }
    for at in (1..earliest.len()).rev() {
        earliest[at - 1] = earliest[at - 1].earlier(earliest[at]);
    }
    earliest
}

fn removed(lived: &Lived) -> impl Iterator<Item = (u32, &Life)> {
    (0..).zip(&lived.lives).filter(|(_, life)| life.d != NEVER)
}

/// A queue: a value that went in certainly later, and came out.
fn by_later_inserts(lived: &Lived, alone: &[u32]) -> Vec<Deadline> {
    let later = removed(lived)
        .map(|(shown, life)| (life.a, Deadline { event: life.d, shown, is_look: false }));
    let earliest = earliest_from(later, lived.events);
    alone.iter().map(|&number| earliest[lived.lives[number as usize].b as usize]).collect()
}

/// A value whose removal was invoked after the insert had returned, and that had to wait for this
/// one: in a stack it was certainly below, in a priority queue it is smaller. `key` of the one that
/// waited is less than `limit` of the one waited for.
fn by_covering(
    lived: &Lived,
    alone: &[u32],
    key: impl Fn(&Life) -> u32,
    limit: impl Fn(&Life) -> u32,
) -> Vec<Deadline> {
    let mut waited: Vec<(u32, &Life)> = removed(lived).collect();
    waited.sort_unstable_by_key(|(_, life)| key(life));
    let mut waited = waited.into_iter().peekable();
    let mut asked: Vec<(u32, usize)> =
        (0..).zip(alone).map(|(at, &number)| (limit(&lived.lives[number as usize]), at)).collect();
    asked.sort_unstable();
    let mut earliest = Suffix::of(lived.events);
    let mut deadlines = vec![NONE; alone.len()];
    for (limit, at) in asked {
        while let Some((shown, life)) = waited.next_if(|(_, life)| key(life) < limit) {
            earliest.add(life.c, Deadline { event: life.d, shown, is_look: false });
        }
        deadlines[at] = earliest.from(lived.lives[alone[at] as usize].b);
    }
    deadlines
}

/// The earliest deadline from an event on, while deadlines are added: a Fenwick tree (1994) over
/// the events in reverse.
struct Suffix(Vec<Deadline>);

impl Suffix {
    fn of(events: u32) -> Self {
        Self(vec![NONE; events as usize + 1])
    }

    fn add(&mut self, event: u32, deadline: Deadline) {
        let mut at = self.0.len() - 1 - event as usize;
        while at < self.0.len() {
            self.0[at] = self.0[at].earlier(deadline);
            at += at & at.wrapping_neg();
        }
    }

    fn from(&self, event: u32) -> Deadline {
        let (mut at, mut earliest) = (self.0.len() - 1 - event as usize, NONE);
        while at > 0 {
            earliest = earliest.earlier(self.0[at]);
            at -= at & at.wrapping_neg();
        }
        earliest
    }
}
