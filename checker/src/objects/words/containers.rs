//! Queues, stacks and priority queues, in words.

use super::{DUPLICATE, Deed, Reason, Say, Words};
use crate::objects::{
    Timed,
    containers::{Act, Container, Discipline, First, Greatest, Last},
    numbers::ValueNumber,
    story::{NON_LINEARIZABLE, Story},
};

/// How a container is spoken of.
pub(crate) trait Spoken: Discipline {
    /// `queue`.
    const CALLED: &'static str;
    /// Where the next value is: `at the front`.
    const PLACE: &'static str;
    /// How the values inside are listed: `, the front first`.
    const LISTED: &'static str;

    /// The values inside, the next one first.
    fn listed(inside: &Self::Inside) -> Vec<ValueNumber>;

    /// Why the first of two values, both there, comes out before the second, as far as the order of
    /// their operations shows.
    fn goes(first: &Timed<Act>, second: &Timed<Act>) -> Option<&'static str>;
}

impl Spoken for First {
    const CALLED: &'static str = "queue";
    const PLACE: &'static str = "at the front";
    const LISTED: &'static str = ", the front first";

    fn listed(inside: &Self::Inside) -> Vec<ValueNumber> {
        inside.iter().copied().collect()
    }

    fn goes(first: &Timed<Act>, second: &Timed<Act>) -> Option<&'static str> {
        (first.returned < second.invoked).then_some("it had been put in first")
    }
}

impl Spoken for Last {
    const CALLED: &'static str = "stack";
    const PLACE: &'static str = "on top";
    const LISTED: &'static str = ", the top first";

    fn listed(inside: &Self::Inside) -> Vec<ValueNumber> {
        inside.iter().rev().copied().collect()
    }

    fn goes(first: &Timed<Act>, second: &Timed<Act>) -> Option<&'static str> {
        (second.returned < first.invoked).then_some("it had been put on top later")
    }
}

impl Spoken for Greatest {
    const CALLED: &'static str = "priority queue";
    const PLACE: &'static str = "the greatest";
    const LISTED: &'static str = "";

    fn listed(inside: &Self::Inside) -> Vec<ValueNumber> {
        let each = inside.iter().rev();
        each.flat_map(|(&value, &times)| std::iter::repeat_n(value, times as usize)).collect()
    }

    fn goes(first: &Timed<Act>, second: &Timed<Act>) -> Option<&'static str> {
        (first.effect.put()? > second.effect.put()?).then_some("it is greater")
    }
}

impl<D: Spoken> Words for Container<D> {
    const PUT: &'static str = D::FUNCTIONS[0].name;

    fn deed(&self, say: Say<'_>, act: &Act) -> Deed {
        let take = D::FUNCTIONS[1].name.to_owned();
        let (what, object) = match *act {
            Act::Insert(value) => (format!("{} of {}", Self::PUT, say.value(value)), "to"),
            _ => (take, "from"),
        };
        let (how, shows) = match *act {
            Act::Insert(value) => {
                ("was acknowledged".to_owned(), format!("put {} in", say.value(value)))
            }
            Act::Remove(value) => {
                (format!("returned {}", say.value(value)), format!("took {}", say.value(value)))
            }
            Act::Empty => ("returned null".to_owned(), "found nothing".to_owned()),
            Act::RemoveAny => {
                ("has no known outcome".to_owned(), format!("may have taken what was {}", D::PLACE))
            }
        };
        Deed { what, object, how, shows }
    }

    fn state(&self, say: Say<'_>, state: &Self::State) -> String {
        let (called, inside) = (D::CALLED, D::listed(state));
        if inside.is_empty() {
            return format!("the {called} is empty");
        }
        format!("the {called} holds {}{}", say.list(inside), D::LISTED)
    }

    fn answer(&self, state: &Self::State, act: &Act) -> Option<Act> {
        match act {
            Act::Remove(_) | Act::Empty => Some(D::next(state).map_or(Act::Empty, Act::Remove)),
            Act::Insert(_) | Act::RemoveAny => None,
        }
    }

    fn instead(&self, say: Say<'_>, answer: &Act) -> String {
        match answer {
            Act::Remove(value) => format!("return {}", say.value(*value)),
            Act::Empty => "return null".to_owned(),
            Act::Insert(_) | Act::RemoveAny => "have another outcome".to_owned(),
        }
    }

    /// The plain reasons: taken twice, not empty, not its turn.
    fn reason(&self, story: &Story<'_, Self>) -> Option<Reason> {
        let culprit = story.culprit;
        let Act::Remove(value) = culprit.effect else {
            let first = there(story).filter(|_| culprit.effect == Act::Empty)?;
            return Some(Reason {
                kind: NON_LINEARIZABLE,
                although: format!("{}, and nobody took it", story.had_been_acknowledged(first)),
            });
        };
        let (times, given) = (takes(story, value).count(), puts(story, value).count());
        if times > given && given > 0 {
            let other = takes(story, value).find(|op| op.source != culprit.source)?;
            let once = if given == 1 { "once".to_owned() } else { format!("{given} times") };
            let (value, who) = (story.say.value(value), story.cast.who(other.source));
            let although = format!("{value} was put in {once} and {who} had taken it");
            return Some(Reason { kind: DUPLICATE, although });
        }
        let put = puts(story, value).next()?;
        let first = there(story).filter(|_| given == 1)?;
        let acknowledged = story.had_been_acknowledged(first);
        let although = format!("{acknowledged}, and nobody took it: {}", D::goes(first, put)?);
        Some(Reason { kind: NON_LINEARIZABLE, although })
    }
}

fn puts<'a, D: Spoken>(
    story: &Story<'a, Container<D>>,
    value: ValueNumber,
) -> impl Iterator<Item = &'a Timed<Act>> {
    story.ops().iter().filter(move |op| op.effect.put() == Some(value))
}

fn takes<'a, D: Spoken>(
    story: &Story<'a, Container<D>>,
    value: ValueNumber,
) -> impl Iterator<Item = &'a Timed<Act>> {
    story.ops().iter().filter(move |op| op.effect.taken() == Some(value))
}

/// What was certainly there when the culprit began: acknowledged, and nobody can have taken it.
fn there<'a, D: Spoken>(story: &Story<'a, Container<D>>) -> Option<&'a Timed<Act>> {
    if story.ops().iter().any(|op| op.effect == Act::RemoveAny) {
        return None;
    }
    story
        .before()
        .find(|op| op.effect.put().is_some_and(|value| takes(story, value).next().is_none()))
}
