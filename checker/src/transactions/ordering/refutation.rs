//! Why no order explains a few transactions: case by case, until each case has a circle.

use super::{Problem, Question, problem::known, replay::Broken};
use crate::{
    Unlimited,
    meter::Meter,
    transactions::{
        extract::{INITIAL, Transactions},
        graph::Edge,
        registers::Orders,
    },
};

/// A moment of one of the transactions, by its name in the whole history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) transaction: u32,
    /// Whether it is the one at which the transaction writes, where it has two.
    pub(crate) commits: bool,
}

/// Why one moment comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// They are the two moments of one transaction.
    Own,
    /// It is known.
    Known(Edge),
    /// It is supposed, in this case.
    Supposed(Choice),
    /// All other options make a circle; by number, in the order of [`Choice`].
    Left(Choice, usize),
}

/// A choice that an order has, by names of transactions: for a read, that the one in between came
/// before who wrote, or after who read; for an overlap, that the one came first, or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) key: u32,
    pub(crate) about: Broken,
}

/// One moment before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    pub(crate) reason: Reason,
    /// The way, by numbers of facts, that the other choice would close to a circle.
    pub(crate) against: Vec<usize>,
}

/// What follows, step by step, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// Facts that follow here, by number.
    pub(crate) facts: Vec<usize>,
    pub(crate) end: End,
}

/// How a case ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// In a circle of these facts.
    Circle(Vec<usize>),
    /// In two cases.
    Split(Box<Case>, Box<Case>),
}

/// All facts, those that are known first, and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refutation {
    pub(crate) facts: Vec<Fact>,
    pub(crate) case: Case,
    /// Those that the cases rest on.
    pub(crate) used: Vec<usize>,
}

/// More cases are too many to read.
const CASES: usize = 24;

/// Goes through all cases; none if there are too many, or if some order explains the transactions.
pub(crate) fn refute(
    all: &Transactions,
    orders: &Orders<'_>,
    question: Question,
    members: &[u32],
) -> Option<Refutation> {
    let mut refuting = Refuting {
        problem: Problem::part(
            all,
            orders,
            question.isolation,
            question.order,
            members,
            &Meter::new(&Unlimited),
        )
        .ok()?,
        facts: Vec::new(),
        ends: Vec::new(),
        choices: Vec::new(),
        cases: 0,
    };
    refuting.take_known(all, orders, question, members);
    refuting.find_choices();
    let case = refuting.case(Vec::new())?;
    let (case, mut used) = refuting.needed(case);
    used.sort_unstable();
    used.dedup();
    Some(Refutation { facts: refuting.facts, case, used })
}

/// Two options of which one holds, or one alone that does; as pairs of nodes.
struct Open {
    choice: Choice,
    options: Vec<(u32, u32)>,
}

struct Refuting {
    problem: Problem,
    facts: Vec<Fact>,
    /// By fact: the nodes. Facts of cases that are done have none.
    ends: Vec<Option<(u32, u32)>>,
    choices: Vec<Open>,
    cases: usize,
}

impl Refuting {
    fn moment(&self, node: u32) -> Moment {
        let one = self.problem.transaction(node).unwrap_or_default();
        let commits = self.problem.writes_at(node) && !self.problem.reads_at(node);
        Moment { transaction: self.problem.name(one), commits }
    }

    fn add(&mut self, from: u32, to: u32, reason: Reason, against: Vec<usize>) -> usize {
        let fact = Fact { from: self.moment(from), to: self.moment(to), reason, against };
        self.facts.push(fact);
        self.ends.push(Some((from, to)));
        self.facts.len() - 1
    }

    fn take_known(
        &mut self,
        all: &Transactions,
        orders: &Orders<'_>,
        question: Question,
        members: &[u32],
    ) {
        for (one, &from) in (0..).zip(members) {
            let (begin, end) = (self.problem.first(one), self.problem.last(one));
            if begin != end {
                self.add(begin, end, Reason::Own, Vec::new());
            }
            for (other, &to) in (0..).zip(members).filter(|(other, _)| *other != one) {
                for edge in known(all, orders, question.order, from, to) {
                    let (before, after) = if edge == Edge::Rw {
                        (self.problem.first(one), self.problem.last(other))
                    } else {
                        (self.problem.last(one), self.problem.first(other))
                    };
                    self.add(before, after, Reason::Known(edge), Vec::new());
                }
            }
        }
    }

    fn find_choices(&mut self) {
        let problem = &self.problem;
        let writes = || {
            problem.counting().flat_map(|one| {
                let written = problem.touches(one).iter().filter(|touch| touch.written.is_some());
                written.map(move |touch| (one, touch.key))
            })
        };
        let mut open = Vec::new();
        for reader in problem.counting() {
            for touch in problem.touches(reader) {
                let Some(version) = touch.read else { continue };
                let writer = (version != INITIAL).then(|| problem.writers[version as usize]);
                for (between, key) in writes() {
                    if key == touch.key && between != reader && Some(between) != writer {
                        open.push((key, Broken::Read { reader, writer, between }));
                    }
                }
            }
        }
        if problem.first(0) != problem.last(0) {
            for (one, key) in writes() {
                let others = writes().filter(|&(other, its)| other > one && its == key);
                open.extend(others.map(|(other, _)| (key, Broken::Overlap { one, other })));
            }
        }
        self.choices = open.into_iter().map(|(key, about)| self.open(key, about)).collect();
    }

    fn open(&self, key: u32, about: Broken) -> Open {
        let problem = &self.problem;
        let (first, last) = (|one| problem.first(one), |one| problem.last(one));
        let mut options = Vec::new();
        let name = |one| problem.name(one);
        let about = match about {
            Broken::Read { reader, writer, between } => {
                options.extend(writer.map(|writer| (last(between), last(writer))));
                options.push((first(reader), last(between)));
                let (reader, between) = (name(reader), name(between));
                Broken::Read { reader, writer: writer.map(name), between }
            }
            Broken::Overlap { one, other } => {
                options.extend([(last(one), first(other)), (last(other), first(one))]);
                Broken::Overlap { one: name(one), other: name(other) }
            }
        };
        Open { choice: Choice { key, about }, options }
    }

    /// The shortest way from one node to another, by numbers of facts.
    fn way(&self, from: u32, to: u32) -> Option<Vec<usize>> {
        let mut parents: Vec<Option<(u32, usize)>> = vec![None; self.problem.nodes as usize];
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            for (number, ends) in self.ends.iter().enumerate() {
                let Some((source, target)) = *ends else { continue };
                if source == node && target != from && parents[target as usize].is_none() {
                    parents[target as usize] = Some((node, number));
                    queue.push_back(target);
                }
            }
            if parents[to as usize].is_some() {
                break;
            }
        }
        let mut way = Vec::new();
        let mut node = to;
        while node != from {
            let (parent, number) = parents[node as usize]?;
            way.push(number);
            node = parent;
        }
        way.reverse();
        Some(way)
    }

    /// Everything that follows from what is there; with `facts` of this case so far.
    fn case(&mut self, mut facts: Vec<usize>) -> Option<Case> {
        let begun = self.facts.len();
        let end = match self.propagate(&mut facts) {
            Some(circle) => {
                self.cases += 1;
                if self.cases > CASES {
                    return None;
                }
                End::Circle(circle)
            }
            None => self.split()?,
        };
        self.ends[begun..].iter_mut().for_each(|ends| *ends = None);
        Some(Case { facts, end })
    }

    /// Takes what is left of choices; a circle, if there is one.
    fn propagate(&mut self, facts: &mut Vec<usize>) -> Option<Vec<usize>> {
        loop {
            let before = self.facts.len();
            for number in 0..self.choices.len() {
                let options = self.choices[number].options.clone();
                if options.iter().any(|&(from, to)| self.way(from, to).is_some()) {
                    continue;
                }
                let against: Vec<Option<Vec<usize>>> =
                    options.iter().map(|&(from, to)| self.way(to, from)).collect();
                let Some(left) = left(&against) else { continue };
                let (from, to) = options[left];
                let others = against.iter().enumerate().filter(|(at, _)| *at != left);
                let others = others.filter_map(|(_, way)| way.clone()).flatten().collect();
                let reason = Reason::Left(self.choices[number].choice, left);
                let fact = self.add(from, to, reason, others);
                facts.push(fact);
                if let Some(mut circle) = against[left].clone() {
                    circle.push(fact);
                    return Some(circle);
                }
            }
            if self.facts.len() == before {
                return None;
            }
        }
    }

    /// Two cases of a choice that is open: the one that needs the least.
    fn split(&mut self) -> Option<End> {
        let open: Vec<usize> = (0..self.choices.len())
            .filter(|&number| {
                let options = &self.choices[number].options;
                !options.iter().any(|&(from, to)| self.way(from, to).is_some())
            })
            .collect();
        let score = |refuting: &mut Self, number: usize| {
            let ends = [0, 1].map(|side| refuting.ends_at_once(number, side));
            usize::from(ends[0]) + usize::from(ends[1])
        };
        let mut best: Option<(usize, usize)> = None;
        for number in open {
            let score = score(self, number);
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, number));
            }
            if score == 2 {
                break;
            }
        }
        let (_, number) = best?;
        let one = self.supposing(number, 0)?;
        let other = self.supposing(number, 1)?;
        Some(End::Split(Box::new(one), Box::new(other)))
    }

    fn suppose(&mut self, number: usize, side: usize) -> usize {
        let (from, to) = self.choices[number].options[side];
        self.add(from, to, Reason::Supposed(self.choices[number].choice), Vec::new())
    }

    /// Whether a side of a choice leads to a circle without further cases.
    fn ends_at_once(&mut self, number: usize, side: usize) -> bool {
        let begun = self.facts.len();
        self.suppose(number, side);
        let ends = self.propagate(&mut Vec::new()).is_some();
        self.facts.truncate(begun);
        self.ends.truncate(begun);
        ends
    }

    fn supposing(&mut self, number: usize, side: usize) -> Option<Case> {
        let fact = self.suppose(number, side);
        let case = self.case(vec![fact]);
        self.ends[fact] = None;
        case
    }

    /// The case without what nothing hangs on, and all facts that it rests on. A side that does not
    /// need what it supposes stands for both.
    fn needed(&self, case: Case) -> (Case, Vec<usize>) {
        let Case { mut facts, end } = case;
        let (end, mut used) = match end {
            End::Circle(circle) => (End::Circle(circle.clone()), circle),
            End::Split(one, other) => {
                let (one, of_one) = self.needed(*one);
                if !self.supposes(&one, &of_one) {
                    facts.extend(one.facts);
                    return self.needed(Case { facts, end: one.end });
                }
                let (other, of_other) = self.needed(*other);
                if !self.supposes(&other, &of_other) {
                    facts.extend(other.facts);
                    return self.needed(Case { facts, end: other.end });
                }
                let mut used = of_one;
                used.extend(of_other);
                (End::Split(Box::new(one), Box::new(other)), used)
            }
        };
        let mut kept = Vec::new();
        // The last first: earlier ones may be needed by later ones alone.
        for fact in facts.into_iter().rev() {
            if used.contains(&fact) {
                used.extend(&self.facts[fact].against);
                kept.push(fact);
            }
        }
        kept.reverse();
        (Case { facts: kept, end }, used)
    }

    fn supposes(&self, case: &Case, used: &[usize]) -> bool {
        let supposed = |fact: &&usize| matches!(self.facts[**fact].reason, Reason::Supposed(_));
        case.facts.iter().find(supposed).is_some_and(|fact| used.contains(fact))
    }
}

/// The option that is left when all others are impossible; none while several are possible.
fn left(against: &[Option<Vec<usize>>]) -> Option<usize> {
    let mut possible = (0..against.len()).filter(|&at| against[at].is_none());
    match (possible.next(), possible.next()) {
        (Some(_), Some(_)) => None,
        (Some(only), None) => Some(only),
        _ => Some(0),
    }
}
