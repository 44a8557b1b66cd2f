//! The levels with one order for all: read committed, read atomic, transactional causal
//! consistency and causal convergence; and causal consistency, which asks only that causality is
//! not contradicted.

use super::{
    causality::{self, Causality},
    clocks::{self, Writers},
    demands::{Visibility, behind},
    edges::{self, Edge},
    order::{self, Dependencies, Paths, Step, Why},
    sessions::{INITIAL, Sessions},
    story::Contradiction,
};
use crate::{Exhausted, meter::Meter};

/// A level that is decided by the order in which transactions take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// Biswas and Enea's read committed.
    ReadCommitted,
    /// Read atomic.
    ReadAtomic,
    /// Causal consistency of single operations: each read has an order of its own.
    Causal,
    /// Transactional causal consistency, and causal convergence: one order for all.
    Convergent,
}

/// Dependencies in a circle.
pub(super) const CYCLIC_CO: &str = "CyclicCO";
/// A read of an initial value that was overwritten in its causal past.
pub(super) const INITIAL_READ: &str = "WriteCOInitRead";
/// A read of a value that was overwritten in its causal past.
pub(super) const OVERWRITTEN_READ: &str = "WriteCORead";
/// What was read allows no order of the writes.
pub(super) const CYCLIC_CF: &str = "CyclicCF";

/// What contradicts a level: some examples, and how many there are.
#[derive(Debug, Default)]
pub(super) struct Contradictions {
    pub(super) examples: Vec<Contradiction>,
    /// How many of each kind, as far as counted.
    pub(super) counts: Vec<(&'static str, u64)>,
    /// Operations without a sequential order, and whether none can be left out.
    pub(super) core: Option<(Vec<u32>, bool)>,
}

impl Contradictions {
    pub(super) fn add(&mut self, contradiction: Contradiction) {
        self.count(contradiction.kind, 1);
        let same = self.examples.iter().filter(|example| example.kind == contradiction.kind);
        if same.count() < EXAMPLES {
            self.examples.push(contradiction);
        }
    }

    fn count(&mut self, kind: &'static str, more: u64) {
        match self.counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += more,
            None => self.counts.push((kind, more)),
        }
    }

    /// There is no sequential order, not even of these operations.
    pub(super) fn without_order(&mut self, core: (Vec<u32>, bool)) {
        self.count(super::sequential::NON_SEQUENTIAL, 1);
        self.core = Some(core);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// How many contradictions of a kind are explained.
const EXAMPLES: usize = 4;

/// Decides a level, completely: nothing found means that it holds.
pub(super) fn decide(
    sessions: &Sessions,
    level: Level,
    meter: &Meter<'_>,
) -> Result<Contradictions, Exhausted> {
    let mut share = meter.share();
    share.hold(sessions.bytes())?;
    let Ok(causality) = causality::sort(sessions) else { return Ok(circles(sessions)) };
    let edges = demanded(sessions, &causality, level, meter)?;
    if order::respects(&causality, &edges) {
        return Ok(Contradictions::default());
    }
    if level == Level::Causal {
        return overwritten(sessions, &causality, &edges, meter);
    }
    Ok(Explaining { sessions, level, edges }.contradictions())
}

/// Only whether a level holds.
pub(super) fn holds(
    sessions: &Sessions,
    level: Level,
    meter: &Meter<'_>,
) -> Result<bool, Exhausted> {
    let Ok(causality) = causality::sort(sessions) else { return Ok(false) };
    let edges = demanded(sessions, &causality, level, meter)?;
    if order::respects(&causality, &edges) {
        return Ok(true);
    }
    if edges.iter().any(|edge| edge.after == INITIAL) {
        return Ok(false);
    }
    if level == Level::Causal {
        let writers = Writers::of(sessions);
        let wrong = clocks::contradicting(sessions, &causality, &writers, &edges, meter)?;
        return Ok(wrong.is_empty());
    }
    Ok(order::components(&Dependencies::new(sessions, &edges)).is_empty())
}

fn demanded(
    sessions: &Sessions,
    causality: &Causality,
    level: Level,
    meter: &Meter<'_>,
) -> Result<Vec<Edge>, Exhausted> {
    match level {
        Level::ReadCommitted => edges::read_committed(sessions, meter),
        Level::ReadAtomic => edges::read_atomic(sessions, meter),
        Level::Causal | Level::Convergent => {
            clocks::edges(sessions, causality, &Writers::of(sessions), meter)
        }
    }
}

/// Session order and reads-from are cyclic.
fn circles(sessions: &Sessions) -> Contradictions {
    let dependencies = Dependencies::new(sessions, &[]);
    let components = order::components(&dependencies);
    let mut paths = Paths::new(&dependencies);
    let mut found = Contradictions::default();
    for component in components.iter().take(EXAMPLES) {
        match order::causal_cycle(&mut paths, component) {
            Some(cycle) => found.add(Contradiction { kind: CYCLIC_CO, demands: Vec::new(), cycle }),
            None => found.count(CYCLIC_CO, 1),
        }
    }
    found.count(CYCLIC_CO, components.len().saturating_sub(EXAMPLES) as u64);
    found
}

/// Causal consistency of single operations: edges that contradict causality by themselves.
fn overwritten(
    sessions: &Sessions,
    causality: &Causality,
    edges: &[Edge],
    meter: &Meter<'_>,
) -> Result<Contradictions, Exhausted> {
    let writers = Writers::of(sessions);
    let mut wrong = clocks::contradicting(sessions, causality, &writers, edges, meter)?;
    wrong.extend(edges.iter().filter(|edge| edge.after == INITIAL));
    Ok(Explaining { sessions, level: Level::Causal, edges: wrong }.one_by_one())
}

struct Explaining<'a> {
    sessions: &'a Sessions,
    level: Level,
    edges: Vec<Edge>,
}

impl Explaining<'_> {
    fn contradictions(mut self) -> Contradictions {
        let initial: Vec<Edge> =
            self.edges.iter().filter(|edge| edge.after == INITIAL).copied().collect();
        self.edges.retain(|edge| edge.after != INITIAL);
        let mut found = self.initial(initial);
        let dependencies = Dependencies::new(self.sessions, &self.edges);
        let components = order::components(&dependencies);
        let mut paths = Paths::new(&dependencies);
        for component in components.iter().take(EXAMPLES) {
            match order::cycle(&mut paths, component, &self.edges) {
                Some(cycle) => found.add(self.contradiction(cycle, &mut paths)),
                None => found.count(self.kind(false, false), 1),
            }
        }
        let rest = components.len().saturating_sub(EXAMPLES) as u64;
        if let Some(kind) = found.examples.last().map(|example| example.kind).filter(|_| rest > 0) {
            found.count(kind, rest);
        }
        found
    }

    /// Reads of initial values although something newer was visible.
    fn initial(&self, mut edges: Vec<Edge>) -> Contradictions {
        edges.sort_unstable();
        edges.dedup_by_key(|edge| edge.before);
        let dependencies = Dependencies::new(self.sessions, &[]);
        let mut paths = Paths::new(&dependencies);
        let mut found = Contradictions::default();
        for &edge in edges.iter().take(EXAMPLES) {
            let kind = self.kind(true, true);
            match behind(self.sessions, edge, self.visibility(), &mut paths) {
                Some(demand) => {
                    found.add(Contradiction { kind, demands: vec![demand], cycle: Vec::new() });
                }
                None => found.count(kind, 1),
            }
        }
        found.count_rest(self.kind(true, true), edges.len().saturating_sub(EXAMPLES));
        found
    }

    fn one_by_one(mut self) -> Contradictions {
        let initial: Vec<Edge> =
            self.edges.iter().filter(|edge| edge.after == INITIAL).copied().collect();
        self.edges.retain(|edge| edge.after != INITIAL);
        self.edges.sort_unstable();
        self.edges.dedup_by_key(|edge| (edge.before, edge.after));
        let mut found = self.initial(initial);
        let dependencies = Dependencies::new(self.sessions, &[]);
        let mut paths = Paths::new(&dependencies);
        for edge in self.edges.iter().take(EXAMPLES) {
            match paths.shortest(edge.after, edge.before, false, usize::MAX) {
                Some(mut cycle) => {
                    cycle.push(Step { from: edge.before, to: edge.after, why: Why::Demanded });
                    found.add(self.contradiction(cycle, &mut paths));
                }
                None => found.count(OVERWRITTEN_READ, 1),
            }
        }
        found.count_rest(OVERWRITTEN_READ, self.edges.len().saturating_sub(EXAMPLES));
        found
    }

    fn contradiction(&self, cycle: Vec<Step>, paths: &mut Paths<'_>) -> Contradiction {
        let demands: Vec<_> = cycle
            .iter()
            .filter(|step| step.why == Why::Demanded)
            .filter_map(|step| {
                let same = |edge: &&Edge| edge.before == step.from && edge.after == step.to;
                let edge = *self.edges.iter().find(same)?;
                behind(self.sessions, edge, self.visibility(), paths)
            })
            .collect();
        let twice = demands.len() == 2
            && demands[0].reader == demands[1].reader
            && demands[0].key == demands[1].key;
        let kind = match self.level {
            Level::ReadAtomic if twice => "NonRepeatableRead",
            _ => self.kind(demands.len() < 2, false),
        };
        Contradiction { kind, demands, cycle }
    }

    fn visibility(&self) -> Visibility {
        match self.level {
            Level::ReadCommitted => Visibility::ReadBefore,
            Level::ReadAtomic => Visibility::Direct,
            Level::Causal | Level::Convergent => Visibility::Causal,
        }
    }

    /// `single`: causality alone contradicts one demanded edge.
    fn kind(&self, single: bool, initial: bool) -> &'static str {
        match (self.level, single) {
            (Level::ReadCommitted, true) => "NonMonoReadCO",
            (Level::ReadCommitted, false) => "NonMonoReadAO",
            (Level::ReadAtomic, true) => "FracturedReadCO",
            (Level::ReadAtomic, false) => "FracturedReadAO",
            _ if initial => INITIAL_READ,
            (_, true) => OVERWRITTEN_READ,
            (_, false) => CYCLIC_CF,
        }
    }
}

impl Contradictions {
    fn count_rest(&mut self, kind: &'static str, rest: usize) {
        if rest > 0 {
            self.count(kind, rest as u64);
        }
    }
}
