//! One cluster in a process of its own, since entering namespaces wants a process without
//! threads: `PROGRAM cluster-scenario NAME FOLDER PROVIDER`. Guards and agents are this same
//! program. The servers are small TCP echo servers: this program again.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream},
    path::{Path, PathBuf},
    time::Duration,
};

use temblor::cluster::{
    Applied, Cluster, ClusterEvent, ClusterSpec, NodeSpec, Provider, ResolvedFault, ServerSpec,
    addresses, agent_main, choose_provider, enter, guard_main,
};
use temblor_faults::{
    Burst, Distribution, FaultKind, Flap, LinkPolicy, NodeFault, Port, RateLimit,
};
use temblor_history::Evidence;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const ECHO: u16 = 7;
/// This program, also where its folder is closed to the user.
const PROGRAM: &str = "/proc/self/exe";

/// Plays the part that the arguments ask for; none: they ask for no part.
pub(crate) fn play(args: &[String]) -> Option<i32> {
    match args.split_first()? {
        (part, rest) if part == "guard" => Some(guard_main(rest)),
        (part, rest) if part == "agent" => Some(agent_main(rest)),
        (part, rest) if part == "echo-server" => Some(told(echo_server(rest))),
        (part, rest) if part == "cluster-scenario" => Some(told(scenario(rest))),
        (part, rest) if part == "cluster-rootless" => Some(told(super::rootless::play(rest))),
        _ => None,
    }
}

fn told(result: Result<(), String>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{why}");
            1
        }
    }
}

/// Answers every byte with itself; on `crash` it panics, on `daemon` it forks away first.
fn echo_server(args: &[String]) -> Result<(), String> {
    let address: Ipv4Addr = args.first().ok_or("no address")?.parse().map_err(words)?;
    if args.get(1).is_some_and(|how| how == "daemon") {
        let mut child = std::process::Command::new(PROGRAM);
        child.args(["echo-server", &args[0]]).spawn().map_err(words)?;
        return Ok(());
    }
    let listener = TcpListener::bind((address, ECHO)).map_err(words)?;
    println!("ready");
    for stream in listener.incoming() {
        let mut stream = stream.map_err(words)?;
        std::thread::spawn(move || {
            let mut byte = [0; 1];
            while stream.read_exact(&mut byte).is_ok() {
                if byte[0] == b'B' {
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                    return;
                }
                if byte[0] == b'!' {
                    println!("panic: told to");
                    std::process::exit(3);
                }
                if stream.write_all(&byte).is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

fn words(why: impl std::fmt::Display) -> String {
    why.to_string()
}

fn scenario(args: &[String]) -> Result<(), String> {
    let [name, folder, provider] = args else {
        return Err("cluster-scenario NAME FOLDER PROVIDER".into());
    };
    let provider = match provider.as_str() {
        "loopback" => Provider::Loopback,
        _ => match choose_provider() {
            (Provider::Loopback, why) => return Err(why.unwrap_or_default()),
            (provider, _) => provider,
        },
    };
    let entered = enter(&provider).map_err(words)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(words)?;
    runtime.block_on(async {
        let mut spec = spec(Path::new(folder), provider)?;
        if name == "users" {
            spec.nodes[1].servers.push(server("who", &["/bin/sh", "-c", WHO], Some("nobody")));
            spec.nodes[1].servers.rotate_right(1);
        }
        let at = monotonic_ms();
        let (events, heard) = unbounded_channel();
        let addresses = spec.nodes.iter().map(|node| node.address).collect();
        let ledger = spec.ledger.clone();
        let cluster = Cluster::up(entered, spec, events).await.map_err(words)?;
        println!("up in {} ms", monotonic_ms() - at);
        let mut stage = Stage { cluster, addresses, heard, ledger };
        let played = stage.play(name).await;
        let at = monotonic_ms();
        let report = stage.cluster.down().await;
        println!("down in {} ms", monotonic_ms() - at);
        played?;
        ensure(report.left.is_empty(), || format!("left: {:?}", report.left))
    })
}

fn spec(folder: &Path, provider: Provider) -> Result<ClusterSpec, String> {
    let run = folder.display().to_string();
    let nodes = addresses(&provider, &run, 3).into_iter().zip(1..).map(|(address, number)| {
        let node = folder.join(format!("n{number}"));
        let mut argv = vec![PROGRAM.to_string(), "echo-server".into(), address.to_string()];
        if number == 3 {
            argv.push("daemon".into());
        }
        NodeSpec {
            name: format!("n{number}"),
            address,
            servers: vec![server("echo", &argv, None)],
            data: node.join("data"),
            logs: node.join("logs"),
        }
    });
    Ok(ClusterSpec {
        nodes: nodes.collect(),
        ledger: folder.join("ledger.jsonl"),
        run,
        seed: 7,
        never: vec!["panic:".into()],
        disk: None,
        keep_data: false,
        traces: Some(folder.join("traces")),
    })
}

fn server(name: &str, argv: &[impl ToString], user: Option<&str>) -> ServerSpec {
    ServerSpec {
        name: name.into(),
        argv: argv.iter().map(ToString::to_string).collect(),
        join: Vec::new(),
        env: vec![("ECHO".into(), "1".into())],
        user: user.map(Into::into),
        files: Vec::new(),
        prepare: Vec::new(),
        stop_signal: "TERM".into(),
    }
}

/// Says who it is, in its data folder, and stays.
const WHO: &str = "id -un > who.new; mv who.new who; exec sleep 1000";

/// A cluster that is up, and what it says.
struct Stage {
    cluster: Cluster,
    addresses: Vec<Ipv4Addr>,
    heard: UnboundedReceiver<ClusterEvent>,
    ledger: PathBuf,
}

impl Stage {
    async fn play(&mut self, name: &str) -> Result<(), String> {
        self.start().await?;
        match name {
            "links" => self.links().await,
            "bad-links" => self.bad_links().await,
            "processes" => self.processes().await,
            "own-failures" => self.own_failures().await,
            "users" => self.users().await,
            "refusals" => self.refusals().await,
            "wait" => self.wait().await,
            "throughput" => self.throughput().await,
            _ => Err(format!("there is no scenario {name}")),
        }
    }

    async fn start(&mut self) -> Result<(), String> {
        for number in 1..=3 {
            self.cluster.start_servers(&format!("n{number}")).await.map_err(words)?;
        }
        for node in 0..3 {
            self.until_echo(node, true).await?;
        }
        Ok(())
    }

    /// Waits until a node's server answers, or does not.
    async fn until_echo(&self, node: usize, wanted: bool) -> Result<(), String> {
        for _ in 0..200 {
            if self.echo(node, b'x').await == wanted {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(format!("n{} should {}answer", node + 1, if wanted { "" } else { "not " }))
    }

    async fn echo(&self, node: usize, byte: u8) -> bool {
        let address = self.addresses[node];
        tokio::task::spawn_blocking(move || echo(address, byte).is_ok()).await.unwrap_or(false)
    }

    async fn fault(&self, name: &str, fault: ResolvedFault) -> Result<Applied, String> {
        let at = monotonic_ms();
        let applied = self.cluster.inject(name, &fault).await.map_err(words)?;
        show(&format!("inject {name} ({} ms)", monotonic_ms() - at), &applied);
        verified(name, &applied.evidence)?;
        Ok(applied)
    }

    async fn healed(&self, name: &str) -> Result<(), String> {
        let at = monotonic_ms();
        let applied = self.cluster.heal(name).await.map_err(words)?;
        show(&format!("heal {name} ({} ms)", monotonic_ms() - at), &applied);
        verified(name, &applied.evidence)
    }

    /// Cuts in both directions and in one, slow and lossy links, several at once.
    async fn links(&mut self) -> Result<(), String> {
        let drop = |one_way| FaultKind::Isolate { one_way };
        self.fault("a#0", on_links(drop(false), &[(1, 2), (2, 1), (1, 3), (3, 1)])).await?;
        self.until_echo(0, true).await?;
        self.fault("b#0", on_links(drop(true), &[(2, 3)])).await?;
        self.healed("a#0").await?;
        self.healed("b#0").await?;
        let ms = Duration::from_millis;
        let slow = LinkPolicy { delay: ms(50), jitter: ms(10), ..LinkPolicy::default() };
        let lossy = LinkPolicy { loss: 0.1, ..LinkPolicy::default() };
        self.fault("c#0", on_links(FaultKind::Link(slow), &[(1, 2), (0, 2)])).await?;
        self.fault("d#0", on_links(FaultKind::Link(lossy), &[(1, 2), (2, 3)])).await?;
        self.fault("e#0", on_links(drop(true), &[(2, 3)])).await?;
        self.healed("c#0").await?;
        for line in self.cluster.heal_all().await.map_err(words)? {
            ensure(line.holds, || format!("{line:?}"))?;
        }
        ensure(self.cluster.heal("d#0").await.is_err(), || "d#0 was healed already".into())
    }

    /// Everything that a link can suffer, alone and together, each seen to come and to go.
    async fn bad_links(&mut self) -> Result<(), String> {
        for (number, (policy, links)) in bad_links().into_iter().enumerate() {
            let name = format!("l#{number}");
            self.fault(&name, on_links(FaultKind::Link(policy), links)).await?;
            self.healed(&name).await?;
        }
        let [(first, _), (second, _), ..] = bad_links();
        self.fault("m#0", on_links(FaultKind::Link(first), &[(1, 2)])).await?;
        self.fault("m#1", on_links(FaultKind::Link(second), &[(1, 2), (2, 1)])).await?;
        self.healed("m#0").await?;
        self.healed("m#1").await?;
        let trace = std::fs::read(self.ledger.with_file_name("traces").join("l-0.pcap"));
        let trace = trace.map_err(words)?;
        // The number that files with nanoseconds begin with, and more than the file's header.
        ensure(trace.len() > 1000 && trace[..4] == [0x4d, 0x3c, 0xb2, 0xa1], || {
            format!("a trace of {} bytes", trace.len())
        })
    }

    /// Kills, pauses and restarts, overlapping.
    async fn processes(&mut self) -> Result<(), String> {
        self.fault("k#0", on_nodes(FaultKind::node(NodeFault::Kill), &["n1", "n3"])).await?;
        self.until_echo(0, false).await?;
        let mut nodes = [self.must_hear("k#0").await?, self.must_hear("k#0").await?];
        nodes.sort();
        ensure(nodes == ["n1", "n3"], || format!("{nodes:?} ended"))?;
        self.healed("k#0").await?;
        self.until_echo(0, true).await?;
        self.until_echo(2, true).await?;
        self.fault("p#0", on_nodes(FaultKind::node(NodeFault::Pause), &["n1", "n2"])).await?;
        self.until_echo(0, false).await?;
        self.fault("r#0", on_nodes(FaultKind::node(NodeFault::Restart), &["n2"])).await?;
        self.must_hear("r#0").await?;
        self.until_echo(1, false).await?;
        self.healed("p#0").await?;
        self.until_echo(0, true).await?;
        self.until_echo(1, true).await?;
        self.cluster.stop_servers("n2").await.map_err(words)?;
        self.until_echo(1, false).await?;
        for line in self.cluster.heal_all().await.map_err(words)? {
            ensure(line.holds, || format!("{line:?}"))?;
        }
        self.until_echo(1, true).await?;
        ensure(self.heard.is_empty(), || "a graceful stop is no event".into())
    }

    /// Hears of the end of a server that is laid to an occurrence, and on which node.
    async fn must_hear(&mut self, cause: &str) -> Result<String, String> {
        match self.hear().await {
            Some(ClusterEvent::ServerExit { node, caused_by: Some(by), .. }) if by == cause => {
                Ok(node)
            }
            other => Err(format!("wanted the end of a server by {cause}, not {other:?}")),
        }
    }

    async fn hear(&mut self) -> Option<ClusterEvent> {
        tokio::time::timeout(Duration::from_secs(5), self.heard.recv()).await.ok()?
    }

    /// A server that ends by itself, and says what it must never say.
    async fn own_failures(&mut self) -> Result<(), String> {
        self.echo(1, b'!').await;
        let heard = [self.hear().await, self.hear().await];
        let [Some(ClusterEvent::NeverLine { node, pattern, line, .. }), Some(exit)] = heard else {
            return Err(format!("wanted a line that must never appear, not {heard:?}"));
        };
        let said = [node.as_str(), &pattern, &line];
        ensure(said == ["n2", "panic:", "panic: told to"], || format!("{said:?}"))?;
        let ClusterEvent::ServerExit { status, caused_by: None, .. } = exit else {
            return Err(format!("wanted an end that no fault caused, not {exit:?}"));
        };
        ensure(status == "exit code 3", || status)?;
        self.cluster.heal_all().await.map_err(words)?;
        self.until_echo(1, true).await
    }

    /// A server that runs as another user, in a data folder that it may write.
    async fn users(&mut self) -> Result<(), String> {
        let path = self.ledger.with_file_name("n2").join("data/who");
        for _ in 0..200 {
            if path.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let who = std::fs::read_to_string(path).map_err(words)?;
        ensure(who == "nobody\n", || format!("it ran as {who}"))
    }

    /// Faults that cannot be, each with the reason.
    async fn refusals(&mut self) -> Result<(), String> {
        let cut = || FaultKind::Isolate { one_way: false };
        for (fault, reason) in [
            (on_links(cut(), &[]), "it acts on no link"),
            (on_links(cut(), &[(1, 9)]), "there is no node n9"),
            (on_nodes(FaultKind::node(NodeFault::Kill), &[]), "it acts on no node"),
            (on_nodes(FaultKind::node(NodeFault::Kill), &["n9"]), "there is no such node"),
        ] {
            match self.cluster.inject("f#0", &fault).await {
                Err(why) if why.to_string().contains(reason) => {}
                other => return Err(format!("wanted “{reason}”, not {other:?}")),
            }
        }
        for (name, why) in [("f#0", "no such fault"), ("g#0", "no such fault")] {
            let healed = self.cluster.heal(name).await;
            let said = healed.as_ref().err().is_some_and(|error| error.to_string().contains(why));
            ensure(said, || format!("{name}: {healed:?}"))?;
        }
        self.fault("k#0", on_nodes(FaultKind::node(NodeFault::Kill), &["n1"])).await?;
        let again = on_nodes(FaultKind::node(NodeFault::Kill), &["n1"]);
        let again = self.cluster.inject("k#1", &again).await.map_err(words)?;
        ensure(!again.evidence[0].holds, || "nothing was there to kill".into())
    }

    /// Tells that it is ready and waits to be killed.
    async fn wait(&mut self) -> Result<(), String> {
        if !self.cluster.link_counts().is_empty() {
            let slow = LinkPolicy { delay: Duration::from_millis(5), ..LinkPolicy::default() };
            self.fault("w#0", on_links(FaultKind::Link(slow), &[(1, 2)])).await?;
        }
        self.fault("w#1", on_nodes(FaultKind::node(NodeFault::Pause), &["n2"])).await?;
        println!("waiting, {}", self.ledger.display());
        while let Some(event) = self.heard.recv().await {
            println!("{event:?}");
            if let ClusterEvent::AgentLost { .. } = event {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn throughput(&mut self) -> Result<(), String> {
        let address = self.addresses[0];
        let measured = tokio::task::spawn_blocking(move || round_trips(address, 20_000));
        let [p50, p99] = measured.await.map_err(words)?.map_err(words)?;
        println!("round trip client to n1: p50 {p50} µs, p99 {p99} µs");
        for loss in [0.0, 0.000_001] {
            let policy = LinkPolicy { loss, ..LinkPolicy::default() };
            let fault = on_links(FaultKind::Link(policy), &[(0, 1)]);
            self.cluster.inject("t#0", &fault).await.map_err(words)?;
            let bulk = tokio::task::spawn_blocking(move || bulk(address)).await;
            let rate = bulk.map_err(words)?.map_err(words)?;
            println!("bulk client to n1: {rate:.2} Gbit/s (single packets: {})", loss > 0.0);
            self.cluster.heal("t#0").await.map_err(words)?;
        }
        Ok(())
    }
}

/// What links suffer, and which.
fn bad_links() -> [(LinkPolicy, &'static [(usize, usize)]); 9] {
    let (base, ms) = (LinkPolicy::default(), Duration::from_millis);
    let slow = LinkPolicy { delay: ms(30), jitter: ms(5), ..base };
    [
        (LinkPolicy { loss: 0.1, duplicate: 0.1, ..slow }, &[(1, 2), (0, 2)]),
        (LinkPolicy { reorder: 0.2, reorder_by: ms(10), ..base }, &[(1, 2)]),
        (LinkPolicy { distribution: Distribution::Normal, ..slow }, &[(2, 1), (3, 1)]),
        (LinkPolicy { distribution: Distribution::Pareto, ..slow }, &[(2, 1)]),
        (LinkPolicy { corrupt: 0.1, ..base }, &[(1, 2), (3, 2)]),
        (LinkPolicy { corrupt_silently: 0.1, ..base }, &[(1, 2)]),
        (
            LinkPolicy { rate: Some(RateLimit { bits: 10_000_000, queue: ms(200) }), ..base },
            &[(1, 2)],
        ),
        (
            LinkPolicy { loss: 0.2, burst: Some(Burst { lasts: ms(50), loss: 1.0 }), ..base },
            &[(1, 2)],
        ),
        (LinkPolicy { flap: Some(Flap { down: ms(200), up: ms(200) }), ..base }, &[(1, 2), (2, 1)]),
    ]
}

fn show(what: &str, applied: &Applied) {
    let wide = (applied.begun.latest - applied.begun.earliest) as f64 / 1e6;
    println!("{what}, measured within {wide:.1} ms");
    for Evidence { what, expected, observed, holds } in &applied.evidence {
        println!("    {} {what}: {observed} ({expected})", if *holds { "+" } else { "-" });
    }
}

fn verified(what: &str, evidence: &[Evidence]) -> Result<(), String> {
    ensure(!evidence.is_empty(), || format!("{what}: no evidence"))?;
    let bad = evidence.iter().find(|line| !line.holds);
    bad.map_or(Ok(()), |line| Err(format!("{what}: {line:?}")))
}

/// 0 are the clients, 1 to 3 the nodes.
fn on_links(kind: FaultKind, links: &[(usize, usize)]) -> ResolvedFault {
    let port = |number| match number {
        0 => Port::Clients,
        number => Port::Node(format!("n{number}")),
    };
    let cuts = links.iter().map(|(from, to)| (port(*from), port(*to))).collect();
    ResolvedFault { kind, nodes: Vec::new(), cuts }
}

fn on_nodes(kind: FaultKind, nodes: &[&str]) -> ResolvedFault {
    let nodes = nodes.iter().map(ToString::to_string).collect();
    ResolvedFault { kind, nodes, cuts: Vec::new() }
}

fn connect(address: Ipv4Addr) -> std::io::Result<TcpStream> {
    let address = SocketAddrV4::new(address, ECHO).into();
    let stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn echo(address: Ipv4Addr, byte: u8) -> std::io::Result<()> {
    let mut stream = connect(address)?;
    stream.write_all(&[byte])?;
    stream.read_exact(&mut [0])
}

/// p50 and p99 of so many round trips, µs.
fn round_trips(address: Ipv4Addr, count: usize) -> std::io::Result<[i64; 2]> {
    let mut stream = connect(address)?;
    let mut took: Vec<i64> = (0..count)
        .map(|_| {
            let at = monotonic_ns();
            stream.write_all(b"x")?;
            stream.read_exact(&mut [0])?;
            Ok((monotonic_ns() - at) / 1000)
        })
        .collect::<std::io::Result<_>>()?;
    took.sort_unstable();
    Ok([took[count / 2], took[count * 99 / 100]])
}

/// Gbit/s over one second.
fn bulk(address: Ipv4Addr) -> std::io::Result<f64> {
    let mut stream = connect(address)?;
    stream.write_all(b"B")?;
    let (block, begin, mut bits) = (vec![0; 1 << 17], monotonic_ns(), 0.0);
    while monotonic_ns() - begin < 1_000_000_000 {
        bits += stream.write(&block)? as f64 * 8.0;
    }
    Ok(bits / (monotonic_ns() - begin) as f64)
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn monotonic_ms() -> i64 {
    monotonic_ns() / 1_000_000
}

fn monotonic_ns() -> i64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("a clock");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}
