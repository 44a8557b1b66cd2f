//! One server on one node, in a process of its own: `PROGRAM clocks-scenario SYSTEM ROUNDS FOLDER`.

use std::{net::Ipv4Addr, path::Path, time::Duration};

use temblor::cluster::{
    Applied, Cluster, ClusterSpec, NodeSpec, Provider, ResolvedFault, addresses, choose_provider,
    enter,
};
use temblor_faults::{FaultKind, NodeFault, Skew};
use tokio::sync::mpsc::unbounded_channel;

use super::servers;

const SECOND: i64 = 1_000_000_000;
/// A server may take so long to be well, in tenths of a second.
const PATIENCE: u32 = 300;

/// Plays, where the arguments ask for it.
pub(crate) fn play(args: &[String]) -> Option<i32> {
    let [part, system, rounds, folder] = args else { return None };
    (part == "clocks-scenario").then(|| match scenario(system, rounds, Path::new(folder)) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{why}");
            1
        }
    })
}

fn words(why: impl std::fmt::Display) -> String {
    why.to_string()
}

fn scenario(system: &str, rounds: &str, folder: &Path) -> Result<(), String> {
    let rounds: usize = rounds.parse().map_err(words)?;
    let provider = match choose_provider() {
        (Provider::Loopback, why) => return Err(why.unwrap_or_default()),
        (provider, _) => provider,
    };
    let entered = enter(&provider).map_err(words)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
    runtime.block_on(async {
        let (spec, address) = spec(system, folder, &provider)?;
        let (events, mut heard) = unbounded_channel();
        let cluster = Cluster::up(entered, spec, events).await.map_err(words)?;
        let played = Stage { cluster: &cluster, system, address }.play(rounds).await;
        let report = cluster.down().await;
        played?;
        if let Ok(event) = heard.try_recv() {
            return Err(format!("a server was not well: {event:?}"));
        }
        if report.left.is_empty() { Ok(()) } else { Err(format!("left: {:?}", report.left)) }
    })
}

fn spec(
    system: &str,
    folder: &Path,
    provider: &Provider,
) -> Result<(ClusterSpec, Ipv4Addr), String> {
    let run = folder.display().to_string();
    let address = *addresses(provider, &run, 1).first().ok_or("no address")?;
    let data = folder.join("data");
    let servers = vec![servers::server(system, address, &data)?];
    let node = NodeSpec { name: "n1".into(), address, servers, data, logs: folder.join("logs") };
    let (nodes, ledger) = (vec![node], folder.join("ledger.jsonl"));
    let never = vec!["panic: ".into(), "PANIC: ".into(), "# A fatal error".into()];
    Ok((
        ClusterSpec {
            run,
            nodes,
            ledger,
            seed: 1,
            never,
            disk: None,
            keep_data: false,
            traces: None,
        },
        address,
    ))
}

struct Stage<'s> {
    cluster: &'s Cluster,
    system: &'s str,
    address: Ipv4Addr,
}

impl Stage<'_> {
    async fn play(&self, rounds: usize) -> Result<(), String> {
        self.cluster.start_servers("n1").await.map_err(words)?;
        self.until_well().await?;
        let (mut still, mut seen) = (Vec::new(), 0);
        for round in 0..rounds {
            // In different seconds, so that a server that is asked for its own can't be mistaken.
            let offsets = [3600 + round as i64, -7200 - round as i64];
            for (name, by) in ["a#0", "b#0"].into_iter().zip(offsets) {
                let skew = Skew::Jump { by_ns: by * SECOND };
                let fault = ResolvedFault {
                    kind: FaultKind::node(NodeFault::Clock(skew)),
                    nodes: vec!["n1".into()],
                    cuts: Vec::new(),
                };
                let applied = self.cluster.inject(name, &fault).await.map_err(words)?;
                seen += self.verified(&applied, &mut still)?;
                self.believes(by)?;
            }
            for name in ["a#0", "b#0"] {
                let applied = self.cluster.heal(name).await.map_err(words)?;
                seen += self.verified(&applied, &mut still)?;
            }
            self.believes(0)?;
        }
        still.sort_by(f64::total_cmp);
        println!(
            "{}: seen, changed and removed {rounds} times, {seen} observations held; changed \
             within {:.1} ms (median), {:.1} ms at most",
            self.system,
            still[still.len() / 2],
            still[still.len() - 1]
        );
        Ok(())
    }

    fn verified(&self, applied: &Applied, still: &mut Vec<f64>) -> Result<usize, String> {
        if let Some(bad) = applied.evidence.iter().find(|line| !line.holds) {
            return Err(format!("{}: {bad:?}", self.system));
        }
        still.push((applied.begun.latest - applied.begun.earliest) as f64 / 1e6);
        Ok(applied.evidence.len())
    }

    /// What the server itself says of the time of day, to the second.
    fn believes(&self, offset: i64) -> Result<(), String> {
        let before = wall_seconds();
        let said = servers::ask(self.system, self.address)?;
        let after = wall_seconds();
        match said {
            Some(said) if !(before + offset - 1..=after + offset + 1).contains(&said) => {
                Err(format!("{} believes {} s, wanted {offset}", self.system, said - before))
            }
            _ => Ok(()),
        }
    }

    async fn until_well(&self) -> Result<(), String> {
        let mut said = Ok(None);
        for _ in 0..PATIENCE {
            said = servers::ask(self.system, self.address);
            if said.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{} is not well: {said:?}", self.system))
    }
}

fn wall_seconds() -> i64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_REALTIME);
    now.map_or(0, |now| now.tv_sec())
}
