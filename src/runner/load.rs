//! The load: which client performs which operation when.
//!
//! Open loop: the seed deals each intended operation to one client with a bounded queue of its
//! own, so that a stalled node can't hide behind healthy ones; what finds its queue full is shed.
//! Closed loop: each client sends its next operation when the last has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use temblor_history::Seed;
use temblor_workloads::{Intent, Outcome};
use tokio::{sync::mpsc, task::JoinSet};

use super::process::{Performer, Stage};
use crate::{clock::RunClock, plan::Load};

/// The dealer looks at its stop flag at least this often.
const DEALER_SLEEP_MAX: Duration = Duration::from_millis(20);
/// A closed loop must not spin on a node that refuses connections.
const PAUSE_AFTER_FAIL: Duration = Duration::from_millis(10);

/// What the load needs to know of the plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoadPlan {
    pub(crate) load: Load,
    pub(crate) clients_per_node: usize,
    pub(crate) queue: usize,
    pub(crate) seed: Seed,
}

/// Clients at work.
pub(crate) struct RunningLoad {
    stage: Arc<Stage>,
    stop: Arc<AtomicBool>,
    dealer: Option<JoinHandle<()>>,
    clients: JoinSet<u64>,
}

struct Dealt {
    intent: Intent,
    intended: i64,
}

impl RunningLoad {
    /// Starts all clients; must be called within the runtime.
    pub(crate) fn start(stage: &Arc<Stage>, plan: LoadPlan, clock: RunClock) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut load =
            Self { stage: Arc::clone(stage), stop, dealer: None, clients: JoinSet::new() };
        match plan.load {
            Load::Open { rate } => load.start_open(plan, rate, clock),
            Load::Closed => load.start_closed(plan),
        }
        load
    }

    fn start_open(&mut self, plan: LoadPlan, rate: f64, clock: RunClock) {
        let mut queues = Vec::new();
        for slot in 0..self.slots(plan) {
            let (sender, receiver) = mpsc::channel(plan.queue.max(1));
            queues.push(sender);
            let performer = self.performer(slot);
            self.clients.spawn(serve(
                performer,
                receiver,
                Arc::clone(&self.stage),
                Arc::clone(&self.stop),
            ));
        }
        let (stage, stop) = (Arc::clone(&self.stage), Arc::clone(&self.stop));
        let dealer = Dealer { stage, stop, clock, queues, seed: plan.seed, rate };
        self.dealer = std::thread::Builder::new()
            .name("dealer".into())
            .spawn(move || dealer.deal_until_stopped())
            .ok();
    }

    fn start_closed(&mut self, plan: LoadPlan) {
        let slots = self.slots(plan);
        for slot in 0..slots {
            let performer = self.performer(slot);
            let (stage, stop) = (Arc::clone(&self.stage), Arc::clone(&self.stop));
            self.clients.spawn(repeat(performer, stage, stop, slot as u64, slots as u64));
        }
    }

    fn slots(&self, plan: LoadPlan) -> usize {
        plan.clients_per_node * self.stage.endpoints.len()
    }

    /// Clients are pinned: slot by slot around the nodes.
    fn performer(&self, slot: usize) -> Performer {
        let node = slot % self.stage.endpoints.len();
        Performer::new(Arc::clone(&self.stage), slot as u64, node)
    }

    /// Stops the load and waits for the operations in flight. What still waits in queues is shed.
    /// Returns how many intents were drawn: every key ever intended is among them.
    pub(crate) async fn stop(mut self) -> u64 {
        self.stop.store(true, Relaxed);
        if let Some(dealer) = self.dealer.take() {
            let _ = tokio::task::spawn_blocking(move || dealer.join()).await;
        }
        let mut drawn = 0;
        while let Some(ended) = self.clients.join_next().await {
            drawn = drawn.max(ended.unwrap_or(0));
        }
        drawn.max(self.stage.recorder.tally.load().0)
    }
}

async fn serve(
    mut performer: Performer,
    mut queue: mpsc::Receiver<Dealt>,
    stage: Arc<Stage>,
    stop: Arc<AtomicBool>,
) -> u64 {
    while let Some(dealt) = queue.recv().await {
        if stop.load(Relaxed) {
            stage.recorder.tally.shed(1);
            continue;
        }
        let invocation = stage.workload.complete(dealt.intent);
        performer.perform(&invocation, Some(dealt.intended)).await;
    }
    0
}

async fn repeat(
    mut performer: Performer,
    stage: Arc<Stage>,
    stop: Arc<AtomicBool>,
    first: u64,
    step: u64,
) -> u64 {
    let mut number = first;
    while !stop.load(Relaxed) {
        let invocation = stage.workload.complete(stage.workload.intend(number));
        number += step;
        stage.recorder.tally.intended(1);
        if matches!(performer.perform(&invocation, None).await, Outcome::Fail(_)) {
            tokio::time::sleep(PAUSE_AFTER_FAIL).await;
        }
    }
    number
}

struct Dealer {
    stage: Arc<Stage>,
    stop: Arc<AtomicBool>,
    clock: RunClock,
    queues: Vec<mpsc::Sender<Dealt>>,
    seed: Seed,
    rate: f64,
}

impl Dealer {
    fn deal_until_stopped(self) {
        let began = self.clock.now_ns();
        for number in 0.. {
            let intended = began + (number as f64 * 1e9 / self.rate) as i64;
            if !self.sleep_until(intended) {
                return;
            }
            self.deal(number, intended);
        }
    }

    fn deal(&self, number: u64, intended: i64) {
        let tally = &self.stage.recorder.tally;
        tally.intended(1);
        let slot = self.seed.draw("deal", number) % self.queues.len() as u64;
        let intent = self.stage.workload.intend(number);
        if self.queues[slot as usize].try_send(Dealt { intent, intended }).is_err() {
            tally.shed(1);
        }
    }

    /// False when the load was stopped meanwhile.
    fn sleep_until(&self, time: i64) -> bool {
        loop {
            if self.stop.load(Relaxed) {
                return false;
            }
            let left = time - self.clock.now_ns();
            if left <= 0 {
                return true;
            }
            std::thread::sleep(DEALER_SLEEP_MAX.min(Duration::from_nanos(left as u64)));
        }
    }
}
