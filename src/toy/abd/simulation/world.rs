//! A world of three nodes in one thread: messages are lost, doubled and overtaken, nodes die in the
//! middle of a sync and come back, rounds run out of time; all of it drawn from a seed.
//!
//! The coordinators and replicas are the real ones. Disk, network and time are vectors and a count.

use std::collections::BTreeMap;

use serde_json::Value;
use temblor_history::{Key, Seed};
use temblor_workloads::client::abd::wire::{Ask, Reply};

use super::{
    super::{
        bug::Bug,
        coordinator::{Coordinator, Member, Step},
        message::{Answer, Question, Record, RoundId},
        replica::Replica,
    },
    oracle::{Action, Interval},
};

const NODES: usize = 3;
/// Client `c` is pinned to node `c % NODES`.
const CLIENTS: usize = 6;
/// Few keys, so that operations meet.
const KEYS: u64 = 2;
const OPERATIONS_MAX: usize = 30;
const STEPS_MAX: u64 = 2500;

/// Ways in which what is around the core could misuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    None,
    /// Answers leave before the sync.
    AnswersFirst,
    /// All lives of a node have the same number.
    SameLife,
}

#[derive(Debug, Clone)]
enum Body {
    Question(Question),
    Answer(Answer),
}

#[derive(Debug, Clone)]
struct Message {
    from: Member,
    to: Member,
    body: Body,
}

/// What survives a node's death.
#[derive(Debug, Default)]
struct Disk {
    epoch: u64,
    records: Vec<Record>,
}

/// What doesn't.
#[derive(Debug)]
struct Life {
    coordinator: Coordinator,
    replica: Replica,
    /// Questions that wait for the next sync.
    inbox: Vec<(Member, Question)>,
    /// Rounds whose time may run out.
    rounds: Vec<RoundId>,
}

/// An operation, by its number, as a checker would see it.
#[derive(Debug)]
struct Recorded {
    key: u64,
    interval: Interval,
}

/// How often things happen; drawn for each world, so that some are calm and some wild.
#[derive(Debug)]
struct Weather {
    loss_percent: u64,
    double_percent: u64,
    deaths_permille: u64,
    timeouts_permille: u64,
    cuts_permille: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct World {
    seed: Seed,
    draws: u64,
    bug: Bug,
    misuse: Misuse,
    weather: Weather,
    step: u64,
    lives: [Option<Life>; NODES],
    disks: [Disk; NODES],
    /// `cut[a][b]`: nothing gets from a to b at the moment.
    cut: [[bool; NODES]; NODES],
    network: Vec<Message>,
    /// What each client waits for.
    clients: [Option<usize>; CLIENTS],
    recorded: Vec<Recorded>,
}

/// Lives one world to its end; what its clients saw, by key.
pub(super) fn live(seed: u64, bug: Bug, misuse: Misuse) -> BTreeMap<u64, Vec<Interval>> {
    let mut world = World::new(Seed(seed), bug, misuse);
    while world.step < STEPS_MAX && !world.is_over() {
        world.step += 1;
        world.act();
    }
    let mut by_key = BTreeMap::<u64, Vec<Interval>>::new();
    for Recorded { key, interval } in world.recorded {
        // A read without an answer says nothing.
        let silent = interval.completed.is_none() && matches!(interval.action, Action::Read(_));
        if !silent {
            by_key.entry(key).or_default().push(interval);
        }
    }
    by_key
}

impl World {
    fn new(seed: Seed, bug: Bug, misuse: Misuse) -> Self {
        let pick = |what, choices: [u64; 3]| choices[(seed.draw(what, 0) % 3) as usize];
        let weather = Weather {
            loss_percent: pick("loss", [0, 5, 40]),
            double_percent: pick("double", [0, 10, 30]),
            deaths_permille: pick("deaths", [0, 4, 20]),
            timeouts_permille: pick("timeouts", [3, 10, 40]),
            cuts_permille: pick("cuts", [0, 5, 30]),
        };
        let mut world = Self {
            seed,
            draws: 0,
            bug,
            misuse,
            weather,
            step: 0,
            lives: Default::default(),
            disks: Default::default(),
            cut: Default::default(),
            network: Vec::new(),
            clients: [None; CLIENTS],
            recorded: Vec::new(),
        };
        (0..NODES).for_each(|node| world.begin_life(node));
        world
    }

    fn is_over(&self) -> bool {
        self.recorded.len() == OPERATIONS_MAX && self.clients.iter().all(Option::is_none)
    }

    fn draw(&mut self, below: usize) -> usize {
        self.draws += 1;
        (self.seed.draw("world", self.draws) % below as u64) as usize
    }

    fn chance(&mut self, percent: u64) -> bool {
        (self.draw(100) as u64) < percent
    }

    fn act(&mut self) {
        let node = self.draw(NODES);
        let roll = self.draw(1000) as u64;
        let Weather { deaths_permille, timeouts_permille, cuts_permille, .. } = self.weather;
        let (deaths, timeouts) = (deaths_permille, deaths_permille + timeouts_permille);
        if self.lives[node].is_none() {
            if roll < 100 {
                self.begin_life(node);
            }
        } else if roll < deaths {
            self.strike(node);
        } else if roll < timeouts {
            self.run_out_of_time(node);
        } else if roll < timeouts + cuts_permille {
            let to = self.draw(NODES);
            self.cut[node][to] ^= node != to;
        } else {
            match self.draw(10) {
                0 => self.invoke(),
                1..=3 => self.sync(node),
                _ => self.deliver(),
            }
        }
    }

    /// One node dies, or all at once.
    fn strike(&mut self, node: Member) {
        if self.chance(30) {
            (0..NODES).for_each(|node| self.end_life(node));
        } else {
            self.end_life(node);
        }
    }

    fn begin_life(&mut self, node: Member) {
        let disk = &mut self.disks[node];
        if self.misuse != Misuse::SameLife && self.bug != Bug::Forgetful {
            disk.epoch += 1;
        }
        let mut replica = Replica::default();
        for record in &disk.records {
            replica.absorb(record);
        }
        let names = (1..=NODES).map(|number| format!("n{number}")).collect();
        let coordinator = Coordinator::new(names, node, disk.epoch, self.bug);
        let life = Life { coordinator, replica, inbox: Vec::new(), rounds: Vec::new() };
        self.lives[node] = Some(life);
    }

    /// What it has sent stays on its way; its clients will never hear of it again.
    fn end_life(&mut self, node: Member) {
        self.lives[node] = None;
        for client in (node..CLIENTS).step_by(NODES) {
            self.clients[client] = None;
        }
    }

    fn invoke(&mut self) {
        let client = self.draw(CLIENTS);
        let (key, reads) = (self.draw(KEYS as usize) as u64, self.chance(50));
        let operation = self.recorded.len();
        let node = client % NODES;
        let Some(life) = &mut self.lives[node] else { return };
        if self.clients[client].is_some() || operation == OPERATIONS_MAX {
            return;
        }
        let value = operation as u64 + 1;
        let (name, action) = (Key::Number(key as i64), Action::Write(value));
        let (ask, action) = if reads {
            (Ask::Read { key: name }, Action::Read(0))
        } else {
            (Ask::Write { key: name, value: value.into() }, action)
        };
        let step = life.coordinator.begin(operation as u64, ask);
        let interval = Interval { invoked: self.step, completed: None, action };
        self.recorded.push(Recorded { key, interval });
        self.clients[client] = Some(operation);
        self.perform(node, step);
    }

    fn perform(&mut self, node: Member, step: Step) {
        match step {
            Step::Finish { operation, reply } => self.finish(operation as usize, &reply),
            Step::Send { to, question } => {
                let Some(life) = &mut self.lives[node] else { return };
                life.rounds.push(question.round);
                for to in to {
                    if to == node {
                        life.inbox.push((node, question.clone()));
                    } else {
                        let body = Body::Question(question.clone());
                        self.network.push(Message { from: node, to, body });
                    }
                }
            }
        }
    }

    fn finish(&mut self, operation: usize, reply: &Reply) {
        for client in &mut self.clients {
            client.take_if(|waits_for| *waits_for == operation);
        }
        let interval = &mut self.recorded[operation].interval;
        if let Reply::Ok { value } = reply {
            interval.completed = Some(self.step);
            if let Action::Read(seen) = &mut interval.action {
                *seen = if *value == Value::Null { 0 } else { value.as_u64().unwrap() };
            }
        }
    }

    fn run_out_of_time(&mut self, node: Member) {
        let rounds = self.lives[node].as_ref().map_or(0, |life| life.rounds.len());
        if rounds == 0 {
            return;
        }
        let place = self.draw(rounds);
        let life = self.lives[node].as_mut().unwrap();
        let round = life.rounds.swap_remove(place);
        if let Some(step) = life.coordinator.abandon(round) {
            self.perform(node, step);
        }
    }

    /// Any message may be next.
    fn deliver(&mut self) {
        if self.network.is_empty() {
            return;
        }
        let place = self.draw(self.network.len());
        let message = self.network.swap_remove(place);
        if self.chance(self.weather.double_percent) {
            self.network.push(message.clone());
        }
        let Message { from, to, body } = message;
        if self.cut[from][to] || self.chance(self.weather.loss_percent) {
            return;
        }
        match body {
            Body::Answer(answer) => self.hear(from, to, answer),
            Body::Question(question) => {
                if let Some(life) = &mut self.lives[to] {
                    life.inbox.push((from, question));
                }
            }
        }
    }

    fn hear(&mut self, from: Member, to: Member, answer: Answer) {
        let Some(life) = &mut self.lives[to] else { return };
        if let Some(step) = life.coordinator.answered(from, answer) {
            self.perform(to, step);
        }
    }

    /// The keeper's work, with a chance to die before the sync and one to die after it.
    fn sync(&mut self, node: Member) {
        let dies = if self.weather.deaths_permille > 0 { 3 } else { 0 };
        let (dies_before, dies_after) = (self.chance(dies), self.chance(dies));
        let Some(life) = &mut self.lives[node] else { return };
        let mut records = Vec::new();
        let mut answers = Vec::new();
        for (from, question) in life.inbox.drain(..) {
            let (answer, record) = life.replica.answer(question);
            records.extend(record);
            answers.push((from, answer));
        }
        if self.misuse == Misuse::AnswersFirst {
            self.answer(node, std::mem::take(&mut answers));
        }
        if dies_before {
            return self.end_life(node);
        }
        if self.bug != Bug::Forgetful {
            self.disks[node].records.extend(records);
        }
        if dies_after {
            return self.end_life(node);
        }
        self.answer(node, answers);
    }

    fn answer(&mut self, from: Member, answers: Vec<(Member, Answer)>) {
        for (to, answer) in answers {
            if to == from {
                self.hear(from, to, answer);
            } else {
                self.network.push(Message { from, to, body: Body::Answer(answer) });
            }
        }
    }
}
