//! The inferred order of a register's versions, in words.

use super::{Context, Orders, Story, Told};
use crate::transactions::{
    extract::{INITIAL, Kind, NOBODY},
    graph::Edge,
    lists::Why,
    registers::Precedes,
};

/// How many versions of a circle are named.
const NAMED: usize = 8;

impl<'a> Context<'a> {
    /// The transactions, beyond the two of an edge, that show it, by source.
    pub(super) fn witnesses(&self, edge: Edge, why: &Why) -> Vec<u32> {
        match (self.orders, edge) {
            (Orders::Lists(_), Edge::Ww) => {
                let longest = self.longest_read(why.key);
                let reader = longest.map(|place| self.source(self.transaction_of(place)));
                reader.into_iter().collect()
            }
            (Orders::Registers(_), Edge::Ww | Edge::Rw) => match self.precedes(why) {
                Some(Precedes::Sequential(one, other) | Precedes::Linearizable(one, other)) => {
                    vec![self.source(one), self.source(other)]
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Why the version of one micro-operation precedes that of another.
    pub(super) fn precedes(&self, why: &Why) -> Option<Precedes> {
        let [from, to] = [why.from, why.to].map(|place| self.all.ops[place as usize]);
        match self.orders {
            Orders::Registers(orders) if to.kind == Kind::Write => {
                orders.reason(why.key, from.value, to.value)
            }
            _ => None,
        }
    }

    /// `(1) left x at 1 and had completed when (2) was invoked, which met 2`.
    pub(super) fn preceding(
        &self,
        key: u32,
        first: &str,
        second: &str,
        precedes: Precedes,
        story: &Story<'_>,
    ) -> String {
        let key = story.key(key);
        let quoted = |transaction: u32| story.quoted(self.source(transaction));
        match precedes {
            Precedes::Initial => format!("{first} is what {key} holds before all writes"),
            Precedes::WritesFollowReads => {
                format!("who wrote {second} had read {first} in the same transaction")
            }
            Precedes::Sequential(one, other) => format!(
                "client {} met {first} in {} and {second} later, in {}",
                story.operation(self.source(one)).process,
                quoted(one),
                quoted(other),
            ),
            Precedes::Linearizable(one, other) => format!(
                "{} left {key} at {first} and had completed{} when {} was invoked{}, which met \
                 {second}",
                quoted(one),
                story.at(story.operation(self.source(one)).completed),
                quoted(other),
                story.at(Some(story.operation(self.source(other)).invoked)),
            ),
        }
    }

    /// Versions that precede each other.
    pub(super) fn cyclic_versions(&self, key: u32, versions: &[u32]) -> (Story<'a>, Told) {
        let few = &versions[..versions.len().min(NAMED)];
        let pair = self.opposed(key, few);
        let mut sources: Vec<u32> = Vec::new();
        for (_, _, precedes) in &pair {
            if let Precedes::Sequential(one, other) | Precedes::Linearizable(one, other) = precedes
            {
                sources.extend([self.source(*one), self.source(*other)]);
            }
        }
        let named: Vec<u32> =
            if pair.is_empty() { few.to_vec() } else { pair.iter().map(|one| one.0).collect() };
        let writers = named.iter().filter(|version| **version != INITIAL);
        let writers = writers.map(|&version| self.all.writers[version as usize].transaction);
        sources.extend(writers.filter(|&one| one != NOBODY).map(|one| self.source(one)));
        let story = self.story(sources);
        let values: Vec<String> = named.iter().map(|&version| story.value(version)).collect();
        let name = story.key(key);
        let mut proof: Vec<String> = pair
            .iter()
            .map(|&(one, other, precedes)| {
                let (first, second) = (story.value(one), story.value(other));
                let why = self.preceding(key, &first, &second, precedes, &story);
                format!("{first} came before {second} in {name}: {why}.")
            })
            .collect();
        proof.push(format!(
            "So {} values of {name} come before each other in a circle: what was assumed of its \
             versions does not hold.",
            if pair.is_empty() { versions.len() } else { pair.len() }
        ));
        let sentence =
            format!("the values {} of {name} each come before the others", values.join(", "));
        let told = Told {
            sentence,
            proof,
            key: Some(self.all.key(self.history, key)),
            minimal: !pair.is_empty(),
            ..Told::default()
        };
        (story, told)
    }

    /// Two versions of which each precedes the other, both ways round.
    fn opposed(&self, key: u32, versions: &[u32]) -> Vec<(u32, u32, Precedes)> {
        let Orders::Registers(orders) = self.orders else { return Vec::new() };
        for (place, &one) in versions.iter().enumerate() {
            for &other in &versions[place + 1..] {
                let there = orders.reason(key, one, other);
                let back = orders.reason(key, other, one);
                if let (Some(there), Some(back)) = (there, back) {
                    return vec![(one, other, there), (other, one, back)];
                }
            }
        }
        Vec::new()
    }
}
