//! Isolating: the target is cut off from the other nodes, and keeps its clients.
//!
//! Which nodes the target is, others decide. Clients' links are never cut: a client beside an
//! isolated node is what finds a stale leader.

use crate::{LinkPolicy, Links, Port};

/// The directed links between the target, as one group, and every other node; with `one_way` only
/// those that the target sends on.
pub fn cuts(target: &[String], nodes: &[String], one_way: bool) -> Vec<(Port, Port)> {
    let port = |name: &String| Port::Node(name.clone());
    let others: Vec<&String> = nodes.iter().filter(|node| !target.contains(node)).collect();
    let outgoing = target.iter().flat_map(|node| others.iter().map(move |other| (node, *other)));
    outgoing
        .flat_map(|(node, other)| {
            let back = (!one_way).then(|| (port(other), port(node)));
            [Some((port(node), port(other))), back]
        })
        .flatten()
        .collect()
}

/// Cuts the links.
pub fn inject(links: &mut dyn Links, occurrence: &str, cuts: &[(Port, Port)]) {
    for (from, to) in cuts {
        links.set(occurrence, from, to, LinkPolicy::cut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn isolated(target: &[&str], one_way: bool) -> Vec<String> {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        cuts(&names(target), &names(&["n1", "n2", "n3"]), one_way)
            .iter()
            .map(|(from, to)| format!("{from} → {to}"))
            .collect()
    }

    #[test]
    fn the_target_is_cut_off_from_every_other_node() {
        assert_eq!(isolated(&["n2"], false), ["n2 → n1", "n1 → n2", "n2 → n3", "n3 → n2"]);
        assert_eq!(isolated(&["n2"], true), ["n2 → n1", "n2 → n3"]);
        assert_eq!(isolated(&["n1", "n3"], true), ["n1 → n2", "n3 → n2"]);
        assert!(isolated(&["n1", "n2", "n3"], false).is_empty());
    }
}
