//! The fewest transactions found that no order explains.
//!
//! What is asked of some transactions is asked of all: whoever explains all explains some, since a
//! part of an order is an order of the part, and a read of what an outsider wrote asks nothing
//! here. So a part without an order shows that the whole has none.

use super::{Answer, Effort, Problem, Question, decide};
use crate::{
    Exhausted,
    meter::Meter,
    transactions::{extract::Transactions, registers::Orders},
};

/// So many parts are tried; then the smallest so far has to do.
const TRIES: u32 = 400;

/// A part of the history that no order explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Core {
    pub(crate) transactions: Vec<u32>,
    /// Whether an order explains it as soon as any transaction is left out.
    pub(crate) minimal: bool,
}

/// Leaves out what can be left out, by ever smaller pieces (Zeller and Hildebrandt, Simplifying and
/// Isolating Failure-Inducing Input, TSE 2002). None if these transactions have an order.
pub(crate) fn smallest<'m>(
    all: &Transactions,
    orders: &Orders<'_>,
    question: Question,
    involved: &[u32],
    meter: &'m Meter<'m>,
) -> Result<Option<Core>, Exhausted> {
    let mut trying = Trying { all, orders, question, meter, tries: 0 };
    let Some(mut core) = trying.without_order(involved)? else { return Ok(None) };
    let mut piece = core.len().div_ceil(2);
    loop {
        match trying.without_a_piece(&core, piece) {
            Ok(Some(smaller)) => {
                core = smaller;
                piece = piece.min(core.len().div_ceil(2)).max(1);
            }
            Ok(None) if piece == 1 => return Ok(Some(Core { transactions: core, minimal: true })),
            Ok(None) => piece = piece.div_ceil(2),
            // What is found stays found.
            Err(_) => return Ok(Some(Core { transactions: core, minimal: false })),
        }
    }
}

struct Trying<'a, 't, 'm> {
    all: &'a Transactions,
    orders: &'a Orders<'t>,
    question: Question,
    meter: &'m Meter<'m>,
    tries: u32,
}

impl Trying<'_, '_, '_> {
    /// Those among some transactions that matter, if no order explains them: tried out too.
    fn without_order(&mut self, members: &[u32]) -> Result<Option<Vec<u32>>, Exhausted> {
        let Some(mut core) = self.mattering(members)? else { return Ok(None) };
        if core.len() == members.len() {
            return Ok(Some(core));
        }
        while let Some(smaller) = self.mattering(&core)? {
            if smaller.len() == core.len() {
                return Ok(Some(core));
            }
            core = smaller;
        }
        Ok(Some(members.to_vec()))
    }

    /// Those that the solver's argument is about, if there is no order.
    fn mattering(&mut self, members: &[u32]) -> Result<Option<Vec<u32>>, Exhausted> {
        let Question { isolation, order } = self.question;
        let problem = Problem::part(self.all, self.orders, isolation, order, members, self.meter)?;
        Ok(match decide(&problem, Effort::All, self.meter)? {
            Answer::Order(_) | Answer::Open => None,
            Answer::Nothing(matter) => {
                Some(matter.into_iter().map(|one| problem.name(one)).collect())
            }
        })
    }

    /// A part that lacks so many neighbours; an error when it is time to stop.
    fn without_a_piece(
        &mut self,
        core: &[u32],
        piece: usize,
    ) -> Result<Option<Vec<u32>>, Exhausted> {
        for start in (0..core.len()).step_by(piece) {
            self.tries += 1;
            if self.tries > TRIES {
                return Err(Exhausted::Deadline);
            }
            let end = (start + piece).min(core.len());
            let rest: Vec<u32> = core[..start].iter().chain(&core[end..]).copied().collect();
            if let Some(smaller) = self.without_order(&rest)? {
                return Ok(Some(smaller));
            }
        }
        Ok(None)
    }
}
