//! Which fault has put which policy on which link, and what they make together.

use std::collections::{BTreeMap, BTreeSet};

use temblor_faults::{LinkPolicy, Links, Port};

use super::Policies;

/// Policies by occurrence. Ports are numbered from 0: the nodes in order, then the clients.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::cluster) struct LinkTable {
    nodes: Vec<String>,
    set: BTreeMap<String, Vec<(usize, usize, LinkPolicy)>>,
}

impl LinkTable {
    pub(in crate::cluster) fn new(nodes: Vec<String>) -> Self {
        Self { nodes, set: BTreeMap::new() }
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
        let set = self.set.get(occurrence).map_or(&[][..], Vec::as_slice);
        set.iter().map(|(from, to, _)| (*from, *to)).collect()
    }

    /// The same ports without any policy.
    pub(in crate::cluster) fn cleared(&self) -> Self {
        Self::new(self.nodes.clone())
    }

    /// What all faults make of each directed link.
    pub(in crate::cluster) fn composed(&self) -> Policies {
        let mut policies = vec![vec![LinkPolicy::default(); self.ports()]; self.ports()];
        for (from, to, policy) in self.set.values().flatten() {
            policies[*from][*to] = policies[*from][*to].and(*policy);
        }
        policies
    }
}

impl Links for LinkTable {
    fn set(&mut self, occurrence: &str, from: &Port, to: &Port, policy: LinkPolicy) {
        if let (Some(from), Some(to)) = (self.number(from), self.number(to)) {
            self.set.entry(occurrence.into()).or_default().push((from, to, policy));
        }
    }

    fn clear(&mut self, occurrence: &str) {
        self.set.remove(occurrence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_compose_and_heal_one_by_one() {
        let mut table = LinkTable::new(vec!["n1".into(), "n2".into()]);
        let (n1, n2) = (Port::Node("n1".into()), Port::Node("n2".into()));
        let cut = LinkPolicy { drop: true, ..LinkPolicy::default() };
        let lossy = LinkPolicy { loss: 0.5, ..LinkPolicy::default() };
        table.set("a#0", &n1, &n2, cut);
        table.set("b#0", &n1, &n2, lossy);
        table.set("b#0", &Port::Clients, &n1, lossy);
        assert_eq!(table.composed()[0][1], cut.and(lossy));
        assert_eq!(table.composed()[1][0], LinkPolicy::default());
        table.clear("a#0");
        assert_eq!((table.composed()[0][1], table.composed()[2][0]), (lossy, lossy));
        assert_eq!(table.links_of("b#0"), [(0, 1), (2, 0)].into());
        table.clear("b#0");
        assert_eq!(table, LinkTable::new(vec!["n1".into(), "n2".into()]));
    }
}
