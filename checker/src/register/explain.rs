//! Says why a small violation is one.

use super::{
    Effect, RegisterOp, ValueNumber,
    alternatives::{legal_instead, recent_values},
    judge::{Evidence, Judgement},
    minimize::Core,
    operations::INITIAL,
    story::{Story, Told},
    zones::{Conflict, Zone},
};
use crate::meter::Meter;

/// A read misses an acknowledged write that had completed before it began.
pub(crate) const STALE_READ: &str = "stale-read";
/// No legal order, and none of the plainer names fits.
pub(crate) const NON_LINEARIZABLE: &str = "non-linearizable";

/// The kind of a violation, and the words for it (what would have been legal is not known yet).
pub(crate) fn explain(story: &Story<'_>, core: &Core, meter: &Meter<'_>) -> (&'static str, Told) {
    let conflict = match super::judge::fast(story.ops(), meter) {
        Ok(Some(Judgement::Violation(Evidence::Conflicts(found)))) => found.first().copied(),
        _ => None,
    };
    let explaining = Explaining { story, meter };
    let (kind, sentence, proof, culprit) = match conflict {
        Some(Conflict::Between { stale, fresh }) => explaining.between(&stale, &fresh),
        Some(Conflict::Inside { earlier, later }) => explaining.inside(earlier, later),
        Some(Conflict::TwoCas { value, first, second }) => explaining.two_cas(value, first, second),
        Some(Conflict::Rootless { value }) => explaining.rootless(value),
        None => explaining.no_order(),
    };
    let told = Told { sentence, proof, culprit, legal: None, minimal: core.minimal };
    (kind, told)
}

type Explanation = (&'static str, String, Vec<String>, u32);

struct Explaining<'a, 'b> {
    story: &'a Story<'b>,
    meter: &'a Meter<'a>,
}

impl Explaining<'_, '_> {
    fn op(&self, place: u32) -> &RegisterOp {
        &self.story.ops()[place as usize]
    }

    fn number(&self, op: &RegisterOp) -> String {
        self.story.number(op.source)
    }

    /// The value that an operation shows to be there: the one it wrote, else the one it found.
    fn shown(&self, place: Option<u32>) -> ValueNumber {
        place.map_or(INITIAL, |place| {
            let effect = self.op(place).effect;
            effect.written().or(effect.demanded()).unwrap_or(INITIAL)
        })
    }

    /// The value that an operation found.
    fn found(op: &RegisterOp) -> ValueNumber {
        op.effect.tested().or(op.effect.written()).unwrap_or(INITIAL)
    }

    /// Who could have told: an acknowledged change of the fresh block that was over before the
    /// culprit began.
    fn missed(&self, fresh: &Zone, culprit: &RegisterOp) -> Option<&RegisterOp> {
        let values = [self.shown(fresh.first), self.shown(fresh.last)];
        let changes = self.story.ops().iter().filter(|op| {
            op.effect.written().is_some_and(|value| values.contains(&value))
                && op.returned < culprit.invoked
        });
        changes.min_by_key(|op| op.returned)
    }

    fn between(&self, stale: &Zone, fresh: &Zone) -> Explanation {
        let last = stale.last.expect("the stale block was seen last");
        let culprit = self.op(last);
        let newer = self.op(fresh.first.expect("only the initial value is there at once"));
        let missed = self.missed(fresh, culprit).filter(|_| is_read(culprit));
        let (kind, although) = match missed {
            Some(write) => (STALE_READ, self.had_been_acknowledged(write, culprit)),
            None => (NON_LINEARIZABLE, self.had_shown(newer, culprit)),
        };
        let sentence = format!("{}, although {although}", self.story.deed(culprit));
        let proof = self.steps_between(stale, fresh, culprit);
        (kind, sentence, proof, culprit.source)
    }

    fn had_been_acknowledged(&self, write: &RegisterOp, culprit: &RegisterOp) -> String {
        let lead = self.story.lead(write, culprit);
        let change = self.story.change(write);
        format!("{change} had been acknowledged {lead}before it began")
    }

    fn had_shown(&self, newer: &RegisterOp, culprit: &RegisterOp) -> String {
        if newer.effect.written().is_some() {
            return self.had_been_acknowledged(newer, culprit);
        }
        format!(
            "a read by {} had returned {}, which is newer, {}before it began",
            self.story.who(newer.source),
            self.story.value(Self::found(newer)),
            self.story.lead(newer, culprit)
        )
    }

    fn steps_between(&self, stale: &Zone, fresh: &Zone, culprit: &RegisterOp) -> Vec<String> {
        let story = self.story;
        let (old, new) = (self.shown(stale.first), self.shown(fresh.last));
        let mut proof = self.chains();
        let later = fresh.last.map(|place| self.op(place));
        proof.push(match (stale.first, later) {
            (Some(first), Some(later)) => format!(
                "{}, before {} began{}: so {} was there before {}.",
                story.shows(self.op(first)),
                self.number(later),
                story.invoked_at(later),
                story.value(old),
                story.value(new)
            ),
            _ => format!(
                "{} is the initial value: it was there before {}.",
                story.value(old),
                story.value(new)
            ),
        });
        if let Some(first) = fresh.first {
            proof.push(format!(
                "{}, before {} began{}: so {} was there before {} looked.",
                story.shows(self.op(first)),
                self.number(culprit),
                story.invoked_at(culprit),
                story.value(self.shown(Some(first))),
                self.number(culprit)
            ));
        }
        proof.push(self.over(culprit, new));
        proof
    }

    /// The last step: the value cannot have come back.
    fn over(&self, culprit: &RegisterOp, new: ValueNumber) -> String {
        let story = self.story;
        let (found, number) = (Self::found(culprit), self.number(culprit));
        format!(
            "{} was not written again, so it was gone for good when {} was there; but {number} found \
             it.",
            story.value(found),
            story.value(new)
        )
    }

    /// The cas that tie values together.
    fn chains(&self) -> Vec<String> {
        let cas = self.story.ops().iter().filter_map(|op| match op.effect {
            Effect::Cas { old, new } => Some(format!(
                "{} is a cas: nothing came between {} and {}.",
                self.number(op),
                self.story.value(old),
                self.story.value(new)
            )),
            _ => None,
        });
        cas.collect()
    }

    fn inside(&self, earlier: u32, later: u32) -> Explanation {
        let (first, second) = (self.op(earlier), self.op(later));
        if first.effect.written().is_some() {
            return self.too_soon(first, second);
        }
        let chain =
            self.story.ops().iter().filter(|op| {
                matches!(op.effect, Effect::Cas { .. }) && op.returned < first.invoked
            });
        let missed = chain.min_by_key(|op| op.returned).filter(|_| is_read(first));
        let (kind, although) = match missed {
            Some(write) => (STALE_READ, self.had_been_acknowledged(write, first)),
            None => (NON_LINEARIZABLE, self.had_shown(second, first)),
        };
        let sentence = format!("{}, although {although}", self.story.deed(first));
        let mut proof = self.chains();
        let new = self.shown(Some(later));
        proof.push(format!(
            "{}, before {} began{}: so {} was there before {} looked.",
            self.story.shows(second),
            self.number(first),
            self.story.invoked_at(first),
            self.story.value(new),
            self.number(first)
        ));
        proof.push(self.over(first, new));
        (kind, sentence, proof, first.source)
    }

    /// Somebody saw a value before its write began.
    fn too_soon(&self, write: &RegisterOp, seen: &RegisterOp) -> Explanation {
        let story = self.story;
        let value = story.value(write.effect.written().unwrap_or(INITIAL));
        let sentence = format!("{} before {} began", story.deed(seen), story.change(write));
        let mut proof = self.chains();
        proof.push(format!(
            "Nobody began to write {value} before {} did{}.",
            self.number(write),
            story.invoked_at(write)
        ));
        proof.push(format!("{}, before that.", story.shows(seen)));
        (NON_LINEARIZABLE, sentence, proof, seen.source)
    }

    fn two_cas(&self, value: ValueNumber, first: u32, second: u32) -> Explanation {
        let story = self.story;
        let (one, other) = (self.op(first), self.op(second));
        let old = story.value(value);
        let sentence = format!(
            "two cas{} from {old} succeeded ({}; {}), although {old} was not written again in between",
            story.of_key(),
            story.who(one.source),
            story.who(other.source)
        );
        let writer = story.ops().iter().find(|op| op.effect.written() == Some(value));
        let there = match writer {
            Some(writer) => {
                format!("{} wrote {old}, and nobody wrote it again.", self.number(writer))
            }
            None => format!("{old} is the initial value, and nobody wrote it again."),
        };
        let proof = vec![
            there,
            format!(
                "{} and {} each found {old} and replaced it; whichever came second cannot have \
                 found it.",
                self.number(one),
                self.number(other)
            ),
        ];
        (NON_LINEARIZABLE, sentence, proof, other.source)
    }

    fn rootless(&self, value: ValueNumber) -> Explanation {
        let seen = self.story.ops().iter().rfind(|op| op.effect.demanded() == Some(value));
        let culprit = seen.unwrap_or(&self.story.ops()[0]);
        let value = self.story.value(value);
        let sentence = format!(
            "{}, although nobody wrote a value that {value} could come from",
            self.story.deed(culprit)
        );
        let mut proof = self.chains();
        proof.push(format!(
            "Followed back from {value}, these cas lead to no write and not to the initial value."
        ));
        (NON_LINEARIZABLE, sentence, proof, culprit.source)
    }

    /// Repeated values and refused cas: only that there is no order.
    fn no_order(&self) -> Explanation {
        let observed = |op: &&RegisterOp| op.effect.tested().is_some() && op.certain();
        let ops = self.story.ops();
        let culprit = ops.iter().filter(observed).max_by_key(|op| op.returned).unwrap_or(&ops[0]);
        let sentence = format!(
            "{}, which no order of the other operations explains",
            self.story.deed(culprit)
        );
        let offered = recent_values(ops, ops.len());
        let possible = legal_instead(ops, culprit, &offered, self.meter);
        let possible: Vec<String> =
            possible.into_iter().map(|value| self.story.value(value)).collect();
        let number = self.number(culprit);
        let held = format!(
            "Whichever way operations that overlap are placed, the register holds {} as long as \
             {number} is open.",
            if possible.is_empty() { "no such value".to_owned() } else { possible.join(" or ") }
        );
        let found = self.story.value(Self::found(culprit));
        let demanded = match culprit.effect {
            Effect::Differs(_) => {
                format!("{number} was refused: it found another value than {found}.")
            }
            _ => format!("{number} found {found}."),
        };
        (NON_LINEARIZABLE, sentence, vec![held, demanded], culprit.source)
    }
}

fn is_read(op: &RegisterOp) -> bool {
    matches!(op.effect, Effect::Read(_))
}

#[cfg(test)]
mod tests;
