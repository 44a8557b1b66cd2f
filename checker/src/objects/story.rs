//! Tells of a small violation of any model: the sentence, the numbered proof, what would have been
//! legal.

use temblor_history::Witness;

use super::{
    Timed,
    extract::Object,
    minimize::Core,
    possible,
    words::{Reason, Say, Words},
};
use crate::{cast::Cast, findings::Finding, meter::Meter};

/// No legal order, and none of the plainer names fits.
pub(crate) const NON_LINEARIZABLE: &str = "non-linearizable";

/// A small violation with what its words need.
pub(crate) struct Story<'a, M: Words> {
    pub(crate) object: &'a Object<M>,
    pub(crate) core: &'a Core<M>,
    pub(crate) cast: Cast<'a>,
    pub(crate) say: Say<'a>,
    /// The operation with whose answer it becomes a violation.
    pub(crate) culprit: &'a Timed<M::Effect>,
}

/// How many states and answers are told.
const TOLD: usize = 4;

impl<'a, M: Words> Story<'a, M> {
    pub(crate) fn new(
        history: &'a temblor_history::History,
        object: &'a Object<M>,
        core: &'a Core<M>,
    ) -> Self {
        let ops = core.part.ops.iter().chain(&core.base);
        let cast = Cast::new(history, ops.map(|op| op.source));
        let last = core.part.ops.iter().find(|op| op.returned == core.event);
        let culprit = last.unwrap_or(&core.part.ops[0]);
        Self { object, core, cast, say: Say { history, numbers: &object.numbers }, culprit }
    }

    /// The operations of the violation, in the order of invocations.
    pub(crate) fn ops(&self) -> &'a [Timed<M::Effect>] {
        &self.core.part.ops
    }

    /// Operations that were over before the culprit began.
    pub(crate) fn before(&self) -> impl Iterator<Item = &'a Timed<M::Effect>> {
        let begun = self.culprit.invoked;
        self.ops().iter().filter(move |op| op.returned < begun)
    }

    /// `the enqueue of 5 (client 0 on n1)`.
    pub(crate) fn the(&self, op: &Timed<M::Effect>) -> String {
        let deed = self.object.model.deed(self.say, &op.effect);
        format!("the {} ({})", deed.what, self.cast.who(op.source))
    }

    /// `the enqueue of 5 (client 0 on n1) had been acknowledged 1.2 s before it began`.
    pub(crate) fn had_been_acknowledged(&self, op: &Timed<M::Effect>) -> String {
        let lead = self.cast.lead(op.source, self.culprit.source);
        format!("{} had been acknowledged {lead}before it began", self.the(op))
    }

    /// The finding, with all its words.
    pub(crate) fn finding(&self, meter: &Meter<'_>) -> Finding {
        let reason = self.object.model.reason(self);
        let states = possible::states(&self.core.part, self.culprit.source);
        let kind = reason.as_ref().map_or(NON_LINEARIZABLE, |reason| reason.kind);
        let ops = (1..).zip(self.cast.sources()).map(|(number, &source)| {
            self.cast.witness_op(number, source, source == self.culprit.source)
        });
        let witness = Witness {
            sentence: self.sentence(reason.as_ref()),
            key: self.object.key(self.say.history),
            ops: ops.collect(),
            proof: self.proof(states.as_deref()),
            legal: states.and_then(|states| self.legal(&states, meter)),
            minimal: self.core.minimal,
            edges: Vec::new(),
        };
        let definite = self.cast.is_definite();
        Finding { kind, definite, witness, moments: self.cast.moments() }
    }

    fn sentence(&self, reason: Option<&Reason>) -> String {
        let deed = self.object.deed(&self.cast, self.say, self.culprit);
        match reason {
            Some(reason) => format!("{deed}, although {}", reason.although),
            None => format!("{deed}, which no order of the other operations explains"),
        }
    }

    fn proof(&self, states: Option<&[M::State]>) -> Vec<String> {
        let mut proof: Vec<String> = self.core.base.iter().map(|base| self.base(base)).collect();
        proof.extend(self.ops().iter().filter_map(|op| self.follows(op)));
        let number = self.cast.number(self.culprit.source);
        let deed = self.object.model.deed(self.say, &self.culprit.effect);
        match states {
            Some([]) => proof.push(format!(
                "Whichever way operations that overlap are placed, the others already have no \
                 legal order by the time at which {number} would have to take effect."
            )),
            Some(states) => proof.push(format!(
                "Whichever way operations that overlap are placed, as long as {number} is open {}.",
                self.either(states)
            )),
            None => proof.push(format!(
                "Every order of these operations was tried up to the answer of {number}."
            )),
        }
        proof.push(format!("But {number} {}.", deed.shows));
        proof
    }

    fn base(&self, base: &Timed<M::Effect>) -> String {
        let deed = self.object.model.deed(self.say, &base.effect);
        let state = self.object.model.state(self.say, &self.core.part.model.initial());
        format!(
            "{} {}: then {state}. What had been over before it began makes no difference any more.",
            self.cast.number(base.source),
            deed.shows
        )
    }

    /// Which operations were over, the last of them, before this one began.
    fn follows(&self, op: &Timed<M::Effect>) -> Option<String> {
        let before = || self.ops().iter().filter(|other| other.returned < op.invoked);
        let latest = before().map(|other| other.invoked).max()?;
        let direct = before().filter(|other| other.returned > latest);
        let direct: Vec<String> = direct.map(|other| self.shown(other)).collect();
        let at = self.cast.invoked_at(op.source);
        Some(format!("{}, before {} began{at}.", direct.join("; "), self.cast.number(op.source)))
    }

    /// `(1) put 5 in and was answered at 2.004 s`.
    fn shown(&self, op: &Timed<M::Effect>) -> String {
        let deed = self.object.model.deed(self.say, &op.effect);
        let at = self.cast.returned_at(op.source);
        format!("{} {} and was answered{at}", self.cast.number(op.source), deed.shows)
    }

    fn either(&self, states: &[M::State]) -> String {
        let mut told: Vec<String> = Vec::new();
        for state in states {
            let state = self.object.model.state(self.say, state);
            if !told.contains(&state) {
                told.push(state);
            }
        }
        let more = told.len().saturating_sub(TOLD);
        told.truncate(TOLD);
        let mut told = told.join(", or ");
        if more > 0 {
            told += &format!(", or is one of {more} more like these");
        }
        told
    }

    fn legal(&self, states: &[M::State], meter: &Meter<'_>) -> Option<String> {
        let part = &self.core.part;
        let mut answers = possible::answers(part, self.culprit.source, states, meter);
        answers.truncate(TOLD);
        let answers = answers.iter().map(|answer| self.object.model.instead(self.say, answer));
        let answers: Vec<String> = answers.collect();
        let number = self.cast.number(self.culprit.source);
        (!answers.is_empty()).then(|| format!("for {number} to {}", answers.join(" or ")))
    }
}
