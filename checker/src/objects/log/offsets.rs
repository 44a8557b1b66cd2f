//! The fast path of logs: offsets give the order of sends, in O(n log n).
//!
//! Each record was sent by the send that was told its offset, or by one of its value with an unknown
//! outcome: the first of these for the first such record, since only their invocations matter. Sends take effect in the order of their offsets, each as early as real time
//! and the sends before it allow, and a poll after the last record that it shows. Where even that
//! is too late, the send that forces it and the operation that it is too late for conflict.

use super::{Effect, Log, Rank};
use crate::{
    meter::Meter,
    objects::{NEVER, Timed, model::Fast, numbers::ValueNumber},
};

type Ops = [Timed<Effect>];

/// The places of operations that conflict.
type Conflict = Vec<u32>;

/// Decides a log; none where records of a value are more than the sends that may have sent them, or
/// where answers contradict each other.
pub(super) fn decide(log: &Log, ops: &Ops, meter: &Meter<'_>) -> Option<Fast<Effect>> {
    let coherent = |op: &Timed<Effect>| match &op.effect {
        Effect::Send(value, Some(rank)) => log.holds(*rank, *value),
        Effect::Send(_, None) => true,
        Effect::Poll(found) => found.iter().all(|&(rank, value)| log.holds(rank, value)),
    };
    if !meter.paced(ops).all(coherent) {
        return None;
    }
    let named = named(log, ops);
    let (senders, repeated) = match senders(log, ops, named.len())? {
        Ok(senders) => senders,
        Err(conflict) => return Some(Fast::Violation(vec![conflict])),
    };
    let known = senders.iter().zip(named).all(|(&sender, named)| named || sender != NEVER);
    let found = known.then(|| Sent { ops, senders }.order(meter))?;
    Some(
        found.map_or_else(
            |conflict| Fast::Violation(vec![honest(ops, conflict, repeated)]),
            Fast::Pass,
        ),
    )
}

/// In the order of places. Where sends of one value serve several records, which of them serves
/// which depends on all operations.
fn honest(ops: &Ops, mut conflict: Conflict, repeated: bool) -> Conflict {
    if repeated {
        return (0..ops.len() as u32).collect();
    }
    conflict.sort_unstable();
    conflict.dedup();
    conflict
}

/// Which records a send was told of, or a poll shows, up to the last of them.
fn named(log: &Log, ops: &Ops) -> Vec<bool> {
    let mut named = vec![false; log.offsets.len()];
    for op in ops {
        match &op.effect {
            Effect::Send(_, rank) => rank.iter().for_each(|&rank| named[rank as usize] = true),
            Effect::Poll(found) => found.iter().for_each(|&(rank, _)| named[rank as usize] = true),
        }
    }
    named.truncate(named.iter().rposition(|&named| named).map_or(0, |last| last + 1));
    named
}

/// The sender of each record, or [`NEVER`], and whether several sends of one value with unknown
/// outcomes are among them.
type Senders = (Vec<u32>, bool);

/// Which operation sent each record. None if that is open.
fn senders(log: &Log, ops: &Ops, count: usize) -> Option<Result<Senders, Conflict>> {
    let mut senders = vec![NEVER; count];
    let mut unknown: Vec<(ValueNumber, u32)> = Vec::new();
    for (place, op) in (0..).zip(ops) {
        match op.effect {
            Effect::Send(_, Some(rank)) if senders[rank as usize] != NEVER => {
                return Some(Err(vec![senders[rank as usize], place]));
            }
            Effect::Send(_, Some(rank)) => senders[rank as usize] = place,
            Effect::Send(value, None) => unknown.push((value, place)),
            Effect::Poll(_) => {}
        }
    }
    unknown.sort_unstable();
    let mut served = vec![0; unknown.len()];
    for (sender, &value) in senders.iter_mut().zip(&log.content) {
        if *sender != NEVER {
            continue;
        }
        // Of the sends of one value, the first one serves the first record: nothing else
        // distinguishes them.
        let first = unknown.partition_point(|&(other, _)| other < value);
        let Some(next) = served.get_mut(first) else { continue };
        match unknown.get(first + *next) {
            Some(&(other, place)) if other == value => (*sender, *next) = (place, *next + 1),
            _ if *next > 0 => return None,
            _ => {}
        }
    }
    let repeated = served.iter().any(|&served| served > 1);
    Some(Ok((senders, repeated)))
}

/// A log of which the senders are known.
struct Sent<'a> {
    ops: &'a Ops,
    senders: Vec<u32>,
}

impl Sent<'_> {
    /// An order of sends and polls, by their places.
    fn order(&self, meter: &Meter<'_>) -> Result<Vec<u32>, Conflict> {
        let latest = self.latest()?;
        let mut stands = Vec::with_capacity(self.ops.len());
        for (rank, (&place, &(moment, _))) in (0..).zip(self.senders.iter().zip(&latest)) {
            stands.push((moment, rank, place));
        }
        for (place, op) in meter.paced((0..).zip(self.ops)) {
            let Effect::Poll(found) = &op.effect else { continue };
            self.check_neighbours(place, found)?;
            let last = found.iter().map(|&(rank, _)| rank).max();
            let (moment, forcing) = last.map_or((0, NEVER), |last| latest[last as usize]);
            if moment > op.returned {
                return Err(self.shown(place, found, &self.witness(forcing)));
            }
            stands.push((moment.max(op.invoked), Rank::MAX, place));
        }
        stands.sort_unstable();
        Ok(stands.into_iter().map(|(.., place)| place).collect())
    }

    /// For each record the latest invocation among the sends up to it, and the record of that send.
    fn latest(&self) -> Result<Vec<(u32, Rank)>, Conflict> {
        let mut latest = Vec::with_capacity(self.senders.len());
        let mut last: (u32, Rank) = (0, NEVER);
        for (rank, &place) in (0..).zip(&self.senders) {
            let Some(op) = self.ops.get(place as usize) else {
                return Err(self.witness(rank));
            };
            if last.0 > op.returned {
                let mut conflict = self.witness(last.1);
                conflict.push(place);
                return Err(conflict);
            }
            if last.1 == NEVER || op.invoked > last.0 {
                last = (op.invoked, rank);
            }
            latest.push(last);
        }
        Ok(latest)
    }

    /// Operations that show where a record is: the send that was told so, or a poll.
    fn witness(&self, rank: Rank) -> Conflict {
        let sender = self.senders[rank as usize];
        let told = self.ops.get(sender as usize).map(|op| &op.effect);
        if matches!(told, Some(Effect::Send(_, Some(_)))) {
            return vec![sender];
        }
        let shows = |(place, op): (u32, &Timed<Effect>)| match &op.effect {
            Effect::Poll(found) if found.iter().any(|&(found, _)| found == rank) => {
                Some(self.shown(place, found, &[sender]))
            }
            _ => None,
        };
        (0..).zip(self.ops).find_map(shows).unwrap_or_default()
    }

    /// A poll shows records that stand next to each other.
    fn check_neighbours(&self, place: u32, found: &[(Rank, ValueNumber)]) -> Result<(), Conflict> {
        let apart = found.windows(2).find(|pair| pair[0].0.checked_add(1) != Some(pair[1].0));
        let Some(pair) = apart else { return Ok(()) };
        // What stands between them, if they are at least in order.
        let skipped = (pair[0].0 < pair[1].0).then(|| self.witness(pair[0].0 + 1));
        Err(self.shown(place, found, &skipped.unwrap_or_default()))
    }

    /// A poll, the senders of what it shows, and other operations.
    fn shown(&self, poll: u32, found: &[(Rank, ValueNumber)], others: &[u32]) -> Conflict {
        let senders = found.iter().map(|&(rank, _)| self.senders[rank as usize]);
        let mut places: Conflict = senders.chain([poll]).chain(others.iter().copied()).collect();
        places.retain(|&place| place != NEVER);
        places.sort_unstable();
        places.dedup();
        places
    }
}
