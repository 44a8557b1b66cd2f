//! Edges from many transactions to the same many, each sparing itself, with few edges.

use super::graph::{DataEdges, Edge};

/// Up to so many targets are reached directly.
const FEW: usize = 8;

/// A set of transactions that others must all come before.
///
/// Many targets stand in a row; one chain of helpers leads to all before a place, another one to
/// all from a place on. So a source that is a target itself needs two edges.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fan {
    /// Sorted.
    targets: Vec<u32>,
    first_helper: u32,
}

impl Fan {
    pub(crate) fn new(mut targets: Vec<u32>) -> Self {
        targets.sort_unstable();
        targets.dedup();
        Self { targets, first_helper: 0 }
    }

    pub(crate) fn targets(&self) -> &[u32] {
        &self.targets
    }

    /// Gives its helpers their numbers; answers with the next free one.
    pub(crate) fn number(&mut self, first_helper: u32) -> u32 {
        self.first_helper = first_helper;
        first_helper + self.helpers()
    }

    fn helpers(&self) -> u32 {
        if self.targets.len() <= FEW { 0 } else { 2 * self.targets.len() as u32 }
    }

    /// Edges from a transaction to all targets but itself.
    pub(crate) fn lead(&self, source: u32, edge: Edge, data: &mut DataEdges) {
        if self.helpers() == 0 {
            for &target in self.targets.iter().filter(|&&target| target != source) {
                data.push(target, edge);
            }
            return;
        }
        match self.targets.binary_search(&source) {
            Err(_) => data.push(self.from(0), edge),
            Ok(place) => {
                if place > 0 {
                    data.push(self.before(place), edge);
                }
                if place + 1 < self.targets.len() {
                    data.push(self.from(place + 1), edge);
                }
            }
        }
    }

    /// The helper that leads to the targets from a place on.
    fn from(&self, place: usize) -> u32 {
        self.first_helper + place as u32
    }

    /// The helper that leads to the targets before a place, which is not 0.
    fn before(&self, place: usize) -> u32 {
        self.first_helper + (self.targets.len() + place - 1) as u32
    }

    /// The helpers' edges, in the order of their numbers.
    pub(crate) fn fill(&self, data: &mut DataEdges) {
        if self.helpers() == 0 {
            return;
        }
        for (place, &target) in self.targets.iter().enumerate() {
            data.push(target, Edge::Onward);
            if place + 1 < self.targets.len() {
                data.push(self.from(place + 1), Edge::Onward);
            }
            data.next_node();
        }
        for (place, &target) in (1..).zip(&self.targets) {
            data.push(target, Edge::Onward);
            if place > 1 {
                data.push(self.before(place - 1), Edge::Onward);
            }
            data.next_node();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_reaches_all_but_itself() {
        for count in [1, 8, 9, 20] {
            let mut fan = Fan::new((0..count).map(|number| 2 * number).collect());
            let sources = 2 * count;
            let helpers = fan.number(sources) - sources;
            let mut data = DataEdges::with_capacity(0, 0);
            for source in 0..sources {
                fan.lead(source, Edge::Rw, &mut data);
                data.next_node();
            }
            fan.fill(&mut data);
            for source in 0..sources {
                let mut reached = data.reached(source, sources);
                reached.sort_unstable();
                let wanted: Vec<u32> =
                    fan.targets().iter().copied().filter(|&target| target != source).collect();
                assert_eq!(reached, wanted, "{count} targets, {helpers} helpers, from {source}");
            }
        }
    }
}
