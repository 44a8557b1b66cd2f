//! Which of several operations that append the same made which string.

use super::{
    Effect, Pieces,
    tree::{INITIAL, Tree},
};
use crate::{objects::NEVER, register::ValueNumber};

/// How many ways are tried.
const MOST: usize = 64;

/// How many operations are looked at to find the ways of one text.
const LOOKS: usize = 1 << 14;

/// Which string each operation made, if somebody saw that; by its place.
#[derive(Debug, Clone)]
pub(super) struct Assignment(Vec<ValueNumber>);

impl Assignment {
    pub(super) fn string_of(&self, place: u32) -> Option<ValueNumber> {
        Some(self.0[place as usize]).filter(|&string| string != INITIAL)
    }

    fn assign(&mut self, string: ValueNumber, place: u32) {
        self.0[place as usize] = string;
    }
}

/// Strings that end alike, each with the place of the operation that made it.
type Way = Vec<(ValueNumber, u32)>;

/// Every assignment that real time leaves.
pub(super) struct Assignments {
    /// Where there is no choice.
    known: Assignment,
    /// The ways of each text of which there are several appends.
    choices: Vec<Vec<Way>>,
}

impl Assignments {
    /// None if they are too many to be tried.
    pub(super) fn of(pieces: &Pieces<'_>, tree: &Tree) -> Option<Self> {
        let mut ends: Vec<Vec<ValueNumber>> = vec![Vec::new(); pieces.texts.count()];
        let mut known = Assignment(vec![INITIAL; pieces.ops.len()]);
        for (string, node) in tree.strings() {
            let text = node.text as usize;
            match (node.is_appended(), pieces.appends[text].as_slice()) {
                (true, [append]) => known.assign(string, *append),
                (true, _) => ends[text].push(string),
                (false, _) => known.assign(string, pieces.puts[text][0]),
            }
        }
        let windows = Windows::of(pieces, tree, &known);
        let (mut choices, mut count) = (Vec::new(), 1);
        for (strings, appends) in ends.iter().zip(&pieces.appends) {
            if strings.is_empty() {
                continue;
            }
            let ways = Ways::of(pieces, &windows, strings, appends)?;
            count *= ways.len();
            if count > MOST {
                return None;
            }
            choices.push(ways);
        }
        Some(Self { known, choices })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Assignment> {
        let count = self.choices.iter().map(Vec::len).product();
        (0..count).map(|number| self.numbered(number))
    }

    fn numbered(&self, mut number: usize) -> Assignment {
        let mut assignment = self.known.clone();
        for ways in &self.choices {
            for &(string, place) in &ways[number % ways.len()] {
                assignment.assign(string, place);
            }
            number /= ways.len();
        }
        assignment
    }
}

/// A search for the ways in which some operations may have made some strings.
struct Ways<'a> {
    /// For each string the operations that real time admits.
    admitted: Vec<(ValueNumber, Vec<u32>)>,
    way: Way,
    found: Vec<Way>,
    looks: usize,
    appends: &'a [u32],
}

impl<'a> Ways<'a> {
    /// None if they are too many. Where real time leaves none, one that it contradicts: that is
    /// then in conflict, as all others are.
    fn of(
        pieces: &Pieces<'_>,
        windows: &Windows,
        strings: &[ValueNumber],
        appends: &'a [u32],
    ) -> Option<Vec<Way>> {
        if strings.len() * appends.len() > LOOKS {
            return None;
        }
        let admitted = strings.iter().map(|&string| {
            let admits = |append: &&u32| windows.admits(pieces, string, **append);
            (string, appends.iter().filter(admits).copied().collect())
        });
        let mut ways = Self {
            admitted: admitted.collect(),
            way: Vec::new(),
            found: Vec::new(),
            looks: 0,
            appends,
        };
        ways.extend();
        if ways.looks > LOOKS || ways.found.len() > MOST {
            return None;
        }
        if ways.found.is_empty() {
            ways.found.push(strings.iter().copied().zip(ways.appends.iter().copied()).collect());
        }
        Some(ways.found)
    }

    /// Completes the way in all ways, as long as there are few.
    fn extend(&mut self) {
        let Some((string, admitted)) = self.admitted.get(self.way.len()).cloned() else {
            return self.found.push(self.way.clone());
        };
        for append in admitted {
            self.looks += 1;
            if self.looks > LOOKS || self.found.len() > MOST {
                return;
            }
            if self.way.iter().all(|&(_, used)| used != append) {
                self.way.push((string, append));
                self.extend();
                self.way.pop();
            }
        }
    }
}

/// When each string was made, as far as other operations tell.
struct Windows {
    /// Something that came before it was invoked as late as this.
    after: Vec<u32>,
    /// Something that came after it, or with it, returned as early as this.
    before: Vec<u32>,
}

impl Windows {
    fn of(pieces: &Pieces<'_>, tree: &Tree, known: &Assignment) -> Self {
        let (mut invoked, mut before) = (vec![0; tree.count()], vec![NEVER; tree.count()]);
        for (place, op) in (0..).zip(pieces.ops) {
            let string = match op.effect {
                Effect::Get(_) => Some(tree.found(place)),
                Effect::Put(_) | Effect::Append(_) => known.string_of(place),
            };
            if let Some(string) = string {
                let (invoked, before) =
                    (&mut invoked[string as usize], &mut before[string as usize]);
                *invoked = op.invoked.max(*invoked);
                *before = op.returned.min(*before);
            }
        }
        let mut after = vec![0; tree.count()];
        for (string, node) in tree.strings().filter(|(_, node)| node.is_appended()) {
            let parent = node.parent as usize;
            after[string as usize] = invoked[parent].max(after[parent]);
        }
        for (string, node) in tree.strings().rev().filter(|(_, node)| node.is_appended()) {
            let parent = node.parent as usize;
            before[parent] = before[parent].min(before[string as usize]);
        }
        Self { after, before }
    }

    fn admits(&self, pieces: &Pieces<'_>, string: ValueNumber, append: u32) -> bool {
        let op = pieces.op(append);
        op.invoked < self.before[string as usize] && op.returned > self.after[string as usize]
    }
}
