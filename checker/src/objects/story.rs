//! Tells of a small violation of any model: the sentence, the numbered proof, what would have been
//! legal.

use temblor_history::{History, Witness};

use super::{
    Timed, engine,
    extract::Object,
    minimize::Core,
    numbers::ValueNumber,
    possible,
    reduce::Part,
    timed::NEVER,
    words::{LOST_WRITE, Reason, STALE_READ, Say, Words},
};
use crate::{cast::Cast, decision::Verdict, findings::Finding, meter::Meter};

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
    /// What the culprit found too early: the first operation that put it in.
    late: Option<(ValueNumber, &'a Timed<M::Effect>)>,
}

/// How many operations are at most put in words one by one.
const QUOTED: usize = 40;

/// How many states and answers are told.
const TOLD: usize = 4;

impl<'a, M: Words> Story<'a, M> {
    /// `whole` is what `core` is a part of.
    pub(crate) fn new(
        history: &'a History,
        object: &'a Object<M>,
        whole: &'a Part<M>,
        core: &'a Core<M>,
    ) -> Self {
        let last = core.part.ops.iter().find(|op| op.returned == core.event);
        let culprit = last.unwrap_or(&core.part.ops[0]);
        let late = late(&core.part, culprit, whole);
        let ops = core.part.ops.iter().chain(&core.base).chain(late.map(|(_, op)| op));
        let cast = Cast::new(history, ops.map(|op| op.source));
        let say = Say { history, numbers: &object.numbers };
        Self { object, core, cast, say, culprit, late }
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

    fn model(&self) -> &'a M {
        &self.core.part.model
    }

    /// `the enqueue of 5 (client 0 on n1)`.
    pub(crate) fn the(&self, op: &Timed<M::Effect>) -> String {
        let deed = self.model().deed(self.say, &op.effect);
        format!("the {} ({})", deed.what, self.cast.who(op.source))
    }

    /// `the enqueue of 5 (client 0 on n1) had been acknowledged 1.2 s before it began`.
    pub(crate) fn had_been_acknowledged(&self, op: &Timed<M::Effect>) -> String {
        let lead = self.cast.lead(op.source, self.culprit.source);
        format!("{} had been acknowledged {lead}before it began", self.the(op))
    }

    /// The finding, with all its words.
    pub(crate) fn finding(&self, meter: &Meter<'_>) -> Finding {
        let reason = self.too_early().or_else(|| self.model().reason(self));
        let reason = reason.or_else(|| self.missed(meter));
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

    /// Nobody had begun to put in what the culprit found.
    fn too_early(&self) -> Option<Reason> {
        let (value, _) = self.late?;
        let value = self.say.value(value);
        let although = format!("nobody had begun to {} {value} by then", M::PUT);
        Some(Reason { kind: NON_LINEARIZABLE, although })
    }

    /// The last operation that was over before the culprit looked and that it did not see: if that
    /// one had not been acknowledged, all would be legal.
    fn missed(&self, meter: &Meter<'_>) -> Option<Reason> {
        if !M::observes(&self.culprit.effect) || self.ops().len() > QUOTED {
            return None;
        }
        let mut before: Vec<&Timed<M::Effect>> = self.before().filter(|op| op.certain()).collect();
        before.sort_by_key(|op| std::cmp::Reverse(op.invoked));
        let missed = before.into_iter().find(|op| {
            let mut ops = self.ops().to_vec();
            if M::observes(&op.effect) {
                ops.retain(|other| other.source != op.source);
            }
            for other in ops.iter_mut().filter(|other| other.source == op.source) {
                other.returned = NEVER;
            }
            engine::decide(self.model(), &ops, meter) == Verdict::Linearizable
        })?;
        if M::observes(&missed.effect) {
            let deed = self.model().deed(self.say, &missed.effect);
            let lead = self.cast.lead(missed.source, self.culprit.source);
            let who = self.cast.who(missed.source);
            let although = format!("{who} had {} {lead}before it began", deed.shows);
            return Some(Reason { kind: NON_LINEARIZABLE, although });
        }
        let last = self.cast.operation(self.culprit.source).final_read;
        let kind = if last { LOST_WRITE } else { STALE_READ };
        Some(Reason { kind, although: self.had_been_acknowledged(missed) })
    }

    fn sentence(&self, reason: Option<&Reason>) -> String {
        let whole = self.object.ops.iter().find(|op| M::WHOLE && op.source == self.culprit.source);
        let deed = match whole {
            Some(whole) => self.object.deed(&self.object.model, &self.cast, self.say, whole),
            None => self.object.deed(self.model(), &self.cast, self.say, self.culprit),
        };
        match reason {
            Some(reason) => format!("{deed}, although {}", reason.although),
            None => format!("{deed}, which no order of the other operations explains"),
        }
    }

    fn proof(&self, states: Option<&[M::State]>) -> Vec<String> {
        let mut proof: Vec<String> = self.core.base.iter().map(|base| self.base(base)).collect();
        proof.extend(self.late.map(|(_, op)| {
            let at = self.cast.invoked_at(op.source);
            let number = self.cast.number(op.source);
            format!("The first to {} it was {number}, which began{at}, when it was over.", M::PUT)
        }));
        proof.extend(self.sequences());
        let number = self.cast.number(self.culprit.source);
        let deed = self.model().deed(self.say, &self.culprit.effect);
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
        let deed = self.model().deed(self.say, &base.effect);
        let state = self.model().state(self.say, &self.core.part.model.initial());
        format!(
            "{} {}: then {state}. What had been over before it began makes no difference any more.",
            self.cast.number(base.source),
            deed.shows
        )
    }

    /// Which operations were over before which began.
    fn sequences(&self) -> Vec<String> {
        if self.ops().len() > QUOTED {
            return vec!["Which operations were over before which began is seen above.".to_owned()];
        }
        let mut sequences: Vec<(Vec<u32>, Vec<String>)> = Vec::new();
        for op in self.ops() {
            let earlier: Vec<u32> = self.directly_before(op).map(|op| op.source).collect();
            if earlier.is_empty() {
                continue;
            }
            let number = self.cast.number(op.source);
            match sequences.iter_mut().find(|(same, _)| *same == earlier) {
                Some((_, later)) => later.push(number),
                None => sequences.push((earlier, vec![number])),
            }
        }
        let told = |(earlier, later): (Vec<u32>, Vec<String>)| {
            let earlier = self.ops().iter().filter(|op| earlier.contains(&op.source));
            let earlier: Vec<String> = earlier.map(|op| self.shown(op)).collect();
            format!("{}, before {} began.", earlier.join("; "), later.join(" and "))
        };
        sequences.into_iter().map(told).collect()
    }

    /// The last operations that were over before this one began.
    fn directly_before(&self, op: &Timed<M::Effect>) -> impl Iterator<Item = &'a Timed<M::Effect>> {
        let begun = op.invoked;
        let before = move |other: &&Timed<M::Effect>| other.returned < begun;
        let latest = self.ops().iter().filter(before).map(|other| other.invoked).max();
        let latest = latest.unwrap_or_default();
        self.ops().iter().filter(before).filter(move |other| other.returned > latest)
    }

    /// `(1) put 5 in and was answered at 2.004 s`.
    fn shown(&self, op: &Timed<M::Effect>) -> String {
        let deed = self.model().deed(self.say, &op.effect);
        let at = self.cast.returned_at(op.source);
        format!("{} {} and was answered{at}", self.cast.number(op.source), deed.shows)
    }

    fn either(&self, states: &[M::State]) -> String {
        let mut told: Vec<String> = Vec::new();
        for state in states {
            let state = self.model().state(self.say, state);
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
        let answers = answers.iter().map(|answer| self.model().instead(self.say, answer));
        let answers: Vec<String> = answers.collect();
        let number = self.cast.number(self.culprit.source);
        (!answers.is_empty()).then(|| format!("for {number} to {}", answers.join(" or ")))
    }
}

/// What the culprit of a small violation demands that nothing in it puts in, with the first
/// operation of the whole that does. (What nobody ever put in is another violation.)
fn late<'a, M: Words>(
    part: &Part<M>,
    culprit: &Timed<M::Effect>,
    whole: &'a Part<M>,
) -> Option<(ValueNumber, &'a Timed<M::Effect>)> {
    let culprit = whole.ops.iter().find(|op| op.source == culprit.source)?;
    let in_part = |op: &&Timed<M::Effect>| part.ops.iter().any(|here| here.source == op.source);
    let mut demands = Vec::new();
    whole.model.demands(&culprit.effect, |unit| demands.push(unit));
    let mut late = demands.into_iter().filter_map(|unit| {
        let first = whole.ops.iter().find(|op| whole.model.gives(&op.effect, unit))?;
        let too_early = first.invoked > culprit.returned && !in_part(&first);
        too_early.then(|| (whole.model.number(unit), first))
    });
    late.next()
}
