//! The phases of a run, in order: bring-up, steady and chaos as the plan says, recover, final reads.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use temblor_faults::Schedule;
use temblor_history::{Happening, PhaseKind, Seed};
use temblor_workloads::Endpoint;
use tokio::{sync::watch, task::JoinSet};

use super::{
    Prepared, asker,
    context::Context,
    final_reads,
    injector::{self, PhaseBounds},
    interrupt::Ending,
    leader::{self, Leadership},
    load::{LoadPlan, RunningLoad},
    readiness,
};
use crate::{cluster::ClusterError, plan::Phase};

/// Load goes on for this long after every node is ready again, so that a run shows ok operations
/// after its last heal; at most a third of what is left of the phase.
const CALM: Duration = Duration::from_secs(3);
/// The load is counted by the second.
const LOAD_EVERY: Duration = Duration::from_secs(1);

type Asked = Vec<(Endpoint, Vec<String>)>;

/// Drives all phases. An error is the harness's: the cluster never came up, or could not be healed.
pub(crate) async fn drive(
    context: &Arc<Context>,
    prepared: &Prepared,
    leadership: watch::Sender<Leadership>,
) -> Result<(), String> {
    bring_up(context, prepared).await?;
    let followed = follow_leader(context, prepared, leadership)?;
    let plan = LoadPlan {
        load: prepared.plan.workload.load,
        clients_per_node: prepared.plan.workload.clients_per_node,
        queue: prepared.plan.workload.queue,
        seed: Seed(prepared.plan.seed),
    };
    let load = RunningLoad::start(&context.stage, plan, context.clock);
    let counting = tokio::spawn(count_load(Arc::clone(context)));
    for phase in prepared.plan.phases.iter().filter(|phase| phase.kind != PhaseKind::Recover) {
        if !context.is_ending() {
            act(context, prepared, phase).await;
        }
    }
    let recovered = recover(context, prepared, load).await;
    for task in [Some(counting), followed].into_iter().flatten() {
        task.abort();
        let _ = task.await;
    }
    recovered
}

pub(super) fn asked(prepared: &Prepared, argv: &[Vec<String>]) -> Asked {
    let commands = argv.iter().cloned().chain(std::iter::repeat(Vec::new()));
    prepared.endpoints.iter().cloned().zip(commands).collect()
}

async fn bring_up(context: &Context, prepared: &Prepared) -> Result<(), String> {
    for node in &context.nodes {
        context.cluster.start_servers(node).await.map_err(|error| error.to_string())?;
    }
    let within = prepared.plan.system.ready_within;
    let mut ending = context.ending.clone();
    let ready = tokio::select! {
        ready = readiness::wait(&context.readiness, within) => ready,
        _ = ending.wait_for(|ending| *ending == Ending::AtOnce) => Ok(()),
    };
    ready.map_err(|why| {
        let logs = prepared.folder.path().join("nodes");
        let name = &prepared.plan.system.name;
        format!("{name} did not come up: {why}; see the servers' logs under {}", logs.display())
    })
}

fn follow_leader(
    context: &Arc<Context>,
    prepared: &Prepared,
    leadership: watch::Sender<Leadership>,
) -> Result<Option<tokio::task::JoinHandle<()>>, String> {
    let Some(probe) = &prepared.plan.system.leader else { return Ok(None) };
    let asker = asker(probe)?;
    let asked = Arc::new(self::asked(prepared, &prepared.leader_argv));
    let following = leader::follow(asker, asked, Arc::clone(&context.bus), leadership);
    Ok(Some(tokio::spawn(following)))
}

/// Steady or chaos: waits for the phase's end while its faults are carried out.
async fn act(context: &Arc<Context>, prepared: &Prepared, phase: &Phase) {
    let bounds = begin(context, phase);
    let schedule = Arc::new(Schedule::new(prepared.plan.seed, phase.duration));
    let mut faults = JoinSet::new();
    for spec in phase.faults.iter().filter(|spec| !spec.grouped) {
        let (context, schedule) = (Arc::clone(context), Arc::clone(&schedule));
        faults.spawn(injector::carry_out(context, schedule, spec.clone(), bounds));
    }
    let all = Arc::new(phase.faults.clone());
    for group in &phase.groups {
        let (context, schedule) = (Arc::clone(context), Arc::clone(&schedule));
        let carried =
            injector::carry_out_group(context, schedule, group.clone(), Arc::clone(&all), bounds);
        faults.spawn(carried);
    }
    context.sleep_until(bounds.ends_ns).await;
    while let Some(ended) = faults.join_next().await {
        if let Err(error) = ended {
            context.trouble(format!("carrying out a fault crashed: {error}"));
        }
    }
}

fn begin(context: &Context, phase: &Phase) -> PhaseBounds {
    context.bus.say(Happening::PhaseBegan { phase: phase.name.clone() });
    context.phase_base.store(context.stage.recorder.tally.completions(), Relaxed);
    let began_ns = context.clock.now_ns();
    PhaseBounds { began_ns, ends_ns: began_ns + phase.duration.as_nanos() as i64 }
}

/// Heals everything, waits for every node, lets the load run a little, then reads everything.
async fn recover(
    context: &Arc<Context>,
    prepared: &Prepared,
    load: RunningLoad,
) -> Result<(), String> {
    let Some(phase) = prepared.plan.phases.iter().find(|phase| phase.kind == PhaseKind::Recover)
    else {
        load.stop().await;
        return Err("the plan has no recover phase".into());
    };
    let bounds = begin(context, phase);
    let healed = context.cluster.heal_all().await;
    if context.is_interrupted() {
        load.stop().await;
        context.count_load();
        return healed.map(|_| ()).map_err(|error| not_healed(&error));
    }
    let left = Duration::from_nanos((bounds.ends_ns - context.clock.now_ns()).max(0) as u64);
    if let Err(why) = readiness::wait(&context.readiness, left).await {
        let text = format!("after the last heal the cluster was {why}");
        context.bus.say(Happening::Note { text });
    }
    calm(context, bounds).await;
    let drawn = load.stop().await;
    context.count_load();
    read_finally(context, prepared, drawn, bounds).await;
    healed.map(|_| ()).map_err(|error| not_healed(&error))
}

fn not_healed(error: &ClusterError) -> String {
    format!("not everything could be healed: {error}")
}

async fn calm(context: &Context, bounds: PhaseBounds) {
    let now = context.clock.now_ns();
    let calm = (CALM.as_nanos() as i64).min((bounds.ends_ns - now) / 3);
    context.sleep_until(now + calm).await;
}

async fn read_finally(
    context: &Arc<Context>,
    prepared: &Prepared,
    drawn: u64,
    bounds: PhaseBounds,
) {
    context.bus.say(Happening::PhaseBegan { phase: "final-reads".into() });
    let reads = context.stage.workload.final_reads(drawn);
    let clients = prepared.plan.workload.clients_per_node * context.nodes.len();
    let (clock, ends) = (context.clock, bounds.ends_ns);
    let done = final_reads::read_all(&context.stage, &reads, clients as u64, clock, ends).await;
    context
        .bus
        .say(Happening::FinalReads { wanted: done.wanted as u64, unread: done.unread as u64 });
}

async fn count_load(context: Arc<Context>) {
    loop {
        tokio::time::sleep(LOAD_EVERY).await;
        context.count_load();
        context.check_recorder();
    }
}
