//! Settles what open orders of versions leave open, for the levels that an order of transactions
//! decides.

use std::collections::BTreeMap;

use super::{
    extract::{INITIAL, NEVER, NOBODY, Transactions},
    graph::Graph,
    lattice, names,
    ordering::{Answer, Core, Effort, Problem, Question, decide, smallest, windows},
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

/// What came of the search with all that a level implies of versions.
enum Implied {
    /// An order, which proves the level.
    Order(Vec<u32>),
    /// No order. These may show that there is none; or nobody, if nothing is known of it.
    Suspects(Vec<u32>),
    /// Nobody knows, within the effort.
    Open,
}

/// More suspects are no help.
const SUSPECTS: usize = 600;

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
            && let Ok(Implied::Order(_)) = self.by_implied(question, Effort::Try)
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
    /// that. Where there is none, few transactions may show it. Then parts of the history, which
    /// show what is near; then all are asked with no more than was assumed, for as long as it takes.
    fn answer(&self, question: Question) -> Result<Answer, Exhausted> {
        let mut tried = self.by_implied(question, Effort::Try)?;
        if !matches!(tried, Implied::Order(_)) {
            if let Some(core) = self.shown_by(&tried, question)? {
                return Ok(Answer::Nothing(core.transactions));
            }
            let window =
                windows::search(self.all, self.orders, question, &windows::SIZES, self.meter)?;
            if let Some(core) = window {
                return Ok(Answer::Nothing(core.transactions));
            }
            if matches!(tried, Implied::Open) {
                tried = self.by_implied(question, Effort::All)?;
            }
        }
        match tried {
            Implied::Order(order) => Ok(Answer::Order(order)),
            _ => match self.shown_by(&tried, question)? {
                Some(core) => Ok(Answer::Nothing(core.transactions)),
                None => self.decide(self.orders, self.graph, question, Effort::All),
            },
        }
    }

    /// The few among suspects that have no order even without what the level implies.
    fn shown_by(&self, tried: &Implied, question: Question) -> Result<Option<Core>, Exhausted> {
        let Implied::Suspects(suspects) = tried else { return Ok(None) };
        let suspects = self.with_witnesses(suspects);
        if suspects.is_empty() || suspects.len() > SUSPECTS {
            return Ok(None);
        }
        self.smallest(question, &suspects)
    }

    /// These transactions, and for each version that they touched the one that had left it first
    /// and the one that met it last: from these real time says which of two versions came first.
    fn with_witnesses(&self, members: &[u32]) -> Vec<u32> {
        let touched = |one: u32| {
            let touches = self.orders.touches_of(one).iter();
            touches.flat_map(|touch| [(touch.key, touch.first()), (touch.key, touch.last())])
        };
        // By key and version: when it was first left and last met, and by whom.
        let mut shown: BTreeMap<(u32, u32), [(u32, u32); 2]> = BTreeMap::new();
        for state in members.iter().flat_map(|&one| touched(one)) {
            shown.insert(state, [(NEVER, NOBODY), (0, NOBODY)]);
        }
        for (one, times) in (0..).zip(&self.all.all) {
            for touch in self.orders.touches_of(one) {
                if let Some([left, _]) = shown.get_mut(&(touch.key, touch.last())) {
                    *left = (*left).min((times.completed, one));
                }
                if let Some([_, met]) = shown.get_mut(&(touch.key, touch.first()))
                    && (met.1 == NOBODY || met.0 < times.invoked)
                {
                    *met = (times.invoked, one);
                }
            }
        }
        let witnesses = shown.into_values().flatten().map(|(_, one)| one);
        let mut all: Vec<u32> =
            members.iter().copied().chain(witnesses.filter(|&one| one != NOBODY)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Everybody who touched versions that each come before the others.
    fn touching(&self, tally: &Tally) -> Vec<u32> {
        let mut versions: Vec<u32> = Vec::new();
        for found in tally.examples(names::CYCLIC_VERSIONS) {
            if let Found::CyclicVersions { versions: cyclic, .. } = found {
                versions.extend(cyclic);
            }
        }
        versions.retain(|&version| version != INITIAL);
        let touches = |&one: &u32| {
            let mut touches = self.orders.touches_of(one).iter();
            touches.any(|it| versions.contains(&it.first()) || versions.contains(&it.last()))
        };
        let all = 0..self.all.all.len() as u32;
        all.filter(|&one| self.orders.counts(one)).filter(touches).collect()
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

    /// With all that a level implies of versions.
    fn by_implied(&self, question: Question, effort: Effort) -> Result<Implied, Exhausted> {
        let implied = |answer| match answer {
            Answer::Order(order) => Implied::Order(order),
            Answer::Nothing(suspects) => Implied::Suspects(suspects),
            Answer::Open => Implied::Open,
        };
        if self.assumes_enough(question) {
            return self.decide(self.orders, self.graph, question, effort).map(implied);
        }
        let mut tally = Tally::default();
        let assumed = question.implied();
        let orders = Orders::infer(self.all, assumed, &|_| false, &mut tally, self.meter)?;
        if !tally.names().is_empty() {
            return Ok(Implied::Suspects(self.touching(&tally)));
        }
        let mut share = self.meter.share();
        let graph = Graph::new(self.all, orders.edges(&mut share)?);
        share.hold(orders.bytes() + graph.bytes())?;
        self.decide(&orders, &graph, question, effort).map(implied)
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
