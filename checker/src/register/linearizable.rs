//! Whether one register is linearizable, and if not, the clearest reason.

use temblor_history::History;

use super::{
    Effect, RegisterOp, ValueNumber,
    alternatives::{legal_instead, recent_values},
    cut::{around, shortest_beginning},
    explain::explain,
    extract::Register,
    involved::involved,
    judge::{Evidence, Judgement, fast, judge},
    minimize::{Core, minimize},
    operations::INITIAL,
    story::{Story, Told},
    sweep::{self, Stopped, Verdict},
    unwritten::{Unwritten, split},
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
    Finding { kind, definite: true, witness, moments: story.moments() }
}

/// Judges a register.
pub(crate) fn examine(history: &History, register: &Register, meter: &Meter<'_>) -> Examined {
    let (findings, ops) = unwritten(history, register);
    let mut examined = Examined { findings, stopped: None };
    match judge(&ops, meter) {
        Judgement::Linearizable => {}
        Judgement::Undecided(stopped) => examined.stopped = Some(stopped),
        Judgement::Violation(evidence) => {
            let (beginning, proven) = match evidence {
                Evidence::Event(event) => {
                    (shortest_beginning(&around(&ops, event, meter), meter), true)
                }
                Evidence::Conflicts(_) => (shortest_beginning(&ops, meter), false),
            };
            let core = core(&beginning, proven, meter);
            match core.map(|core| with_late_writers(core, &ops)) {
                Ok(core) => {
                    examined.findings.push(tell(history, register, &beginning, &core, meter));
                }
                Err(stopped) => examined.stopped = stopped,
            }
        }
    }
    examined
}

/// A small violation, verified by the general engine, which shares nothing with the fast path.
/// Should the two not agree, the general engine decides on the whole. What it has `proven` already
/// stands, also if there is no time to do so again.
fn core(ops: &[RegisterOp], proven: bool, meter: &Meter<'_>) -> Result<Core, Option<Stopped>> {
    let core = minimize(&suspects(ops, meter), meter);
    match sweep::decide(&core.ops, meter) {
        Verdict::Violation { .. } => return Ok(core),
        Verdict::Undecided(_) if proven => return Ok(Core { minimal: false, ..core }),
        Verdict::Undecided(stopped) => return Err(Some(stopped)),
        Verdict::Linearizable => {}
    }
    match sweep::decide(ops, meter) {
        Verdict::Violation { .. } => Ok(minimize(ops, meter)),
        Verdict::Undecided(stopped) => Err(Some(stopped)),
        Verdict::Linearizable => Err(None),
    }
}

/// Adds the writes of values that were found before anybody began to write them: they come after
/// the end of the beginning that was looked at.
fn with_late_writers(mut core: Core, all: &[RegisterOp]) -> Core {
    let written =
        |ops: &[RegisterOp], value| ops.iter().any(|op| op.effect.written() == Some(value));
    let mut late: Vec<ValueNumber> =
        core.ops.iter().filter_map(|op| op.effect.demanded()).collect();
    late.retain(|&value| value != INITIAL && !written(&core.ops, value));
    for op in all {
        if let Some(value) = op.effect.written().filter(|value| late.contains(value)) {
            core.ops.push(RegisterOp { effect: Effect::Write(value), ..*op });
        }
    }
    core.ops.sort_by_key(|op| op.invoked);
    core
}

/// The operations of the clearest conflict that the fast path finds, or all of them. Few are
/// clear; among equals the conflict whose last operation began last shows the newest write missed.
fn suspects(ops: &[RegisterOp], meter: &Meter<'_>) -> Vec<RegisterOp> {
    let Ok(Some(Judgement::Violation(Evidence::Conflicts(conflicts)))) = fast(ops, meter) else {
        return ops.to_vec();
    };
    let all = conflicts.iter().map(|conflict| involved(ops, conflict));
    let unclear = |ops: &Vec<RegisterOp>| {
        let begun: u64 = ops.iter().map(|op| u64::from(op.invoked)).sum();
        (ops.len(), std::cmp::Reverse(begun))
    };
    all.min_by_key(unclear).unwrap_or_else(|| ops.to_vec())
}

/// Puts a violation into words. `beginning` is the history up to the event that makes it one.
fn tell(
    history: &History,
    register: &Register,
    beginning: &[RegisterOp],
    core: &Core,
    meter: &Meter<'_>,
) -> Finding {
    let story = Story::new(history, register, &core.ops);
    let (kind, mut told) = explain(&story, core, meter);
    let culprit = core.ops.iter().find(|op| op.source == told.culprit);
    told.legal = culprit.and_then(|culprit| legal(&story, beginning, culprit, meter));
    Finding {
        kind,
        definite: story.is_definite(),
        witness: story.witness(told),
        moments: story.moments(),
    }
}

/// How many values are tried, and how many are told.
const OFFERED: usize = 8;
const TOLD: usize = 4;

/// What the operation that cannot be explained could have found.
fn legal(
    story: &Story<'_>,
    beginning: &[RegisterOp],
    culprit: &RegisterOp,
    meter: &Meter<'_>,
) -> Option<String> {
    let number = story.number(culprit.source);
    match culprit.effect {
        Effect::Cas { .. } => return Some(format!("for {number} to be refused")),
        Effect::Differs(_) => return Some(format!("for {number} to succeed")),
        Effect::Read(_) | Effect::Write(_) => {}
    }
    let offered = recent_values(beginning, OFFERED);
    let mut found = legal_instead(beginning, culprit, &offered, meter);
    if found.is_empty() {
        // The history up to here is a violation for another reason too.
        let offered = recent_values(story.ops(), OFFERED);
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
        Some(writer) => format!("{} from {}", story.value(value), story.number(writer.source)),
        None => story.value(value),
    }
}
