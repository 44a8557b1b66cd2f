//! Whom a fault acts on, found when it begins: pure, out of what is known then.

use std::collections::BTreeMap;

use crate::{FaultKind, FaultSpec, Port, Target, Where, deal::dealt, grudge};

/// What is known of the cluster at a moment.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// All nodes, in order.
    pub nodes: &'a [String],
    /// The claimant with the highest term.
    pub leader: Option<&'a str>,
    /// The leader's term, where the system has terms.
    pub term: Option<u64>,
    /// All who claim to lead, the leader included.
    pub claimants: &'a [String],
    /// What `as:` remembered, by name.
    pub remembered: &'a BTreeMap<String, Vec<String>>,
    /// Nodes that the seed passes over, because another fault holds them.
    pub busy: &'a [String],
}

/// Why there is nobody to act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoTarget(pub String);

/// Nodes, and how they were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The nodes, in the cluster's order.
    pub nodes: Vec<String>,
    /// In words: `leader (term 7; claimants n1, n3)`.
    pub words: String,
}

/// Where a fault acts, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The nodes that it is about; for a partition, all.
    pub nodes: Vec<String>,
    /// The directed links that it acts on, sorted; none for faults of processes.
    pub links: Vec<(Port, Port)>,
    /// How they were chosen, in words.
    pub words: String,
}

/// Finds where a fault acts, all of it: nodes and links.
///
/// # Errors
/// When there is nobody to act on now.
pub fn place(spec: &FaultSpec, view: &View<'_>, draw: u64) -> Result<Placed, NoTarget> {
    match &spec.on {
        Where::Target(Target::ClientsOf(of)) => clients_of(of, view, draw),
        Where::Target(target) => {
            let chosen = resolve(target, view, draw)?;
            let links = grudge::cuts(&spec.kind, &chosen.nodes, view.nodes, draw)?;
            Ok(Placed { nodes: chosen.nodes, links, words: chosen.words })
        }
        Where::Between { from, to, both } => between(from, to, *both, view, draw),
        Where::Itself => {
            let links = grudge::cuts(&spec.kind, &[], view.nodes, draw)?;
            let words = match &spec.kind {
                FaultKind::Partition { grudge, .. } => grudge::words(grudge, view.nodes, draw),
                FaultKind::Regions(regions) => regions.words(view.nodes),
                _ => "as the fault itself says".to_owned(),
            };
            Ok(Placed { nodes: touched(&links, view.nodes), links, words })
        }
    }
}

/// The links between nodes and their clients.
fn clients_of(of: &Target, view: &View<'_>, draw: u64) -> Result<Placed, NoTarget> {
    let chosen = resolve(of, view, draw)?;
    let mut links = Vec::new();
    for node in &chosen.nodes {
        links.push((Port::Node(node.clone()), Port::Clients));
        links.push((Port::Clients, Port::Node(node.clone())));
    }
    links.sort();
    Ok(Placed { words: format!("clients of {}", chosen.words), nodes: chosen.nodes, links })
}

fn between(
    from: &Target,
    to: &Target,
    both: bool,
    view: &View<'_>,
    draw: u64,
) -> Result<Placed, NoTarget> {
    let senders = resolve(from, view, draw)?;
    // `from: one` and `to: one` mean two nodes, not one and the same.
    let left: Vec<String> = match to {
        Target::One | Target::Two | Target::OneFollower => {
            view.busy.iter().chain(&senders.nodes).cloned().collect()
        }
        _ => view.busy.to_vec(),
    };
    let receivers = resolve(to, &View { busy: &left, ..*view }, draw)?;
    let mut links = Vec::new();
    for sender in &senders.nodes {
        for receiver in receivers.nodes.iter().filter(|receiver| *receiver != sender) {
            links.push((Port::Node(sender.clone()), Port::Node(receiver.clone())));
            if both {
                links.push((Port::Node(receiver.clone()), Port::Node(sender.clone())));
            }
        }
    }
    links.sort();
    links.dedup();
    if links.is_empty() {
        return Err(NoTarget(format!(
            "no link leads from {} to {}",
            senders.words, receivers.words
        )));
    }
    Ok(Placed {
        nodes: touched(&links, view.nodes),
        links,
        words: format!("from {} to {}", senders.words, receivers.words),
    })
}

/// The nodes at the ends of links, in the cluster's order.
fn touched(links: &[(Port, Port)], nodes: &[String]) -> Vec<String> {
    let at_an_end = |node: &&String| {
        let port = Port::Node((*node).clone());
        links.iter().any(|(from, to)| *from == port || *to == port)
    };
    nodes.iter().filter(at_an_end).cloned().collect()
}

/// Finds the nodes of a target.
///
/// # Errors
/// When there is nobody: no leader, a name that nothing was remembered under, too few nodes.
pub fn resolve(target: &Target, view: &View<'_>, draw: u64) -> Result<Chosen, NoTarget> {
    let count = view.nodes.len();
    match target {
        Target::One => deal(view.nodes, 1, "one", view, draw),
        Target::Two => deal(view.nodes, 2, "two", view, draw),
        Target::Minority => deal(view.nodes, minority(count), "minority", view, draw),
        Target::Majority => deal(view.nodes, count / 2 + 1, "majority", view, draw),
        Target::All => Ok(Chosen { nodes: view.nodes.to_vec(), words: "all".to_owned() }),
        Target::Leader => {
            let leader = leader(view)?;
            Ok(Chosen { nodes: vec![leader.to_owned()], words: leader_words(view) })
        }
        Target::Followers => {
            let nodes = followers(view)?;
            Ok(Chosen { nodes, words: format!("followers of {}", leader(view)?) })
        }
        Target::OneFollower => deal(&followers(view)?, 1, "one follower", view, draw),
        Target::Named(names) => named(names, view),
        Target::Remembered(name) => match view.remembered.get(name) {
            Some(nodes) => Ok(Chosen {
                nodes: nodes.clone(),
                words: format!("{} (remembered as {name})", nodes.join(", ")),
            }),
            None => Err(NoTarget(format!("nothing was remembered as `{name}`"))),
        },
        Target::ClientsOf(of) => resolve(of, view, draw),
    }
}

/// The largest number of nodes that is no majority.
pub fn minority(count: usize) -> usize {
    count.saturating_sub(1) / 2
}

/// The first `count` free nodes of a deal.
fn deal(
    among: &[String],
    count: usize,
    word: &str,
    view: &View<'_>,
    draw: u64,
) -> Result<Chosen, NoTarget> {
    let free = |node: &String| !view.busy.contains(node);
    let mut nodes: Vec<String> = dealt(among, draw).into_iter().filter(free).take(count).collect();
    if nodes.len() < count || count == 0 {
        let all = if view.busy.is_empty() { "there are" } else { "of the free nodes there are" };
        return Err(NoTarget(format!(
            "`{word}` needs {} nodes, {all} {}",
            count.max(1),
            nodes.len()
        )));
    }
    nodes.sort_by_key(|node| view.nodes.iter().position(|known| known == node));
    Ok(Chosen { words: format!("{word} ({})", nodes.join(", ")), nodes })
}

fn leader<'a>(view: &View<'a>) -> Result<&'a str, NoTarget> {
    view.leader.ok_or_else(|| NoTarget("no node claims to lead".to_owned()))
}

fn leader_words(view: &View<'_>) -> String {
    let mut details = Vec::new();
    if let Some(term) = view.term {
        details.push(format!("term {term}"));
    }
    if view.claimants.len() > 1 {
        details.push(format!("claimants {}", view.claimants.join(", ")));
    }
    if details.is_empty() {
        return "leader".to_owned();
    }
    format!("leader ({})", details.join("; "))
}

fn followers(view: &View<'_>) -> Result<Vec<String>, NoTarget> {
    let leader = leader(view)?;
    let followers: Vec<String> =
        view.nodes.iter().filter(|node| *node != leader).cloned().collect();
    if followers.is_empty() {
        return Err(NoTarget("the leader has no followers".to_owned()));
    }
    Ok(followers)
}

fn named(names: &[String], view: &View<'_>) -> Result<Chosen, NoTarget> {
    match names.iter().find(|name| !view.nodes.contains(name)) {
        Some(unknown) => Err(NoTarget(format!("there is no node `{unknown}`"))),
        None => Ok(Chosen { nodes: names.to_vec(), words: names.join(", ") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{End, LinkPolicy, Start};

    const CLAIMANTS: [&str; 2] = ["n2", "n3"];

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Resolves among five nodes of which n3 leads and n4 is busy.
    fn chosen(target: &Target) -> Result<String, String> {
        let (nodes, claimants) = (owned(&["n1", "n2", "n3", "n4", "n5"]), owned(&CLAIMANTS));
        let remembered = BTreeMap::from([("old".to_owned(), owned(&["n2"]))]);
        let view = View {
            nodes: &nodes,
            leader: Some("n3"),
            term: Some(7),
            claimants: &claimants,
            remembered: &remembered,
            busy: &owned(&["n4"]),
        };
        let chosen = resolve(target, &view, 11).map_err(|none| none.to_string())?;
        Ok(format!("{} = {}", chosen.words, chosen.nodes.join(" ")))
    }

    #[test]
    fn targets_are_found() {
        let cases = [
            (Target::All, "all = n1 n2 n3 n4 n5"),
            (Target::Leader, "leader (term 7; claimants n2, n3) = n3"),
            (Target::Followers, "followers of n3 = n1 n2 n4 n5"),
            (Target::Named(owned(&["n1", "n5"])), "n1, n5 = n1 n5"),
            (Target::Remembered("old".into()), "n2 (remembered as old) = n2"),
        ];
        for (target, expected) in cases {
            assert_eq!(chosen(&target).as_deref(), Ok(expected));
        }
        for (target, expected) in [
            (Target::Named(owned(&["n7"])), "there is no node `n7`"),
            (Target::Remembered("new".into()), "nothing was remembered as `new`"),
        ] {
            assert_eq!(chosen(&target), Err(expected.to_owned()));
        }
    }

    #[test]
    fn dealt_targets_pass_over_busy_nodes() {
        for draw in 0..50 {
            let nodes = owned(&["n1", "n2", "n3"]);
            let view = View {
                nodes: &nodes,
                leader: Some("n1"),
                term: None,
                claimants: &[],
                remembered: &BTreeMap::new(),
                busy: &owned(&["n2"]),
            };
            let two = resolve(&Target::Two, &view, draw).unwrap();
            assert_eq!(two.nodes, ["n1", "n3"]);
            assert_eq!(resolve(&Target::OneFollower, &view, draw).unwrap().nodes, ["n3"]);
            let busy = owned(&["n1", "n2"]);
            let none = resolve(&Target::Majority, &View { busy: &busy, ..view }, draw);
            let message = "`majority` needs 2 nodes, of the free nodes there are 1";
            assert_eq!(none, Err(NoTarget(message.into())));
        }
    }

    fn placed(on: Where) -> String {
        let nodes = owned(&["n1", "n2", "n3"]);
        let view = View {
            nodes: &nodes,
            leader: Some("n1"),
            term: None,
            claimants: &[],
            remembered: &BTreeMap::new(),
            busy: &[],
        };
        let spec = FaultSpec {
            place: "chaos.0".into(),
            name: "slow".into(),
            kind: FaultKind::Link(LinkPolicy::default()),
            on,
            remember: None,
            start: Start::At(crate::DurationChoice::exactly(std::time::Duration::ZERO)),
            end: End::WithPhase,
            every: None,
            times: None,
            grouped: false,
            optional: false,
        };
        let placed = place(&spec, &view, 5).unwrap();
        let links: Vec<String> =
            placed.links.iter().map(|(from, to)| format!("{from}→{to}")).collect();
        format!("{}: {}", placed.words, links.join(" "))
    }

    #[test]
    fn links_are_found() {
        let clients = Where::Target(Target::ClientsOf(Box::new(Target::Leader)));
        assert_eq!(placed(clients), "clients of leader: n1→clients clients→n1");
        let target = Where::Target(Target::Leader);
        assert_eq!(placed(target), "leader: n1→n2 n1→n3 n2→n1 n3→n1");
        let between = |both| Where::Between { from: Target::Leader, to: Target::Followers, both };
        assert_eq!(placed(between(false)), "from leader to followers of n1: n1→n2 n1→n3");
        assert_eq!(
            placed(between(true)),
            "from leader to followers of n1: n1→n2 n1→n3 n2→n1 n3→n1"
        );
    }
}
