//! Pairs inserts with removals: from operations to the lives of values.

use super::{Act, Conflict, Contained, NEVER};
use crate::meter::Meter;

/// One value's time in a container. Times are numbers of events, counted from 0 without gaps
/// among the operations given.
///
/// The insert takes effect after event `a` and before event `b`, the removal after `c` and before
/// `d`, with `a <= c` and `b <= d`: an insert has happened by the time its removal returns, and a
/// removal does not happen before its insert is invoked. Where `b < c` the value is certainly
/// inside from `b` to `c`; then `b` and `c` are the operations' own times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    /// What goes in; only its order among values means anything.
    pub(super) value: u32,
    /// The place of the insert.
    pub(super) insert: u32,
    /// The place of the removal, or [`NEVER`].
    pub(super) removal: u32,
    pub(super) a: u32,
    pub(super) b: u32,
    /// [`NEVER`] without a removal.
    pub(super) c: u32,
    /// [`NEVER`] without a removal, or where it never returned.
    pub(super) d: u32,
}

impl Life {
    /// Whether the value is certainly inside for a while.
    pub(super) fn is_held(&self) -> bool {
        self.b < self.c
    }
}

/// An operation that finds the container empty, after event `from` and before event `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) place: u32,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// What became of a container.
#[derive(Debug, Clone)]
pub(super) struct Lived {
    /// In the order of the inserts' invocations.
    pub(super) lives: Vec<Life>,
    /// In the order of their invocations.
    pub(super) looks: Vec<Look>,
    /// Removals with an unknown outcome, in the order of their invocations: (place, invoked).
    pub(super) unknown: Vec<(u32, u32)>,
    /// How many events there are.
    pub(super) events: u32,
}

/// Pairs operations. None: a value is inserted twice, or the operations are out of order. A
/// conflict: a removal without a possible insert.
pub(super) fn of(ops: &[Contained], meter: &Meter<'_>) -> Option<Result<Lived, Conflict>> {
    if ops.len() >= (NEVER / 4) as usize || !ops.is_sorted_by_key(|op| op.invoked) {
        return None;
    }
    let (places, mut lives) = inserts(ops)?;
    let mut lived = Lived { lives: Vec::new(), looks: Vec::new(), unknown: Vec::new(), events: 0 };
    let times = Times::of(ops);
    lived.events = times.events;
    for (place, op) in meter.paced((0..).zip(ops)) {
        match op.effect {
            Act::Insert(_) => {}
            Act::RemoveAny => lived.unknown.push((place, times.of_op(place, op).0)),
            Act::Empty => {
                let (from, to) = times.of_op(place, op);
                lived.looks.push(Look { place, from, to });
            }
            Act::Remove(value) => {
                let at = places.get(value as usize).copied().filter(|&at| at != NEVER);
                let Some(life) = at.map(|at| &mut lives[at as usize]) else {
                    return Some(Err(Conflict::NeverInserted { removal: place }));
                };
                if life.removal != NEVER {
                    let (insert, first) = (life.insert, life.removal);
                    return Some(Err(Conflict::RemovedTwice { insert, first, second: place }));
                }
                life.removal = place;
                (life.c, life.d) = times.of_op(place, op);
            }
        }
    }
    lived.lives = lives;
    Some(lived.settle(ops, &times))
}

/// The lives' beginnings, and for each value the place of its life.
fn inserts(ops: &[Contained]) -> Option<(Vec<u32>, Vec<Life>)> {
    let mut places: Vec<u32> = Vec::new();
    let mut lives: Vec<Life> = Vec::with_capacity(ops.len() / 2 + 1);
    for (insert, op) in (0..).zip(ops) {
        let Act::Insert(value) = op.effect else { continue };
        if value as usize >= places.len() {
            places.resize(value as usize + 1, NEVER);
        }
        let place = &mut places[value as usize];
        if *place != NEVER {
            return None;
        }
        *place = lives.len() as u32;
        let (removal, a, b, c, d) = (NEVER, 0, 0, NEVER, NEVER);
        lives.push(Life { value, insert, removal, a, b, c, d });
    }
    Some((places, lives))
}

impl Lived {
    /// Fills in the inserts' times, and leaves out what nobody knows to have happened.
    fn settle(mut self, ops: &[Contained], times: &Times) -> Result<Self, Conflict> {
        for life in &mut self.lives {
            (life.a, life.b) = times.of_op(life.insert, &ops[life.insert as usize]);
            if life.d < life.a {
                let (insert, removal) = (life.insert, life.removal);
                return Err(Conflict::RemovedTooSoon { insert, removal });
            }
            life.b = life.b.min(life.d);
            life.c = life.c.max(life.a);
        }
        self.lives.retain(|life| life.b != NEVER || life.c != NEVER);
        Ok(self)
    }
}

/// Events by their ranks among those of the operations at hand: one key's events are far apart.
struct Times {
    /// Ranks of (invocation, return) by place; none where the events' own numbers serve.
    ranks: Option<Vec<(u32, u32)>>,
    events: u32,
}

/// Up to so many events an operation, their own numbers serve.
const DENSE: usize = 4;

impl Times {
    fn of(ops: &[Contained]) -> Self {
        let ends = ops.iter().flat_map(|op| [op.invoked, op.returned]);
        let last = ends.filter(|&end| end != NEVER).max().unwrap_or(0);
        if (last as usize) < ops.len() * DENSE {
            return Self { ranks: None, events: last + 1 };
        }
        let mut ends: Vec<(u32, u32)> =
            (0..).zip(ops).map(|(place, op)| (op.returned, place)).collect();
        ends.retain(|&(end, _)| end != NEVER);
        ends.sort_unstable();
        let mut ranks = vec![(0, NEVER); ops.len()];
        let (mut events, mut ends) = (0, ends.into_iter().peekable());
        let mut next = |rank: &mut u32| {
            *rank = events;
            events += 1;
        };
        for (place, op) in ops.iter().enumerate() {
            while let Some((_, ended)) = ends.next_if(|&(end, _)| end < op.invoked) {
                next(&mut ranks[ended as usize].1);
            }
            next(&mut ranks[place].0);
        }
        for (_, ended) in ends {
            next(&mut ranks[ended as usize].1);
        }
        Self { ranks: Some(ranks), events }
    }

    fn of_op(&self, place: u32, op: &Contained) -> (u32, u32) {
        self.ranks.as_ref().map_or((op.invoked, op.returned), |ranks| ranks[place as usize])
    }
}
