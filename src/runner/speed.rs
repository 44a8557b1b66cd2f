//! Measures the runner alone: the real load, processes and recorder, with a client that answers at
//! once. What bounds it is generating, stamping, encoding and writing the events.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use temblor_history::{Header, Seed};
use temblor_workloads::{Endpoint, connector, workload};

use super::{
    load::{LoadPlan, RunningLoad},
    process::Stage,
    recorder::Recorder,
};
use crate::{
    clock::{RunClock, monotonic_ns},
    plan::Load,
};

/// What the runner achieved.
#[derive(Debug, Clone, PartialEq)]
pub struct Speed {
    /// Operations whose invocation and completion stand in the file.
    pub recorded: u64,
    /// Operations that the open-loop schedule wanted but no client could take.
    pub shed: u64,
    /// From the first operation until the file was whole.
    pub seconds: f64,
    /// The file's size.
    pub bytes: u64,
}

/// Drives the no-op client for so long; `rate` none is a closed loop. The history is written to
/// `file`, as a run would.
///
/// # Errors
/// In words, when the file can't be written.
pub fn drive_noop(
    file: &Path,
    clients: usize,
    rate: Option<f64>,
    lasts: Duration,
) -> Result<Speed, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let clock = RunClock::start();
    let stage = stage(file, clients, clock)?;
    let load = rate.map_or(Load::Closed, |rate| Load::Open { rate });
    let plan = LoadPlan { load, clients_per_node: clients, queue: 256, seed: Seed(1) };
    let began = monotonic_ns();
    runtime.block_on(async {
        let load = RunningLoad::start(&stage, plan, clock);
        tokio::time::sleep(lasts).await;
        load.stop().await;
    });
    stage.recorder.close().map_err(|error| error.to_string())?;
    let seconds = (monotonic_ns() - began) as f64 / 1e9;
    let bytes = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    let tally = &stage.recorder.tally;
    Ok(Speed { recorded: tally.completions(), shed: tally.load().1, seconds, bytes })
}

fn stage(file: &Path, clients: usize, clock: RunClock) -> Result<Arc<Stage>, String> {
    let parameters = serde_json::json!({
        "keys": 100, "mix": {"read": 0.5, "write": 0.5}, "retire-after": null, "skew": 0.9
    });
    let parameters: BTreeMap<_, _> =
        serde_json::from_value(parameters).map_err(|error| error.to_string())?;
    let offered = ["read".to_owned(), "write".to_owned()];
    let header = Header {
        history: 1,
        model: Some("register".into()),
        name: None,
        started: None,
        params: serde_json::Map::new(),
    };
    let recorder = Recorder::create(file, &header, clock, &["n1".to_owned()])
        .map_err(|error| error.to_string())?;
    let endpoint = Endpoint {
        node: "n1".into(),
        address: std::net::Ipv4Addr::LOCALHOST,
        ports: BTreeMap::new(),
    };
    Ok(Arc::new(Stage {
        workload: workload("register", &parameters, Seed(1), &offered)?,
        connector: connector(
            "noop",
            "register",
            &BTreeMap::new(),
            &[],
            false,
            Path::new("/dev/null"),
        )?,
        recorder,
        endpoints: vec![endpoint],
        op_timeout: Duration::from_secs(1),
        process_stride: clients as u64,
    }))
}
