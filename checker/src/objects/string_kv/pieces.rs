//! The fast path of strings that are made of their pieces in one way only, in O(total length ·
//! log n).
//!
//! If no piece (what is put or appended, and what is there at first) begins with another one, what
//! a get finds tells of each append in it what it was appended to. All strings found make a tree
//! ([`Tree`]): a put makes a string from nothing, an append one from another. If what is put is
//! not put twice, the object passes through each of these strings once, and is a register with
//! unique values: a put writes, an append that somebody saw is a cas, a get reads. An append that
//! nobody saw stands after all that was seen of its string, and what follows it is a put or another
//! such append: it is a write that nobody read. The zones of registers decide that ([`zones`]).
//!
//! Where several operations append the same, which of them made which string is open: the ways that
//! real time leaves are tried one after the other ([`copies`]), as long as they are few. Where
//! nothing else is possible to tell, nothing is decided here.

mod copies;
mod tree;

use std::collections::BTreeSet;

use self::{
    copies::{Assignment, Assignments},
    tree::{Grown, Tree},
};
use super::{
    Effect, StringKv,
    texts::{TextId, Texts},
};
use crate::{
    Exhausted,
    meter::Meter,
    objects::{NEVER, Timed, model::Fast},
    register::{
        self, RegisterOp, ValueNumber,
        involved::involved,
        zones::{self, Arrangement},
    },
};

/// The places of operations that contradict each other.
type Conflict = Vec<u32>;

/// What was found.
enum Found {
    Order(Vec<u32>),
    Conflicts(Vec<Conflict>),
    Open,
}

/// Decides where it can.
pub(super) fn decide(
    model: &StringKv,
    ops: &[Timed<Effect>],
    meter: &Meter<'_>,
) -> Result<Option<Fast<Effect>>, Exhausted> {
    let Some(pieces) = Pieces::of(model, ops) else { return Ok(None) };
    meter.ask(ops.len())?;
    let found = examine(&pieces, meter)?;
    Ok(match found {
        Found::Order(order) => Some(Fast::Pass(order)),
        Found::Open => None,
        Found::Conflicts(conflicts) if !pieces.copied => Some(Fast::Violation(conflicts)),
        Found::Conflicts(conflicts) => Some(confirmed(model, ops, &conflicts, meter)?),
    })
}

/// Which copy made what may depend on operations that a conflict does not name: then the whole is
/// the conflict.
fn confirmed(
    model: &StringKv,
    ops: &[Timed<Effect>],
    conflicts: &[Conflict],
    meter: &Meter<'_>,
) -> Result<Fast<Effect>, Exhausted> {
    for conflict in conflicts {
        let part: Vec<Timed<Effect>> =
            conflict.iter().map(|&place| ops[place as usize].clone()).collect();
        meter.ask(part.len())?;
        let Some(pieces) = Pieces::of(model, &part) else { continue };
        if matches!(examine(&pieces, meter)?, Found::Conflicts(_)) {
            return Ok(Fast::Violation(vec![conflict.clone()]));
        }
    }
    Ok(Fast::Violation(vec![(0..ops.len() as u32).collect()]))
}

fn examine(pieces: &Pieces<'_>, meter: &Meter<'_>) -> Result<Found, Exhausted> {
    let tree = match Tree::of(pieces, meter)? {
        Grown::Tree(tree) => tree,
        Grown::Open => return Ok(Found::Open),
        Grown::Conflict(conflict) => return Ok(Found::Conflicts(vec![conflict])),
    };
    let Some(assignments) = Assignments::of(pieces, &tree) else { return Ok(Found::Open) };
    let mut conflicts = Vec::new();
    for assignment in assignments.iter() {
        meter.ask(pieces.ops.len())?;
        let register = pieces.register(&tree, &assignment);
        let arrangement = zones::arrange(&register, meter);
        meter.in_time()?;
        match arrangement {
            Arrangement::Order(order) => return Ok(Found::Order(order)),
            Arrangement::Repeated => return Ok(Found::Open),
            Arrangement::Conflicts(found) => {
                let involved = found.iter().map(|conflict| involved(&register, conflict));
                conflicts = involved
                    .map(|ops| {
                        let sources = ops.iter().map(|op| op.source);
                        pieces.explained(&tree, &assignment, sources)
                    })
                    .collect();
            }
        }
    }
    Ok(Found::Conflicts(conflicts))
}

/// Who puts in and appends what.
struct Pieces<'a> {
    ops: &'a [Timed<Effect>],
    texts: Texts,
    /// What is there at first, if that is a text.
    initial: Option<TextId>,
    /// For each text the puts of it, and the appends, by their places.
    puts: Vec<Vec<u32>>,
    appends: Vec<Vec<u32>>,
    /// Whether some text has more than one of them.
    copied: bool,
    /// The certain put that returned first: nothing is empty after it.
    first_put: Option<u32>,
}

impl<'a> Pieces<'a> {
    /// None if strings may be made of them in several ways, or what is there at first is put.
    fn of(model: &StringKv, ops: &'a [Timed<Effect>]) -> Option<Self> {
        let empty = model.initial.is_empty();
        let mut all = Vec::with_capacity(ops.len());
        all.extend((!empty).then(|| model.initial.as_str().into()));
        let mut single = true;
        for op in ops {
            match &op.effect {
                Effect::Get(_) => {}
                Effect::Put(piece) => all.push(piece.clone()),
                Effect::Append(piece) => {
                    single = false;
                    all.push(piece.clone());
                }
            }
        }
        let texts = Texts::new(all, single)?;
        let initial = if empty { None } else { texts.find(&model.initial) };
        let (puts, appends) = (vec![Vec::new(); texts.count()], vec![Vec::new(); texts.count()]);
        let mut pieces =
            Self { ops, texts, initial, puts, appends, copied: false, first_put: None };
        pieces.sort();
        let put_again = initial.is_some_and(|initial| !pieces.puts[initial as usize].is_empty());
        (!put_again).then_some(pieces)
    }

    fn sort(&mut self) {
        for (place, op) in (0..).zip(self.ops) {
            let (all, piece) = match &op.effect {
                Effect::Get(_) => continue,
                Effect::Put(piece) => (&mut self.puts, piece),
                Effect::Append(piece) => (&mut self.appends, piece),
            };
            if let Some(text) = self.texts.find(piece) {
                all[text as usize].push(place);
            }
        }
        let many = |(puts, appends): (&Vec<u32>, &Vec<u32>)| puts.len() + appends.len() > 1;
        self.copied = self.puts.iter().zip(&self.appends).any(many);
        let puts = self.puts.iter().flatten().copied();
        let certain = puts.filter(|&place| self.op(place).certain());
        self.first_put = certain.min_by_key(|&place| self.op(place).returned);
    }

    fn op(&self, place: u32) -> &'a Timed<Effect> {
        &self.ops[place as usize]
    }

    fn found(&self, get: u32) -> &'a str {
        match &self.op(get).effect {
            Effect::Get(found) => found,
            Effect::Put(_) | Effect::Append(_) => "",
        }
    }

    /// Whether a text is both put and appended to nothing, as far as texts tell.
    fn is_contested(&self, text: TextId) -> bool {
        let text = text as usize;
        self.initial.is_none() && !self.puts[text].is_empty() && !self.appends[text].is_empty()
    }

    /// Whether what a get found may have begun with a put of this.
    fn may_be_put(&self, text: TextId, get: u32) -> bool {
        let mut puts = self.puts[text as usize].iter();
        puts.any(|&put| self.op(put).invoked < self.op(get).returned)
    }

    /// Whether what a get found may have begun with an append of this to the empty string, which
    /// no longer is there once a put has returned. (Where nobody puts it, it has to.)
    fn may_begin_empty(&self, text: TextId, get: u32) -> bool {
        let replaced = self.first_put.map_or(NEVER, |put| self.op(put).returned);
        let until = replaced.min(self.op(get).returned);
        let contested = self.is_contested(text);
        let in_time = |&append: &u32| !contested || self.op(append).invoked < until;
        self.initial.is_none()
            && (!contested || self.op(get).invoked < replaced)
            && self.appends[text as usize].iter().any(in_time)
    }

    /// All operations that put these texts in or append them.
    fn all_of(&self, texts: impl IntoIterator<Item = TextId>) -> impl Iterator<Item = u32> {
        texts.into_iter().flat_map(|text| {
            self.puts[text as usize].iter().chain(&self.appends[text as usize]).copied()
        })
    }

    /// The operations as those of a register, at the same places.
    fn register(&self, tree: &Tree, assignment: &Assignment) -> Vec<RegisterOp> {
        let strings = tree.count() as ValueNumber;
        let unseen = |place: u32| register::Effect::Write(strings + place);
        let effect = |place: u32, op: &Timed<Effect>| match &op.effect {
            Effect::Get(_) => register::Effect::Read(tree.found(place)),
            Effect::Put(_) => {
                assignment.string_of(place).map_or(unseen(place), register::Effect::Write)
            }
            Effect::Append(_) => assignment.string_of(place).map_or(unseen(place), |string| {
                register::Effect::Cas { old: tree.node(string).parent, new: string }
            }),
        };
        let reduced = |(place, op): (u32, &Timed<Effect>)| RegisterOp {
            effect: effect(place, op),
            invoked: op.invoked,
            returned: op.returned,
            source: place,
        };
        (0..).zip(self.ops).map(reduced).collect()
    }

    /// These operations with all that shows what they were appended to: of an append that was seen
    /// a get that shows it, and of a get all that could have made what it found. Whoever leaves the
    /// others out leaves every legal history legal: nothing of theirs is found here.
    fn explained(
        &self,
        tree: &Tree,
        assignment: &Assignment,
        places: impl Iterator<Item = u32>,
    ) -> Conflict {
        let mut all = BTreeSet::new();
        for place in places {
            all.insert(place);
            let get = match self.op(place).effect {
                Effect::Get(_) => Some(place),
                Effect::Append(_) => {
                    assignment.string_of(place).map(|string| tree.shown_by(string))
                }
                Effect::Put(_) => None,
            };
            if let Some(get) = get {
                all.insert(get);
                self.cause(get, &mut all);
            }
        }
        all.into_iter().collect()
    }

    /// Adds all that could have made what a get found.
    fn cause(&self, get: u32, all: &mut BTreeSet<u32>) {
        let texts: Vec<TextId> = self.texts.split(self.found(get)).collect();
        let first = texts.first().filter(|&&first| !self.appends[first as usize].is_empty());
        if first.is_some() {
            all.extend(self.first_put);
        }
        all.extend(self.all_of(texts));
    }
}
