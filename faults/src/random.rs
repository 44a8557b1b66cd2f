//! Randomised schedules: faults of several kinds, dealt by the seed, as a list of plain faults.
//!
//! Everything is decided here, without a cluster: when each begins, how long it lasts, and whom it
//! acts on, as far as that is not a matter of the moment (a leader). So a seed gives one schedule,
//! `temblor plan` shows it, and what holds of it can be tested.

use std::time::Duration;

use temblor_history::Seed;

use crate::{
    DurationChoice, End, FaultKind, FaultSpec, Grudge, Port, Start, Target, View, Where, cuts,
    group::weighted, minority, place,
};

/// A fault that is over at once still disturbs its node for about so long.
const DISTURBS: Duration = Duration::from_secs(2);

/// What a randomised schedule is dealt from.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Its place in the plan: the seed draws by it.
    pub place: String,
    /// The faults, with their targets; their own beginnings don't count.
    pub of: Vec<FaultSpec>,
    /// How likely each is, beside the others.
    pub weights: Vec<u64>,
    /// From the beginning of one to that of the next.
    pub every: DurationChoice,
    /// How long each lasts that doesn't say so itself.
    pub lasts: DurationChoice,
    /// How many may act at once.
    pub at_most: usize,
    /// Whether a majority of the nodes stays untouched and connected at every moment.
    pub keep_majority: bool,
}

/// One that acts while others are dealt.
struct Active {
    ends: Duration,
    kind: FaultKind,
    /// The nodes that it acts on; of a late target nobody knows them yet.
    nodes: Vec<String>,
    /// How many nodes it takes from the others.
    takes: usize,
}

/// The faults, in order of time; `nodes` are the names of all nodes.
///
/// No two that can't meet on one node may meet, each is over with its phase, and with
/// `keep_majority` there is at every moment a majority that no fault touches or cuts apart.
pub fn expand(random: &Random, seed: Seed, phase: Duration, nodes: &[String]) -> Vec<FaultSpec> {
    let mut dealer = Dealer { random, seed, phase, nodes, active: Vec::new(), dealt: Vec::new() };
    let mut now = dealer.draw_duration("every", 0, &random.every);
    let mut turn = 0;
    while now < phase {
        dealer.active.retain(|fault| fault.ends > now);
        match dealer.active.iter().map(|fault| fault.ends).min() {
            // Nobody may begin before somebody has ended.
            Some(ends) if dealer.active.len() >= random.at_most => {
                now = ends;
                continue;
            }
            _ => dealer.deal(turn, now),
        }
        turn += 1;
        // A step of nothing would never end.
        now += dealer.draw_duration("every", turn, &random.every).max(Duration::from_millis(1));
    }
    dealer.dealt
}

struct Dealer<'a> {
    random: &'a Random,
    seed: Seed,
    phase: Duration,
    nodes: &'a [String],
    active: Vec<Active>,
    dealt: Vec<FaultSpec>,
}

impl Dealer<'_> {
    fn draw(&self, what: &str, turn: u64) -> u64 {
        self.seed.draw(&format!("random.{}.{what}", self.random.place), turn)
    }

    fn draw_duration(&self, what: &str, turn: u64, choice: &DurationChoice) -> Duration {
        choice.draw(self.draw(what, turn))
    }

    /// Deals one fault that begins now, or none where none of this kind has room.
    fn deal(&mut self, turn: u64, now: Duration) {
        let which = weighted(&self.random.weights, self.draw("which", turn));
        let Some(template) = self.random.of.get(which) else { return };
        let lasts = match &template.end {
            End::AtOnce => None,
            End::For(choice) => Some(self.draw_duration("for", turn, choice)),
            _ => Some(self.draw_duration("for", turn, &self.random.lasts)),
        };
        let ends = now + lasts.unwrap_or(DISTURBS);
        if ends > self.phase {
            return;
        }
        let mut spec = template.clone();
        spec.place = format!("{}.{}", self.random.place, self.dealt.len());
        spec.start = Start::At(DurationChoice::exactly(now));
        spec.end = lasts.map_or(End::AtOnce, |lasts| End::For(DurationChoice::exactly(lasts)));
        spec.every = None;
        if self.active.iter().any(|other| other.kind.takes_turns(&spec.kind)) {
            return;
        }
        let Some((on, nodes)) = self.target(&spec) else { return };
        let takes = self.takes(&spec, &nodes);
        if self.random.keep_majority && !self.has_room(&spec, &nodes, takes) {
            return;
        }
        self.active.push(Active { ends, kind: spec.kind.clone(), nodes, takes });
        spec.on = on;
        self.dealt.push(spec);
    }

    /// Whom it acts on, and the nodes where the seed alone decides them; none if there is nobody.
    fn target(&self, spec: &FaultSpec) -> Option<(Where, Vec<String>)> {
        let contends = |other: &&Active| other.kind.contends(&spec.kind).is_some();
        let mut busy: Vec<String> =
            self.active.iter().filter(contends).flat_map(|other| other.nodes.clone()).collect();
        let meets_late = self.active.iter().filter(contends).any(|other| other.nodes.is_empty());
        if self.random.keep_majority {
            busy.extend(self.active.iter().flat_map(|other| other.nodes.clone()));
        }
        // Only a target of its own is dealt around the others, and then named.
        let around: &[String] = if matches!(spec.on, Where::Target(_)) { &busy } else { &[] };
        let Some(nodes) = self.resolved(spec, around) else {
            // Of a late target nobody can say that it meets no other: it begins alone of its kind.
            let alone = !self.active.iter().any(|other| contends(&other));
            let late = self.resolved(spec, &[]).is_none();
            return (late && alone).then(|| (spec.on.clone(), Vec::new()));
        };
        let meets =
            nodes.iter().any(|node| busy.contains(node)) && spec.kind.node_fault().is_some();
        if meets || (meets_late && spec.kind.node_fault().is_some()) {
            return None;
        }
        let on = match &spec.on {
            Where::Target(Target::ClientsOf(_)) => {
                Where::Target(Target::ClientsOf(Box::new(Target::Named(nodes.clone()))))
            }
            Where::Target(_) => Where::Target(Target::Named(nodes.clone())),
            other => other.clone(),
        };
        Some((on, nodes))
    }

    fn resolved(&self, spec: &FaultSpec, busy: &[String]) -> Option<Vec<String>> {
        let remembered = std::collections::BTreeMap::new();
        let view = View {
            nodes: self.nodes,
            leader: None,
            term: None,
            claimants: &[],
            remembered: &remembered,
            busy,
        };
        place(spec, &view, self.target_draw(spec)).ok().map(|placed| placed.nodes)
    }

    /// The very number by which the fault's target is dealt when it begins.
    fn target_draw(&self, spec: &FaultSpec) -> u64 {
        crate::Schedule::new(self.seed.0, self.phase).target(spec, 0)
    }

    /// How many nodes are lost to the others while it acts.
    fn takes(&self, spec: &FaultSpec, nodes: &[String]) -> usize {
        match (&spec.kind, &spec.on) {
            (FaultKind::Partition { .. }, _) => {
                let cut = cuts(&spec.kind, &[], self.nodes, self.target_draw(spec));
                self.nodes.len() - largest_whole(self.nodes, &cut.unwrap_or_default())
            }
            (_, Where::Target(Target::Followers)) => self.nodes.len().saturating_sub(1),
            _ => nodes.len().max(1),
        }
    }

    /// Whether a majority is left. A partition wants to be alone: which of its sides is the
    /// majority would otherwise depend on whom the others take.
    fn has_room(&self, spec: &FaultSpec, nodes: &[String], takes: usize) -> bool {
        let splits = |kind: &FaultKind| matches!(kind, FaultKind::Partition { .. });
        let among_others = !self.active.is_empty();
        if among_others && (splits(&spec.kind) || self.active.iter().any(|one| splits(&one.kind))) {
            return false;
        }
        let new =
            nodes.iter().filter(|node| self.active.iter().all(|other| !other.nodes.contains(node)));
        let adds = if nodes.is_empty() { takes } else { new.count().min(takes) };
        let taken: std::collections::BTreeSet<&String> =
            self.active.iter().flat_map(|other| &other.nodes).collect();
        let late: usize = self
            .active
            .iter()
            .filter(|other| other.nodes.is_empty())
            .map(|other| other.takes)
            .sum();
        taken.len() + late + adds <= minority(self.nodes.len())
    }
}

/// Whether a grudge leaves a majority whose members all hear each other.
pub fn leaves_majority(grudge: &Grudge, nodes: &[String]) -> bool {
    let kind = FaultKind::Partition { grudge: grudge.clone(), one_way: false };
    // How many are on which side does not depend on the deal.
    let cut = cuts(&kind, &[], nodes, 0).unwrap_or_default();
    largest_whole(nodes, &cut) > nodes.len() / 2
}

/// The size of a set of nodes that all hear each other: from each node on, whoever still goes with
/// all so far. Not always the largest one, but never more than there is.
fn largest_whole(nodes: &[String], cut: &[(Port, Port)]) -> usize {
    let apart = |a: &String, b: &String| {
        let (a, b) = (Port::Node(a.clone()), Port::Node(b.clone()));
        cut.contains(&(a.clone(), b.clone())) || cut.contains(&(b, a))
    };
    let from = |first: usize| {
        let mut whole: Vec<&String> = Vec::new();
        for node in nodes[first..].iter().chain(&nodes[..first]) {
            if whole.iter().all(|other| !apart(other, node)) {
                whole.push(node);
            }
        }
        whole.len()
    };
    (0..nodes.len()).map(from).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "random_tests.rs"]
mod tests;
