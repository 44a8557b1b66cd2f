//! `rw-register` where the order of versions stays open: is there an order of all transactions, or
//! of their snapshots and commits, that explains every read? Decided completely, by constraints.
//!
//! The moments at which transactions begin and end are ordered. What is known (dependencies, and
//! process or real time where the level asks for it) are edges between them. What is open is a
//! choice: who wrote a key that somebody read from a third did so before the third or after the
//! read (Papadimitriou, The Serializability of Concurrent Database Updates, JACM 1979, section 3:
//! polygraphs); and for snapshots, of two that wrote one key one had committed before the other
//! took its snapshot (Zhang et al., Viper, EuroSys 2023).
//!
//! Choices are made by a SAT solver with an argument of our own about circles ([`acyclic`]). They
//! are written down only where an order breaks them ([`replay`]), so that a history of a system
//! that keeps its promise needs few: the first order tried ([`schedule`]) is mostly a good one.
//! A pass is an order that an independent replay accepts. A violation is the smallest set of
//! transactions found that no order explains ([`core`]), and every case of it in words
//! ([`refutation`]).
//!
//! Deciding it is NP-complete: there may be no answer within a budget. Where a little effort comes
//! to nothing, parts of the history are looked at before the whole ([`windows`]).

mod acyclic;
mod core;
mod problem;
mod refutation;
mod replay;
mod schedule;
mod solver;
pub(crate) mod windows;

pub(crate) use self::core::{Core, smallest};
pub(crate) use problem::{Isolation, Problem};
pub(crate) use refutation::{Case, Choice, End, Fact, Moment, Reason, Refutation, refute};
pub(crate) use replay::Broken;

use super::classify::Order;
use crate::{Exhausted, VersionOrder, meter::Meter};
use solver::{Solved, Solver};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An order of the moments of all transactions, which a replay accepted.
    Order(Vec<u32>),
    /// There is none, because of what these transactions read and wrote: not the fewest.
    Nothing(Vec<u32>),
    /// More was learned from circles than was allowed.
    Open,
}

/// How many circles the solver may learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Some, to see whether there is an order that is easy to find.
    Try,
    /// As many as the budget has time for.
    All,
}

/// What a level asks for, where it can be decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) isolation: Isolation,
    pub(crate) order: Order,
}

impl Question {
    /// From the weakest to the strongest, as far as they can be compared.
    pub(crate) const ALL: [(&'static str, Self); 7] = {
        use {
            Isolation::{Serial, Snapshots},
            Order::{Data, Process, Realtime},
        };
        [
            ("snapshot-isolation", Self { isolation: Snapshots, order: Data }),
            ("repeatable-read", Self { isolation: Serial, order: Data }),
            ("serializable", Self { isolation: Serial, order: Data }),
            ("strong-session-snapshot-isolation", Self { isolation: Snapshots, order: Process }),
            ("strong-session-serializable", Self { isolation: Serial, order: Process }),
            ("strong-snapshot-isolation", Self { isolation: Snapshots, order: Realtime }),
            ("strict-serializable", Self { isolation: Serial, order: Realtime }),
        ]
    };

    /// What the order of a key's versions agrees with wherever the answer is yes: who reads and
    /// then writes a key writes a later version; and each process, or real time, meets each key's
    /// versions in order if it meets all transactions in order.
    pub(crate) fn implied(self) -> &'static [VersionOrder] {
        use VersionOrder::{Linearizable, Sequential, WritesFollowReads};
        match self.order {
            Order::Data => &[WritesFollowReads],
            Order::Process => &[WritesFollowReads, Sequential],
            Order::Realtime => &[WritesFollowReads, Sequential, Linearizable],
        }
    }

    /// What a level asks for; none if this module does not know it.
    pub(crate) fn of(level: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == level).map(|(_, question)| *question)
    }
}

/// Whether some order explains every read.
pub(crate) fn decide<'m>(
    problem: &Problem,
    effort: Effort,
    meter: &'m Meter<'m>,
) -> Result<Answer, Exhausted> {
    let mut share = meter.share();
    let mut chosen = Vec::new();
    let Some(mut order) = schedule::schedule(problem, &chosen, &mut share)? else {
        // The known edges alone make a circle: found elsewhere, and explained better.
        return Ok(Answer::Nothing(problem.counting().collect()));
    };
    let mut solver: Option<Solver<'_, '_>> = None;
    loop {
        let broken = replay::broken(problem, &order);
        if broken.is_empty() {
            let moments: Vec<u32> =
                order.into_iter().filter(|&node| problem.is_moment(node)).collect();
            assert!(replay::accepts(problem, &moments), "an order found explains every read");
            return Ok(Answer::Order(moments));
        }
        let solver = solver.get_or_insert_with(|| Solver::new(problem, effort, meter));
        solver.follow(&order);
        for broken in &broken {
            solver.forbid(broken);
        }
        match solver.solve()? {
            Solved::Circles(transactions) => return Ok(Answer::Nothing(transactions)),
            Solved::Open => return Ok(Answer::Open),
            Solved::Edges(edges) => chosen = edges,
        }
        let Some(next) = schedule::schedule(problem, &chosen, &mut share)? else {
            unreachable!("the solver makes no circles")
        };
        order = next;
    }
}
