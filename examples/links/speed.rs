//! The switch beside veth and a bridge, and what links with a delay cost.

use std::{
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use temblor::cluster::{Cluster, ResolvedFault};
use temblor_faults::{FaultKind, LinkPolicy, Port};

use super::{PROGRAM, now_ns, peers, words};

/// The namespaces of veth and bridge have addresses of their own.
const BRIDGED: [&str; 2] = ["10.255.255.1", "10.255.255.2"];
const LINKS: usize = 50;
const SECONDS: u32 = 5;
const RATE: u32 = 200;

pub(super) async fn table(cluster: &Cluster, nodes: &[Ipv4Addr]) -> Result<(), String> {
    println!("| link between two network namespaces | round trip p50 | p99 | one TCP stream |");
    println!("| --- | ---: | ---: | ---: |");
    let bridge = {
        let bridged = Bridged::make()?;
        bridged.measured()?
    };
    row("veth and bridge", bridge);
    let ours = blocking({
        let node = nodes[0].to_string();
        move || client(Command::new(PROGRAM).args(["client", &node]))
    })
    .await?;
    row("the switch, no policy", ours);
    println!();
    println!("{:.1} µs of round trip more than veth and bridge.", ours[0] - bridge[0]);
    println!();
    delayed(cluster, nodes).await
}

fn row(name: &str, [p50, p99, gbit]: [f64; 3]) {
    println!("| {name} | {p50:.1} µs | {p99:.1} µs | {gbit:.1} Gbit/s |");
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(words)?
}

/// Runs a client and reads what it printed.
fn client(command: &mut Command) -> Result<[f64; 3], String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(words)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().map_err(|_| format!("the client said {said}"))
}

/// Three namespaces: two ends, and one between them with a bridge. They end with their processes.
struct Bridged {
    hub: Child,
    server: Child,
}

impl Bridged {
    fn make() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(words)?.display().to_string();
        let hub = unshared(&["sleep", "120"])?;
        let server = unshared(&[&own, "stream", BRIDGED[0]])?;
        let bridged = Self { hub, server };
        await_namespace(bridged.hub.id())?;
        await_namespace(bridged.server.id())?;
        bridged.in_hub("ip link add name br0 type bridge")?;
        bridged.in_hub("ip link set br0 up")?;
        bridged.plug(bridged.server.id(), "end0", BRIDGED[0])?;
        Ok(bridged)
    }

    fn in_hub(&self, command: &str) -> Result<(), String> {
        in_namespace(self.hub.id(), command)
    }

    fn plug(&self, pid: u32, name: &str, address: &str) -> Result<(), String> {
        self.in_hub(&format!("ip link add name {name} type veth peer name eth0 netns {pid}"))?;
        self.in_hub(&format!("ip link set {name} master br0 up"))?;
        in_namespace(pid, &format!("ip addr add {address}/24 dev eth0"))?;
        in_namespace(pid, "ip link set eth0 up")
    }

    fn measured(&self) -> Result<[f64; 3], String> {
        let mut holder = unshared(&["sleep", "120"])?;
        let pid = holder.id();
        let plugged = await_namespace(pid).and_then(|()| self.plug(pid, "end1", BRIDGED[1]));
        let measured = plugged.and_then(|()| {
            let own = std::env::current_exe().map_err(words)?;
            client(
                Command::new("nsenter")
                    .args(["-t", &pid.to_string(), "--net"])
                    .arg(own)
                    .args(["client", BRIDGED[0]]),
            )
        });
        let _ = holder.kill();
        let _ = holder.wait();
        measured
    }
}

impl Drop for Bridged {
    fn drop(&mut self) {
        for child in [&mut self.server, &mut self.hub] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a program in a network of its own.
fn unshared(argv: &[&str]) -> Result<Child, String> {
    Command::new("unshare").arg("--net").args(argv).spawn().map_err(words)
}

/// Waits until a process has left our network for its own: at most five seconds.
fn await_namespace(pid: u32) -> Result<(), String> {
    let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net"));
    let ours = network("self").map_err(words)?;
    for _ in 0..500 {
        if network(&pid.to_string()).is_ok_and(|theirs| theirs != ours) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(format!("process {pid} got no network of its own within 5 s"))
}

fn in_namespace(pid: u32, command: &str) -> Result<(), String> {
    let output = Command::new("nsenter")
        .args(["-t", &pid.to_string(), "--net"])
        .args(command.split(' '))
        .output()
        .map_err(words)?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{command}: {error}")) }
}

/// Fifty links with a delay, and datagrams on all of them.
async fn delayed(cluster: &Cluster, nodes: &[Ipv4Addr]) -> Result<(), String> {
    let port = |place: usize| Port::Node(format!("n{}", place + 1));
    let pairs = (0..nodes.len()).flat_map(|from| (0..nodes.len()).map(move |to| (from, to)));
    let pairs: Vec<(usize, usize)> = pairs.filter(|(from, to)| from != to).take(LINKS).collect();
    let ms = Duration::from_millis;
    let policy = LinkPolicy { delay: ms(50), jitter: ms(10), ..LinkPolicy::default() };
    let fault = ResolvedFault {
        kind: FaultKind::Link(policy),
        nodes: Vec::new(),
        cuts: pairs.iter().map(|(from, to)| (port(*from), port(*to))).collect(),
    };
    let applied = cluster.inject("slow#0", &fault).await.map_err(words)?;
    let verified = applied.evidence.iter().filter(|line| line.holds).count();
    let to: Vec<(Ipv4Addr, Vec<Ipv4Addr>)> = (0..nodes.len())
        .map(|from| {
            let to = pairs.iter().filter(|pair| pair.0 == from).map(|pair| nodes[pair.1]);
            (nodes[from], to.collect())
        })
        .collect();
    blocking(move || {
        to.iter().try_for_each(|(node, to)| peers::order(*node, to, RATE, SECONDS + 2))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let passed = || -> u64 { cluster.link_counts().iter().map(|(.., counts)| counts.passed).sum() };
    let (used, at, before) = (switch_seconds()?, now_ns(), passed());
    tokio::time::sleep(Duration::from_secs(u64::from(SECONDS))).await;
    let took = (now_ns() - at) as f64 / 1e9;
    println!(
        "{LINKS} links with a delay of 50 ± 10 ms, {:.0} frames a second in all: the switch takes \
         {:.0} % of a core ({verified} of {} lines of evidence hold).",
        (passed() - before) as f64 / took,
        (switch_seconds()? - used) / took * 100.0,
        applied.evidence.len()
    );
    println!();
    cluster.heal("slow#0").await.map(drop).map_err(words)
}

/// Processor time that the switch's thread has had.
fn switch_seconds() -> Result<f64, String> {
    for task in std::fs::read_dir("/proc/self/task").map_err(words)?.flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.rsplit_once(')') else { continue };
        if name.ends_with("(switch") {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
            // utime and stime, by the kernel's hundredths.
            return Ok((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0);
        }
    }
    Err("there is no switch".into())
}
