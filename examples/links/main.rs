//! What links cost and how exact their faults are, as Markdown: `cargo run --release --example links`.
//!
//! `-- speed` prints the switch beside veth and a bridge, `-- faults` what each fault of links did
//! beside what it was told to; without a word, both. It needs root, makes its own namespaces, and
//! leaves nothing. Guards, agents and the servers on the nodes are this same program.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]

mod faults;
mod peers;
mod speed;

use std::{net::Ipv4Addr, path::Path, process::ExitCode};

use temblor::cluster::{
    Cluster, ClusterSpec, Entered, NodeSpec, Provider, ServerSpec, addresses, agent_main,
    choose_provider, enter, guard_main,
};
use tokio::sync::mpsc::unbounded_channel;

const PROGRAM: &str = "/proc/self/exe";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let told = match words.split_first() {
        Some((&"guard", _)) => return ExitCode::from(guard_main(&args[1..]) as u8),
        Some((&"agent", _)) => return ExitCode::from(agent_main(&args[1..]) as u8),
        Some((part, rest)) if peers::is_part(part) => peers::play(part, rest),
        _ => measure(words.first().copied()),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(what: Option<&str>) -> Result<(), String> {
    let provider = match choose_provider() {
        (Provider::Loopback, why) => return Err(why.unwrap_or_default()),
        (provider, _) => provider,
    };
    // Before any thread.
    let entered = enter(&provider).map_err(words)?;
    let folder = std::env::temp_dir().join(format!("temblor-links-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(words)?;
    let measured = runtime.block_on(async {
        let (nodes, cluster) = up(entered, provider, &folder).await?;
        let measured = async {
            if what != Some("faults") {
                speed::table(&cluster, &nodes).await?;
            }
            if what != Some("speed") {
                faults::table(&cluster, &nodes).await?;
            }
            Ok::<(), String>(())
        }
        .await;
        let left = cluster.down().await.left;
        if left.is_empty() { measured } else { Err(format!("left behind: {left:?}")) }
    });
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

/// Eight nodes, so that there are more than fifty directed links; each with its servers.
async fn up(
    entered: Entered,
    provider: Provider,
    folder: &Path,
) -> Result<(Vec<Ipv4Addr>, Cluster), String> {
    let run = folder.display().to_string();
    let nodes = addresses(&provider, &run, 8);
    let spec = ClusterSpec {
        nodes: nodes
            .iter()
            .zip(1..)
            .map(|(address, number)| node(folder, number, *address))
            .collect(),
        ledger: folder.join("ledger.jsonl"),
        run,
        seed: 7,
        never: Vec::new(),
        disk: None,
        keep_data: false,
        traces: None,
    };
    let (events, _heard) = unbounded_channel();
    let names: Vec<String> = spec.nodes.iter().map(|node| node.name.clone()).collect();
    let cluster = Cluster::up(entered, spec, events).await.map_err(words)?;
    for name in names {
        cluster.start_servers(&name).await.map_err(words)?;
    }
    Ok((nodes, cluster))
}

fn node(folder: &Path, number: usize, address: Ipv4Addr) -> NodeSpec {
    let name = format!("n{number}");
    let server = |part: &str| ServerSpec {
        name: part.into(),
        argv: vec![PROGRAM.into(), part.into(), address.to_string()],
        join: Vec::new(),
        env: Vec::new(),
        user: None,
        files: Vec::new(),
        prepare: Vec::new(),
        stop_signal: "TERM".into(),
    };
    NodeSpec {
        servers: vec![server("stream"), server("sink")],
        data: folder.join(&name).join("data"),
        logs: folder.join(&name).join("logs"),
        name,
        address,
    }
}

fn words(why: impl std::fmt::Display) -> String {
    why.to_string()
}

/// CLOCK_MONOTONIC, which all namespaces of a machine share, in nanoseconds.
fn now_ns() -> i64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map_or(0, |now| now.tv_sec() * 1_000_000_000 + now.tv_nsec())
}
