//! Operations as rounds of questions to replicas. Pure: it sends nothing and knows no time (but for
//! the seeded bug that does).
//!
//! All seeded bugs of the protocol stand in [`Coordinator::quorum`], [`Coordinator::counter`] and
//! [`Coordinator::needs_write_back`].

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use temblor_history::Key;
use temblor_workloads::client::abd::wire::{Ask, Reply};

use super::{
    bug::Bug,
    message::{Answer, Question, RoundId, shown},
    version::{Tag, Version, newer},
};

/// A node, by its place in the list of all.
pub(super) type Member = usize;

/// An operation of a client; whoever begins it chooses the number, and gets it back at the end.
pub(super) type Operation = u64;

/// What is to be done next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Ask these replicas, once, this node's own perhaps among them.
    Send {
        /// Whom.
        to: Vec<Member>,
        /// What.
        question: Question,
    },
    /// Tell the client.
    Finish {
        /// Which operation has ended.
        operation: Operation,
        /// How.
        reply: Reply,
    },
}

/// Which answers a round waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    Majority,
    Itself,
}

/// What a round is for.
#[derive(Debug)]
enum Stage {
    /// Learning the newest version. `holders` have said that they hold it.
    Asking { newest: Option<Version>, holders: BTreeSet<Member> },
    /// Having a majority store a version; then this is the client's result.
    Storing { result: Value },
}

#[derive(Debug)]
struct Round {
    operation: Operation,
    ask: Ask,
    stage: Stage,
    answered: BTreeSet<Member>,
}

/// The operations of one node's clients, during one life of that node.
#[derive(Debug)]
pub(super) struct Coordinator {
    members: Vec<String>,
    me: Member,
    epoch: u64,
    bug: Bug,
    /// The time of day, for the bug that asks for it.
    wall_ns: fn() -> i64,
    last_sequence: u64,
    rounds: HashMap<RoundId, Round>,
}

impl Coordinator {
    /// `epoch` counts this node's lives and must be on disk already.
    pub(super) fn new(members: Vec<String>, me: Member, epoch: u64, bug: Bug) -> Self {
        let wall_ns = crate::clock::wall_ns;
        Self { members, me, epoch, bug, wall_ns, last_sequence: 0, rounds: HashMap::new() }
    }

    /// Begins an operation: its first round learns what the replicas hold.
    pub(super) fn begin(&mut self, operation: Operation, ask: Ask) -> Step {
        let to = match self.quorum(&ask) {
            Quorum::Majority => (0..self.members.len()).collect(),
            Quorum::Itself => vec![self.me],
        };
        let stage = Stage::Asking { newest: None, holders: BTreeSet::new() };
        let round = Round { operation, ask, stage, answered: BTreeSet::new() };
        let key = key(&round.ask);
        let round = self.open(round);
        Step::Send { to, question: Question { round, key, store: None } }
    }

    /// Takes an answer in. Answers to rounds that are over, and second ones, count for nothing.
    pub(super) fn answered(&mut self, from: Member, answer: Answer) -> Option<Step> {
        let round = self.rounds.get_mut(&answer.round)?;
        if !round.answered.insert(from) {
            return None;
        }
        if let Stage::Asking { newest, holders } = &mut round.stage {
            if newer(answer.held.as_ref(), newest.as_ref()) {
                *newest = answer.held;
                holders.clear();
                holders.insert(from);
            } else if !newer(newest.as_ref(), answer.held.as_ref()) {
                holders.insert(from);
            }
        }
        let round = &self.rounds[&answer.round];
        if !self.is_reached(self.quorum(&round.ask), &round.answered) {
            return None;
        }
        let round = self.rounds.remove(&answer.round)?;
        Some(self.advance(round))
    }

    /// Gives a round up: its time is over. Nothing of it is ever sent again.
    ///
    /// A write may have reached some replica, or may still: `info`. A read changes no value, so that
    /// it certainly did nothing: `fail`.
    pub(super) fn abandon(&mut self, round: RoundId) -> Option<Step> {
        let Round { operation, ask, answered, .. } = self.rounds.remove(&round)?;
        let names: Vec<&str> = answered.iter().map(|member| &*self.members[*member]).collect();
        let answered = if names.is_empty() { "nobody".into() } else { names.join(", ") };
        let error = format!("no majority of replicas in time; {answered} answered");
        let reply = match ask {
            Ask::Write { .. } => Reply::Info { error },
            Ask::Read { .. } | Ask::Status => Reply::Fail { error },
        };
        Some(Step::Finish { operation, reply })
    }

    /// What a round's end leads to.
    fn advance(&mut self, round: Round) -> Step {
        let Round { operation, ask, stage, .. } = round;
        match (stage, &ask) {
            (Stage::Storing { result }, _) => finish(operation, result),
            (Stage::Asking { .. }, Ask::Status) => finish(operation, Value::Null),
            (Stage::Asking { newest, .. }, Ask::Write { value, .. }) => {
                let counter = self.counter(newest.as_ref());
                let version = Version { tag: self.new_tag(counter), value: value.clone() };
                self.store(operation, ask, version, BTreeSet::new())
            }
            (Stage::Asking { newest, holders }, Ask::Read { .. }) => match newest {
                Some(version) if self.needs_write_back(&holders) => {
                    self.store(operation, ask, version, holders)
                }
                newest => finish(operation, shown(newest.as_ref())),
            },
        }
    }

    /// Has a majority store a version. Those known to hold it count as having answered.
    fn store(
        &mut self,
        operation: Operation,
        ask: Ask,
        version: Version,
        holders: BTreeSet<Member>,
    ) -> Step {
        let to = (0..self.members.len()).filter(|member| !holders.contains(member)).collect();
        let key = key(&ask);
        let stage = Stage::Storing { result: version.value.clone() };
        let round = self.open(Round { operation, ask, stage, answered: holders });
        Step::Send { to, question: Question { round, key, store: Some(version) } }
    }

    /// Whose answers are enough.
    ///
    /// Seeded bugs: `ack-early` takes a write's tag from this node's replica and acknowledges it
    /// once that replica has stored it; `read-one` reads from that replica.
    fn quorum(&self, ask: &Ask) -> Quorum {
        match (self.bug, ask) {
            (Bug::AckEarly, Ask::Write { .. }) | (Bug::ReadOne, Ask::Read { .. }) => Quorum::Itself,
            _ => Quorum::Majority,
        }
    }

    /// A new write's place in the order of all: after everything that a majority has seen.
    ///
    /// Seeded bug: `wall-clock` takes the time of day, which is as good while all clocks agree.
    fn counter(&self, newest: Option<&Version>) -> u64 {
        match self.bug {
            Bug::WallClock => (self.wall_ns)() as u64,
            _ => newest.map_or(0, |version| version.tag.counter) + 1,
        }
    }

    /// Whether a read must write back: unless a majority holds the version on disk, later reads
    /// might miss it.
    ///
    /// Seeded bugs: `no-write-back` and `read-one` never do.
    fn needs_write_back(&self, holders: &BTreeSet<Member>) -> bool {
        match self.bug {
            Bug::NoWriteBack | Bug::ReadOne => false,
            _ => !self.is_reached(Quorum::Majority, holders),
        }
    }

    fn is_reached(&self, quorum: Quorum, members: &BTreeSet<Member>) -> bool {
        match quorum {
            Quorum::Majority => members.len() > self.members.len() / 2,
            Quorum::Itself => members.contains(&self.me),
        }
    }

    fn open(&mut self, round: Round) -> RoundId {
        self.last_sequence += 1;
        let id = RoundId { epoch: self.epoch, sequence: self.last_sequence };
        self.rounds.insert(id, round);
        id
    }

    /// The tag takes a number of its own from the rounds', so that no two writes share it.
    fn new_tag(&mut self, counter: u64) -> Tag {
        self.last_sequence += 1;
        let node = self.members[self.me].clone();
        Tag { counter, node, epoch: self.epoch, sequence: self.last_sequence }
    }
}

/// The register that an operation is about; [`Ask::Status`] asks about one that no client names.
fn key(ask: &Ask) -> Key {
    match ask {
        Ask::Read { key } | Ask::Write { key, .. } => key.clone(),
        Ask::Status => Key::Text(String::new()),
    }
}

fn finish(operation: Operation, value: Value) -> Step {
    Step::Finish { operation, reply: Reply::Ok { value } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinator(bug: Bug) -> Coordinator {
        Coordinator::new(vec!["n1".into(), "n2".into(), "n3".into()], 0, 1, bug)
    }

    fn read() -> Ask {
        Ask::Read { key: Key::Number(1) }
    }

    fn write(value: u64) -> Ask {
        Ask::Write { key: Key::Number(1), value: value.into() }
    }

    fn version(counter: u64) -> Version {
        let tag = Tag { counter, node: "n2".into(), epoch: 1, sequence: 1 };
        Version { tag, value: counter.into() }
    }

    /// Begins an operation and hears what these members hold; what comes of it, in short.
    fn after_hearing(bug: Bug, ask: Ask, held: &[(Member, Option<u64>)]) -> String {
        let mut coordinator = coordinator(bug);
        let Step::Send { to, question } = coordinator.begin(7, ask) else { unreachable!() };
        let mut story = format!("asks {to:?}");
        for (member, counter) in held {
            let held = counter.map(version);
            let step = coordinator.answered(*member, Answer { round: question.round, held });
            let next = match step {
                None => String::new(),
                Some(Step::Send { to, question }) => {
                    let store = question.store.unwrap();
                    format!(", stores {} ({}) at {to:?}", store.value, store.tag.counter)
                }
                Some(Step::Finish { reply: Reply::Ok { value }, .. }) => format!(", ok {value}"),
                Some(other) => format!(", {other:?}"),
            };
            story.push_str(&next);
        }
        story
    }

    #[test]
    fn a_slow_clock_puts_a_write_before_what_it_should_follow() {
        let mut coordinator = coordinator(Bug::WallClock);
        coordinator.wall_ns = || 5;
        assert_eq!(coordinator.counter(Some(&version(9))), 5);
        coordinator.bug = Bug::None;
        assert_eq!(coordinator.counter(Some(&version(9))), 10);
    }

    #[test]
    fn rounds_by_what_replicas_hold() {
        use Bug::{AckEarly, NoWriteBack, None as Correct, ReadOne};
        for (bug, ask, held, story) in [
            (Correct, read(), &[(0, None), (2, None)][..], "asks [0, 1, 2], ok null"),
            (Correct, read(), &[(0, Some(5)), (2, Some(5))], "asks [0, 1, 2], ok 5"),
            (
                Correct,
                read(),
                &[(0, Some(4)), (2, Some(5))],
                "asks [0, 1, 2], stores 5 (5) at [0, 1]",
            ),
            (Correct, read(), &[(1, Some(5)), (0, None)], "asks [0, 1, 2], stores 5 (5) at [0, 2]"),
            (Correct, read(), &[(1, Some(5)), (1, Some(5))], "asks [0, 1, 2]"),
            (
                Correct,
                write(9),
                &[(0, None), (2, Some(5))],
                "asks [0, 1, 2], stores 9 (6) at [0, 1, 2]",
            ),
            (AckEarly, write(9), &[(0, Some(4))], "asks [0], stores 9 (5) at [0, 1, 2]"),
            (AckEarly, read(), &[(0, Some(4)), (1, Some(4))], "asks [0, 1, 2], ok 4"),
            (ReadOne, read(), &[(0, Some(4))], "asks [0], ok 4"),
            (NoWriteBack, read(), &[(0, None), (2, Some(5))], "asks [0, 1, 2], ok 5"),
        ] {
            assert_eq!(after_hearing(bug, ask.clone(), held), story, "{bug:?} {ask:?} {held:?}");
        }
    }

    #[test]
    fn an_abandoned_round_ends_its_operation_for_good() {
        let unknown = Reply::Info { error: "no majority of replicas in time; n3 answered".into() };
        let nothing = Reply::Fail { error: "no majority of replicas in time; n3 answered".into() };
        for (ask, expected) in [(read(), nothing), (write(9), unknown)] {
            let mut coordinator = coordinator(Bug::None);
            let Step::Send { question, .. } = coordinator.begin(7, ask) else { unreachable!() };
            let answer = Answer { round: question.round, held: None };
            assert_eq!(coordinator.answered(2, answer.clone()), None);
            let finish = Step::Finish { operation: 7, reply: expected };
            assert_eq!(coordinator.abandon(question.round), Some(finish));
            assert_eq!(coordinator.abandon(question.round), None);
            assert_eq!(coordinator.answered(1, answer), None);
        }
    }

    #[test]
    fn no_two_writes_share_a_tag() {
        let mut tags = BTreeSet::new();
        for epoch in 1..=2 {
            let mut coordinator = coordinator(Bug::None);
            coordinator.epoch = epoch;
            for operation in 0..3 {
                let Step::Send { question, .. } = coordinator.begin(operation, write(9)) else {
                    unreachable!()
                };
                let answer = Answer { round: question.round, held: Some(version(5)) };
                assert_eq!(coordinator.answered(1, answer.clone()), None);
                let Some(Step::Send { question, .. }) = coordinator.answered(2, answer) else {
                    unreachable!()
                };
                tags.insert(question.store.unwrap().tag);
            }
        }
        assert_eq!(tags.len(), 6);
        assert!(tags.iter().all(|tag| *tag > version(5).tag && tag.counter == 6));
    }
}
