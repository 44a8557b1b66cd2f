//! Settles what open orders of versions leave open, for the levels that an order of transactions
//! decides.

use super::{
    extract::Transactions,
    graph::Graph,
    lattice, names,
    ordering::{Answer, Core, Effort, Problem, Question, decide, smallest},
    registers::Orders,
    tally::{Found, Tally},
};
use crate::{Exhausted, VersionOrder, meter::Meter};

/// What is needed to search for an order.
pub(crate) struct Settling<'a> {
    pub(crate) all: &'a Transactions,
    pub(crate) orders: &'a Orders<'a>,
    pub(crate) graph: &'a Graph,
    pub(crate) meter: &'a Meter<'a>,
}

impl Settling<'_> {
    /// The level that an order proves: the one that was asked for, or a stronger one. If there
    /// is none, that is an anomaly; without an answer within the budget everything stays open.
    pub(crate) fn settle(&self, asked: &str, tally: &mut Tally) -> Option<&'static str> {
        let found = tally.names();
        // An order says nothing about a transaction that contradicts itself.
        if found.iter().any(|kind| *kind == names::INTERNAL || lattice::forbids(asked, kind)) {
            return None;
        }
        let is_asked = |level: &str| level == asked;
        let implies = |level: &str| lattice::follows(asked, level);
        let levels = Question::ALL.into_iter().filter(|(level, _)| {
            if Question::of(asked).is_some() { is_asked(level) } else { implies(level) }
        });
        // Most systems keep more than they promise, and real time leaves the fewest choices.
        if let Some(strongest @ (_, question)) = Question::ALL.last().copied()
            && let Ok(Some(_)) = self.order_by_implied(question, Effort::Try)
        {
            return Some(strongest.0);
        }
        for (level, question) in levels {
            match self.answer(question) {
                Ok(Answer::Order(_)) => return Some(level),
                Ok(Answer::Nothing(involved)) if is_asked(level) => {
                    // Without the time for a smaller one nothing is told, and nothing claimed.
                    if let Ok(Some(core)) = self.smallest(question, &involved) {
                        self.add(level, question, core, tally);
                    }
                }
                Ok(Answer::Nothing(_) | Answer::Open) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// First with all that the level implies of versions: where there is an order, it agrees with
    /// that. Where there is none, what was known without it has to show it.
    fn answer(&self, question: Question) -> Result<Answer, Exhausted> {
        if !self.assumes_enough(question)
            && let Some(order) = self.order_by_implied(question, Effort::All)?
        {
            return Ok(Answer::Order(order));
        }
        self.decide(self.orders, self.graph, question, Effort::All)
    }

    fn decide(
        &self,
        orders: &Orders<'_>,
        graph: &Graph,
        question: Question,
        effort: Effort,
    ) -> Result<Answer, Exhausted> {
        let Question { isolation, order } = question;
        decide(&Problem::whole(self.all, orders, graph, isolation, order), effort, self.meter)
    }

    /// Whether what a level implies of versions is assumed already, or something that says more.
    fn assumes_enough(&self, question: Question) -> bool {
        self.orders.is_assumed(VersionOrder::Linearizable)
            || question.implied().iter().all(|order| self.orders.is_assumed(*order))
    }

    /// An order, if it is found; none if there is none.
    fn order_by_implied(
        &self,
        question: Question,
        effort: Effort,
    ) -> Result<Option<Vec<u32>>, Exhausted> {
        let found = |answer| match answer {
            Answer::Order(order) => Some(order),
            Answer::Nothing(_) | Answer::Open => None,
        };
        if self.assumes_enough(question) {
            return self.decide(self.orders, self.graph, question, effort).map(found);
        }
        let mut tally = Tally::default();
        let implied = question.implied();
        let orders = Orders::infer(self.all, implied, &|_| false, &mut tally, self.meter)?;
        // Versions in a circle are told elsewhere, by the transactions that show it.
        if !tally.names().is_empty() {
            return Ok(None);
        }
        let mut share = self.meter.share();
        let graph = Graph::new(self.all, orders.edges(&mut share)?);
        share.hold(orders.bytes() + graph.bytes())?;
        self.decide(&orders, &graph, question, effort).map(found)
    }

    fn smallest(&self, question: Question, involved: &[u32]) -> Result<Option<Core>, Exhausted> {
        smallest(self.all, self.orders, question, involved, self.meter)
    }

    /// Adds what no order explains, under the weakest levels that these transactions break.
    fn add(&self, level: &'static str, question: Question, core: Core, tally: &mut Tally) {
        let mut broken: Vec<(&'static str, Question, Core)> = Vec::new();
        for (weaker, question) in Question::ALL {
            let is_below = weaker != level && lattice::follows(weaker, level);
            let kind = |question: &Question| names::no_order(question.isolation, question.order);
            let follows = broken.iter().any(|(_, known, _)| lattice::forbids(weaker, kind(known)));
            if !is_below || follows {
                continue;
            }
            if let Ok(Some(core)) = self.smallest(question, &core.transactions) {
                broken.push((weaker, question, core));
            }
        }
        if broken.is_empty() {
            broken.push((level, question, core));
        }
        for (_, question, core) in broken {
            let kind = names::no_order(question.isolation, question.order);
            let shows = core.transactions.first().copied().unwrap_or_default();
            tally.add(kind, shows, |_| false, || Found::NoOrder { question, core });
        }
    }
}
