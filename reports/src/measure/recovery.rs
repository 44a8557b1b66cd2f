//! How long the cluster took to serve again, per fault.

use temblor_history::{Completion, Fault, Measured};

use super::Timings;

/// What clients saw of one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The nodes that it touched, each with the time from the heal to its first ok; none where
    /// there was no ok, or no heal.
    pub nodes: Vec<(String, Option<i64>)>,
    /// From the begin to the first ok of an operation invoked since, from any client, while the
    /// fault was on; none where there was no such ok.
    pub first_ok_during: Option<i64>,
}

impl Recovery {
    /// Until every touched node served again; none where one never did, or none was touched.
    pub fn whole(&self) -> Option<i64> {
        let times: Option<Vec<i64>> = self.nodes.iter().map(|(_, time)| *time).collect();
        times?.into_iter().max()
    }
}

/// Measures the recovery of a fault. A moment known only within bounds counts to the cluster's
/// disadvantage: times run from its earliest, and only an ok after its latest ends them.
/// Final reads count: they are the first to reach a node that recovered late.
pub fn recovery(timings: &Timings, fault: &Fault) -> Recovery {
    let of_node = |name: String| {
        let node = timings.nodes.iter().position(|known| *known == name);
        let time = fault.healed.zip(node).and_then(|(heal, node)| first_ok(timings, heal, node));
        (name, time)
    };
    Recovery {
        nodes: touched_nodes(fault, &timings.nodes).into_iter().map(of_node).collect(),
        first_ok_during: fault.began.and_then(|began| first_ok_during(timings, fault, began)),
    }
}

/// The nodes that a fault touched: its own, or else the ends of its links.
pub fn touched_nodes(fault: &Fault, known: &[String]) -> Vec<String> {
    if !fault.nodes.is_empty() {
        return fault.nodes.clone();
    }
    let ends = || fault.links.iter().flat_map(|link| link.split('→')).map(str::trim);
    let touched = known.iter().filter(|node| ends().any(|end| end == **node));
    touched.cloned().collect()
}

fn first_ok(timings: &Timings, heal: Measured, node: usize) -> Option<i64> {
    let oks = timings.operations.iter().filter(|timing| {
        timing.completion == Completion::Ok
            && timing.node == Some(node)
            && timing.ended >= heal.latest
    });
    oks.map(|timing| timing.ended - heal.earliest).min()
}

fn first_ok_during(timings: &Timings, fault: &Fault, began: Measured) -> Option<i64> {
    let end = fault.healed.map_or(i64::MAX, |healed| healed.earliest);
    let oks = timings.operations.iter().filter(|timing| {
        timing.completion == Completion::Ok && timing.invoked >= began.latest && timing.ended <= end
    });
    oks.map(|timing| timing.ended - began.earliest).min()
}

#[cfg(test)]
mod tests {
    use temblor_history::FaultClass;

    use super::*;
    use crate::measure::Timing;

    fn fault(nodes: &[&str], links: &[&str]) -> Fault {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Fault {
            occurrence: "chaos.0#0".into(),
            fault: "isolate".into(),
            class: FaultClass::Link,
            detail: String::new(),
            optional: false,
            nodes: owned(nodes),
            links: owned(links),
            chosen: String::new(),
            began: Some(Measured { earliest: 100, latest: 110 }),
            healed: Some(Measured { earliest: 200, latest: 210 }),
            because: String::new(),
            begin_evidence: Vec::new(),
            heal_evidence: Vec::new(),
            skipped: None,
            failed: None,
        }
    }

    fn timings(operations: &[(usize, i64, i64)]) -> Timings {
        let timing = |&(node, invoked, ended)| Timing {
            function: 0,
            node: Some(node),
            intended: invoked,
            invoked,
            ended,
            completion: Completion::Ok,
            final_read: false,
        };
        Timings {
            functions: vec!["read".into()],
            nodes: vec!["n1".into(), "n2".into()],
            operations: operations.iter().map(timing).collect(),
        }
    }

    #[test]
    fn it_runs_from_the_earliest_heal_to_an_ok_after_the_latest() {
        let timings = timings(&[(0, 150, 205), (0, 190, 230), (1, 105, 111), (1, 120, 140)]);
        let seen = recovery(&timings, &fault(&["n1"], &[]));
        let expected = Recovery { nodes: vec![("n1".into(), Some(30))], first_ok_during: Some(40) };
        assert_eq!(seen, expected);
        assert_eq!(seen.whole(), Some(30));
    }

    #[test]
    fn a_node_that_never_serves_again_has_no_recovery() {
        let seen = recovery(&timings(&[(0, 1, 220)]), &fault(&["n1", "n2", "n3"], &[]));
        let nodes = [("n1", Some(20)), ("n2", None), ("n3", None)];
        assert_eq!(seen.nodes, nodes.map(|(name, time)| (name.to_owned(), time)));
        assert_eq!((seen.whole(), seen.first_ok_during), (None, None));
    }

    #[test]
    fn a_link_touches_both_its_ends() {
        let known = ["n1", "n2", "n3"].map(String::from);
        let touched = touched_nodes(&fault(&[], &["n1 → n3", "clients → n3"]), &known);
        assert_eq!(touched, ["n1", "n3"]);
    }
}
