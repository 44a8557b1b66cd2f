//! The choices, and the SAT solver that makes them.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, HashMap},
};

use batsat::{Callbacks, Lit, SolverInterface, SolverOpts, lbool};

use super::{Effort, acyclic::Acyclic, problem::Problem, replay::Broken};
use crate::{
    Exhausted,
    meter::{Meter, Share},
};

/// What the choices came to.
pub(crate) enum Solved {
    /// Edges that make no circle and satisfy all that was asked so far.
    Edges(Vec<(u32, u32)>),
    /// There are none; the circles went through these transactions.
    Circles(Vec<u32>),
    /// Nobody knows, within the effort.
    Open,
}

/// How many clauses [`Effort::Try`] may learn.
const TRIED: u32 = 20_000;

/// How many of the solver's questions are passed on to the budget: one of so many. It asks before
/// each choice.
const STEPS: u32 = 64;

/// Asks the budget for the solver.
struct Patience<'m> {
    share: RefCell<Share<'m>>,
    bytes: Cell<usize>,
    calls: Cell<u32>,
    stopped: Cell<Option<Exhausted>>,
    /// How many clauses may still be learned.
    left: u32,
}

impl Callbacks for Patience<'_> {
    fn stop(&self) -> bool {
        self.calls.set(self.calls.get().wrapping_add(1));
        if self.stopped.get().is_none() && self.calls.get().is_multiple_of(STEPS) {
            self.stopped.set(self.share.borrow_mut().hold(self.bytes.get()).err());
        }
        self.stopped.get().is_some() || self.left == 0
    }

    fn on_new_clause(&mut self, clause: &[Lit], _kind: batsat::ClauseKind) {
        self.bytes.set(self.bytes.get() + 16 + 4 * clause.len());
        self.left = self.left.saturating_sub(1);
    }

    fn on_delete_clause(&mut self, clause: &[Lit]) {
        self.bytes.set(self.bytes.get().saturating_sub(16 + 4 * clause.len()));
    }
}

pub(crate) struct Solver<'p, 'm> {
    problem: &'p Problem,
    sat: batsat::Solver<Patience<'m>>,
    acyclic: Acyclic<'p>,
    /// By pair of nodes, the lower number first: that the one comes before the other.
    choices: HashMap<(u32, u32), Lit>,
    /// Everybody of whom something was asked.
    asked: BTreeSet<u32>,
}

impl<'p, 'm> Solver<'p, 'm> {
    pub(crate) fn new(problem: &'p Problem, effort: Effort, meter: &'m Meter<'m>) -> Self {
        let patience = Patience {
            share: RefCell::new(meter.share()),
            bytes: Cell::new(0),
            calls: Cell::new(0),
            stopped: Cell::new(None),
            left: if effort == Effort::Try { TRIED } else { u32::MAX },
        };
        Self {
            problem,
            sat: batsat::Solver::new(SolverOpts::default(), patience),
            acyclic: Acyclic::new(problem),
            choices: HashMap::new(),
            asked: BTreeSet::new(),
        }
    }

    /// Takes an order that agrees with the last answer: what is new is tried the other way first.
    pub(crate) fn follow(&mut self, order: &[u32]) {
        self.acyclic.follow(order);
    }

    /// Asks for something that an order broke to be otherwise.
    pub(crate) fn forbid(&mut self, broken: &Broken) {
        let problem = self.problem;
        let (first, last) = (|one| problem.first(one), |one| problem.last(one));
        let mut clause = Vec::with_capacity(2);
        match *broken {
            Broken::Read { reader, writer, between } => {
                self.asked.extend([Some(reader), writer, Some(between)].into_iter().flatten());
                clause.extend(writer.map(|writer| self.choice(last(between), last(writer))));
                clause.push(self.choice(first(reader), last(between)));
            }
            Broken::Overlap { one, other } => {
                self.asked.extend([one, other]);
                clause.push(self.choice(last(one), first(other)));
                clause.push(self.choice(last(other), first(one)));
            }
        }
        self.sat.add_clause_reuse(&mut clause);
    }

    /// That one node comes before another. The solver tries what is false first, and that is the
    /// present order.
    fn choice(&mut self, from: u32, to: u32) -> Lit {
        let pair = (from.min(to), from.max(to));
        let low_first = if let Some(known) = self.choices.get(&pair) {
            *known
        } else {
            let choice = Lit::new(self.sat.new_var_default(), true);
            let is_so = self.acyclic.place(pair.0) < self.acyclic.place(pair.1);
            let (before, after) = if is_so { (pair.1, pair.0) } else { pair };
            self.acyclic.add_pair(before, after);
            // Said at once: to learn it would cost all choices made so far.
            if self.acyclic.forbids(before, after) {
                self.sat.add_clause_reuse(&mut vec![!choice]);
            }
            let low_first = if is_so { !choice } else { choice };
            self.choices.insert(pair, low_first);
            low_first
        };
        if from < to { low_first } else { !low_first }
    }

    pub(crate) fn solve(&mut self) -> Result<Solved, Exhausted> {
        let bytes = self.problem.bytes() + self.acyclic.bytes() + 80 * self.choices.len();
        let patience = self.sat.cb_mut();
        patience.bytes.set(bytes);
        patience.share.borrow_mut().hold(bytes)?;
        let answer = self.sat.solve_limited_th(&mut self.acyclic, &[]);
        if answer == lbool::TRUE {
            let choices = self.choices.values().map(|&choice| {
                let holds = self.sat.value_lit(choice) == lbool::TRUE;
                self.acyclic.edge(if holds { choice } else { !choice })
            });
            return Ok(Solved::Edges(choices.collect()));
        }
        if let Some(exhausted) = self.sat.cb().stopped.get() {
            return Err(exhausted);
        }
        if answer != lbool::FALSE {
            return Ok(Solved::Open);
        }
        let mut involved = self.asked.clone();
        involved.extend(self.acyclic.on_circles());
        Ok(Solved::Circles(involved.into_iter().collect()))
    }
}
