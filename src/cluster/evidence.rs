//! What datagrams say of a link: whether its policies are in force, and whether they are gone.
//!
//! `aim` says which datagrams it takes, `judge` what they show, `chance` how far chance goes.

mod aim;
mod chance;
mod judge;

use temblor_faults::Hop;
use temblor_history::Evidence;

pub(super) use self::aim::{FEW, stretch};
use super::message::Aim;

/// A datagram that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    /// Its number in its burst.
    pub(super) number: u32,
    /// When, CLOCK_MONOTONIC.
    pub(super) at_ns: i64,
    /// Whether it came as it was sent.
    pub(super) whole: bool,
}

/// What was seen of one directed link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// What was to be sent.
    pub(super) aim: Aim,
    /// When each datagram left, by number, CLOCK_MONOTONIC; 0: it did not.
    pub(super) sent: Vec<i64>,
    /// Those that came, in the order in which they did.
    pub(super) came: Vec<Came>,
    /// How many frames, of whomever, the link dropped meanwhile because too much waited.
    pub(super) overflowed: u64,
}

impl Seen {
    /// When the first datagram arrived.
    pub(super) fn first_ns(&self) -> Option<i64> {
        self.came.iter().map(|came| came.at_ns).min()
    }

    /// How late each single datagram was that came whole, by its first copy; nanoseconds.
    pub(super) fn late_ns(&self) -> Vec<i64> {
        let mut first = vec![None; self.aim.single as usize];
        for came in self.came.iter().filter(|came| came.whole) {
            if let Some(slot) = first.get_mut(came.number as usize) {
                *slot = Some(slot.map_or(came.at_ns, |at_ns: i64| at_ns.min(came.at_ns)));
            }
        }
        let pairs = first.iter().zip(&self.sent);
        pairs.filter_map(|(at_ns, sent_ns)| Some((*at_ns)? - sent_ns)).collect()
    }
}

/// What acts on a link, and what no longer does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acting<'a> {
    /// What acts now, in order.
    pub(super) hops: &'a [Hop],
    /// What was taken away, and must be seen to be gone.
    pub(super) gone: &'a [Hop],
}

/// Whether a link on which these act would show this.
pub(super) fn holds(acting: Acting<'_>, seen: &Seen) -> bool {
    judge::clauses(acting, seen).iter().all(|clause| clause.holds)
}

/// One line of evidence on one link.
pub(super) fn of_link(name: &str, acting: Acting<'_>, seen: &Seen) -> Evidence {
    let clauses = judge::clauses(acting, seen);
    let join = |words: Vec<&str>| {
        words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
    };
    Evidence {
        what: format!("datagrams {name}"),
        expected: join(clauses.iter().map(|clause| clause.expected.as_str()).collect()),
        observed: join(clauses.iter().map(|clause| clause.observed.as_str()).collect()),
        holds: clauses.iter().all(|clause| clause.holds),
    }
}

/// A link that is looked at besides: its name, what acts on it, what was seen.
pub(super) type Looked = (String, Vec<Hop>, Seen);

/// One line on several links that are not the matter: those that do not hold are named.
pub(super) fn of_others(what: &str, links: &[Looked]) -> Option<Evidence> {
    let lines = links.iter().map(|(name, hops, seen)| {
        let line = of_link(name, Acting { hops, gone: &[] }, seen);
        (!line.holds).then(|| format!("{name}: {}, expected: {}", line.observed, line.expected))
    });
    let bad: Vec<String> = lines.flatten().collect();
    let (count, as_expected) = (links.len(), format!("all {} as expected", links.len()));
    let expected = if links.iter().all(|(_, hops, _)| hops.is_empty()) {
        format!("all arrive, on each of {count}")
    } else {
        format!("each of {count} as the active faults leave it")
    };
    (!links.is_empty()).then(|| Evidence {
        what: format!("datagrams on {what}"),
        expected,
        holds: bad.is_empty(),
        observed: if bad.is_empty() { as_expected } else { bad.join("; ") },
    })
}

/// Damage that checksums catch is seen by the receiver's kernel: it counts what it throws away.
pub(super) fn of_checksums(receiver: &str, counted: u64) -> Evidence {
    Evidence {
        what: format!("wrong checksums at {receiver}"),
        expected: "its kernel finds damaged datagrams".into(),
        observed: format!("{counted} found"),
        holds: counted > 0,
    }
}
