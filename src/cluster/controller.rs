//! The controller's side of a cluster: up, faults, heals, down.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};

use temblor_faults::{FaultKind, NodeFault, Port};
use temblor_history::{Evidence, Measured};
use tokio::{sync::mpsc::UnboundedSender, task::spawn_blocking};

use super::{
    Applied, ClusterError, ClusterEvent, ClusterSpec, DownReport, Entered, NodeSpec, Provider,
    ResolvedFault,
    guard::Charge,
    ledger::{Entry, Ledger, Process},
    links::Links,
    message::{Answer, Ask, Network, PortAddress, Setup},
    node::{self, Made, Node},
    switch::Switch,
    tap,
    trace::Trace,
};

/// How long a graceful stop may take before force, milliseconds.
const GRACE_MS: u64 = 10_000;
/// The last octet of the clients' address, above all nodes.
const CLIENTS: u8 = 254;
/// More nodes than this have no addresses.
const MOST_NODES: usize = 200;

/// A cluster that is up. Dropping it ends the nodes too, without waiting for it.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Arc<Node>>,
    links: Option<Links>,
    switch: Option<Arc<Switch>>,
    /// The nodes of every fault of nodes that is active, by occurrence.
    node_faults: Mutex<BTreeMap<String, Vec<String>>>,
    data: Vec<std::path::PathBuf>,
    keep_data: bool,
}

impl Cluster {
    /// Makes nodes and links; starts no server. `entered` proves that this process stands in the
    /// clients' network.
    ///
    /// # Errors
    ///
    /// When a node cannot be made; what was made until then is cleared away.
    pub async fn up(
        entered: Entered,
        spec: ClusterSpec,
        events: UnboundedSender<ClusterEvent>,
    ) -> Result<Self, ClusterError> {
        begin_ledger(entered.provider(), &spec)?;
        let ports = ports(entered.provider(), &spec)?;
        let mut made = make_nodes(&spec, ports.as_deref()).await?;
        let plugged = ports.as_deref().map(|ports| plug_in(&spec, ports, &mut made));
        let (switch, trace) = match plugged.transpose() {
            Ok(plugged) => plugged.unzip(),
            Err(error) => {
                abandon(made).await;
                return Err(error);
            }
        };
        let nodes = adopt(&spec, made, &events, switch.as_ref())?;
        futures_util::future::try_join_all(nodes.iter().map(|node| node.check_clock())).await?;
        let links = match (&switch, ports) {
            (Some(switch), Some(ports)) => {
                let (switch, trace) = (Arc::clone(switch), trace.flatten());
                let links = Links::new(nodes.clone(), switch, ports, spec.seed, trace);
                Some(links.map_err(|why| {
                    ClusterError::new("the clients' network", "listen for probes", why)
                })?)
            }
            _ => None,
        };
        Ok(Self {
            nodes,
            links,
            switch,
            node_faults: Mutex::default(),
            data: spec.nodes.into_iter().map(|node| node.data).collect(),
            keep_data: spec.keep_data,
        })
    }

    /// Starts the node's servers that do not run.
    pub async fn start_servers(&self, node: &str) -> Result<(), ClusterError> {
        self.node(node)?.ask(Ask::StartServers).await.map(drop)
    }

    /// Ends the node's servers with their stop signal, by force after ten seconds. Their exits
    /// are no events.
    pub async fn stop_servers(&self, node: &str) -> Result<(), ClusterError> {
        self.node(node)?.ask(Ask::StopServers { grace_ms: GRACE_MS }).await.map(drop)
    }

    /// The node is no member of its system any more: empties its data folder. Its servers, which
    /// must not run, start next time as those of a new member.
    pub async fn forget(&self, node: &str) -> Result<(), ClusterError> {
        self.node(node)?.ask(Ask::Forget).await.map(drop)
    }

    /// Applies a fault and gathers evidence that it bites. A fault on several nodes acts on all
    /// at once; who wants it to roll waits for the system after each node, and injects it one by
    /// one.
    ///
    /// # Errors
    ///
    /// When it could not be applied. A fault that was applied and did not bite is no error, but
    /// evidence that does not hold.
    pub async fn inject(
        &self,
        occurrence: &str,
        fault: &ResolvedFault,
    ) -> Result<Applied, ClusterError> {
        let FaultKind::Node { fault: asked, .. } = &fault.kind else {
            let links = self.links.as_ref().ok_or_else(|| {
                ClusterError::new(occurrence, "inject", "on loopback there are no links to act on")
                    .advise("link faults need namespaces: see `temblor doctor`")
            })?;
            return links.inject(occurrence, &fault.kind, &fault.cuts).await;
        };
        self.begin_on(occurrence, &fault.nodes, asked.lasts()).await?;
        let applied = self.inject_on_nodes(occurrence, &fault.nodes, asked).await;
        if !asked.lasts() {
            self.trace_nodes(occurrence, &fault.nodes, false).await;
        }
        applied
    }

    /// Applies a fault that is not the same on each node, such as commands with the nodes' own
    /// values in them.
    ///
    /// # Errors
    ///
    /// As [`inject`](Self::inject).
    pub async fn inject_each(
        &self,
        occurrence: &str,
        faults: &[(String, NodeFault)],
    ) -> Result<Applied, ClusterError> {
        let nodes: Vec<String> = faults.iter().map(|(node, _)| node.clone()).collect();
        let lasts = faults.iter().any(|(_, fault)| fault.lasts());
        self.begin_on(occurrence, &nodes, lasts).await?;
        let asked = faults.iter().map(async |(node, fault)| {
            let ask = Ask::Inject { occurrence: occurrence.into(), fault: fault.clone() };
            applied(node, self.node(node)?.ask(ask).await?)
        });
        let all = futures_util::future::join_all(asked).await;
        if !lasts {
            self.trace_nodes(occurrence, &nodes, false).await;
        }
        all.into_iter().collect::<Result<Vec<_>, _>>().map(together)
    }

    /// Sees that there are such nodes, and remembers that they are to be healed.
    async fn begin_on(
        &self,
        occurrence: &str,
        nodes: &[String],
        lasts: bool,
    ) -> Result<(), ClusterError> {
        if nodes.is_empty() {
            return Err(ClusterError::new(occurrence, "inject", "it acts on no node"));
        }
        for node in nodes {
            self.node(node)?;
        }
        if lasts {
            // Before it is applied: what fails half-way shall be healed too.
            self.remembered().insert(occurrence.into(), nodes.to_vec());
        }
        self.trace_nodes(occurrence, nodes, true).await;
        Ok(())
    }

    async fn inject_on_nodes(
        &self,
        occurrence: &str,
        nodes: &[String],
        asked: &NodeFault,
    ) -> Result<Applied, ClusterError> {
        let ask = Ask::Inject { occurrence: occurrence.into(), fault: asked.clone() };
        if *asked == NodeFault::Crash {
            // The links first: peers shall not hear how the connections of the dead are closed. The
            // agent lives on in silence: with it went the node's addresses, and its data's layer.
            let silence = self.silence(occurrence, nodes).await?;
            let death = self.ask_at_once(nodes, &ask).await?;
            return Ok(together(vec![silence, death]));
        }
        self.ask_at_once(nodes, &ask).await
    }

    async fn trace_nodes(&self, occurrence: &str, nodes: &[String], begins: bool) {
        if let Some(links) = &self.links {
            links.trace_nodes(occurrence, nodes, begins).await;
        }
    }

    /// Cuts every link of these nodes, those to and from the clients too.
    async fn silence(&self, occurrence: &str, nodes: &[String]) -> Result<Applied, ClusterError> {
        let links = self.links.as_ref().ok_or_else(|| {
            ClusterError::new(occurrence, "inject", "on loopback no node can fall silent")
                .advise("crashes need namespaces: see `temblor doctor`; `kill` works here")
        })?;
        let all = self.nodes.iter().map(|node| Port::Node(node.name.clone()));
        let all: Vec<Port> = all.chain([Port::Clients]).collect();
        let silent = |port: &Port| matches!(port, Port::Node(name) if nodes.contains(name));
        let pairs = all.iter().flat_map(|from| all.iter().map(move |to| (from, to)));
        let cuts = pairs.filter(|(from, to)| from != to && (silent(from) || silent(to)));
        let cuts: Vec<(Port, Port)> = cuts.map(|(from, to)| (from.clone(), to.clone())).collect();
        links.inject(occurrence, &FaultKind::Isolate { one_way: false }, &cuts).await
    }

    /// Removes a fault and gathers evidence that nothing of it is left (other faults may be).
    pub async fn heal(&self, occurrence: &str) -> Result<Applied, ClusterError> {
        let nodes = self.remembered().remove(occurrence);
        if let Some(nodes) = nodes {
            // A crash has silenced links too; they come back first, as a machine's do.
            let links = self.heal_links(occurrence).await.transpose();
            let ask = Ask::Heal { occurrence: occurrence.into() };
            let applied = self.ask_at_once(&nodes, &ask).await;
            self.trace_nodes(occurrence, &nodes, false).await;
            let mut healed = vec![applied?];
            healed.extend(links?);
            return Ok(together(healed));
        }
        self.heal_links(occurrence).await.unwrap_or_else(|| {
            Err(ClusterError::new(occurrence, "heal", "no such fault is active"))
        })
    }

    async fn heal_links(&self, occurrence: &str) -> Option<Result<Applied, ClusterError>> {
        self.links.as_ref()?.heal(occurrence).await
    }

    /// Removes every fault, and verifies that nothing is left: all links pass, no server is
    /// stopped, every server runs (also one that had ended by itself).
    pub async fn heal_all(&self) -> Result<Vec<Evidence>, ClusterError> {
        self.remembered().clear();
        let mut evidence = match &self.links {
            Some(links) => links.heal_all().await?,
            None => Vec::new(),
        };
        let names: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        evidence.extend(self.ask_at_once(&names, &Ask::HealAll).await?.evidence);
        Ok(evidence)
    }

    /// How many frames each directed link has passed, dropped and lost, by names; empty on
    /// loopback.
    pub fn link_counts(&self) -> Vec<(String, String, super::LinkCounts)> {
        let Some(switch) = &self.switch else {
            return Vec::new();
        };
        let names = self.nodes.iter().map(|node| node.name.clone());
        let names: Vec<String> = names.chain(["clients".into()]).collect();
        let pairs = (0..names.len()).flat_map(|from| (0..names.len()).map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| (names[from].clone(), names[to].clone(), switch.counts(from, to)))
            .collect()
    }

    /// How many frames the packet traces lack, because the disk was too slow for them.
    pub fn frames_not_traced(&self) -> u64 {
        self.links.as_ref().map_or(0, Links::left_out)
    }

    /// Ends every node and says what is left of them.
    pub async fn down(self) -> DownReport {
        let nodes = self.nodes.clone();
        let ended = spawn_blocking(move || {
            std::thread::scope(|scope| {
                let ending: Vec<_> = nodes.iter().map(|node| scope.spawn(|| node.end())).collect();
                ending.into_iter().filter_map(|end| end.join().ok()?.err()).collect::<Vec<String>>()
            })
        })
        .await;
        let mut left = ended.unwrap_or_else(|why| vec![format!("the end of the nodes: {why}")]);
        let folders = self.data.iter().filter(|folder| !self.keep_data && folder.exists());
        left.extend(folders.map(|folder| format!("{}: remove it", folder.display())));
        DownReport { left }
    }

    fn node(&self, name: &str) -> Result<&Arc<Node>, ClusterError> {
        self.nodes
            .iter()
            .find(|node| node.name == name)
            .ok_or_else(|| ClusterError::new(name, "find it", "there is no such node"))
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.node_faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_at_once(&self, nodes: &[String], ask: &Ask) -> Result<Applied, ClusterError> {
        let asked =
            nodes.iter().map(async |name| applied(name, self.node(name)?.ask(ask.clone()).await?));
        let all = futures_util::future::join_all(asked).await;
        all.into_iter().collect::<Result<Vec<_>, _>>().map(together)
    }
}

/// What an agent measured, with its node's name on it.
fn applied(node: &str, answer: Answer) -> Result<Applied, ClusterError> {
    let Answer::Applied { begun, mut evidence } = answer else {
        return Err(ClusterError::new(node, "understand its agent", format!("{answer:?}")));
    };
    for one in &mut evidence {
        one.what = format!("{} on {node}", one.what);
    }
    Ok(Applied { begun, evidence })
}

/// Begun on all nodes: not before the first, and not after the last.
fn together(all: Vec<Applied>) -> Applied {
    let earliest = all.iter().map(|one| one.begun.earliest).min().unwrap_or(0);
    let latest = all.iter().map(|one| one.begun.latest).max().unwrap_or(0);
    let evidence = all.into_iter().flat_map(|one| one.evidence).collect();
    Applied { begun: Measured { earliest, latest }, evidence }
}

fn begin_ledger(provider: Provider, spec: &ClusterSpec) -> Result<(), ClusterError> {
    let entry = Entry::Run {
        run: spec.run.clone(),
        provider: provider.to_string(),
        controller: Process::this(),
    };
    let parent = spec.ledger.parent().map_or(Ok(()), fs::create_dir_all);
    parent.and_then(|()| Ledger::open(&spec.ledger)?.write(&entry)).map_err(|why| {
        ClusterError::new(
            "this machine",
            format!("write the ledger {}", spec.ledger.display()),
            why,
        )
    })
}

/// The switch's ports, the clients' last; none on loopback.
fn ports(provider: Provider, spec: &ClusterSpec) -> Result<Option<Vec<PortAddress>>, ClusterError> {
    if spec.nodes.is_empty() || spec.nodes.len() > MOST_NODES {
        let why = format!("{} nodes: there must be 1 to {MOST_NODES}", spec.nodes.len());
        return Err(ClusterError::new("this machine", "make a cluster", why));
    }
    if provider == Provider::Loopback {
        return Ok(None);
    }
    let [a, b, c, _] = spec.nodes[0].address.octets();
    let addresses = spec.nodes.iter().map(|node| node.address);
    let addresses = addresses.chain([Ipv4Addr::new(a, b, c, CLIENTS)]);
    Ok(Some(addresses.zip(0..).map(|(address, port)| PortAddress { port, address }).collect()))
}

fn network(ports: &[PortAddress], own: usize) -> Network {
    let others = ports.iter().filter(|port| usize::from(port.port) != own).copied().collect();
    Network { own: ports[own], others }
}

/// All nodes at once; if one fails, the others are let go again.
async fn make_nodes(
    spec: &ClusterSpec,
    ports: Option<&[PortAddress]>,
) -> Result<Vec<Made>, ClusterError> {
    let making = spec.nodes.iter().enumerate().map(|(place, node)| {
        let charge = charge(spec, node, ports.is_some());
        let setup = setup(spec, node, ports.map(|ports| network(ports, place)));
        spawn_blocking(move || node::make(&charge, setup))
    });
    let (mut made, mut failed) = (Vec::new(), None);
    for one in futures_util::future::join_all(making).await {
        match one {
            Ok(Ok(node)) => made.push(node),
            Ok(Err(error)) => failed = failed.or(Some(error)),
            Err(why) => {
                failed = failed.or(Some(ClusterError::new("this machine", "make a node", why)));
            }
        }
    }
    let Some(error) = failed else {
        return Ok(made);
    };
    abandon(made).await;
    Err(error)
}

async fn abandon(made: Vec<Made>) {
    // What is left then is in the ledger.
    let _ = spawn_blocking(move || made.into_iter().for_each(Made::abandon)).await;
}

fn charge(spec: &ClusterSpec, node: &NodeSpec, namespaces: bool) -> Charge {
    Charge {
        node: node.name.clone(),
        namespaces,
        data: node.data.clone(),
        keep_data: spec.keep_data,
        ledger: spec.ledger.clone(),
    }
}

fn setup(spec: &ClusterSpec, node: &NodeSpec, network: Option<Network>) -> Setup {
    Setup {
        run: spec.run.clone(),
        node: node.name.clone(),
        servers: node.servers.clone(),
        data: node.data.clone(),
        logs: node.logs.clone(),
        ledger: spec.ledger.clone(),
        never: spec.never.clone(),
        disk: spec.disk,
        network,
    }
}

/// Starts the switch with every node's cable and the clients' own.
fn plug_in(
    spec: &ClusterSpec,
    ports: &[PortAddress],
    made: &mut [Made],
) -> Result<(Arc<Switch>, Option<Trace>), ClusterError> {
    let failed = |act: &'static str| {
        move |why: std::io::Error| ClusterError::new("the clients' network", act, why)
    };
    let cables = made.iter_mut().zip(&spec.nodes).map(|(made, node)| {
        made.cable.take().ok_or_else(|| {
            ClusterError::new(
                node.name.clone(),
                "plug it into the switch",
                "its cable did not come",
            )
        })
    });
    let mut cables: Vec<OwnedFd> = cables.collect::<Result<_, _>>()?;
    let clients = network(ports, ports.len() - 1);
    cables.push(tap::create_port(&clients).map_err(failed("make the clients' interface"))?);
    let traced = spec.traces.as_deref().map(Trace::start).transpose();
    let (trace, witness) = traced.map_err(failed("begin the packet traces"))?.unzip();
    let switch = Switch::start(cables, witness).map_err(failed("start the switch"))?;
    Ok((Arc::new(switch), trace))
}

fn adopt(
    spec: &ClusterSpec,
    made: Vec<Made>,
    events: &UnboundedSender<ClusterEvent>,
    switch: Option<&Arc<Switch>>,
) -> Result<Vec<Arc<Node>>, ClusterError> {
    let adopted = spec.nodes.iter().zip(made).enumerate().map(|(port, (node, made))| {
        let switch = switch.cloned();
        let lost = move || {
            // A switch that has ended holds no cable.
            let _ = switch.map(|switch| switch.unplug(port));
        };
        Node::adopt(node.name.clone(), made, events.clone(), lost)
            .map(Arc::new)
            .map_err(|why| ClusterError::new(node.name.clone(), "listen to its agent", why))
    });
    adopted.collect()
}
