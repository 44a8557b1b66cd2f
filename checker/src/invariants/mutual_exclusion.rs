//! Locks and semaphores: no more holders than there may be.
//!
//! **Definition.** A process certainly holds a lock from the completion of an acquire that succeeded
//! until it begins a release that may take effect. Two such times that overlap are a violation; so
//! is a fencing token that is not greater than every token given out before its acquire began. Of a
//! semaphore, the permits certainly taken are those of completed acquires without those of releases
//! begun, whoever releases; they may not exceed `params.permits`. O(n).

use std::collections::HashMap;

use temblor_history::{Completion, Operation};

use super::{
    Examined,
    object::Object,
    story::{Story, Told},
};
use crate::{Exhausted, findings::Finding, meter::Share, words::counted};

fn acquires(object: &Object<'_>, operation: &Operation) -> bool {
    object.history.function_name(operation.f) == "acquire"
}

/// A release that certainly does nothing ends nothing.
fn may_release(object: &Object<'_>, operation: &Operation) -> bool {
    !acquires(object, operation) && operation.outcome != Completion::Fail
}

/// Judges one lock.
pub(super) fn lock(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let events = object.events();
    // Who holds it, by process; more than one only after the first violation.
    let mut holders: Vec<(u64, u32)> = Vec::new();
    let mut tokens = Tokens::default();
    let mut together: Vec<(u32, u32)> = Vec::new();
    for (number, event) in events.iter().enumerate() {
        if number.is_multiple_of(4096) {
            share.hold(events.len() * 12)?;
        }
        let operation = object.operation(event.source);
        let acquired = acquires(object, operation) && operation.outcome == Completion::Ok;
        if acquired {
            tokens.take(object, operation, event.source, event.completes);
        }
        if acquired && event.completes {
            together.extend(holders.last().map(|&(_, holder)| (holder, event.source)));
            holders.retain(|(process, _)| *process != operation.process);
            holders.push((operation.process, event.source));
        } else if !event.completes && may_release(object, operation) {
            holders.retain(|(process, _)| *process != operation.process);
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(together.first().map(|pair| tell_together(object, *pair, together.len())));
    findings.extend(tokens.wrong.map(|pair| tell_tokens(object, pair)));
    Ok(Examined { findings, ..Examined::default() })
}

/// Fencing tokens so far.
#[derive(Default)]
struct Tokens {
    greatest: Option<(i64, u32)>,
    /// By open acquire: the greatest when it began.
    begun: HashMap<u32, Option<(i64, u32)>>,
    wrong: Option<(u32, u32)>,
}

impl Tokens {
    fn take(&mut self, object: &Object<'_>, operation: &Operation, source: u32, completes: bool) {
        let Some(token) = object.integer(operation.result) else { return };
        if !completes {
            self.begun.insert(source, self.greatest);
            return;
        }
        if let Some(Some((before, earlier))) = self.begun.remove(&source)
            && token <= before
        {
            self.wrong.get_or_insert((earlier, source));
        }
        if self.greatest.is_none_or(|(greatest, _)| token > greatest) {
            self.greatest = Some((token, source));
        }
    }
}

fn tell_together(object: &Object<'_>, (first, second): (u32, u32), count: usize) -> Finding {
    let process = object.operation(first).process;
    let acquired = object.operation(first).invoke_index;
    let mut releases = object.calls("release");
    let release = releases.find(|(_, release)| {
        release.process == process
            && release.invoke_index > acquired
            && release.outcome != Completion::Fail
    });
    let release = release.map(|(source, _)| source);
    let sources: Vec<u32> = [Some(first), Some(second), release].into_iter().flatten().collect();
    let story = Story::new(object, &sources, &[]);
    let key = story.of_key();
    let mut sentence =
        format!("{} got the lock{key} while {} held it", story.who(second), story.who(first));
    if count > 1 {
        sentence += &format!(" ({count} times somebody got the lock{key} while it was held)");
    }
    let until = match release {
        Some(release) => format!(
            "It began to release it with {}{}, not earlier.",
            story.number(release),
            story.invoked_at(release)
        ),
        None => "It never began to release it.".to_owned(),
    };
    story.finding(Told {
        kind: "two-holders",
        sentence,
        proof: vec![
            format!(
                "{} got the lock{} and held it.",
                story.number(first),
                story.completed_at(first)
            ),
            until,
            format!("{} got it{}, before that.", story.number(second), story.completed_at(second)),
        ],
        culprit: second,
        legal: Some(format!("for {} to be refused, or to wait", story.number(second))),
    })
}

fn tell_tokens(object: &Object<'_>, (earlier, later): (u32, u32)) -> Finding {
    let story = Story::new(object, &[earlier, later], &[]);
    let token = |source: u32| story.value(object.operation(source).result);
    story.finding(Told {
        kind: "token-not-increasing",
        sentence: format!(
            "{} got the lock{} with the token {}, although {} had been given before",
            story.who(later),
            story.of_key(),
            token(later),
            token(earlier)
        ),
        proof: vec![
            format!(
                "{} got {}{}.",
                story.number(earlier),
                token(earlier),
                story.completed_at(earlier)
            ),
            format!(
                "{} began{}, later, and got {}, which is not greater.",
                story.number(later),
                story.invoked_at(later),
                token(later)
            ),
        ],
        culprit: later,
        legal: Some(format!("a token greater than {}", token(earlier))),
    })
}

/// Judges one semaphore.
pub(super) fn semaphore(object: &Object<'_>, share: &mut Share<'_>) -> Result<Examined, Exhausted> {
    let permits = object.param("permits").and_then(serde_json::Value::as_u64);
    let Some(permits) = permits else {
        let what = "a semaphore needs `params.permits` in the header, a whole number".to_owned();
        return Ok(Examined { mistakes: vec![what], ..Examined::default() });
    };
    let events = object.events();
    let mut taken = 0_i128;
    let mut most: Option<(i128, usize)> = None;
    for (number, event) in events.iter().enumerate() {
        if number.is_multiple_of(4096) {
            share.hold(events.len() * 12)?;
        }
        let operation = object.operation(event.source);
        let count = i128::from(object.integer(operation.argument).unwrap_or_default());
        let acquires = acquires(object, operation);
        if acquires && event.completes && operation.outcome == Completion::Ok {
            taken += count;
            if taken > i128::from(permits) && most.is_none() {
                most = Some((taken, number));
            }
        } else if !event.completes && may_release(object, operation) {
            taken -= count;
        }
    }
    let findings =
        most.map(|(taken, number)| tell_permits(object, &events[..=number], taken, permits));
    Ok(Examined { findings: findings.into_iter().collect(), ..Examined::default() })
}

/// How many acquires are quoted.
const SHOWN: usize = 9;

fn tell_permits(
    object: &Object<'_>,
    events: &[super::object::Event],
    taken: i128,
    permits: u64,
) -> Finding {
    let culprit = events[events.len() - 1].source;
    let done = events.iter().rev().filter(|event| event.completes).map(|event| event.source);
    let acquired = done.filter(|&source| {
        let operation = object.operation(source);
        acquires(object, operation) && operation.outcome == Completion::Ok
    });
    let shown: Vec<u32> = acquired.take(SHOWN).collect();
    let story = Story::new(object, &shown, &[]);
    let (key, number) = (story.of_key(), story.number(culprit));
    let permits = counted(usize::try_from(permits).unwrap_or(usize::MAX), "permit");
    let oldest = story.number(*shown.iter().min().unwrap_or(&culprit));
    story.finding(Told {
        kind: "too-many-permits",
        sentence: format!(
            "{} acquired permits{key} that were not there: {taken} were taken of {permits}",
            story.who(culprit)
        ),
        proof: vec![
            format!(
                "When {number} completed{}, the acquires completed by then, of which the last stand here \
                 from {oldest} on, less all releases begun by then, whoever began them, made {taken}.",
                story.completed_at(culprit)
            ),
            format!("There are {permits}."),
        ],
        culprit,
        legal: Some(format!("for {number} to be refused, or to wait")),
    })
}
