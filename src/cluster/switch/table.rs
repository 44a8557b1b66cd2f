//! Which fault has put which policy on which link, and what they make together.

use std::collections::BTreeSet;

use temblor_faults::{Hop, LinkPolicy, Links, Port};
use temblor_history::Seed;

/// What acts on each directed link, in the order in which it began: `policies[from][to]`.
pub(in crate::cluster) type Policies = Vec<Vec<Vec<Hop>>>;

/// Policies in the order in which they were put. Ports are numbered from 0: the nodes in order,
/// then the clients.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cluster) struct LinkTable {
    nodes: Vec<String>,
    seed: Seed,
    now_ns: i64,
    set: Vec<Put>,
}

#[derive(Debug, Clone, PartialEq)]
struct Put {
    occurrence: String,
    link: (usize, usize),
    hop: Hop,
}

impl LinkTable {
    /// No policy on any link; dice will be seeded by the run's seed.
    pub(in crate::cluster) fn new(nodes: Vec<String>, seed: u64) -> Self {
        Self { nodes, seed: Seed(seed), now_ns: 0, set: Vec::new() }
    }

    /// What is put from here on begins now.
    pub(in crate::cluster) fn at(&mut self, now_ns: i64) -> &mut Self {
        self.now_ns = now_ns;
        self
    }

    /// How many ports there are.
    pub(in crate::cluster) fn ports(&self) -> usize {
        self.nodes.len() + 1
    }

    /// A port's number; none: there is no such node.
    pub(in crate::cluster) fn number(&self, port: &Port) -> Option<usize> {
        match port {
            Port::Node(name) => self.nodes.iter().position(|node| node == name),
            Port::Clients => Some(self.nodes.len()),
        }
    }

    /// A port's name.
    pub(in crate::cluster) fn name(&self, number: usize) -> String {
        self.nodes.get(number).map_or_else(|| Port::Clients.to_string(), Clone::clone)
    }

    /// The links that an occurrence acts on.
    pub(in crate::cluster) fn links_of(&self, occurrence: &str) -> BTreeSet<(usize, usize)> {
        let set = self.set.iter().filter(|put| put.occurrence == occurrence);
        set.map(|put| put.link).collect()
    }

    /// The same ports without any policy.
    pub(in crate::cluster) fn cleared(&self) -> Self {
        Self { set: Vec::new(), ..self.clone() }
    }

    /// What all faults make of each directed link.
    pub(in crate::cluster) fn composed(&self) -> Policies {
        let mut policies = vec![vec![Vec::new(); self.ports()]; self.ports()];
        for Put { link: (from, to), hop, .. } in &self.set {
            policies[*from][*to].push(*hop);
        }
        policies
    }
}

impl Links for LinkTable {
    fn set(&mut self, occurrence: &str, from: &Port, to: &Port, policy: LinkPolicy) {
        if let (Some(from), Some(to)) = (self.number(from), self.number(to)) {
            let seed = self.seed.draw(occurrence, (from * self.ports() + to) as u64);
            let hop = Hop { policy, seed, since_ns: self.now_ns };
            self.set.push(Put { occurrence: occurrence.into(), link: (from, to), hop });
        }
    }

    fn clear(&mut self, occurrence: &str) {
        self.set.retain(|put| put.occurrence != occurrence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_compose_and_heal_one_by_one() {
        let empty = LinkTable::new(vec!["n1".into(), "n2".into()], 7);
        let mut table = empty.clone();
        let (n1, n2) = (Port::Node("n1".into()), Port::Node("n2".into()));
        let lossy = LinkPolicy { loss: 0.5, ..LinkPolicy::default() };
        table.set("b#0", &n1, &n2, lossy);
        table.set("b#0", &Port::Clients, &n1, lossy);
        table.set("a#0", &n1, &n2, LinkPolicy::cut());
        let on = |table: &LinkTable, from: usize, to: usize| {
            table.composed()[from][to].iter().map(|hop| hop.policy).collect::<Vec<_>>()
        };
        assert_eq!(
            on(&table, 0, 1),
            [lossy, LinkPolicy::cut()],
            "in the order of their beginnings"
        );
        assert_eq!(on(&table, 1, 0), []);
        let hops = table.composed();
        assert_ne!(hops[0][1][0].seed, hops[2][0][0].seed, "each link has its own dice");
        table.clear("a#0");
        assert_eq!((on(&table, 0, 1), on(&table, 2, 0)), (vec![lossy], vec![lossy]));
        assert_eq!(table.links_of("b#0"), [(0, 1), (2, 0)].into());
        table.clear("b#0");
        assert_eq!(table, empty);
    }
}
