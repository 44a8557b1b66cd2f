//! The fast path of strings whose pieces are all different, in O(total length · log n).
//!
//! If no piece (what is put or appended, and what is there at first) begins with another one, a
//! string is made of pieces in one way only. Then what a get finds tells of each append in it what
//! it was appended to, and the string is as good as its last piece: a put writes it, an append that
//! somebody saw is a cas from the piece before, a get reads. An append that nobody saw stands after
//! all that was seen of its string, and what follows it is a put or another such append: it is a
//! write that nobody read. So the string is a register with unique values, and the zones of
//! registers decide it ([`zones`]). Where pieces are not like that, nothing is decided here.

use std::collections::HashMap;

use super::{Effect, StringKv};
use crate::{
    Exhausted,
    meter::Meter,
    objects::{Timed, model::Fast},
    register::{
        self, RegisterOp, ValueNumber,
        involved::involved,
        zones::{self, Arrangement},
    },
};

/// The register's initial value: the initial string.
const INITIAL: ValueNumber = 0;

/// The value that stands for the piece of the operation at this place.
fn number(place: u32) -> ValueNumber {
    place + 1
}

/// Decides where it can.
pub(super) fn decide(
    model: &StringKv,
    ops: &[Timed<Effect>],
    meter: &Meter<'_>,
) -> Result<Option<Fast<Effect>>, Exhausted> {
    let Some(pieces) = Pieces::of(model, ops) else { return Ok(None) };
    meter.ask(ops.len())?;
    let seen = match Seen::of(&pieces, ops, meter)? {
        Ok(seen) => seen,
        Err(conflict) => return Ok(Some(Fast::Violation(vec![conflict]))),
    };
    let register = seen.register(ops);
    meter.ask(ops.len())?;
    Ok(match zones::arrange(&register) {
        Arrangement::Repeated => None,
        Arrangement::Order(order) => Some(Fast::Pass(order)),
        Arrangement::Conflicts(conflicts) => {
            let conflicts = conflicts.iter().map(|conflict| involved(&register, conflict));
            let told = conflicts.map(|ops| seen.explained(&pieces, ops.iter().map(|op| op.source)));
            Some(Fast::Violation(told.collect()))
        }
    })
}

/// What strings are made of.
struct Pieces<'a> {
    ops: &'a [Timed<Effect>],
    /// The pieces with their numbers, in the order of the alphabet.
    sorted: Vec<(&'a str, ValueNumber)>,
    /// Whether there are appends; without them a string is one piece.
    appends: bool,
    /// Nothing is there at first.
    empty: bool,
}

impl<'a> Pieces<'a> {
    /// None if strings may be made of them in several ways.
    fn of(model: &'a StringKv, ops: &'a [Timed<Effect>]) -> Option<Self> {
        let empty = model.initial.is_empty();
        let mut sorted: Vec<(&str, ValueNumber)> = Vec::with_capacity(ops.len());
        sorted.extend((!empty).then_some((model.initial.as_str(), INITIAL)));
        let mut appends = false;
        for (place, op) in (0..).zip(ops) {
            match &op.effect {
                Effect::Get(_) => {}
                Effect::Put(piece) | Effect::Append(piece) if piece.is_empty() => return None,
                Effect::Put(piece) => sorted.push((piece, number(place))),
                Effect::Append(piece) => {
                    appends = true;
                    sorted.push((piece, number(place)));
                }
            }
        }
        sorted.sort_unstable();
        // What begins with a piece stands right after it.
        let distinct = |pair: &[(&str, ValueNumber)]| {
            if appends { !pair[1].0.starts_with(pair[0].0) } else { pair[0].0 != pair[1].0 }
        };
        let distinct = sorted.windows(2).all(distinct);
        distinct.then_some(Self { ops, sorted, appends, empty })
    }

    /// The piece with which a string begins.
    fn first(&self, found: &str) -> Option<(&'a str, ValueNumber)> {
        let after = self.sorted.partition_point(|(piece, _)| *piece <= found);
        let begins = |(piece, _): &&(&str, ValueNumber)| {
            if self.appends { found.starts_with(piece) } else { *piece == found }
        };
        self.sorted[..after].last().filter(begins).copied()
    }

    /// Whether a piece replaces what was there.
    fn replaces(&self, number: ValueNumber) -> bool {
        number == INITIAL || matches!(self.ops[number as usize - 1].effect, Effect::Put(_))
    }

    /// The pieces of a string, from the initial string or a put on. The error has those up to where
    /// it could not have been made of pieces.
    fn split(&self, found: &str) -> Result<Vec<ValueNumber>, Vec<ValueNumber>> {
        let (mut rest, mut split) = (found, Vec::new());
        while !rest.is_empty() {
            let Some((piece, number)) = self.first(rest) else { return Err(split) };
            if split.is_empty() && self.empty && !self.replaces(number) {
                split.push(INITIAL);
            }
            if split.is_empty() != self.replaces(number) {
                return Err(split);
            }
            split.push(number);
            rest = &rest[piece.len()..];
        }
        if split.is_empty() && self.empty {
            split.push(INITIAL);
        }
        if split.is_empty() { Err(split) } else { Ok(split) }
    }
}

/// What gets found.
struct Seen {
    /// Of each piece that was seen after another one, that one; by its number.
    before: Vec<Option<ValueNumber>>,
    /// The get that showed it.
    shown_by: Vec<u32>,
    /// The last piece that each get found, by its place.
    last: HashMap<u32, ValueNumber>,
}

impl Seen {
    fn of(
        pieces: &Pieces<'_>,
        ops: &[Timed<Effect>],
        meter: &Meter<'_>,
    ) -> Result<Result<Self, Vec<u32>>, Exhausted> {
        let mut seen = Self {
            before: vec![None; ops.len() + 1],
            shown_by: vec![0; ops.len() + 1],
            last: HashMap::new(),
        };
        let mut passed = 0;
        let mut known: HashMap<&str, ValueNumber> = HashMap::new();
        for (place, op) in (0..).zip(ops) {
            let Effect::Get(found) = &op.effect else { continue };
            if let Some(&last) = known.get(&**found) {
                seen.last.insert(place, last);
                continue;
            }
            meter.ask_after(&mut passed, found.len())?;
            match seen.take(pieces, place, found) {
                Ok(last) => {
                    known.insert(found, last);
                    seen.last.insert(place, last);
                }
                Err(conflict) => return Ok(Err(conflict)),
            }
        }
        Ok(Ok(seen))
    }

    /// What a get found, by its last piece; or the places of operations that contradict each other.
    fn take(
        &mut self,
        pieces: &Pieces<'_>,
        get: u32,
        found: &str,
    ) -> Result<ValueNumber, Vec<u32>> {
        let split = pieces
            .split(found)
            .map_err(|split| in_order(split.into_iter().filter_map(place_of).chain([get])))?;
        for pair in split.windows(2) {
            let (before, piece) = (pair[0], pair[1]);
            match self.before[piece as usize] {
                None => {
                    self.before[piece as usize] = Some(before);
                    self.shown_by[piece as usize] = get;
                }
                Some(other) if other != before => {
                    let other = self.shown_by[piece as usize];
                    return Err(self.explained(pieces, [other, get].into_iter()));
                }
                Some(_) => {}
            }
        }
        Ok(split.last().copied().unwrap_or(INITIAL))
    }

    /// The operations as those of a register, at the same places.
    fn register(&self, ops: &[Timed<Effect>]) -> Vec<RegisterOp> {
        let effect = |place: u32, effect: &Effect| match effect {
            Effect::Get(_) => register::Effect::Read(self.last[&place]),
            Effect::Put(_) => register::Effect::Write(number(place)),
            Effect::Append(_) => match self.before[number(place) as usize] {
                Some(old) => register::Effect::Cas { old, new: number(place) },
                None => register::Effect::Write(number(place)),
            },
        };
        let reduced = |(place, op): (u32, &Timed<Effect>)| RegisterOp {
            effect: effect(place, &op.effect),
            invoked: op.invoked,
            returned: op.returned,
            source: place,
        };
        (0..).zip(ops).map(reduced).collect()
    }

    /// These operations with all that shows what they were appended to: of an append that was seen
    /// a get that shows it, and of a get all that it found.
    fn explained(&self, pieces: &Pieces<'_>, places: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut all = Vec::new();
        for place in places {
            all.push(place);
            let get = match &pieces.ops[place as usize].effect {
                Effect::Get(_) => place,
                _ if self.before[number(place) as usize].is_some() => {
                    self.shown_by[number(place) as usize]
                }
                _ => continue,
            };
            let Effect::Get(found) = &pieces.ops[get as usize].effect else { continue };
            all.push(get);
            all.extend(pieces.split(found).into_iter().flatten().filter_map(place_of));
        }
        in_order(all.into_iter())
    }
}

/// The operation that a piece comes from.
fn place_of(number: ValueNumber) -> Option<u32> {
    number.checked_sub(1)
}

fn in_order(places: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut places: Vec<u32> = places.collect();
    places.sort_unstable();
    places.dedup();
    places
}
