//! Queues, stacks and priority queues, in words.

use super::{DUPLICATE, Deed, Reason, Say, Words};
use crate::objects::{
    Timed,
    model::Model,
    priority_queue::{self, PriorityQueue},
    queue::{self, Queue},
    stack::{self, Stack},
    story::{NON_LINEARIZABLE, Story},
};

/// What kind of thing an operation does, and with which value.
enum Does {
    Puts(u32),
    Takes(u32),
    FindsNothing,
    TakesUnknown,
}

/// What operations of one container are called.
struct Names {
    put: &'static str,
    take: &'static str,
    /// `at the front`.
    place: &'static str,
}

fn deed(names: &Names, say: Say<'_>, does: &Does) -> Deed {
    let (put, take) = (names.put, names.take);
    match *does {
        Does::Puts(value) => Deed {
            what: format!("{put} of {}", say.value(value)),
            object: "to",
            how: "was acknowledged".to_owned(),
            shows: format!("put {} in", say.value(value)),
        },
        Does::Takes(value) => Deed {
            what: take.to_owned(),
            object: "from",
            how: format!("returned {}", say.value(value)),
            shows: format!("took {}", say.value(value)),
        },
        Does::FindsNothing => Deed {
            what: take.to_owned(),
            object: "from",
            how: "returned null".to_owned(),
            shows: "found nothing".to_owned(),
        },
        Does::TakesUnknown => Deed {
            what: take.to_owned(),
            object: "from",
            how: "has no known outcome".to_owned(),
            shows: format!("may have taken what was {}", names.place),
        },
    }
}

fn returned(say: Say<'_>, does: &Does) -> String {
    match does {
        Does::Takes(value) => format!("return {}", say.value(*value)),
        Does::FindsNothing => "return null".to_owned(),
        Does::Puts(_) | Does::TakesUnknown => "have another outcome".to_owned(),
    }
}

/// Which of two values, both there, is not to be taken: as the order of their operations shows.
type Goes<M> = fn(&Timed<<M as Model>::Effect>, &Timed<<M as Model>::Effect>) -> Option<String>;

/// The plain reasons: taken twice, taken before anybody put it in, not empty, not its turn.
fn reason<M: Words>(
    story: &Story<'_, M>,
    does: fn(&M::Effect) -> Does,
    goes: Goes<M>,
) -> Option<Reason> {
    let (say, culprit) = (story.say, story.culprit);
    let puts = |value: u32| {
        let puts = story.ops().iter();
        puts.filter(move |op| matches!(does(&op.effect), Does::Puts(put) if put == value))
    };
    let takes = |value: u32| {
        let takes = story.ops().iter();
        takes.filter(move |op| matches!(does(&op.effect), Does::Takes(took) if took == value))
    };
    // What was certainly there when the culprit began: acknowledged, and nobody can have taken it.
    let unknown = story.ops().iter().any(|op| matches!(does(&op.effect), Does::TakesUnknown));
    let there = story.before().find(|op| match does(&op.effect) {
        Does::Puts(value) => !unknown && takes(value).next().is_none(),
        _ => false,
    });
    let nobody_took = |put: &Timed<M::Effect>| {
        format!("{}, and nobody took it", story.had_been_acknowledged(put))
    };
    let although = match does(&culprit.effect) {
        Does::Takes(value) => {
            let (times, given) = (takes(value).count(), puts(value).count());
            let value_told = say.value(value);
            if times > given && given > 0 {
                let other = takes(value).find(|op| op.source != culprit.source)?;
                let once = if given == 1 { "once".to_owned() } else { format!("{given} times") };
                let who = story.cast.who(other.source);
                let although = format!("{value_told} was put in {once} and {who} had taken it");
                return Some(Reason { kind: DUPLICATE, although });
            }
            let put = puts(value).next()?;
            let first = there.filter(|_| given == 1)?;
            format!("{}: {}", nobody_took(first), goes(first, put)?)
        }
        Does::FindsNothing => nobody_took(there?),
        Does::Puts(_) | Does::TakesUnknown => return None,
    };
    Some(Reason { kind: NON_LINEARIZABLE, although })
}

const QUEUE: Names = Names { put: "enqueue", take: "dequeue", place: "at the front" };

fn queue_does(effect: &queue::Effect) -> Does {
    match *effect {
        queue::Effect::Enqueue(value) => Does::Puts(value),
        queue::Effect::Dequeue(value) => Does::Takes(value),
        queue::Effect::Empty => Does::FindsNothing,
        queue::Effect::DequeueUnknown => Does::TakesUnknown,
    }
}

impl Words for Queue {
    const PUT: &'static str = "enqueue";

    fn deed(&self, say: Say<'_>, effect: &queue::Effect) -> Deed {
        deed(&QUEUE, say, &queue_does(effect))
    }

    fn state(&self, say: Say<'_>, state: &Self::State) -> String {
        if state.is_empty() {
            return "the queue is empty".to_owned();
        }
        format!("the queue holds {}, the front first", say.list(state.iter().copied()))
    }

    fn answer(&self, state: &Self::State, effect: &queue::Effect) -> Option<queue::Effect> {
        match queue_does(effect) {
            Does::Takes(_) | Does::FindsNothing => {
                let next = state.front().copied();
                Some(next.map_or(queue::Effect::Empty, queue::Effect::Dequeue))
            }
            Does::Puts(_) | Does::TakesUnknown => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &queue::Effect) -> String {
        returned(say, &queue_does(answer))
    }

    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        reason(story, queue_does, |first, put| {
            (first.returned < put.invoked).then(|| "it had been put in first".to_owned())
        })
    }
}

const STACK: Names = Names { put: "push", take: "pop", place: "on top" };

fn stack_does(effect: &stack::Effect) -> Does {
    match *effect {
        stack::Effect::Push(value) => Does::Puts(value),
        stack::Effect::Pop(value) => Does::Takes(value),
        stack::Effect::Empty => Does::FindsNothing,
        stack::Effect::PopUnknown => Does::TakesUnknown,
    }
}

impl Words for Stack {
    const PUT: &'static str = "push";

    fn deed(&self, say: Say<'_>, effect: &stack::Effect) -> Deed {
        deed(&STACK, say, &stack_does(effect))
    }

    fn state(&self, say: Say<'_>, state: &Self::State) -> String {
        if state.is_empty() {
            return "the stack is empty".to_owned();
        }
        format!("the stack holds {}, the top first", say.list(state.iter().rev().copied()))
    }

    fn answer(&self, state: &Self::State, effect: &stack::Effect) -> Option<stack::Effect> {
        match stack_does(effect) {
            Does::Takes(_) | Does::FindsNothing => {
                let next = state.last().copied();
                Some(next.map_or(stack::Effect::Empty, stack::Effect::Pop))
            }
            Does::Puts(_) | Does::TakesUnknown => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &stack::Effect) -> String {
        returned(say, &stack_does(answer))
    }

    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        reason(story, stack_does, |over, put| {
            (put.returned < over.invoked).then(|| "it had been put on top later".to_owned())
        })
    }
}

const PRIORITY_QUEUE: Names = Names { put: "insert", take: "poll", place: "the greatest" };

fn priority_queue_does(effect: &priority_queue::Effect) -> Does {
    match *effect {
        priority_queue::Effect::Insert(value) => Does::Puts(value),
        priority_queue::Effect::Poll(value) => Does::Takes(value),
        priority_queue::Effect::Empty => Does::FindsNothing,
        priority_queue::Effect::PollUnknown => Does::TakesUnknown,
    }
}

impl Words for PriorityQueue {
    const PUT: &'static str = "insert";

    fn deed(&self, say: Say<'_>, effect: &priority_queue::Effect) -> Deed {
        deed(&PRIORITY_QUEUE, say, &priority_queue_does(effect))
    }

    fn state(&self, say: Say<'_>, state: &Self::State) -> String {
        if state.is_empty() {
            return "the priority queue is empty".to_owned();
        }
        let each = state.iter().rev();
        let values = each.flat_map(|(&value, &times)| std::iter::repeat_n(value, times as usize));
        format!("the priority queue holds {}", say.list(values))
    }

    fn answer(
        &self,
        state: &Self::State,
        effect: &priority_queue::Effect,
    ) -> Option<priority_queue::Effect> {
        match priority_queue_does(effect) {
            Does::Takes(_) | Does::FindsNothing => {
                let next = state.last_key_value().map(|(&greatest, _)| greatest);
                Some(next.map_or(priority_queue::Effect::Empty, priority_queue::Effect::Poll))
            }
            Does::Puts(_) | Does::TakesUnknown => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &priority_queue::Effect) -> String {
        returned(say, &priority_queue_does(answer))
    }

    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        reason(story, priority_queue_does, |greater, put| match (greater.effect, put.effect) {
            (priority_queue::Effect::Insert(one), priority_queue::Effect::Insert(other)) => {
                (one > other).then(|| "it is greater".to_owned())
            }
            _ => None,
        })
    }
}
