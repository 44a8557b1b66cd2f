//! Whether one register is linearizable, and if not, the clearest reason.

use temblor_history::History;

use super::{
    Effect, RegisterOp, ValueNumber,
    explain::explain,
    extract::Register,
    involved::involved,
    judge::{Judgement, judge},
    minimize::{Core, beginning, legal_instead, minimize, recent_values},
    story::{Story, Told},
    sweep::{self, Decision, Stopped},
    unwritten::{Unwritten, split},
    zones::Conflict,
};
use crate::{findings::Finding, meter::Meter};

/// A read of a value that nobody ever wrote.
pub(crate) const THIN_AIR: &str = "thin-air";
/// A read of a value whose write certainly did nothing (Adya's name).
pub(crate) const ABORTED_READ: &str = "G1a";

/// What is known of one register.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Examined {
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// Where the budget ran out, if it did.
    pub(crate) stopped: Option<Stopped>,
}

/// Reads of values that cannot have been there, one example of each kind, and what remains to be
/// judged. They are violations at every level that speaks of reads.
pub(crate) fn unwritten(history: &History, register: &Register) -> (Vec<Finding>, Vec<RegisterOp>) {
    let (found, remaining) = split(register);
    let aborted = found.iter().find(|found| found.failed.is_some());
    let thin_air = found.iter().find(|found| found.failed.is_none());
    let findings = [aborted, thin_air].into_iter().flatten();
    let findings = findings.map(|found| tell_unwritten(history, register, found)).collect();
    (findings, remaining)
}

fn tell_unwritten(history: &History, register: &Register, found: &Unwritten) -> Finding {
    let story = Story::new(history, register, &[found.op]).with_failed(found.failed);
    let (deed, value) = (story.deed(&found.op), story.value(found.value));
    let number = story.number(found.op.source);
    let (kind, sentence, proof) = match found.failed {
        Some(failed) => (
            ABORTED_READ,
            format!(
                "{deed}, although the only attempt to write {value} ({}) failed",
                story.who(failed.source)
            ),
            vec![format!(
                "{} certainly did nothing, and nobody else wrote {value}; but {number} found it.",
                story.number(failed.source)
            )],
        ),
        None => (
            THIN_AIR,
            format!("{deed}, which nobody ever wrote"),
            vec![format!("No operation of this history writes {value}; but {number} found it.")],
        ),
    };
    let witness = story.witness(Told {
        sentence,
        proof,
        culprit: found.op.source,
        legal: None,
        minimal: true,
    });
    Finding { kind, definite: true, witness }
}

/// Judges a register.
pub(crate) fn examine(history: &History, register: &Register, meter: &Meter<'_>) -> Examined {
    let (findings, ops) = unwritten(history, register);
    let mut examined = Examined { findings, stopped: None };
    match judge(&ops, meter) {
        Judgement::Linearizable => {}
        Judgement::Undecided(stopped) => examined.stopped = Some(stopped),
        Judgement::Violation(conflicts) => match core(&ops, &conflicts, meter) {
            Ok(core) => examined.findings.push(tell(history, register, &ops, &core, meter)),
            Err(stopped) => examined.stopped = stopped,
        },
    }
    examined
}

/// A small violation, verified by the general engine, which shares nothing with the fast path.
/// Should the two not agree, the general engine decides on the whole.
fn core(
    ops: &[RegisterOp],
    conflicts: &[Conflict],
    meter: &Meter<'_>,
) -> Result<Core, Option<Stopped>> {
    let candidates = conflicts.iter().map(|conflict| involved(ops, conflict));
    let smallest = candidates.min_by_key(Vec::len);
    let core = minimize(smallest.as_deref().unwrap_or(ops), meter);
    match sweep::decide(&core.ops, meter) {
        Decision::Violation => return Ok(core),
        Decision::Undecided(stopped) => return Err(Some(stopped)),
        Decision::Linearizable => {}
    }
    match sweep::decide(ops, meter) {
        Decision::Violation => Ok(minimize(ops, meter)),
        Decision::Undecided(stopped) => Err(Some(stopped)),
        Decision::Linearizable => Err(None),
    }
}

fn tell(
    history: &History,
    register: &Register,
    ops: &[RegisterOp],
    core: &Core,
    meter: &Meter<'_>,
) -> Finding {
    let story = Story::new(history, register, &core.ops);
    let (kind, mut told) = explain(&story, core);
    let culprit = core.ops.iter().find(|op| op.source == told.culprit);
    told.legal = culprit.and_then(|culprit| legal(&story, ops, culprit, meter));
    Finding {
        kind,
        definite: core.ops.iter().all(RegisterOp::certain),
        witness: story.witness(told),
    }
}

/// How many values are tried, and how many are told.
const OFFERED: usize = 8;
const TOLD: usize = 4;

/// What the operation that cannot be explained could have found, in the whole history up to its
/// return; if that is a violation without it too, in the witness.
fn legal(
    story: &Story<'_>,
    ops: &[RegisterOp],
    culprit: &RegisterOp,
    meter: &Meter<'_>,
) -> Option<String> {
    let number = story.number(culprit.source);
    if matches!(culprit.effect, Effect::Cas { .. }) {
        return Some(format!("for {number} to be refused"));
    }
    let until = beginning(ops, culprit.returned);
    let offered = recent_values(&until, culprit, OFFERED);
    let mut found = legal_instead(&until, culprit, &offered, meter);
    if found.is_empty() {
        let offered = recent_values(story.ops(), culprit, OFFERED);
        found = legal_instead(story.ops(), culprit, &offered, meter);
    }
    found.truncate(TOLD);
    let values: Vec<String> = found.iter().map(|&value| named(story, value)).collect();
    (!values.is_empty()).then(|| format!("for {number} to find {}", values.join(" or ")))
}

/// A value, with the operation of the witness that wrote it.
fn named(story: &Story<'_>, value: ValueNumber) -> String {
    let writer = story.ops().iter().find(|op| op.effect.written() == Some(value));
    match writer {
        Some(writer) => {
            format!("{}, written by {},", story.value(value), story.number(writer.source))
        }
        None => story.value(value),
    }
}
