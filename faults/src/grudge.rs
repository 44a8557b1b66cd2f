//! Which links a fault acts on: pure, out of nodes and a random number.

use std::collections::BTreeSet;

use crate::{FaultKind, Grudge, NoTarget, Port, deal::dealt, isolate};

/// The directed links that a fault on these nodes cuts or makes bad, sorted, each once.
///
/// - `isolate`: between the target and everybody else; the target stays together.
/// - `partition`: as its grudge says, whatever the target.
/// - `regions`: between nodes of different regions, whatever the target.
/// - `link`: every link of a target to any other node, both ways.
/// - faults of nodes: none.
///
/// # Errors
/// When nothing is left to act on, such as isolating all nodes.
pub fn cuts(
    kind: &FaultKind,
    nodes: &[String],
    all: &[String],
    draw: u64,
) -> Result<Vec<(Port, Port)>, NoTarget> {
    let links = match kind {
        FaultKind::Isolate { one_way } => isolate::cuts(nodes, all, *one_way).into_iter().collect(),
        FaultKind::Partition { grudge, one_way } => partition(grudge, *one_way, all, draw)?,
        FaultKind::Link(_) => between(nodes, all, false),
        FaultKind::Regions(regions) => {
            regions.links(all).into_iter().map(|(link, _)| link).collect()
        }
        FaultKind::Node { .. } => return Ok(Vec::new()),
    };
    if links.is_empty() {
        return Err(NoTarget(format!("no link joins {} to another node", nodes.join(", "))));
    }
    Ok(links.into_iter().collect())
}

type Links = BTreeSet<(Port, Port)>;

/// Every link from one group to the other, and back unless `one_way`.
fn between(from: &[String], to: &[String], one_way: bool) -> Links {
    let mut links = Links::new();
    for sender in from {
        for receiver in to.iter().filter(|receiver| *receiver != sender) {
            let (sender, receiver) = (Port::Node(sender.clone()), Port::Node(receiver.clone()));
            if !one_way {
                links.insert((receiver.clone(), sender.clone()));
            }
            links.insert((sender, receiver));
        }
    }
    links
}

fn partition(grudge: &Grudge, one_way: bool, all: &[String], draw: u64) -> Result<Links, NoTarget> {
    let needed = least_nodes(grudge);
    if all.len() < needed {
        let message = format!("this grudge needs {needed} nodes, and there are {}", all.len());
        return Err(NoTarget(message));
    }
    if *grudge == Grudge::MajoritiesRing {
        return Ok(majorities_ring(&dealt(all, draw), one_way));
    }
    let groups = groups(grudge, all, draw);
    let mut links = Links::new();
    for (place, group) in groups.iter().enumerate() {
        for later in &groups[place + 1..] {
            links.extend(between(group, later, one_way));
        }
    }
    Ok(links)
}

/// The groups that can't hear each other; who is in none hears everybody.
fn groups(grudge: &Grudge, all: &[String], draw: u64) -> Vec<Vec<String>> {
    let nodes = dealt(all, draw);
    let (one, other) = match grudge {
        Grudge::Halves => nodes.split_at(nodes.len() / 2),
        Grudge::MinorityThird => nodes.split_at((nodes.len() / 3).max(1)),
        Grudge::Bridge => nodes[1..].split_at((nodes.len() - 1) / 2),
        Grudge::MajoritiesRing => return Vec::new(),
        Grudge::Groups(groups) => return groups.clone(),
    };
    vec![one.to_vec(), other.to_vec()]
}

/// A grudge in words, with what the random number made of it: `halves (n2 | n1, n3)`.
pub(crate) fn words(grudge: &Grudge, all: &[String], draw: u64) -> String {
    let groups = groups(grudge, all, draw);
    let listed: Vec<String> = groups.iter().map(|group| group.join(", ")).collect();
    match grudge {
        Grudge::Groups(_) => listed.join(" | "),
        Grudge::MajoritiesRing => format!("majorities-ring ({})", dealt(all, draw).join(", ")),
        Grudge::Bridge => {
            let between = all.iter().find(|node| !groups.concat().contains(node));
            let between = between.map_or("", String::as_str);
            format!("bridge ({} | {between} between)", listed.join(" | "))
        }
        Grudge::Halves | Grudge::MinorityThird => format!("{grudge} ({})", listed.join(" | ")),
    }
}

/// How many nodes a grudge needs to cut anything.
pub fn least_nodes(grudge: &Grudge) -> usize {
    match grudge {
        Grudge::Halves | Grudge::MinorityThird | Grudge::Groups(_) => 2,
        Grudge::Bridge | Grudge::MajoritiesRing => 3,
    }
}

/// On a ring, everybody keeps the nearest neighbours that make a majority, and loses the rest.
///
/// For a majority of m a node needs m − 1 others: half of them on each side. When that number is
/// odd, the last one is the node opposite; among an odd number of nodes one of them is opposite to
/// two, and sees one more.
fn majorities_ring(ring: &[String], one_way: bool) -> Links {
    let count = ring.len();
    let others = count / 2;
    let (side, opposite) = (others / 2, count / 2);
    let kept = |a: usize, b: usize| {
        let distance = (b - a).min(count - (b - a));
        let is_opposite = (a < opposite && b == a + opposite)
            || (count % 2 == 1 && b == count - 1 && a + 1 == opposite);
        distance <= side || (others % 2 == 1 && is_opposite)
    };
    let mut links = Links::new();
    for a in 0..count {
        for b in a + 1..count {
            if !kept(a, b) {
                links.extend(between(&ring[a..=a], &ring[b..=b], one_way));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nodes(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("n{number}")).collect()
    }

    fn cut(grudge: Grudge, one_way: bool, count: usize, draw: u64) -> Vec<(Port, Port)> {
        let kind = FaultKind::Partition { grudge, one_way };
        cuts(&kind, &[], &nodes(count), draw).unwrap()
    }

    /// The nodes that a node can talk with, both ways, itself included.
    fn seen(links: &[(Port, Port)], node: &str, count: usize) -> BTreeSet<String> {
        let cut = |a: &str, b: &str| {
            links.contains(&(Port::Node(a.to_owned()), Port::Node(b.to_owned())))
        };
        let talks = |other: &String| !cut(node, other) && !cut(other, node);
        nodes(count).into_iter().filter(talks).collect()
    }

    fn words(links: &[(Port, Port)]) -> String {
        let words: Vec<String> = links.iter().map(|(from, to)| format!("{from}→{to}")).collect();
        words.join(" ")
    }

    #[test]
    fn isolated_nodes_stay_together() {
        let target = vec!["n1".to_owned(), "n3".to_owned()];
        let isolate = |one_way| FaultKind::Isolate { one_way };
        let links = |one_way| cuts(&isolate(one_way), &target, &nodes(3), 0).unwrap();
        assert_eq!(words(&links(false)), "n1→n2 n2→n1 n2→n3 n3→n2");
        assert_eq!(words(&links(true)), "n1→n2 n3→n2");
        let everybody = cuts(&isolate(false), &nodes(3), &nodes(3), 0);
        assert_eq!(everybody, Err(NoTarget("no link joins n1, n2, n3 to another node".into())));
    }

    #[test]
    fn groups_are_cut_from_each_other() {
        let group = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let groups = vec![group(&["n1"]), group(&["n2"]), group(&["n3"])];
        let links = cut(Grudge::Groups(groups), true, 4, 0);
        assert_eq!(words(&links), "n1→n2 n1→n3 n2→n3");
    }

    #[test]
    fn too_few_nodes_are_said() {
        for (grudge, count) in [
            (Grudge::Halves, 1),
            (Grudge::MinorityThird, 1),
            (Grudge::Bridge, 2),
            (Grudge::MajoritiesRing, 2),
        ] {
            let kind = FaultKind::Partition { grudge, one_way: false };
            assert!(cuts(&kind, &[], &nodes(count), 3).is_err());
        }
    }

    proptest! {
        #[test]
        fn grudges_are_never_empty(draw: u64, count in 2usize..12, one_way: bool) {
            for grudge in [Grudge::Halves, Grudge::MinorityThird, Grudge::Bridge, Grudge::MajoritiesRing] {
                if count >= least_nodes(&grudge) {
                    let links = cut(grudge.clone(), one_way, count, draw);
                    prop_assert!(!links.is_empty());
                    prop_assert_eq!(links, cut(grudge, one_way, count, draw));
                }
            }
        }

        #[test]
        fn halves_are_disjoint_and_whole(draw: u64, count in 2usize..12) {
            let links = cut(Grudge::Halves, false, count, draw);
            let sides: BTreeSet<BTreeSet<String>> =
                nodes(count).iter().map(|node| seen(&links, node, count)).collect();
            let sizes: Vec<usize> = sides.iter().map(BTreeSet::len).collect();
            prop_assert_eq!(sides.len(), 2);
            prop_assert_eq!(sizes.iter().sum::<usize>(), count);
            prop_assert!(sizes[0].abs_diff(sizes[1]) <= 1);
        }

        #[test]
        fn every_node_of_a_ring_sees_its_own_majority(draw: u64, count in 3usize..12) {
            let links = cut(Grudge::MajoritiesRing, false, count, draw);
            let seen: Vec<BTreeSet<String>> =
                nodes(count).iter().map(|node| seen(&links, node, count)).collect();
            prop_assert!(seen.iter().all(|majority| majority.len() * 2 > count));
            let distinct: BTreeSet<_> = seen.iter().collect();
            prop_assert_eq!(distinct.len(), count);
        }

        #[test]
        fn a_bridge_sees_all_and_nobody_else_does(draw: u64, count in 3usize..12) {
            let links = cut(Grudge::Bridge, false, count, draw);
            let whole = nodes(count).iter().filter(|node| seen(&links, node, count).len() == count).count();
            prop_assert_eq!(whole, 1);
        }
    }
}
