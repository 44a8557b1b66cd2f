//! Eventual consistency, judged from the final reads, which come after the last heal: those of all
//! nodes agree, and hold every acknowledged write that nothing overwrote. Key by key.
//!
//! A write that was still open when the final reads of its key began, or whose outcome is unknown,
//! may take effect between them; so values may change, but not back: each value has one writer that
//! may still be at work, and what was replaced stays away. Final reads disagree if two of them found
//! different values whose writes were all over before the first of them began, or if they found a
//! value, then another, then the first one again (in real time). What is lost is decided as for
//! `no-lost-writes`. A key that some node was not asked for in the end stays undecided.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use temblor_history::{CheckReport, History, NodeId, Outcome};

use crate::{
    Unlimited,
    check::Span,
    findings::{Finding, anomalies},
    meter::Meter,
    register::{
        Effect, RegisterOp, ValueNumber,
        extract::{self, Model, Register},
        lost_writes::{self, LOST_WRITE},
        story::{Story, Told},
    },
    words::counted,
};

/// Final reads that found different values for good.
const DIVERGED: &str = "divergence";

const KINDS: [&str; 4] = [LOST_WRITE, DIVERGED, "G1a", "thin-air"];

/// Checks the final reads of all keys and fills the report in.
pub(crate) fn check(history: &History, model: Model, prefer: &[Span], report: &mut CheckReport) {
    let registers = match extract::registers(history, model, &Meter::new(&Unlimited)) {
        Ok(registers) => registers,
        Err(errors) => {
            report.errors = errors.lines();
            return;
        }
    };
    let nodes: BTreeSet<NodeId> = history.operations().iter().filter_map(|op| op.node).collect();
    let results: Vec<(Vec<Finding>, Option<String>)> =
        registers.par_iter().map(|register| judge(history, register, &nodes)).collect();
    let (findings, undecided): (Vec<Vec<Finding>>, Vec<Option<String>>) =
        results.into_iter().unzip();
    let undecided: Vec<String> = undecided.into_iter().flatten().collect();
    report.anomalies = anomalies(&findings.concat(), &KINDS, prefer);
    report.complete = undecided.is_empty();
    report.verdict = match () {
        () if !report.anomalies.is_empty() => Outcome::Violation,
        () if !undecided.is_empty() => Outcome::Inconclusive,
        () => Outcome::Pass,
    };
    if report.verdict == Outcome::Violation {
        report.not = vec![report.consistency.clone()];
        report.also_not = vec!["linearizable".to_owned()];
    }
    report.reason = undecided.first().map(|first| {
        let more = undecided.len() - 1;
        let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
        let keys = counted(undecided.len(), "key");
        format!("{keys} of {} undecided: {first}{rest}", registers.len())
    });
}

fn judge(
    history: &History,
    register: &Register,
    nodes: &BTreeSet<NodeId>,
) -> (Vec<Finding>, Option<String>) {
    let survival = lost_writes::survival(history, register);
    let finals = final_reads(history, register);
    let mut findings = survival.findings;
    findings.extend(divergence(register, &finals).map(|shown| tell(history, register, &shown)));
    let name = register.key.map_or(String::new(), |key| format!("key {}: ", history.key(key)));
    let asked: BTreeSet<NodeId> =
        finals.iter().filter_map(|read| history.operations()[read.source as usize].node).collect();
    let missing: Vec<&str> =
        nodes.difference(&asked).map(|&node| history.node_name(node)).collect();
    let written = register.ops.iter().any(|op| op.effect.written().is_some());
    let undecided = if survival.unread > 0 {
        let writes = counted(survival.unread, "acknowledged write");
        Some(format!("{name}no final read after {writes}"))
    } else if written && !missing.is_empty() {
        Some(format!("{name}no final read on {}", missing.join(", ")))
    } else {
        None
    };
    (findings, undecided)
}

fn final_reads(history: &History, register: &Register) -> Vec<RegisterOp> {
    let is_final = |op: &&RegisterOp| {
        let operation = &history.operations()[op.source as usize];
        operation.final_read
            && matches!(op.effect, Effect::Read(_))
            && history.function_name(operation.f) == "read"
    };
    register.ops.iter().filter(is_final).copied().collect()
}

/// The final reads of one value: the first to return, and the last to begin.
struct Group {
    first: RegisterOp,
    last: RegisterOp,
    /// Writers that were not over when the first final read began.
    open: usize,
    written: bool,
}

/// Final reads that contradict each other: two of values that were settled, or one value before
/// and after another.
fn divergence(register: &Register, finals: &[RegisterOp]) -> Option<Vec<RegisterOp>> {
    let began = finals.iter().map(|read| read.invoked).min()?;
    let mut groups: BTreeMap<ValueNumber, Group> = BTreeMap::new();
    for read in finals {
        let Effect::Read(value) = read.effect else { continue };
        let group = groups.entry(value).or_insert_with(|| {
            let writers = || register.ops.iter().filter(|op| op.effect.written() == Some(value));
            let open = writers().filter(|op| op.returned > began).count();
            Group {
                first: *read,
                last: *read,
                open,
                written: writers().next().is_some() || value == 0,
            }
        });
        if read.returned < group.first.returned {
            group.first = *read;
        }
        if read.invoked > group.last.invoked {
            group.last = *read;
        }
    }
    // What nobody wrote is told of otherwise; what several may still write comes and goes.
    let groups: Vec<Group> =
        groups.into_values().filter(|group| group.written && group.open < 2).collect();
    for (place, one) in groups.iter().enumerate() {
        for other in &groups[place + 1..] {
            if let Some(shown) = contradiction(one, other) {
                return Some(shown);
            }
        }
    }
    None
}

fn contradiction(one: &Group, other: &Group) -> Option<Vec<RegisterOp>> {
    let settled = |group: &Group| group.open == 0;
    if settled(one) && settled(other) {
        return Some(vec![one.first, other.first]);
    }
    // A settled value was there before anything else.
    let before =
        |group: &Group, than: &Group| settled(group) || group.first.returned < than.last.invoked;
    let after = |group: &Group, than: &Group| than.first.returned < group.last.invoked;
    if before(one, other) && after(one, other) && !settled(other) {
        return Some(vec![one.first, other.first, other.last, one.last]);
    }
    if before(other, one) && after(other, one) && !settled(one) {
        return Some(vec![other.first, one.first, one.last, other.last]);
    }
    None
}

fn tell(history: &History, register: &Register, reads: &[RegisterOp]) -> Finding {
    let found = |read: &RegisterOp| match read.effect {
        Effect::Read(value) => value,
        _ => 0,
    };
    let values: BTreeSet<ValueNumber> = reads.iter().map(found).collect();
    let is_writer =
        |op: &&RegisterOp| op.effect.written().is_some_and(|value| values.contains(&value));
    let mut shown: Vec<RegisterOp> = register.ops.iter().filter(is_writer).copied().collect();
    shown.extend(reads);
    shown.sort_unstable_by_key(|op| op.invoked);
    shown.dedup_by_key(|op| op.source);
    let story = Story::new(history, register, &shown);
    let told = words(&story, reads, found);
    Finding {
        kind: DIVERGED,
        definite: story.is_definite(),
        moments: story.moments(),
        witness: story.witness(told),
    }
}

fn words(
    story: &Story<'_>,
    reads: &[RegisterOp],
    found: impl Fn(&RegisterOp) -> ValueNumber,
) -> Told {
    let value = |read: &RegisterOp| story.value(found(read));
    let (first, second) = (&reads[0], &reads[1]);
    let mut proof: Vec<String> = reads
        .iter()
        .map(|read| {
            format!(
                "{} is a final read by {} and found {}.",
                story.number(read.source),
                story.who(read.source),
                value(read)
            )
        })
        .collect();
    let sentence = format!(
        "final reads{} disagree: {} found {}, {} found {}",
        story.of_key(),
        story.who(first.source),
        value(first),
        story.who(second.source),
        value(second)
    );
    proof.push(if reads.len() == 2 {
        "All writes of these values were over before the first final read began, and nothing was \
         written since: so nothing can have changed the one into the other."
            .to_owned()
    } else {
        format!(
            "{} cannot have been replaced by {} and then come back: only one write of it was ever \
             made.",
            value(first),
            value(second)
        )
    });
    let last = reads.last().unwrap_or(second);
    Told {
        sentence,
        proof,
        culprit: last.source,
        legal: Some(format!(
            "for all of them to find {}",
            if reads.len() == 2 { "the same" } else { "the later one in the end" }
        )),
        minimal: true,
    }
}
