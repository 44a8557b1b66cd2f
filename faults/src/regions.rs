//! Regions: nodes far apart from each other, as in a cluster that spans continents.
//!
//! Every directed link between two regions gets the one-way delay between them. Clients stay
//! beside their nodes: no link of theirs is touched.

use std::{collections::BTreeMap, time::Duration};

use crate::{Distribution, LinkPolicy, Links, Port};

/// Regions that everybody knows, and one-way delays between them in milliseconds: half of the
/// usual round trip between public clouds, in round numbers.
const KNOWN: [(&str, &str, u64); 21] = [
    ("us-east", "us-west", 32),
    ("us-east", "eu", 38),
    ("us-east", "asia", 75),
    ("us-east", "australia", 100),
    ("us-east", "brazil", 58),
    ("us-east", "india", 93),
    ("us-west", "eu", 66),
    ("us-west", "asia", 50),
    ("us-west", "australia", 70),
    ("us-west", "brazil", 88),
    ("us-west", "india", 110),
    ("eu", "asia", 105),
    ("eu", "australia", 130),
    ("eu", "brazil", 90),
    ("eu", "india", 61),
    ("asia", "australia", 52),
    ("asia", "brazil", 128),
    ("asia", "india", 62),
    ("australia", "brazil", 155),
    ("australia", "india", 75),
    ("brazil", "india", 150),
];

/// Sets of regions by name: nodes are dealt to them in turn, n1 to the first.
pub const LIKE: [(&str, &[&str]); 4] = [
    ("world", &["us-east", "eu", "asia", "australia", "brazil", "us-west", "india"]),
    ("atlantic", &["us-east", "eu"]),
    ("pacific", &["us-west", "asia", "australia"]),
    ("america", &["us-east", "us-west", "brazil"]),
];

/// Where nodes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// As the plan lists them, by region.
    Listed(BTreeMap<String, Vec<String>>),
    /// Dealt in turn to these regions.
    InTurn(Vec<String>),
}

/// Who is where, and how far apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    /// Where the nodes are.
    pub places: Places,
    /// One-way delays between two regions, whichever stands first; within one, if both are the
    /// same. What is not here is as everybody knows it, and nothing within a region.
    pub delays: BTreeMap<(String, String), Duration>,
    /// Standard deviation of each delay, as a share of it.
    pub jitter: f64,
}

/// The delay between two regions that everybody knows.
pub fn known(one: &str, other: &str) -> Option<Duration> {
    let is = |(a, b, _): &&(&str, &str, u64)| (*a, *b) == (one, other) || (*b, *a) == (one, other);
    KNOWN.iter().find(is).map(|(.., ms)| Duration::from_millis(*ms))
}

impl Regions {
    /// The names of all regions.
    pub fn names(&self) -> Vec<String> {
        match &self.places {
            Places::Listed(listed) => listed.keys().cloned().collect(),
            Places::InTurn(names) => names.clone(),
        }
    }

    /// The delay between two regions; none: nobody says how far apart they are.
    pub fn between(&self, one: &str, other: &str) -> Option<Duration> {
        let given = |a: &str, b: &str| self.delays.get(&(a.to_owned(), b.to_owned())).copied();
        let usual = if one == other { Some(Duration::ZERO) } else { known(one, other) };
        given(one, other).or_else(|| given(other, one)).or(usual)
    }

    /// The region of each node that has one.
    fn of_nodes(&self, all: &[String]) -> BTreeMap<String, String> {
        let pairs: Vec<(String, String)> = match &self.places {
            Places::Listed(listed) => listed
                .iter()
                .flat_map(|(region, nodes)| nodes.iter().map(|node| (node.clone(), region.clone())))
                .collect(),
            Places::InTurn(names) => {
                all.iter().cloned().zip(names.iter().cloned().cycle()).collect()
            }
        };
        pairs.into_iter().collect()
    }

    /// The directed links that have a delay, and what it is.
    pub fn links(&self, all: &[String]) -> Vec<((Port, Port), LinkPolicy)> {
        let regions = self.of_nodes(all);
        let mut links = Vec::new();
        for (sender, here) in &regions {
            for (receiver, there) in regions.iter().filter(|(receiver, _)| *receiver != sender) {
                let delay = self.between(here, there).unwrap_or_default();
                if delay.is_zero() {
                    continue;
                }
                let policy = LinkPolicy {
                    delay,
                    jitter: delay.mul_f64(self.jitter),
                    distribution: Distribution::Normal,
                    ..LinkPolicy::default()
                };
                let ends = (Port::Node(sender.clone()), Port::Node(receiver.clone()));
                links.push((ends, policy));
            }
        }
        links
    }

    /// Who is where, in words: `eu: n1, n2 | us-east: n3`.
    pub fn words(&self, all: &[String]) -> String {
        let regions = self.of_nodes(all);
        let mut words: Vec<String> = Vec::new();
        for region in self.names() {
            let here = all.iter().filter(|node| regions.get(*node) == Some(&region));
            let here: Vec<&str> = here.map(String::as_str).collect();
            if !here.is_empty() {
                words.push(format!("{region}: {}", here.join(", ")));
            }
        }
        words.join(" | ")
    }

    /// The shortest and the longest delay, in words.
    pub fn details(&self) -> Vec<String> {
        let names = self.names();
        let pairs = names.iter().flat_map(|one| names.iter().map(move |other| (one, other)));
        let delays = pairs.filter_map(|(one, other)| self.between(one, other));
        let delays: Vec<Duration> = delays.filter(|delay| !delay.is_zero()).collect();
        match (delays.iter().min(), delays.iter().max()) {
            (Some(least), Some(most)) if least == most => vec![format!("{least:?} apart")],
            (Some(least), Some(most)) => vec![format!("{least:?} to {most:?} apart")],
            _ => Vec::new(),
        }
    }
}

/// Puts its delay on each of the links.
pub fn inject(links: &mut dyn Links, occurrence: &str, regions: &Regions, on: &[(Port, Port)]) {
    let node = |port: &Port| match port {
        Port::Node(name) => Some(name.clone()),
        Port::Clients => None,
    };
    let mut all: Vec<String> =
        on.iter().flat_map(|(from, to)| [node(from), node(to)]).flatten().collect();
    // In the cluster's order, which is by number.
    all.sort_by_key(|name| (name.len(), name.clone()));
    all.dedup();
    for ((from, to), policy) in regions.links(&all) {
        if on.contains(&(from.clone(), to.clone())) {
            links.set(occurrence, &from, &to, policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("n{number}")).collect()
    }

    fn delays(regions: &Regions, count: usize) -> Vec<String> {
        let links = regions.links(&nodes(count));
        let words = |((from, to), policy): &((Port, Port), LinkPolicy)| {
            format!("{from}→{to} {:?}", policy.delay)
        };
        links.iter().map(words).collect()
    }

    #[test]
    fn links_between_regions_have_their_delay_both_ways() {
        let listed = BTreeMap::from([
            ("eu".to_owned(), vec!["n1".to_owned(), "n2".to_owned()]),
            ("mars".to_owned(), vec!["n3".to_owned()]),
        ]);
        let far = Duration::from_secs(180);
        let regions = Regions {
            places: Places::Listed(listed),
            delays: BTreeMap::from([(("mars".to_owned(), "eu".to_owned()), far)]),
            jitter: 0.02,
        };
        let wanted = ["n1→n3 180s", "n2→n3 180s", "n3→n1 180s", "n3→n2 180s"];
        assert_eq!(delays(&regions, 3), wanted);
        assert_eq!(regions.words(&nodes(3)), "eu: n1, n2 | mars: n3");
        assert_eq!(regions.details(), ["180s apart"]);
    }

    #[test]
    fn nodes_are_dealt_in_turn_and_regions_are_known() {
        let names = LIKE[1].1.iter().map(ToString::to_string).collect();
        let mut regions =
            Regions { places: Places::InTurn(names), delays: BTreeMap::new(), jitter: 0.0 };
        assert_eq!(regions.words(&nodes(3)), "us-east: n1, n3 | eu: n2");
        assert_eq!(delays(&regions, 2), ["n1→n2 38ms", "n2→n1 38ms"]);
        let within = ("eu".to_owned(), "eu".to_owned());
        regions.delays.insert(within, Duration::from_millis(1));
        assert!(delays(&regions, 4).contains(&"n2→n4 1ms".to_owned()));
    }

    #[test]
    fn every_set_is_known_pair_by_pair() {
        for (name, regions) in LIKE {
            for (place, one) in regions.iter().enumerate() {
                for other in &regions[place + 1..] {
                    assert!(known(one, other).is_some(), "{name}: {one} to {other}");
                }
            }
        }
    }
}
