//! Drives a run: cluster up, load, faults, recovery, final reads, cluster down.
//!
//! It owns the clock, the run's identity and the channel of run events. It knows no checker and no
//! report: what it leaves is the run's folder, and everything afterwards reads that.

mod acting;
mod awaited;
mod bus;
mod commands;
mod context;
mod disk;
mod final_reads;
mod injector;
mod interrupt;
mod leader;
mod load;
mod membership;
mod named;
pub(crate) mod online;
mod phases;
mod probe;
mod process;
mod progress;
mod readiness;
mod recorder;
mod resolution;
mod rolling;
pub mod speed;
mod tally;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use temblor_history::{Happening, Header, LoadSummary, Manifest, RunFolder};
use temblor_workloads::{Connector, Endpoint, Workload};
use tokio::sync::{mpsc, watch};

use self::{
    bus::Bus,
    context::{Context, Readiness},
    interrupt::Stop,
    leader::Leadership,
    named::NamedFaults,
    probe::Asker,
    process::Stage,
    progress::Watcher,
    recorder::Recorder,
};
use crate::{
    clock::RunClock,
    cluster::{Cluster, ClusterEvent, ClusterSpec, Entered, NodeSpec, ServerSpec},
    plan::{NodeWords, Plan},
    store,
};

/// Everything that is known before the runtime exists.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    pub(crate) folder: RunFolder,
    pub(crate) manifest: Manifest,
    pub(crate) cluster: ClusterSpec,
    pub(crate) endpoints: Vec<Endpoint>,
    /// What commands of faults are filled in with.
    pub(crate) words: NodeWords,
    /// For each node the command of an `exec` readiness probe; empty for other probes.
    pub(crate) ready_argv: Vec<Vec<String>>,
    /// The same for the leader probe.
    pub(crate) leader_argv: Vec<Vec<String>>,
    pub(crate) workload: Arc<dyn Workload>,
    pub(crate) connector: Arc<dyn Connector>,
    /// How to check the history while it grows, if that is wanted.
    pub(crate) online: Option<online::Wanted>,
}

/// Drives the run to its end; must be called on the thread that entered the clients' network.
/// What went wrong is in the run's events; an error here means that not even those could be kept.
pub(crate) fn run(prepared: Prepared, entered: Entered) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("can't start the runtime: {error}"))?;
    let ended = runtime.block_on(drive(prepared, entered));
    // A probe or a client that hangs in the kernel must not hold the program.
    runtime.shutdown_background();
    ended
}

async fn drive(mut prepared: Prepared, entered: Entered) -> Result<(), String> {
    let clock = RunClock::start();
    let watcher = Watcher::new();
    let files = disk::Files::create(&prepared.folder).map_err(|error| error.to_string())?;
    let bus = Arc::new(Bus::new(clock, vec![Box::new(files), Box::new(watcher.clone())]));
    let stop = Stop::new();
    interrupt::listen(stop.clone(), Arc::clone(&bus)).map_err(|error| error.to_string())?;
    let stage = stage(&prepared, clock).map_err(|error| error.to_string())?;
    write_manifest(&prepared)?;
    let progress = tokio::spawn(watcher.draw(Arc::clone(&stage), clock));
    if let Err(text) = with_cluster(&prepared, entered, &bus, &stage, &stop, clock).await {
        bus.say(Happening::Trouble { text });
    }
    progress.abort();
    progress::clear();
    if let Err(error) = stage.recorder.close() {
        bus.say(Happening::Trouble { text: format!("the history is not whole: {error}") });
    }
    bus.say(Happening::RunEnded);
    prepared.manifest.duration_ns = Some(clock.now_ns());
    prepared.manifest.load = Some(load_summary(&stage));
    write_manifest(&prepared)
}

/// From the first namespace to the last: whatever happens in between, the cluster goes down.
async fn with_cluster(
    prepared: &Prepared,
    entered: Entered,
    bus: &Arc<Bus>,
    stage: &Arc<Stage>,
    stop: &Stop,
    clock: RunClock,
) -> Result<(), String> {
    let (sender, events) = mpsc::unbounded_channel();
    let cluster = Cluster::up(entered, prepared.cluster.clone(), sender);
    let cluster = cluster.await.map_err(|error| error.to_string())?;
    tokio::spawn(pass_on(events, Arc::clone(bus), stop.clone(), clock));
    let (leadership, watched) = watch::channel(Leadership::default());
    let context = Arc::new(Context {
        clock,
        bus: Arc::clone(bus),
        cluster,
        stage: Arc::clone(stage),
        nodes: prepared.cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        leadership: watched,
        ending: stop.watch(),
        stop: stop.clone(),
        phase_base: 0.into(),
        counted_load: Mutex::default(),
        held: Mutex::default(),
        remembered: Mutex::default(),
        named: NamedFaults::default(),
        readiness: readiness(prepared)?,
        words: prepared.words.clone(),
        membership: prepared.plan.system.membership.clone(),
        upgrade: prepared.plan.system.upgrade.clone(),
        logs: logs(&prepared.cluster),
    });
    let online = prepared
        .online
        .clone()
        .map(|wanted| online::start(wanted, Arc::clone(stage), Arc::clone(bus), stop.clone()));
    let driven = phases::drive(&context, prepared, leadership).await;
    drop(online);
    tell_of_traces(&context, prepared);
    let left = match Arc::try_unwrap(context) {
        Ok(context) => context.cluster.down().await.left,
        Err(_) => vec!["a part of the run still holds the cluster".to_owned()],
    };
    for what in left {
        bus.say(Happening::Trouble { text: format!("left behind: {what}") });
    }
    driven
}

fn tell_of_traces(context: &Context, prepared: &Prepared) {
    if prepared.cluster.traces.is_none() {
        return;
    }
    let lacking = match context.cluster.frames_not_traced() {
        0 => String::new(),
        lacking => format!("; {lacking} frames are not in them: the disk was too slow"),
    };
    let text = format!("packet traces of each fault are in traces/, for Wireshark{lacking}");
    context.bus.say(Happening::Note { text });
}

fn readiness(prepared: &Prepared) -> Result<Readiness, String> {
    let asker = asker(&prepared.plan.system.ready)?;
    Ok(Readiness { asker, asked: phases::asked(prepared, &prepared.ready_argv) })
}

/// Where the servers' output goes, by node.
fn logs(cluster: &ClusterSpec) -> Vec<(String, PathBuf)> {
    let of_node = |node: &NodeSpec| {
        let log = |server: &ServerSpec| node.logs.join(format!("{}.log", server.name));
        node.servers.iter().map(|server| (node.name.clone(), log(server))).collect::<Vec<_>>()
    };
    cluster.nodes.iter().flat_map(of_node).collect()
}

/// Server exits and lost agents, in the run's time.
async fn pass_on(
    mut events: mpsc::UnboundedReceiver<ClusterEvent>,
    bus: Arc<Bus>,
    stop: Stop,
    clock: RunClock,
) {
    while let Some(event) = events.recv().await {
        match event {
            ClusterEvent::ServerExit { node, server, status, caused_by, at_ns } => {
                let what = Happening::ServerExit { node, server, status, caused_by };
                bus.say_at(clock.of_monotonic(at_ns), what);
            }
            ClusterEvent::NeverLine { node, pattern, line, at_ns } => {
                let what = Happening::NeverLine { node, pattern, line };
                bus.say_at(clock.of_monotonic(at_ns), what);
            }
            ClusterEvent::AgentLost { node, at_ns } => {
                let text = format!("the agent of {node} is gone: its guard or it was killed");
                bus.say_at(clock.of_monotonic(at_ns), Happening::Trouble { text });
                stop.ask();
            }
        }
    }
}

fn stage(prepared: &Prepared, clock: RunClock) -> std::io::Result<Arc<Stage>> {
    let header = Header {
        history: 1,
        model: Some(prepared.manifest.model.clone()),
        name: Some(prepared.manifest.plan.name.clone()),
        started: Some(prepared.manifest.started.clone()),
        params: serde_json::Map::new(),
    };
    let nodes: Vec<String> = prepared.endpoints.iter().map(|end| end.node.clone()).collect();
    let path: PathBuf = prepared.folder.history();
    let recorder = Recorder::create(&path, &header, clock, &nodes)?;
    let choice = &prepared.plan.workload;
    let per_node = choice.clients_per_node + final_reads::READERS_PER_NODE;
    Ok(Arc::new(Stage {
        workload: Arc::clone(&prepared.workload),
        connector: Arc::clone(&prepared.connector),
        recorder,
        endpoints: prepared.endpoints.clone(),
        op_timeout: choice.op_timeout,
        process_stride: (per_node * nodes.len()) as u64,
    }))
}

fn load_summary(stage: &Stage) -> LoadSummary {
    let (intended, shed) = stage.recorder.tally.load();
    LoadSummary { intended, invoked: stage.recorder.tally.invocations(), shed }
}

fn write_manifest(prepared: &Prepared) -> Result<(), String> {
    let path = prepared.folder.manifest();
    store::write_json(&path, &prepared.manifest).map_err(|error| error.to_string())
}

/// Asks nodes a probe of the system, each with its own command where the probe is one.
fn asker(probe: &crate::plan::Probe) -> Result<Asker, String> {
    Asker::new(probe.clone())
}
