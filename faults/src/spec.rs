//! A fault as a plan states it, resolved: only valid states, all durations typed.

use std::time::Duration;

use temblor_history::FaultClass;

use crate::{LinkPolicy, NodeFault, Trigger, regions::Regions};

/// A duration, a range or several, from which the seed draws one for each occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DurationChoice {
    /// Uniform between the two; a plain duration has both alike.
    Between {
        /// Not shorter than this.
        least: Duration,
        /// Not longer than this.
        most: Duration,
    },
    /// One of these, each as likely; never empty.
    OneOf(Vec<Duration>),
}

impl DurationChoice {
    /// Always this one.
    pub fn exactly(duration: Duration) -> Self {
        Self::Between { least: duration, most: duration }
    }

    /// The shortest that can be drawn.
    pub fn least(&self) -> Duration {
        match self {
            Self::Between { least, .. } => *least,
            Self::OneOf(choices) => choices.iter().min().copied().unwrap_or_default(),
        }
    }

    /// The longest that can be drawn.
    pub fn most(&self) -> Duration {
        match self {
            Self::Between { most, .. } => *most,
            Self::OneOf(choices) => choices.iter().max().copied().unwrap_or_default(),
        }
    }

    /// The one that a random number stands for; out of a range a whole number of milliseconds
    /// after its beginning, so that timelines are readable.
    pub fn draw(&self, random: u64) -> Duration {
        match self {
            Self::Between { least, most } => {
                let width = most.saturating_sub(*least).as_millis() as u64;
                *least + Duration::from_millis(scale(random, width.saturating_add(1)))
            }
            Self::OneOf(choices) => {
                let index = scale(random, choices.len() as u64) as usize;
                choices.get(index).copied().unwrap_or_default()
            }
        }
    }
}

/// Maps a random number to one below `limit`, without the bias of a remainder.
fn scale(random: u64, limit: u64) -> u64 {
    ((u128::from(random) * u128::from(limit)) >> 64) as u64
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// Cut the target off from the other nodes; its clients stay with it.
    Isolate {
        /// Cut only what the target sends.
        one_way: bool,
    },
    /// Cut nodes off from each other.
    Partition {
        /// Who can't hear whom.
        grudge: Grudge,
        /// Cut only one direction.
        one_way: bool,
    },
    /// Make links bad.
    Link(LinkPolicy),
    /// Put nodes far apart, region by region.
    Regions(Regions),
    /// Do something to each node of the target.
    Node {
        /// What the node's agent does.
        fault: NodeFault,
        /// One node after the other instead of all at once.
        rolling: bool,
    },
}

impl FaultKind {
    /// A fault of all nodes of its target at once.
    pub fn node(fault: NodeFault) -> Self {
        Self::Node { fault, rolling: false }
    }

    /// What it acts on.
    pub fn class(&self) -> FaultClass {
        match self {
            Self::Isolate { .. } | Self::Partition { .. } | Self::Link(_) | Self::Regions(_) => {
                FaultClass::Link
            }
            Self::Node { fault, .. } => fault.class(),
        }
    }

    /// What the node's agent does, if it is a fault of nodes.
    pub fn node_fault(&self) -> Option<&NodeFault> {
        match self {
            Self::Node { fault, .. } => Some(fault),
            _ => None,
        }
    }

    /// Why the two can't act on one node at once; none: they can.
    pub fn contends(&self, other: &Self) -> Option<&'static str> {
        self.node_fault()?.contends(other.node_fault()?)
    }

    /// Whether the two can't act at once, on whichever nodes: members leave one at a time.
    pub fn takes_turns(&self, other: &Self) -> bool {
        let leaves = |kind: &Self| kind.node_fault() == Some(&NodeFault::Leave);
        leaves(self) && leaves(other)
    }

    /// Its parameters as a reader wants them, each in a few words; none where its name says it all.
    pub fn details(&self) -> Vec<String> {
        let one_way = |one_way: bool| one_way.then(|| "one way".to_owned()).into_iter();
        match self {
            Self::Isolate { one_way: only } => one_way(*only).collect(),
            Self::Partition { grudge, one_way: only } => {
                [grudge.to_string()].into_iter().chain(one_way(*only)).collect()
            }
            Self::Link(policy) => policy.details(),
            Self::Regions(regions) => regions.details(),
            Self::Node { fault, rolling } => {
                let rolling = rolling.then(|| "one after the other".to_owned());
                fault.details().into_iter().chain(rolling).collect()
            }
        }
    }
}

/// Who can't hear whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grudge {
    /// Two groups, as equal as can be: of an odd number the larger is a majority, of an even
    /// number neither is. The seed deals the nodes.
    Halves,
    /// Every node sees a majority, no two the same one.
    MajoritiesRing,
    /// Two halves that share one node.
    Bridge,
    /// A third of the nodes (at least one) against the rest.
    MinorityThird,
    /// As the plan lists them.
    Groups(Vec<Vec<String>>),
}

impl std::fmt::Display for Grudge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Halves => f.write_str("halves"),
            Self::MajoritiesRing => f.write_str("majorities-ring"),
            Self::Bridge => f.write_str("bridge"),
            Self::MinorityThird => f.write_str("minority-third"),
            Self::Groups(groups) => {
                let groups: Vec<String> = groups.iter().map(|group| group.join(" ")).collect();
                f.write_str(&groups.join(" | "))
            }
        }
    }
}

/// Whom a fault acts on; resolved when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Any one node, dealt by the seed.
    One,
    /// Any two.
    Two,
    /// The largest number that is still a minority.
    Minority,
    /// The smallest majority.
    Majority,
    /// Every node.
    All,
    /// The claimant with the highest term.
    Leader,
    /// Everybody but the leader.
    Followers,
    /// One of the followers, dealt by the seed.
    OneFollower,
    /// These nodes.
    Named(Vec<String>),
    /// What another fault's `as:` remembered.
    Remembered(String),
    /// The clients of a target: links between them and it.
    ClientsOf(Box<Target>),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One => f.write_str("one"),
            Self::Two => f.write_str("two"),
            Self::Minority => f.write_str("minority"),
            Self::Majority => f.write_str("majority"),
            Self::All => f.write_str("all"),
            Self::Leader => f.write_str("leader"),
            Self::Followers => f.write_str("followers"),
            Self::OneFollower => f.write_str("one follower"),
            Self::Named(names) => f.write_str(&names.join(", ")),
            Self::Remembered(name) => f.write_str(name),
            Self::ClientsOf(target) => write!(f, "clients of {target}"),
        }
    }
}

/// Where a fault acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// On nodes (a link fault: on every link of theirs to other nodes, both directions).
    Target(Target),
    /// On the directed links from one target to another.
    Between {
        /// Senders.
        from: Target,
        /// Receivers.
        to: Target,
        /// The other direction too.
        both: bool,
    },
    /// The fault says so itself (a partition's grudge).
    Itself,
}

/// When a fault begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// So long after its phase began.
    At(DurationChoice),
    /// When something has happened in its phase.
    After(Trigger),
}

/// When a fault ends. It always ends with its phase at the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// So long after it began.
    For(DurationChoice),
    /// When something has happened since it began, or after so long.
    Until {
        /// What to wait for.
        trigger: Trigger,
        /// The bound.
        at_most: Duration,
    },
    /// With its phase: the plan says nothing else.
    WithPhase,
    /// At once: it has no duration (`restart`).
    AtOnce,
}

/// One fault of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// Its place in the plan, such as `chaos.0`: the seed draws by it.
    pub place: String,
    /// The name in the plan: `slow` stays `slow` though it is a `link`.
    pub name: String,
    /// What it does.
    pub kind: FaultKind,
    /// Where it acts.
    pub on: Where,
    /// The name under which its target is remembered.
    pub remember: Option<String>,
    /// When it begins first.
    pub start: Start,
    /// When it ends.
    pub end: End,
    /// From the beginning of one occurrence to that of the next, which also waits for the end of
    /// the last; none: it occurs once.
    pub every: Option<DurationChoice>,
    /// How many occurrences there are at most; none: as many as the phase has time for.
    pub times: Option<u64>,
    /// It belongs to a group, which says when its turn is.
    pub grouped: bool,
    /// Whether the run may pass though it could not happen.
    pub optional: bool,
}
