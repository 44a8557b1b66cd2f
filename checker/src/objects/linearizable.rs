//! Whether the objects of one model are linearizable, and if not, the clearest reason.

use std::{collections::HashSet, hash::BuildHasherDefault};

use rayon::prelude::*;
use temblor_history::{CheckReport, History, Witness};

use super::{
    Timed, engine,
    extract::{self, Object},
    judge::{Evidence, Judgement, fast, judge, slow},
    minimize::{Core, minimize},
    reduce::{Part, Unit},
    story::Story,
    words::{Say, Words},
};
use crate::{
    Budget,
    cast::Cast,
    check::Span,
    conclusion::{ObjectResult, conclude, guarded, unread, where_stopped},
    decision::{Stopped, Verdict},
    findings::Finding,
    hashing::Quick,
    meter::Meter,
    register::{ABORTED_READ, THIN_AIR},
};

/// Checks every object of a history and fills the report in.
pub(crate) fn check<M: Words>(
    history: &History,
    prefer: &[Span],
    budget: &dyn Budget,
    report: &mut CheckReport,
) {
    let meter = Meter::new(budget);
    let mut objects = match extract::objects::<M>(history, &meter) {
        Ok(objects) => objects,
        Err(errors) => {
            report.errors = errors.lines();
            return;
        }
    };
    if let Err(exhausted) = meter.in_time() {
        return conclude(report, vec![unread(history, exhausted)], super::KINDS, prefer);
    }
    // The largest first, so that no core waits for it at the end.
    objects.sort_by_key(|object| std::cmp::Reverse(object.ops.len()));
    let results = objects
        .par_iter()
        .with_max_len(1)
        .map(|object| guarded(&name(history, object), || examine(history, object, &meter)));
    conclude(report, results.collect(), super::KINDS, prefer);
    if !report.anomalies.is_empty() {
        report.not = vec![report.consistency.clone()];
    }
}

/// `key q3: `, or nothing where there is but one object.
fn name<M: Words>(history: &History, object: &Object<M>) -> String {
    object.called(history).map_or(String::new(), |name| format!("key {name}: "))
}

fn examine<M: Words>(history: &History, object: &Object<M>, meter: &Meter<'_>) -> ObjectResult {
    let quick = match fast(&object.model, &object.ops, meter) {
        Ok(quick) => quick,
        Err(exhausted) => {
            let stopped = Stopped::at_once(exhausted);
            return undecided(history, object, Vec::new(), Some(&stopped));
        }
    };
    // An order that stands up to a replay leaves nothing to look for.
    if quick == Some(Judgement::Linearizable) {
        return ObjectResult::default();
    }
    let (mut findings, rest) = unwritten(history, object);
    let (part, judgement) = match (rest, quick) {
        (None, Some(quick)) => {
            (Part { model: object.model.clone(), ops: object.ops.clone() }, quick)
        }
        (None, None) => {
            let part = Part::new(&object.model, object.ops.clone());
            let judgement = slow(&part.model, &part.ops, meter);
            (part, judgement)
        }
        (Some(part), _) => {
            let judgement = judge(&part.model, &part.ops, meter);
            (part, judgement)
        }
    };
    let stopped = match judgement {
        Judgement::Linearizable => None,
        Judgement::Undecided(stopped) => Some(stopped),
        Judgement::Violation(evidence) => match core(&part, &evidence, meter) {
            Ok(Some(core)) => {
                findings.push(Story::new(history, object, &part, &core).finding(meter));
                None
            }
            // The general engine knows better than the fast path.
            Ok(None) => None,
            Err(stopped) => Some(stopped),
        },
    };
    undecided(history, object, findings, stopped.as_ref())
}

/// What was found, and where the budget ran out, if it did.
fn undecided<M: Words>(
    history: &History,
    object: &Object<M>,
    findings: Vec<Finding>,
    stopped: Option<&Stopped>,
) -> ObjectResult {
    let undecided = stopped.map(|stopped| {
        let before = |op: &&Timed<M::Effect>| op.returned < stopped.event;
        let decided = object.ops.iter().filter(before).count();
        where_stopped(&name(history, object), stopped, decided, object.ops.len())
    });
    ObjectResult { findings, undecided, crashed: None }
}

/// A small violation: of the smallest conflict that the fast path found, if the general engine
/// agrees; else of the whole.
fn core<M: Words>(
    part: &Part<M>,
    evidence: &Evidence<M::Effect>,
    meter: &Meter<'_>,
) -> Result<Option<Core<M>>, Stopped> {
    let suspects = match evidence {
        Evidence::Event(event) => {
            return minimize(&part.model, &part.ops, Some(*event), meter);
        }
        Evidence::Conflicts(conflicts) => clearest(part, conflicts),
        Evidence::Reduced(ops) => ops.clone(),
    };
    let suspects = Part::new(&part.model, suspects);
    if let Some(core) = minimize(&suspects.model, &suspects.ops, None, meter)? {
        return Ok(Some(core));
    }
    let whole = Part::new(&part.model, part.ops.clone());
    if let Some(core) = minimize(&whole.model, &whole.ops, None, meter)? {
        return Ok(Some(core));
    }
    // The fast path went wrong somewhere. Only a look at the whole may say that all is well.
    match engine::decide(&whole.model, &whole.ops, meter) {
        Verdict::Linearizable => Ok(None),
        Verdict::Undecided(stopped) => Err(stopped),
        Verdict::Violation { event } => minimize(&whole.model, &whole.ops, Some(event), meter),
    }
}

/// The operations of the smallest conflict; among equals, of the one that came last.
fn clearest<M: Words>(part: &Part<M>, conflicts: &[Vec<u32>]) -> Vec<Timed<M::Effect>> {
    let begun = |conflict: &Vec<u32>| {
        let invoked = |&place: &u32| u64::from(part.ops[place as usize].invoked);
        conflict.iter().map(invoked).sum::<u64>()
    };
    let clear = |conflict: &&Vec<u32>| (conflict.len(), std::cmp::Reverse(begun(conflict)));
    let mut places = conflicts.iter().min_by_key(clear).cloned().unwrap_or_default();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| part.ops[place as usize].clone()).collect()
}

/// What was found though nobody put it in, one example of each kind, and the rest without it; none
/// if there is no such thing. These are violations at every level that speaks of what is found.
fn unwritten<M: Words>(history: &History, object: &Object<M>) -> (Vec<Finding>, Option<Part<M>>) {
    let model = &object.model;
    let mut provided: HashSet<Unit, BuildHasherDefault<Quick>> = HashSet::default();
    for op in &object.ops {
        model.provides(&op.effect, |unit| {
            provided.insert(unit);
        });
    }
    let mut missing: Vec<(Unit, &Timed<M::Effect>)> = Vec::new();
    for op in object.ops.iter().filter(|op| op.certain()) {
        model.demands(&op.effect, |unit| {
            if !provided.contains(&unit) {
                missing.push((unit, op));
            }
        });
    }
    if missing.is_empty() {
        return (Vec::new(), None);
    }
    let failed = |unit: &Unit| object.failed.iter().find(|op| model.gives(&op.effect, *unit));
    let aborted = missing.iter().find_map(|&(unit, op)| Some((unit, op, Some(failed(&unit)?))));
    let invented = missing.iter().find(|(unit, _)| failed(unit).is_none());
    let invented = invented.map(|&(unit, op)| (unit, op, None));
    let findings = [aborted, invented].into_iter().flatten();
    let findings =
        findings.map(|(unit, op, failed)| tell_unwritten(history, object, unit, op, failed));
    let units: Vec<Unit> = missing.iter().map(|&(unit, _)| unit).collect();
    let whole = Part { model: model.clone(), ops: object.ops.clone() };
    let rest = whole.without(&units).unwrap_or_else(|| Part::new(model, object.ops.clone()));
    (findings.collect(), Some(rest))
}

fn tell_unwritten<M: Words>(
    history: &History,
    object: &Object<M>,
    unit: Unit,
    op: &Timed<M::Effect>,
    failed: Option<&Timed<M::Effect>>,
) -> Finding {
    let sources = [Some(op.source), failed.map(|failed| failed.source)];
    let cast = Cast::new(history, sources.into_iter().flatten());
    let say = Say { history, numbers: &object.numbers };
    let (deed, value) =
        (object.deed(&object.model, &cast, say, op), say.value(object.model.number(unit)));
    let (put, number) = (M::PUT, cast.number(op.source));
    let (kind, sentence, proof) = match failed {
        Some(failed) => (
            ABORTED_READ,
            format!(
                "{deed}, although the only attempt to {put} {value} ({}) failed",
                cast.who(failed.source)
            ),
            format!(
                "{} certainly did nothing, and nobody else tried to {put} {value}; but {number} \
                 found it.",
                cast.number(failed.source)
            ),
        ),
        None => (
            THIN_AIR,
            format!("{deed}; but nobody ever tried to {put} {value}"),
            format!("No operation of this history tries to {put} {value}; but {number} found it."),
        ),
    };
    let shown = (1..).zip(cast.sources());
    let witness = Witness {
        sentence,
        key: object.key(history),
        ops: shown
            .map(|(number, &source)| cast.witness_op(number, source, source == op.source))
            .collect(),
        proof: vec![proof],
        legal: None,
        minimal: true,
        edges: Vec::new(),
    };
    Finding { kind, definite: true, witness, moments: cast.moments() }
}

#[cfg(test)]
mod tests;
